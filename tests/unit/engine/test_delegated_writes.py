"""Changes that a GitOps tool applies for steerer, from Git."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconcile.model.errors import PendingError
from reconcile.model.plan import Outcome
from reconcile.model.times import timestamp
from tests.support.world import (
    SUCCESS,
    VS,
    C,
    P,
    R,
    World,
    world,
)

if TYPE_CHECKING:
    from reconcile.model.kinds import Ref


def applied_by(play: World, manager: str) -> World:
    """Makes a tool one that applies steerer's changes, instead of one that reverts them."""
    play.managers, play.appliers = (), (manager,)
    return play


@pytest.mark.parametrize("ref", [P, C, VS])
def test_an_object_that_is_on_its_way_is_waited_for_and_the_status_says_so(ref: Ref) -> None:
    play = world()
    play.until_weight(20)
    before = deepcopy(play.cluster.objects)
    play.cluster.refuse[ref] = PendingError("the cluster has it not yet")
    since = timestamp(play.now)
    records = [play.tick(settle=False) for _ in range(2)]
    words = f"{ref}: the cluster has it not yet"
    assert [(record.plan.move, record.plan.reason) for record in records] == [("wait", words)] * 2
    assert [(len(record.plan.patches), record.plan.events) for record in records] == [(1, ()), (0, ())]
    assert records[0].plan.gates[3 if ref == VS else 1].outcome is Outcome.WAITING
    pending = play.condition("Pending")
    assert (pending["message"], pending["lastTransitionTime"]) == (words, since)
    play.cluster.objects[R]["status"]["conditions"].remove(pending)
    del before[R]["metadata"], play.cluster.objects[R]["metadata"]
    assert play.cluster.objects == before


def test_a_canary_that_is_on_its_way_is_waited_for_at_rest_as_well() -> None:
    play = world(stepWeight=100)
    play.until("Succeeded")
    play.cluster.refuse[C] = PendingError("a new image is on its way")
    record = play.tick()
    assert (record.plan.move, record.plan.events, play.condition("Ready")["status"]) == ("wait", (), "True")
    assert play.condition("Pending")["message"].endswith("a new image is on its way")
    del play.cluster.refuse[C]
    assert play.tick().plan.move == "idle"
    assert play.condition("Pending") == {}


def test_what_is_pending_moves_the_time_only_where_it_is_something_else() -> None:
    play = world()
    play.until_weight(20)
    times = []
    for words in ("the old image", "the old image", "the old weight"):
        play.cluster.refuse[VS] = PendingError(words)
        play.tick()
        times.append(play.condition("Pending")["lastTransitionTime"])
    assert times[0] == times[1] < times[2]


def test_what_was_pending_is_forgotten_by_a_pass_that_waits_for_the_interval() -> None:
    play = world()
    play.until_weight(20)
    play.now -= timedelta(seconds=50)
    play.cluster.refuse[VS] = PendingError("the old weight")
    play.tick(seconds=1)
    assert play.condition("Pending")
    del play.cluster.refuse[VS]
    assert (play.tick(seconds=1).plan.move, play.condition("Pending")) == ("wait", {})


@pytest.mark.parametrize("ref", [P, C, VS])
def test_what_is_never_applied_halts_and_is_told_once_with_what_to_do(ref: Ref) -> None:
    play = world()
    play.until_weight(20)
    play.cluster.refuse[ref] = PendingError("the cluster has another one")
    told = len(play.cluster.events)
    moves = [play.tick(settle=False).plan.move for _ in range(33)]
    assert moves == ["wait"] * 30 + ["halt"] * 3
    assert {event.name for event in play.cluster.events[told:]} == {play.cluster.events[-1].name}
    words = f"{ref}: the cluster has another one, for more than 30 minutes: have it applied or, where admission changes"
    ready, stalled = play.condition("Ready"), play.condition("Stalled")
    assert (ready["status"], stalled["status"], stalled["reason"]) == ("False", "True", "NotApplied")
    assert ready["message"].startswith(words)
    assert play.condition("Reconciling") == {}
    del play.cluster.refuse[ref]
    assert play.tick().plan.move == "advance"
    assert (play.condition("Stalled"), play.condition("Pending")) == ({}, {})


def test_a_halt_can_be_told_while_the_canary_is_on_its_way() -> None:
    play = world()
    play.until_weight(20)
    play.cluster.edit(R, "metadata", "deletionTimestamp", "2026-01-31T12:00:00Z")
    play.cluster.refuse[C] = PendingError("a new image is on its way")
    record = play.tick()
    assert (record.plan.move, len(record.plan.events)) == ("halt", 1)
    assert play.status["phase"] == "Progressing"


def test_the_interval_counts_from_when_the_weight_was_applied() -> None:
    play = applied_by(world(), "kustomize-controller")
    play.until_weight(20)
    late = play.now + timedelta(seconds=300)
    play.now = late + timedelta(seconds=10)
    play.owned("kustomize-controller", at=late.isoformat().replace("+00:00", "Z"))
    asked = len(play.meter.asked)
    record = play.tick(seconds=35)
    assert (record.plan.move, record.plan.reason) == ("wait", "35s of the control-loop interval left")
    assert len(play.meter.asked) == asked
    assert play.tick().plan.move == "advance"


def test_a_weight_that_never_arrived_is_decided_again_by_an_analysis() -> None:
    play = applied_by(world(), "kustomize-controller")
    play.until_weight(30)
    play.split(20)
    play.owned("kustomize-controller", at="2026-01-31T12:03:00Z")
    play.meter.values[SUCCESS] = 50.0
    assert play.tick().plan.move == "halt"
    play.meter.values[SUCCESS] = 100.0
    assert play.tick().plan.move == "advance"
    assert play.weights == [(70, 30)]


def test_a_copy_that_never_arrived_is_made_again_whoever_applied_something_else_meanwhile() -> None:
    play = applied_by(world(stepWeight=100), "kustomize-controller")
    old = deepcopy(play.cluster.objects[P]["spec"]["template"])
    play.until("Promoting")
    play.cluster.edit(P, "spec", "template", old)
    later = play.now.isoformat().replace("+00:00", "Z")
    play.owned("kustomize-controller", at=later, ref=P, field="template")
    play.appliers = ()
    assert play.tick().plan.move == "halt"
    play.appliers = ("kustomize-controller",)
    assert play.tick().plan.move == "copy"
    play.until("Succeeded")
