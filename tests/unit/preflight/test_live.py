"""What only a cluster can tell: pods that are not there, sizes that move, GitOps tools that write the same fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconcile.preflight.checks import CLUSTER
from tests.support.world import VS, C, P, R, autoscaler, virtual_service, world
from tests.unit.preflight.examining import CANARY, LIVE, PRIMARY, YES, examined, findings_of, rows_of

if TYPE_CHECKING:
    from reconcile.model.kinds import Ref
    from tests.support.world import World

LATE = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
NAMES = {check.name for check in LIVE}


def rows(w: World) -> list[tuple[str, str, str, str, str]]:
    return rows_of(examined(w.cluster, LIVE))


def test_a_world_that_is_rolled_out_has_nothing_in_the_way() -> None:
    (result,) = examined(world().cluster, CLUSTER)
    assert rows_of([result]) == []
    assert {item.check: item.summary for item in result.results if item.check in NAMES} == {
        "primary": "podinfo.test has 2 of 2 replicas available",
        "canary": "podinfo-canary.test has 2 of 2 replicas available",
        "scaling": "podinfo-canary.test rests at 2",
        "gitops": "no GitOps tool was the last to write what a release writes",
    }


@pytest.mark.parametrize(("ref", "check", "name"), [(P, "primary", PRIMARY), (C, "canary", CANARY)])
def test_what_nobody_but_a_human_ends_is_an_error(ref: Ref, check: str, name: str) -> None:
    w = world()
    w.cluster.edit(ref, "spec", "paused", YES)
    w.cluster.edit(ref, "status", "conditions", LATE)
    assert rows(w) == [
        (check, "error", name, "spec.paused", f"{name} is paused"),
        (check, "error", name, "status.conditions", f"{name} exceeded its progress deadline"),
    ]


@pytest.mark.parametrize(("ref", "check", "name"), [(P, "primary", PRIMARY), (C, "canary", CANARY)])
def test_an_update_that_is_under_way_is_a_warning(ref: Ref, check: str, name: str) -> None:
    w = world()
    w.cluster.edit(ref, "status", "availableReplicas", 1)
    ((found, finding),) = findings_of(examined(w.cluster, LIVE))
    assert (found, str(finding.level), finding.message) == (
        check,
        "warning",
        f"{name} has 1 of 2 updated replicas available",
    )
    assert finding.advice == f"wait for it: kubectl -n test rollout status deployment/{ref.name}"


def test_a_canary_that_waits_at_no_replicas_is_well_unless_it_is_paused() -> None:
    w = world()
    w.cluster.edit(C, "spec", "replicas", 0)
    w.workloads.step()
    (result,) = examined(w.cluster, LIVE)
    assert rows_of([result]) == []
    seen = next(item.summary for item in result.results if item.check == "canary")
    assert seen == "podinfo-canary.test waits at 0 replicas for its next version"
    w.cluster.edit(C, "spec", "paused", YES)
    assert ("canary", "error", CANARY, "spec.paused", f"{CANARY} is paused") in rows(w)


def test_a_canary_that_lost_its_pods_under_traffic_is_an_error() -> None:
    w = world()
    w.until_weight(20)
    w.cluster.edit(C, "spec", "replicas", 0)
    w.workloads.step()
    assert rows(w) == [("canary", "error", CANARY, "spec.replicas", f"{CANARY} is scaled to 0 replicas")]


def test_a_canary_that_is_being_scaled_is_a_warning() -> None:
    w = world(autoscaler("podinfo-canary", 2, 4))
    words = f"{CANARY} is being scaled by HorizontalPodAutoscaler scaler from 2 to 4 replicas"
    assert rows(w) == [("scaling", "warning", CANARY, "", words)]


def test_what_is_missing_is_told_once_and_keeps_nothing_else_from_being_found() -> None:
    w = world(without=(P, VS))
    w.owned("helm", ref=C, field="replicas")
    (result,) = examined(w.cluster, LIVE)
    assert [row[:3] for row in rows_of([result])] == [("gitops", "warning", CANARY)]
    assert {item.check: item.incomplete for item in result.results if item.incomplete} == {
        "primary": "Deployment podinfo.test is missing"
    }


def test_a_rollout_at_rest_is_looked_at_in_full() -> None:
    w = world()
    w.until("Succeeded")
    w.cluster.put(virtual_service() | {"spec": {"http": []}})
    found = rows_of(examined(w.cluster, CLUSTER))
    words = "no route leads to podinfo and podinfo-canary"
    assert ("routes", "error", "VirtualService podinfo.test", "spec.http", words) in found
    assert w.cluster.objects[R]["status"]["phase"] == "Succeeded"
