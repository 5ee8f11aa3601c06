"""The fields of a Rollout, and other Rollouts that claim the same objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconcile.preflight.checks import FOLDER
from tests.support.world import DURATION, SUCCESS, meta, rollout, standard
from tests.unit.preflight.examining import (
    ANALYSIS,
    CANARY,
    PRIMARY,
    ROLLOUT,
    ROUTE,
    Broken,
    edited,
    examined,
    findings_of,
    metric,
    rows_of,
    standard_and,
    standard_with,
)

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest

BROKEN: dict[str, Broken] = {
    "a step of 0": (
        standard(stepWeight=0),
        ("rollout", "error", ROLLOUT, f"{ANALYSIS}.stepWeight", "must be between 1 and 100, not 0"),
    ),
    "an unknown metric": (
        standard(metrics=[metric("latency")]),
        (
            "rollout",
            "error",
            ROLLOUT,
            f"{ANALYSIS}.metrics[0].name",
            f'"latency" is no metric template (known: {DURATION}, {SUCCESS})',
        ),
    ),
    "a metric without a name": (
        standard(metrics=[{"threshold": 1}]),
        ("rollout", "error", ROLLOUT, f"{ANALYSIS}.metrics[0].name", "is required"),
    ),
    "a phase that nobody knows": (
        standard_with("Rollout", "status", "phase", "Odd"),
        (
            "rollout",
            "error",
            ROLLOUT,
            "status.phase",
            '"Odd" is no phase that this version knows; remove the status to start anew',
        ),
    ),
    "another version": (
        standard_with("Rollout", "apiVersion", "apps.weave.works/v1"),
        ("rollout", "error", ROLLOUT, "apiVersion", 'must be apps.weave.works/v1beta1, not "apps.weave.works/v1"'),
    ),
    "a Rollout that is being deleted": (
        standard_with("Rollout", "metadata", "deletionTimestamp", "2026-01-01T00:00:00Z"),
        ("rollout", "error", ROLLOUT, "", f"{ROLLOUT} is being deleted"),
    ),
}


@pytest.mark.parametrize(("items", "row"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_found_and_nothing_else(items: list[Manifest], row: tuple[str, ...]) -> None:
    assert rows_of(examined(items, FOLDER)) == [row]


def test_a_rollout_that_names_nothing_is_told_so_and_nothing_is_said_of_objects_without_a_name() -> None:
    (result,) = examined([rollout() | {"spec": {}}], FOLDER)
    assert {(check, item.object) for check, item in findings_of([result])} == {("rollout", ROLLOUT)}
    assert {item.path for _, item in findings_of([result])} == {
        "spec.virtualService",
        "spec.virtualService.name",
        "spec.primary",
        "spec.primary.name",
        "spec.primary.host",
        "spec.canary",
        "spec.canary.name",
        "spec.canary.host",
        "spec.canaryAnalysis",
        "spec.canaryAnalysis.stepWeight",
    }
    assert {item.check for item in result.results if item.incomplete} >= {"deployments", "services", "routes"}


def test_a_second_rollout_on_the_route_and_the_deployments_is_found_on_both() -> None:
    second = rollout() | {"metadata": meta("second")}
    found = rows_of(examined(standard_and(second), FOLDER))
    assert ("rivals", "error", "Rollout second.test", "", f"{ROUTE} is already claimed by the older {ROLLOUT}") in found
    for ref in (PRIMARY, CANARY):
        assert ("rivals", "error", ref, "", f"{ref} is a Deployment of {ROLLOUT} as well") in found
        assert ("rivals", "warning", ref, "", f"{ref} is a Deployment of Rollout second.test as well") in found
    assert len(found) == 5


def test_a_rollout_of_another_namespace_is_no_rival() -> None:
    other = rollout() | {"metadata": {"name": "podinfo", "namespace": "other"}}
    found = rows_of(examined(standard_and(other), FOLDER))
    assert "rivals" not in {check for check, *_ in found}


def test_one_deployment_for_both_sides_is_a_problem_of_the_rollout_and_no_overlap() -> None:
    items = standard_with("Rollout", "spec", "canary", {"name": "podinfo", "host": "podinfo-canary"})
    items = edited(items, "spec", "selector", {"app": "podinfo"}, kind="Service", name="podinfo-canary")
    assert [row[:4] for row in rows_of(examined(items, FOLDER))] == [
        ("rollout", "error", ROLLOUT, "spec.canary.name"),
    ]
