"""The series that the real kube-state-metrics makes of Rollouts, each with the status that a real pass has stored."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model.rollout import Phase
from tests.gitops import states
from tests.monitoring.conftest import CRONJOBS, NAMESPACE, slug
from tests.monitoring.shipped import alerts, metrics, queries

if TYPE_CHECKING:
    from tests.components.kubestate import KubeStateMetrics

INFO, WEIGHT, PHASE, CONDITION, FAILED_CHECKS, IN_A_ROW, ATTEMPT, ADVANCE, TRANSITION = (
    f"steerer_rollout_{name}"
    for name in (
        "info",
        "canary_weight",
        "phase",
        "condition",
        "failed_checks",
        "consecutive_failures",
        "attempt",
        "last_advance_timestamp_seconds",
        "last_transition_timestamp_seconds",
    )
)
# As kube-state-metrics adds them to each series of a custom resource.
OWN = {
    "customresource_group": "apps.weave.works",
    "customresource_kind": "Rollout",
    "customresource_version": "v1beta1",
}

Sample = tuple[str, frozenset[tuple[str, str]], float]


def sample(name: str, value: float, **labels: str) -> Sample:
    return name, frozenset(labels.items()), value


def samples(page: str, rollout: str) -> set[Sample]:
    """Give the series of one Rollout, without the labels that all of them have."""
    common = OWN | {"exported_namespace": NAMESPACE, "name": rollout}
    found = set()
    for name, inner, value in re.findall(r"^(steerer_\w+)\{(.*)\} (\S+)$", page, re.MULTILINE):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', inner))
        if labels.items() >= common.items():
            found.add(sample(name, float(value), **{key: labels[key] for key in labels.keys() - common.keys()}))
    return found


def expected(seen: dict[str, Any]) -> set[Sample]:
    """Give what a status is to become."""
    status = seen["status"]
    parts = {"canary": "podinfo-canary", "primary": "podinfo", "virtual_service": "podinfo"}
    found = {sample(INFO, 1, **parts)}
    if "phase" in status:
        names = [phase.value for phase in Phase if phase.value] + ["Failed"]
        found |= {sample(PHASE, float(status["phase"] == name), phase=name) for name in names}
    if "canaryWeight" in status:
        found.add(sample(WEIGHT, status["canaryWeight"]))
    counts = {FAILED_CHECKS: "failedChecks", IN_A_ROW: "consecutiveFailures", ATTEMPT: "attempt"}
    analysis = status.get("analysis", {})
    found |= {sample(name, analysis[field]) for name, field in counts.items() if field in analysis}
    for name, field in ((ADVANCE, "lastAdvanceTime"), (TRANSITION, "lastTransitionTime")):
        if field in status:
            found.add(sample(name, datetime.fromisoformat(status[field]).timestamp()))
    for item in status.get("conditions", []):
        found.add(sample(CONDITION, 1, **{key: item[key] for key in ("type", "status", "reason")}))
    return found


def test_each_state_of_a_release_becomes_its_series(
    state_metrics: KubeStateMetrics, watched: dict[str, dict[str, Any]]
) -> None:
    page = state_metrics.page()
    assert {name: samples(page, name) for name in watched} == {name: expected(seen) for name, seen in watched.items()}


# What the table above says of some of them in full, so that it cannot be wrong together with the status.
@pytest.mark.parametrize(
    ("state", "series"),
    [
        (states.STARTED, sample(WEIGHT, 50)),
        (states.STARTED, sample(PHASE, 1, phase="Progressing")),
        (states.STARTED, sample(PHASE, 0, phase="Succeeded")),
        (states.STARTED, sample(CONDITION, 1, type="Reconciling", status="True", reason="Progressing")),
        (states.STARTED, sample(CONDITION, 1, type="Ready", status="Unknown", reason="Progressing")),
        (states.HALTED, sample(CONDITION, 1, type="Ready", status="False", reason="Halted")),
        (states.REFUSED, sample(CONDITION, 1, type="Ready", status="False", reason="WriteFailed")),
        (states.INVALID, sample(CONDITION, 1, type="Stalled", status="True", reason="InvalidSpec")),
        (states.PAUSED, sample(FAILED_CHECKS, 1)),
        (states.PAUSED, sample(IN_A_ROW, 1)),
        (states.PAUSED, sample(ATTEMPT, 1)),
        (states.PAUSED, sample(CONDITION, 1, type="Stalled", status="True", reason="Paused")),
        (states.ROLLING_BACK, sample(PHASE, 1, phase="RollingBack")),
        (states.FAILED, sample(PHASE, 1, phase="Failed")),
        (states.FAILED, sample(CONDITION, 1, type="Stalled", status="True", reason="Aborted")),
        (states.WAITING, sample(CONDITION, 1, type="Ready", status="Unknown", reason="WaitingForApproval")),
        (states.SUCCEEDED, sample(PHASE, 1, phase="Succeeded")),
        (states.SUCCEEDED, sample(CONDITION, 1, type="Ready", status="True", reason="Succeeded")),
    ],
)
@pytest.mark.usefixtures("watched")
def test_a_state_has_this_series(state_metrics: KubeStateMetrics, state: str, series: Sample) -> None:
    assert series in samples(state_metrics.page(), slug(state))


def test_a_rollout_that_no_pass_has_seen_is_only_named(state_metrics: KubeStateMetrics) -> None:
    [only] = samples(state_metrics.page(), slug(states.NEW))
    assert only[0] == INFO


def test_all_that_is_configured_is_made_and_nothing_is_complained_of(state_metrics: KubeStateMetrics) -> None:
    made = set(re.findall(r"^(steerer_\w+)\{", state_metrics.page(), re.MULTILINE))
    assert made == set(metrics())
    log = state_metrics.log.read_text(encoding="utf-8")
    assert not [line for line in log.splitlines() if re.match("[EF][0-9]{4}", line)], log


def test_all_that_alerts_and_dashboard_ask_of_it_is_made(state_metrics: KubeStateMetrics) -> None:
    asked = {
        name
        for promql in [rule["expr"] for rule in alerts()] + [promql for _, promql in queries()]
        for name in re.findall(r"\b(?:kube|steerer)_\w+(?=\W)", promql)
    }
    made = set(re.findall(r"^(\w+)\{", state_metrics.page(), re.MULTILINE))
    assert asked <= made


def test_a_cronjob_that_is_suspended_has_no_next_start(state_metrics: KubeStateMetrics) -> None:
    page = state_metrics.page()
    scheduled = set(re.findall(r'^kube_cronjob_next_schedule_time\{.*cronjob="([^"]+)"', page, re.MULTILINE))
    assert scheduled & CRONJOBS.keys() == {name for name, suspended in CRONJOBS.items() if not suspended}
