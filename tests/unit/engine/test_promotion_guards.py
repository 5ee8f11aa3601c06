"""A promotion undoes no edit, is made once whatever the store makes of it, and ends no canary that has traffic."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model.errors import ForbiddenError, UnreachableError
from tests.support.world import (
    VS,
    C,
    P,
    R,
    World,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.model.plan import Patch

WEIGHTS = "Advance rollout podinfo.test weight {}"


def edit_primary(play: World, *path_and_value: Any, by: str = "kubectl-edit") -> None:
    """Changes the primary's template as a person does: the server records who, when and what."""
    play.cluster.edit(P, "spec", "template", *path_and_value)
    fields: dict[str, Any] = {}
    node = fields
    for key in ("spec", "template", "spec", "containers"):
        node = node.setdefault(f"f:{key}", {})
    node['k:{"name":"podinfo"}'] = {".": {}, "f:image": {}}
    at = play.now.isoformat().replace("+00:00", "Z")
    entry = {"manager": by, "operation": "Update", "time": at, "fieldsV1": fields}
    play.cluster.edit(P, "metadata", "managedFields", [entry])


IMAGE = ("spec", "containers", 0, "image")


@pytest.mark.parametrize("weight", [10, 50, 100])
def test_a_primary_that_was_mended_in_mid_release_is_not_overwritten(weight: int) -> None:
    play = world(stepWeight=10)
    play.until_weight(weight)
    edit_primary(play, *IMAGE, "podinfo:1.2.0-hotfix")
    play.workloads.step()
    play.until_weight(100)
    record = play.tick()
    assert (record.plan.move, play.image(P), play.weights) == ("halt", "1.2.0-hotfix", [(0, 100)])
    assert record.plan.reason == (
        "the template of podinfo.test was changed by kubectl-edit since the release started "
        "(spec.template.spec.containers[podinfo].image), and a promotion would undo that: "
        "bring the change into podinfo-canary.test, or take it back"
    )


def test_an_edit_of_the_primary_that_is_taken_back_is_none() -> None:
    play = world(stepWeight=50)
    play.until_weight(50)
    edit_primary(play, *IMAGE, "podinfo:1.2.0-hotfix")
    play.workloads.step()
    play.until_weight(100)
    assert play.tick().plan.move == "halt"
    edit_primary(play, *IMAGE, "podinfo:1.2.0")
    play.workloads.step()
    play.until("Succeeded")
    assert play.image(P) == "1.2.1"


def test_an_edit_of_the_primary_that_is_brought_into_the_canary_is_released() -> None:
    play = world(stepWeight=50)
    play.until_weight(100)
    edit_primary(play, *IMAGE, "podinfo:1.2.0-hotfix")
    play.workloads.step()
    play.release("1.2.1-hotfix")
    play.until("Succeeded")
    assert play.image(P) == "1.2.1-hotfix"


def test_a_restart_of_the_primary_is_no_edit() -> None:
    play = world(stepWeight=50)
    play.until_weight(50)
    restarted = {"kubectl.kubernetes.io/restartedAt": "2026-01-31T12:00:30Z"}
    play.cluster.edit(P, "spec", "template", "metadata", "annotations", restarted)
    play.workloads.step()
    play.until("Succeeded")
    assert play.image(P) == "1.2.1"


def test_where_nobody_notes_who_writes_an_edit_of_the_primary_halts_all_the_same() -> None:
    play = world(stepWeight=50)
    play.until_weight(50)
    play.cluster.edit(P, "spec", "template", *IMAGE, "podinfo:1.2.0-hotfix")
    play.workloads.step()
    play.until_weight(100)
    assert "was changed by somebody since the release started, and a promotion" in play.tick().plan.reason


def test_a_release_that_an_older_version_started_is_promoted_as_it_was() -> None:
    play = world(stepWeight=50)
    play.until_weight(50)
    play.cluster.edit(R, "status", "primaryRevision", None)
    edit_primary(play, *IMAGE, "podinfo:1.2.0-hotfix")
    play.workloads.step()
    play.until("Succeeded")  # what the primary was is on record from the next step on


def test_what_the_primary_was_is_on_record_for_as_long_as_a_release_goes_on() -> None:
    play = world(stepWeight=50)
    play.until_weight(50)
    assert play.status["primaryRevision"].startswith("v1-")
    play.until("Succeeded")
    assert "primaryRevision" not in play.status


def other_route(weight: int | None, kind: str = "http") -> dict[str, Any]:
    """Builds another VirtualService with the canary's host, as the only destination if there is no weight."""
    canary: dict[str, Any] = {"destination": {"host": "podinfo-canary"}}
    primary = {"destination": {"host": "podinfo"}, "weight": 100 - (weight or 0)}
    route = [canary] if weight is None else [primary, canary | {"weight": weight}]
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "gateway", "namespace": "test"},
        "spec": {"hosts": ["shop.example"], kind: [{"route": route}]},
    }


@pytest.mark.parametrize("kind", ["http", "tcp", "tls"])
def test_a_canary_that_another_route_splits_traffic_to_is_not_scaled_down(kind: str) -> None:
    play = world(other_route(95, kind), stepWeight=100)
    play.until("Finalising")
    play.now += timedelta(minutes=1)
    record = play.tick()
    assert (record.plan.move, play.replicas(C), play.status["phase"]) == ("halt", 2, "Finalising")
    words = f"VirtualService gateway.test spec.{kind}[0] still gives traffic to podinfo-canary"
    assert record.plan.reason.startswith(words)
    play.cluster.put(other_route(0, kind))
    play.until("Succeeded")
    assert play.replicas(C) == 0


def test_a_canary_that_went_back_is_not_scaled_down_either_while_another_route_splits_traffic_to_it() -> None:
    play = world(other_route(5), stepWeight=50)
    play.until_weight(50)
    play.release("1.2.0")
    play.until_weight(0)
    play.now += timedelta(minutes=1)
    assert (play.tick().plan.move, play.replicas(C)) == ("halt", 2)


def test_a_route_to_the_canary_alone_is_told_and_holds_nothing_up() -> None:
    play = world(other_route(None), stepWeight=100)
    play.until("Finalising")
    play.now += timedelta(minutes=1)
    record = play.tick()
    assert record.plan.move == "retire"
    reason = next(gate.reason for gate in record.plan.gates if gate.name == "drained")
    assert reason.endswith("; VirtualService gateway.test spec.http[0] leads to it alone")


@pytest.mark.parametrize(("error", "move"), [(ForbiddenError("no"), "retire"), (UnreachableError("gone"), "halt")])
def test_where_the_routes_cannot_be_listed_that_is_said(
    monkeypatch: pytest.MonkeyPatch, error: Exception, move: str
) -> None:
    play = world(stepWeight=100)
    play.until("Finalising")
    play.now += timedelta(minutes=1)
    listed = play.cluster.list

    def refuse(kind: Any, scope: Any) -> Any:
        if kind == VS.kind:
            raise error
        return listed(kind, scope)

    monkeypatch.setattr(play.cluster, "list", refuse)
    record = play.tick()
    assert record.plan.move == move
    reason = next(gate.reason for gate in record.plan.gates if gate.name == "drained")
    assert reason == f"whether other routes lead to podinfo-canary cannot be seen: {error}"


def test_the_younger_of_two_rollouts_on_the_same_deployments_is_halted() -> None:
    younger = deepcopy(world().cluster.objects[R])
    younger["metadata"] = {"name": "second", "namespace": "test", "creationTimestamp": "2026-01-31T11:00:00Z"}
    younger["spec"]["virtualService"] = {"name": "gateway"}
    for side, host in (("primary", "shop"), ("canary", "shop-canary")):
        younger["spec"][side]["host"] = host
    play = world(younger, stepWeight=100)
    play.cluster.edit(R, "metadata", "creationTimestamp", "2026-01-31T10:00:00Z")
    halted = next(record for record in play.pass_().run() if record.plan.rollout.name == "second")
    assert (halted.plan.move, halted.plan.reason) == (
        "halt",
        "Deployment podinfo.test is already claimed by the older Rollout podinfo.test",
    )


def admitted(monkeypatch: pytest.MonkeyPatch, play: World, change: Callable[[Any], None]) -> None:
    """Changes each template that steerer writes to the primary, as a mutating webhook does."""
    write = play.cluster.patch

    def patch(one: Patch) -> Any:
        stored = write(one)
        if one.target == P and one.operations[-1]["path"] == "/spec/template":
            template = deepcopy(play.cluster.objects[P]["spec"]["template"])
            change(template)
            play.cluster.edit(P, "spec", "template", template)
            play.owned("steerer", at=play.now.isoformat().replace("+00:00", "Z"), ref=P, field="template")
        return stored

    monkeypatch.setattr(play.cluster, "patch", patch)


def copies(play: World) -> int:
    return sum(patch.target == P and patch.operations[-1]["path"] == "/spec/template" for patch in play.cluster.patches)


def test_a_copy_that_admission_adds_to_is_made_once_and_the_release_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    play = world(stepWeight=100)
    admitted(
        monkeypatch,
        play,
        lambda template: template["metadata"].update(annotations={"policy.example.com/owner": "podinfo"}),
    )
    admitted(monkeypatch, play, lambda template: template["spec"].update(terminationGracePeriodSeconds=7))
    play.until("Finalising")
    assert play.cluster.objects[P]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 7
    assert play.weights == [(100, 0)]
    play.until("Succeeded")
    assert (copies(play), play.image(P)) == (1, "1.2.1")


def test_where_the_store_changed_a_copy_the_paths_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    play = world(stepWeight=100)
    admitted(monkeypatch, play, lambda template: template["spec"].update(terminationGracePeriodSeconds=7))
    play.until("Promoting")
    play.workloads.step()
    play.now += timedelta(minutes=1)
    gates = {gate.name: gate.reason for gate in play.tick().plan.gates}
    assert gates["template"].endswith(", stored with changes (spec.template.spec.terminationGracePeriodSeconds)")


def test_a_copy_that_admission_undoes_halts_and_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    play = world(stepWeight=100)
    admitted(monkeypatch, play, lambda template: template["spec"]["containers"][0].update(image="podinfo:1.2.0"))
    play.until("Promoting")
    for _ in range(3):
        play.workloads.step()
        play.now += timedelta(minutes=1)
        record = play.tick()
    assert (record.plan.move, copies(play), play.weights) == ("halt", 1, [(0, 100)])
    assert "was stored without what it changes (spec.template.spec.containers[podinfo].image)" in record.plan.reason


@pytest.mark.parametrize("phase", ["Promoting", "Finalising"])
def test_a_primary_that_is_restarted_after_the_copy_is_still_promoted(phase: str) -> None:
    play = world(stepWeight=100)
    play.until(phase)
    restarted = {"kubectl.kubernetes.io/restartedAt": "2026-01-31T12:30:00Z"}
    play.cluster.edit(P, "spec", "template", "metadata", "annotations", restarted)
    play.now += timedelta(minutes=1)
    play.owned("kubectl-rollout", at=play.now.isoformat().replace("+00:00", "Z"), ref=P, field="template")
    play.until("Succeeded")
    assert (copies(play), play.image(P)) == (1, "1.2.1")


def test_a_promotion_of_annotations_that_a_tool_takes_back_halts() -> None:
    play = world(stepWeight=100)
    play.workloads.rollout_ticks = 3
    play.cluster.edit(C, "spec", "template", "spec", "containers", 0, "image", "podinfo:1.2.0")
    play.cluster.edit(C, "spec", "template", "metadata", "annotations", {"sidecar.istio.io/proxyCPU": "2"})
    play.workloads.step()
    play.until("Promoting")
    play.tick()  # what was stored is on record from here on
    play.cluster.edit(P, "spec", "template", "metadata", "annotations", None)
    play.owned("argocd-controller", at=play.now.isoformat().replace("+00:00", "Z"), ref=P, field="template")
    play.now += timedelta(minutes=1)
    record = play.tick()
    assert (record.plan.move, play.weights) == ("halt", [(0, 100)])
    assert "was changed by argocd-controller after the promotion" in record.plan.reason
