"""The order of writes and queries: no Rollout is last in every pass."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from reconcile.core.state_machine import Move
from reconcile.engine.ordering import query_order, write_order
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Question
from reconcile.model.plan import Event, Patch, Plan, Position
from tests.support.world import START

PLACE = Position(phase="Progressing", weight=10)


def plan(name: str, move: Move) -> Plan:
    ref = Ref(ROLLOUT, "test", name)
    version = ROLLOUT.api_version("v1beta1")
    patch = Patch(target=ref, api_version=version, operations=(), subresource="status")
    event = Event(rollout=ref, api_version=version, uid="1", revision="", type="Warning", message="")
    return Plan(
        rollout=ref,
        move=move.value,
        reason="",
        before=PLACE,
        after=PLACE,
        patches=() if move in {Move.IDLE, Move.WAIT, Move.HALT} else (patch,),
        events=(event,) if move is Move.HALT else (),
    )


def order(plans: list[Plan], seconds: float = 0) -> list[str]:
    places = write_order(plans, START + timedelta(seconds=seconds))
    assert sorted(places) == list(range(len(plans)))
    return [plans[place].rollout.name for place in places]


def test_what_has_nothing_to_write_is_first_and_stays_in_order() -> None:
    plans = [plan("b", Move.ADVANCE), plan("d", Move.IDLE), plan("a", Move.HALT), plan("c", Move.WAIT)]
    assert order(plans)[:2] == ["d", "c"]
    assert set(order(plans)[2:]) == {"a", "b"}
    assert order([]) == []


def test_what_moves_comes_in_the_order_of_waiting_at_every_other_place_at_the_latest() -> None:
    plans = [plan(f"halted-{n}", Move.HALT) for n in range(30)] + [plan(f"moving-{n}", Move.ADVANCE) for n in range(10)]
    for seconds in range(20):
        ordered = order(plans, seconds)
        for number in range(10):
            assert ordered.index(f"moving-{number}") <= 2 * number


def test_every_other_place_is_drawn_anew_by_each_pass() -> None:
    plans = [plan(f"app-{number:02}", Move.ADVANCE if number % 2 else Move.HALT) for number in range(20)]
    early = {name for seconds in range(100) for name in order(plans, seconds)[:2]}
    assert early == {each.rollout.name for each in plans}
    assert order(plans, 7) == order(plans, 7)


def asking(name: str) -> Plan:
    """Returns the provisional plan of a Rollout with a question."""
    one = plan(name, Move.HALT)
    return replace(one, questions=(Question(rollout=one.rollout, metric="m", workload="c", interval="1m", weight=10),))


def test_who_waited_longest_is_asked_for_at_every_other_place_at_the_latest() -> None:
    plans = [plan("idle", Move.IDLE), *(asking(f"app-{number:02}") for number in range(20)), plan("z", Move.ADVANCE)]
    early: set[int] = set()
    for seconds in range(100):
        places = query_order(plans, START + timedelta(seconds=seconds))
        assert sorted(places) == list(range(1, 21))
        assert all(places.index(number) <= 2 * (number - 1) for number in range(1, 21))
        early |= set(places[:2])
    assert early == set(range(1, 21))
