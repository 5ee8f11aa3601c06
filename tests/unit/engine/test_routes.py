"""Releases over the Gateway API, and over several objects that split the traffic: they move together."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.core.stops import WaitError
from reconcile.engine.observe import observe
from reconcile.engine.selection import Selection
from reconcile.model.actions import Action
from reconcile.model.errors import MissingError, PendingError
from reconcile.model.kinds import HTTP_ROUTE, Ref
from reconcile.model.plan import Outcome
from tests.support.fakes import MemoryCluster
from tests.support.gateway_routes import HR, GatewayController, http_route, over, rule
from tests.support.world import SUCCESS, VS, C, R, World

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Record

BOTH = ("VirtualService/podinfo", "HTTPRoute/podinfo")
FLUX = "kustomize-controller"


class Play:
    """A world with a controller of the Gateway API."""

    def __init__(self, *names: str, routes: tuple[Manifest, ...] = (), **analysis: Any) -> None:
        self.world = World(cluster=MemoryCluster(over(*names, routes=routes, **analysis)))
        self.cluster = self.world.cluster
        self.controller = GatewayController(self.cluster)
        self.controller.step()

    def tick(self) -> Record:
        """Makes one pass, then lets the controller look."""
        record = self.world.tick()
        self.controller.step()
        return record

    def moves(self, count: int) -> list[str]:
        """Makes passes and returns their moves."""
        return [self.tick().plan.move for _ in range(count)]

    def weight(self, ref: Ref = HR) -> int:
        """Returns the canary's weight in the first rule."""
        weight: int = self.cluster.objects[ref]["spec"]["rules"][0]["backendRefs"][1]["weight"]
        return weight

    @property
    def weights(self) -> tuple[int | None, int]:
        """Those of the VirtualService and of the HTTPRoute."""
        return self.world.weights[0][1], self.weight()

    def until(self, *weights: int) -> None:
        """Makes passes until both objects have these weights."""
        for _ in range(40):
            self.tick()
            if self.weights == weights:
                return
        raise AssertionError(f"not at {weights}: {self.weights}")


def test_a_release_over_an_http_route_writes_its_two_weights_and_nothing_else() -> None:
    sticky = rule(0, name="main", matches=[{"path": {"value": "/"}}], filters=[{"type": "RequestMirror"}])
    play = Play("HTTPRoute/podinfo", routes=(http_route(sticky, {"filters": []}),), stepWeight=50)
    before = play.cluster.objects[HR]["spec"]
    assert play.moves(6) == ["start", "advance", "promote", "conclude", "retire", "idle"]
    assert play.world.status["phase"] == "Succeeded"
    assert play.cluster.objects[HR]["spec"] == before
    written = {
        operation["path"]
        for patch in play.cluster.patches
        if patch.target == HR
        for operation in patch.operations
        if operation["op"] == "add"
    }
    assert written == {f"/spec/rules/0/backendRefs/{index}/weight" for index in (0, 1)}
    assert play.world.weights == [(100, 0)]  # nobody asked for the VirtualService


def test_a_grpc_route_is_moved_as_an_http_route_is() -> None:
    routes = (http_route(kind="GRPCRoute"),)
    play = Play("GRPCRoute/podinfo", routes=routes, stepWeight=100)
    assert play.moves(5) == ["start", "promote", "conclude", "retire", "idle"]


def test_two_objects_move_together_each_by_a_patch_of_its_own() -> None:
    play = Play(*BOTH, stepWeight=50)
    record = play.tick()
    assert [patch.target.kind.name for patch in record.plan.patches] == ["Rollout", "VirtualService", "HTTPRoute"]
    assert play.weights == (50, 50)
    assert play.moves(4) == ["advance", "promote", "conclude", "retire"]
    assert play.weights == (0, 0)


@pytest.mark.parametrize("written", [VS, HR], ids=["the VirtualService", "the HTTPRoute"])
def test_a_pass_that_is_killed_between_two_writes_is_finished_and_nothing_rises_meanwhile(written: Ref) -> None:
    play = Play(*BOTH)
    play.until(20, 20)
    plan = next(iter(play.world.pass_().plans())).plan
    for patch in plan.patches:
        if patch.target in {plan.rollout, written}:
            play.cluster.patch(patch)
    play.controller.step()
    uneven = (30, 20) if written == VS else (20, 30)
    assert play.weights == uneven
    assert play.tick().plan.move == "wait"  # for the interval
    assert play.weights == uneven
    record = play.tick()
    assert (record.plan.move, play.weights) == ("advance", (30, 30))
    assert [patch.target for patch in record.plan.patches[1:]] == [HR if written == VS else VS]


def test_a_route_that_lags_keeps_the_others_where_they_are() -> None:
    play = Play(*BOTH)
    play.until(20, 20)
    play.cluster.put(http_route(rule(10)))
    play.controller.step()
    assert play.tick().plan.move == "advance"
    assert play.weights == (20, 20)


def test_one_that_was_put_back_by_a_gitops_tool_is_restored_with_its_name() -> None:
    play = Play(*BOTH)
    play.until(40, 40)
    play.cluster.put(http_route(rule(0)))
    play.world.owned(FLUX, ref=HR, field="rules")
    play.controller.step()
    record = play.tick()
    assert (record.plan.move, play.weights) == ("restore", (30, 30))
    assert record.plan.reason.startswith(
        "HTTPRoute podinfo.test canary weight was put back to 0 by kustomize-controller"
    )
    assert ".spec.rules[]?.backendRefs[]?.weight" in record.plan.reason


def test_one_that_a_person_lowered_beside_a_tool_is_no_drift() -> None:
    play = Play(*BOTH)
    play.until(40, 40)
    play.cluster.put(http_route(rule(0)))
    play.world.owned(FLUX, ref=HR, field="rules")
    play.world.split(10)
    play.world.owned("kubectl-edit")
    play.controller.step()
    assert play.tick().plan.move == "start"
    assert play.weights == (10, 10)


def test_a_weight_that_is_not_taken_up_is_waited_for_and_an_interval_after_that() -> None:
    play = Play("HTTPRoute/podinfo")
    play.moves(2)
    assert play.weight() == 20
    play.controller.sleeps = True
    play.tick()
    assert play.weight() == 30
    waits = play.moves(3)
    assert (waits, play.weight()) == (["wait"] * 3, 30)
    assert play.world.condition("Pending")["message"] == (
        "HTTPRoute podinfo.test: Gateway web has not taken up generation 4 yet"
    )
    play.controller.sleeps = False
    play.controller.step()
    asked = len(play.world.meter.asked)
    record = play.tick()
    assert record.plan.reason == "the controllers have only just taken up the weights: their data planes follow"
    assert len(play.world.meter.asked) == asked
    assert play.world.condition("Pending") == {}
    assert play.moves(1) == ["advance"]


def test_one_that_is_never_taken_up_halts_and_says_what_to_do() -> None:
    play = Play("HTTPRoute/podinfo")
    play.moves(2)
    play.controller.sleeps = True
    play.moves(3)
    play.world.now += timedelta(minutes=31)
    record = play.tick()
    assert (record.plan.move, record.plan.needs_person) == ("halt", True)
    assert record.plan.reason.endswith(
        "has not taken up generation 4 yet, for more than 30 minutes: see whether the parents of the route exist and "
        "their controller runs: kubectl describe shows its conditions"
    )


def test_a_refused_route_halts_before_the_analysis_in_the_words_of_the_controller() -> None:
    play = Play("HTTPRoute/podinfo")
    play.moves(2)
    play.controller.refuses = "RefNotPermitted"
    play.controller.step()
    asked = len(play.world.meter.asked)
    record = play.tick()
    assert record.plan.move == "halt"
    assert record.plan.reason == (
        "HTTPRoute podinfo.test: Gateway web (example.com/gateway): ResolvedRefs is False, RefNotPermitted"
    )
    assert len(play.world.meter.asked) == asked
    assert play.weight() == 20


def test_neither_a_refused_nor_an_awaited_route_is_in_the_way_of_a_rollback() -> None:
    for word in ("RefNotPermitted", ""):
        play = Play("HTTPRoute/podinfo")
        play.moves(2)
        play.controller.refuses, play.controller.sleeps = word, not word
        play.controller.step()
        revision = play.world.status["canaryRevision"]
        play.cluster.edit(R, "metadata", "annotations", {Action.ABORT.annotation: revision})
        assert play.tick().plan.move == "roll back"
        assert play.weight() == 0
        # The canary keeps its pods until the data plane is known to send them nothing.
        assert play.tick().plan.move == ("halt" if word else "wait")
        assert play.world.replicas(C) == 2
        play.controller.refuses, play.controller.sleeps = "", False
        play.controller.step()
        play.moves(2)
        assert play.world.status["phase"] == "Failed"
        assert play.world.replicas(C) == 0


def test_an_object_that_cannot_be_written_is_as_one_that_cannot_be_read() -> None:
    play = Play(*BOTH)
    (seen,) = observe(play.cluster, Selection()).observations
    other = seen.with_error(HR, PendingError("it is in Git, and not in the cluster yet"))
    assert {ref: isinstance(found, PendingError) for ref, found in other.around.routes.items()} == {VS: False, HR: True}
    with pytest.raises(WaitError, match=r"HTTPRoute podinfo\.test: it is in Git"):
        _ = other.split


def test_a_missing_object_halts_before_the_other_is_moved() -> None:
    play = Play(*BOTH)
    play.until(20, 20)
    del play.cluster.objects[HR]
    record = play.world.tick()
    assert (record.plan.move, record.plan.reason) == ("halt", "HTTPRoute podinfo.test is missing")
    assert play.world.weights == [(80, 20)]


def test_an_api_that_is_not_installed_is_told_by_the_name_of_its_resource() -> None:
    play = Play(*BOTH)
    play.cluster.refuse[HR] = MissingError("the API server has no httproutes.gateway.networking.k8s.io: install it")
    record = play.tick()
    assert record.plan.reason == (
        "HTTPRoute podinfo.test cannot be read: the API server has no httproutes.gateway.networking.k8s.io: install it"
    )


def test_a_weight_that_another_route_of_the_kind_gives_keeps_the_canary_up() -> None:
    other = http_route(rule(10), name="other")
    play = Play("HTTPRoute/podinfo", routes=(http_route(), other), stepWeight=100)
    assert play.moves(4) == ["start", "promote", "conclude", "halt"]
    message = play.world.condition("Ready")["message"]
    assert message.startswith("HTTPRoute other.test spec.rules[0] still gives traffic to podinfo-canary")
    play.cluster.put(http_route(rule(0), name="other"))
    play.controller.step()
    assert play.moves(1) == ["retire"]


def test_the_ports_of_gateway_routes_need_no_name_that_istio_knows() -> None:
    play = Play("HTTPRoute/podinfo", stepWeight=100)
    for name in ("podinfo", "podinfo-canary"):
        ref = next(ref for ref in play.cluster.objects if (ref.kind.name, ref.name) == ("Service", name))
        play.cluster.edit(ref, "spec", "ports", [{"name": "web", "port": 9898}])
    assert play.moves(2) == ["start", "promote"]


def test_bad_canaries_are_held_with_two_objects_as_with_one() -> None:
    play = Play(*BOTH)
    play.until(20, 20)
    play.world.meter.values[SUCCESS] = 50.0
    record = play.tick()
    assert [gate.name for gate in record.plan.gates if gate.outcome is Outcome.FAILED] == ["analysis"]
    assert play.weights == (20, 20)


def test_a_route_of_two_rollouts_is_shared_and_claimed_by_the_same_hosts_once() -> None:
    play = Play(*BOTH)
    young = play.cluster.objects[R] | {"metadata": {"name": "young", "namespace": "test"}}
    young = young | {"spec": young["spec"] | {"routes": [{"kind": HTTP_ROUTE.name, "name": "podinfo"}]}}
    old = {"creationTimestamp": "2026-01-01T00:00:00Z"}
    play.cluster.edit(R, "metadata", play.cluster.objects[R]["metadata"] | old)
    play.cluster.put(young)
    records = {record.plan.rollout.name: record.plan for record in play.world.pass_().run()}
    assert records["young"].reason == "HTTPRoute podinfo.test is already claimed by the older Rollout podinfo.test"
