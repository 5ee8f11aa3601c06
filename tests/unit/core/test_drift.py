"""Two who write the same weights: what a GitOps tool puts back, what a person means, and what a pass makes of either.

On the fake cluster, with `managedFields` written as an API server writes them; `tests/apiserver/test_drift.py` plays
the fights on a real one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconcile.model.errors import LostRaceError
from reconcile.model.measurement import Failure
from reconcile.model.plan import Outcome
from tests.support.world import SUCCESS, VS, C, P, World, world

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.model.kinds import Ref

FLUX, ARGO = "kustomize-controller", "argocd-controller"


def put_back(play: World, manager: str = FLUX, weight: int = 0) -> None:
    """Applies the weights of Git, as a tool does."""
    play.split(weight)
    play.owned(manager)


def warnings(play: World) -> Sequence[str]:
    return [event.message for event in play.cluster.events if event.type == "Warning"]


def test_a_weight_put_back_by_a_gitops_tool_is_restored_with_its_name() -> None:
    play = world()
    play.until_weight(60)
    play.split(0)
    play.owned("argocd-controller", at="2026-01-31T13:00:00Z")
    asked = len(play.meter.asked)
    record = play.tick()
    # Not 60: that it was ever stored is not known, and it was not analysed yet.
    assert (record.plan.move, play.weights) == ("restore", [(50, 50)])
    assert [event.type for event in record.plan.events] == ["Warning"]
    assert "argocd-controller" in record.plan.events[0].message
    assert "ignoreDifferences" in record.plan.events[0].message
    assert len(play.meter.asked) == asked


def test_a_weight_that_was_asked_for_and_never_stored_is_not_restored() -> None:
    play = world(stepWeight=60)
    play.until_weight(60)
    plan = next(iter(play.pass_().plans())).plan
    play.cluster.patch(plan.patches[0])  # 100 is on record; then a GitOps tool is faster than the weight
    play.split(0)
    play.owned("argocd-controller", at="2026-01-31T13:00:00Z")
    assert play.tick().plan.move == "restore"
    assert play.weights == [(40, 60)]


def test_a_first_step_is_restored_although_nothing_was_analysed_before_it() -> None:
    play = world()
    play.until_weight(10)
    play.split(0)
    play.owned("argocd-controller", at="2026-01-31T13:00:00Z")
    assert play.tick().plan.move == "restore"
    assert play.weights == [(90, 10)]


def test_a_gitops_tool_that_writes_a_route_and_leaves_its_weights_puts_nothing_back() -> None:
    play = world(stepWeight=60)
    play.until_weight(60)
    plan = next(iter(play.pass_().plans())).plan
    play.cluster.patch(plan.patches[0])
    play.owned("argocd-controller", at="2026-01-31T13:00:00Z")
    play.meter.values[SUCCESS] = 0.0
    play.now += timedelta(seconds=60)
    assert play.tick().plan.move == "halt"
    assert play.weights == [(40, 60)]


def test_a_weight_put_back_by_an_operator_is_no_drift() -> None:
    play = world()
    play.until_weight(60)
    play.split(0)
    play.owned("kubectl-edit", at="2026-01-31T13:00:00Z")
    assert play.tick().plan.move == "start"


def test_a_start_that_died_before_its_weight_is_no_drift() -> None:
    play = world()
    play.owned("argocd-controller", at="2026-01-31T11:00:00Z")
    plan = next(iter(play.pass_().plans())).plan
    play.cluster.patch(plan.patches[0])
    play.now = play.now.replace(hour=13)
    assert play.tick().plan.move == "start"


def test_a_release_ends_though_a_tool_puts_the_weight_back_before_every_pass() -> None:
    play = world(stepWeight=30)
    moves = []
    while play.status.get("phase") != "Succeeded":
        record = play.tick()
        moves.append((record.plan.move, record.plan.after.weight))
        put_back(play)
    assert moves == [
        ("start", 30),
        ("restore", 30),
        ("advance", 60),
        ("advance", 90),
        ("advance", 100),
        ("promote", 0),
        ("conclude", 0),
        ("retire", 0),
    ]
    assert play.image(P) == "1.2.1"
    assert len(warnings(play)) == 4  # one for each repair, those included that went on to a step
    assert all(FLUX in message for message in warnings(play))
    assert "provenWeight" not in play.status


def test_a_repair_that_is_due_again_goes_no_further_without_good_measurements() -> None:
    play = world()
    play.until_weight(60)
    put_back(play)
    play.tick()
    for value in (50.0, Failure.NO_DATA):
        put_back(play)
        play.meter.values[SUCCESS] = value
        record = play.tick()
        assert (record.plan.move, play.weights) == ("restore", [(50, 50)])
        assert [gate.name for gate in record.plan.gates if gate.outcome is Outcome.FAILED] == ["analysis"]
        assert FLUX in play.condition("Ready")["message"]
    play.meter.values[SUCCESS] = 100.0
    put_back(play)
    assert (play.tick().plan.move, play.weights) == ("advance", [(40, 60)])


def test_a_repair_that_is_due_again_waits_for_the_interval() -> None:
    play = world()
    play.until_weight(20)
    moves = []
    for _ in range(7):
        put_back(play)
        moves.append(play.tick(seconds=10).plan.move)
    assert moves == ["restore", *["wait"] * 4, "advance", "wait"]


@pytest.mark.parametrize("gate", [P, C])
def test_nothing_is_repaired_beside_a_deployment_that_is_not_well(gate: Ref) -> None:
    play = world()
    play.until_weight(60)
    put_back(play)
    play.tick()
    put_back(play)
    play.cluster.edit(gate, "spec", "paused", True)  # noqa: FBT003 - a manifest's value
    assert (play.tick().plan.move, play.weights) == ("halt", [(100, 0)])


def test_a_maximum_that_was_never_stored_is_reached_before_it_is_promoted() -> None:
    play = world(stepWeight=50)
    play.tick()
    plan = next(iter(play.pass_().plans())).plan
    play.cluster.patch(plan.patches[0])  # 100 is on record; the tool is faster than the write of the weight
    moves = []
    for _ in range(4):
        put_back(play)
        play.now += timedelta(minutes=1)
        moves.append(play.tick().plan.move)
    assert (plan.after.weight, moves) == (100, ["restore", "advance", "promote", "conclude"])


def test_a_repair_that_died_before_its_weight_counts_for_nothing() -> None:
    play = world()
    for _ in range(2):  # a start, and a repair of it, that get no further than the status
        play.cluster.patch(next(iter(play.pass_().plans())).plan.patches[0])
        play.now += timedelta(minutes=1)
        put_back(play)
    assert (play.tick().plan.move, play.weights) == ("restore", [(90, 10)])


def test_a_tool_between_the_status_and_the_weight_loses_the_step_and_not_the_release() -> None:
    play = world()
    play.until_weight(20)
    status, route = next(iter(play.pass_().plans())).plan.patches
    play.cluster.patch(status)
    put_back(play)
    with pytest.raises(LostRaceError):
        play.cluster.patch(route)
    play.now += timedelta(minutes=1)
    assert (play.weights, play.status["canaryWeight"]) == ([(100, 0)], 30)
    assert [play.tick().plan.move for _ in range(2)] == ["restore", "advance"]
    assert play.weights == [(70, 30)]


def test_what_else_a_tool_applies_stays() -> None:
    play = world()
    play.until_weight(60)
    put_back(play)
    http = play.cluster.objects[VS]["spec"]["http"]
    front = {"match": [{"uri": {"exact": "/"}}], "route": [{"destination": {"host": "front"}}]}
    play.cluster.edit(VS, "spec", "http", [front, http[0] | {"timeout": "7s"}])
    play.owned(FLUX)
    play.tick()
    first, second = play.cluster.objects[VS]["spec"]["http"]
    assert (first, second["timeout"], play.weights) == (front, "7s", [(50, 50)])


def test_who_applies_the_weights_that_a_person_has_set_does_not_make_them_drift() -> None:
    play = world()
    play.until_weight(60)
    play.split(0)
    play.owned("kubectl-edit", FLUX)
    assert (play.tick().plan.move, play.weights) == ("start", [(90, 10)])
    assert not warnings(play)


def paused_and_emptied() -> World:
    """Follows the page: pause the canary, then take all traffic off it; a pass looks."""
    play = world()
    play.until_weight(60)
    play.cluster.edit(C, "spec", "paused", True)  # noqa: FBT003 - a manifest's value
    put_back(play, "kubectl-edit")
    record = play.tick()
    assert (record.plan.move, record.plan.reason) == ("halt", "Deployment podinfo-canary.test is paused")
    return play


def test_a_weight_that_a_person_set_while_it_halted_stays_theirs_when_a_tool_takes_it_over() -> None:
    play = paused_and_emptied()
    assert play.status["canaryWeight"] == 0
    put_back(play)
    assert play.tick().plan.move == "halt"
    play.cluster.edit(C, "spec", "paused", None)
    play.workloads.step()
    assert (play.tick().plan.move, play.weights) == ("start", [(90, 10)])


def test_a_tool_is_restored_to_what_a_person_lowered_it_to_and_no_further() -> None:
    play = world()
    play.until_weight(60)
    put_back(play, "kubectl-edit", 20)
    play.meter.values[SUCCESS] = 50.0
    assert play.tick().plan.move == "halt"
    put_back(play)
    assert (play.tick().plan.move, play.weights) == ("restore", [(80, 20)])


def test_a_canary_that_a_person_emptied_and_scaled_down_is_not_scaled_up() -> None:
    play = paused_and_emptied()
    play.cluster.edit(C, "spec", "paused", None)
    play.cluster.edit(C, "spec", "replicas", 0)
    play.workloads.step()
    for _ in range(2):
        assert (play.tick().plan.move, play.weights, play.replicas(C)) == ("halt", [(100, 0)], 0)


def test_a_tool_that_applies_what_is_stored_takes_nothing_back() -> None:
    play = world()
    play.until_weight(60)
    play.owned("steerer", FLUX)
    assert (play.tick().plan.move, play.weights) == ("advance", [(30, 70)])


def test_a_size_put_back_after_the_end_is_left_alone() -> None:
    play = world(stepWeight=50)
    play.until("Succeeded")
    play.cluster.edit(C, "spec", "replicas", 2)
    play.owned(FLUX, ref=C, field="replicas")
    play.workloads.step()
    record = play.tick()
    assert (record.plan.move, record.plan.patches, record.plan.events, play.replicas(C)) == ("idle", (), (), 2)
