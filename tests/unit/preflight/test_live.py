"""What only a cluster can tell: pods that are not there, sizes that move, GitOps tools that write the same fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconcile.preflight import IN_CLUSTER
from reconcile.preflight.live import CHECKS
from tests.support.world import VS, C, P, R, autoscaler, virtual_service, world
from tests.unit.preflight.looking import examined, findings, told

if TYPE_CHECKING:
    from reconcile.model.kinds import Ref
    from tests.support.world import World

PRIMARY, CANARY = "Deployment podinfo.test", "Deployment podinfo-canary.test"
LATE = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
YES = True


def rolled_out() -> World:
    """Give the standard world, with the pods that it asks for."""
    return world()


def rows(w: World) -> list[tuple[str, str, str, str, str]]:
    return told(examined(w.cluster, CHECKS))


def test_a_world_that_is_rolled_out_has_nothing_in_the_way() -> None:
    (result,) = examined(rolled_out().cluster, IN_CLUSTER)
    assert told([result]) == []
    assert {item.check: item.seen for item in result.results if item.check in {check.name for check in CHECKS}} == {
        "primary": "podinfo.test has 2 of 2 replicas available",
        "canary": "podinfo-canary.test has 2 of 2 replicas available",
        "scaling": "podinfo-canary.test rests at 2",
        "gitops": "no GitOps tool was the last to write what a release writes",
    }


@pytest.mark.parametrize(("ref", "check", "name"), [(P, "primary", PRIMARY), (C, "canary", CANARY)])
def test_what_nobody_but_a_human_ends_is_an_error(ref: Ref, check: str, name: str) -> None:
    w = rolled_out()
    w.cluster.edit(ref, "spec", "paused", YES)
    w.cluster.edit(ref, "status", "conditions", LATE)
    assert rows(w) == [
        (check, "error", name, "spec.paused", f"{name} is paused"),
        (check, "error", name, "status.conditions", f"{name} exceeded its progress deadline"),
    ]


@pytest.mark.parametrize(("ref", "check", "name"), [(P, "primary", PRIMARY), (C, "canary", CANARY)])
def test_an_update_that_is_under_way_is_a_warning(ref: Ref, check: str, name: str) -> None:
    w = rolled_out()
    w.cluster.edit(ref, "status", "availableReplicas", 1)
    ((found, finding),) = findings(examined(w.cluster, CHECKS))
    assert (found, str(finding.level), finding.message) == (
        check,
        "warning",
        f"{name} has 1 of 2 updated replicas available",
    )
    assert finding.advice == f"wait for it: kubectl -n test rollout status deployment/{ref.name}"


def test_a_canary_that_waits_at_no_replicas_is_well_unless_it_is_paused() -> None:
    w = rolled_out()
    w.cluster.edit(C, "spec", "replicas", 0)
    w.workloads.step()
    (result,) = examined(w.cluster, CHECKS)
    assert told([result]) == []
    seen = next(item.seen for item in result.results if item.check == "canary")
    assert seen == "podinfo-canary.test waits at 0 replicas for its next version"
    w.cluster.edit(C, "spec", "paused", YES)
    assert ("canary", "error", CANARY, "spec.paused", f"{CANARY} is paused") in rows(w)


def test_a_canary_that_lost_its_pods_under_traffic_is_an_error() -> None:
    w = rolled_out()
    w.until_weight(20)
    w.cluster.edit(C, "spec", "replicas", 0)
    w.workloads.step()
    assert rows(w) == [("canary", "error", CANARY, "spec.replicas", f"{CANARY} is scaled to 0 replicas")]


def test_a_canary_that_is_being_scaled_is_a_warning() -> None:
    w = world(autoscaler("podinfo-canary", 2, 4))
    words = f"{CANARY} is being scaled by HorizontalPodAutoscaler scaler from 2 to 4 replicas"
    assert rows(w) == [("scaling", "warning", CANARY, "", words)]


def owned(w: World, ref: Ref, manager: str, *path: str) -> None:
    """Say that somebody wrote a field last."""
    fields: dict[str, Any] = {}
    for key in reversed(path):
        fields = {f"f:{key}": fields}
    entry = {"manager": manager, "time": "2026-01-31T11:00:00Z", "fieldsV1": fields}
    w.cluster.edit(ref, "metadata", "managedFields", [entry])


def test_a_gitops_tool_that_wrote_what_a_release_writes_is_named_with_the_rule_that_ends_it() -> None:
    w = rolled_out()
    owned(w, VS, "argocd-controller", "spec", "http")
    owned(w, P, "kustomize-controller", "spec", "template")
    owned(w, C, "helm", "spec", "replicas")
    found = [(item.object, item.path, item.advice) for _, item in findings(examined(w.cluster, CHECKS))]
    assert [row[:2] for row in found] == [
        ("VirtualService podinfo.test", "spec.http"),
        (PRIMARY, "spec.template"),
        (CANARY, "spec.replicas"),
    ]
    assert found[0][2].startswith("let argocd-controller ignore the weights (Argo CD: ignoreDifferences")
    assert found[1][2].startswith("let kustomize-controller ignore /spec/template")
    assert found[2][2] == "leave replicas out of its manifest, or let helm ignore /spec/replicas of it"


def test_anybody_else_who_wrote_them_is_no_fight() -> None:
    w = rolled_out()
    owned(w, VS, "kubectl-edit", "spec", "http")
    owned(w, P, "steerer", "spec", "template")
    assert rows(w) == []


def test_what_is_missing_is_told_once_and_keeps_nothing_else_from_being_found() -> None:
    w = world(without=(P, VS))
    owned(w, C, "helm", "spec", "replicas")
    (result,) = examined(w.cluster, CHECKS)
    assert [row[:3] for row in told([result])] == [("gitops", "warning", CANARY)]
    assert {item.check: item.unseen for item in result.results if item.unseen} == {
        "primary": "Deployment podinfo.test is missing"
    }


def test_a_rollout_at_rest_is_looked_at_in_full() -> None:
    w = rolled_out()
    w.until("Succeeded")
    w.cluster.put(virtual_service() | {"spec": {"http": []}})
    found = told(examined(w.cluster, IN_CLUSTER))
    words = "no route leads to podinfo and podinfo-canary"
    assert ("routes", "error", "VirtualService podinfo.test", "spec.http", words) in found
    assert w.cluster.objects[R]["status"]["phase"] == "Succeeded"
