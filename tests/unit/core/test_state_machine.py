"""The table of moves: it has a row for whatever can be, and no row that is never reached."""

from __future__ import annotations

from itertools import product

import pytest

from reconcile.core import gates, moves
from reconcile.core.state_machine import (
    GATES,
    MOVES_AT_REST,
    RESTING,
    TABLE,
    Move,
    Order,
    Situation,
    Standing,
    Traffic,
    row,
)
from reconcile.model.rollout import Phase


def possible(situation: Situation) -> bool:
    """Returns whether an observation can come out as this; `Case` never makes the others."""
    under_way = situation.phase is Phase.PROGRESSING and situation.standing is Standing.SAME
    if situation.traffic in {Traffic.REVERTED, Traffic.SOME_REVERTED, Traffic.FULL_REVERTED} and not under_way:
        return False  # only the revision under way can be put back
    if situation.phase is Phase.NEW and situation.standing is Standing.SAME:
        return False  # without a phase nothing was begun
    return not situation.copy_due or (situation.phase is Phase.PROMOTING and situation.standing is Standing.SAME)


SITUATIONS = [
    situation
    for phase, standing, traffic, parked, copy_due, order in product(
        Phase, Standing, Traffic, (False, True), (False, True), Order
    )
    if possible(
        situation := Situation(
            phase=phase, standing=standing, traffic=traffic, parked=parked, copy_due=copy_due, order=order
        )
    )
]


# One test each for all of them: as tests of their own, thousands take seconds to collect and report.
def test_whatever_can_be_has_a_row_whose_move_can_be_made() -> None:
    for situation in SITUATIONS:
        found = row(situation)
        assert found.move in moves.MOVES, situation
        assert set(GATES[found.move]) <= {*gates.BY_NAME, "analysis", "series"}, situation


def test_every_row_decides_something() -> None:
    assert {row(situation) for situation in SITUATIONS} == set(TABLE)


def test_what_cannot_be_is_an_error_that_says_so() -> None:
    with pytest.raises(LookupError, match="no row for Situation"):
        row(Situation(phase=Phase.NEW, standing=Standing.SAME, traffic=Traffic.NONE))


def test_every_move_of_the_table_has_gates_and_is_made_somewhere() -> None:
    assert (
        set(GATES) == set(moves.MOVES) == {one.move for one in TABLE} == set(Move) - {Move.WAIT, Move.HALT, Move.HOLD}
    )


def test_a_rise_passes_the_health_of_both_and_above_zero_the_analysis() -> None:
    for situation in SITUATIONS:
        found = row(situation)
        if found.move in {Move.START, Move.ADVANCE, Move.PROMOTE, Move.PROMOTE_NOW, Move.RESTORE}:
            assert {"services", "routes", "primary", "canary", "scaling"} <= set(GATES[found.move]), situation
        if found.move in {Move.ADVANCE, Move.PROMOTE}:
            assert "analysis" in GATES[found.move], situation
        if found.move is Move.START:
            assert situation.traffic in {Traffic.NONE, Traffic.UNEVEN}, situation


def test_nothing_is_touched_before_the_primary_is_seen_healthy() -> None:
    ends = {Move.RETIRE, Move.RETURN, Move.GIVE_UP}
    for situation in SITUATIONS:
        found = row(situation)
        enough = "available" if found.move in {Move.ROLL_BACK, Move.GIVE_UP} else "primary"
        assert found.move in MOVES_AT_REST or enough in GATES[found.move], situation
        assert (found.move in MOVES_AT_REST) is (found.to in RESTING and found.move not in ends), situation


def test_a_pause_holds_every_move_but_the_way_back() -> None:
    asked = {Move.PROMOTE_NOW}  # a person's word that a pause goes before: the row is not asked for then
    for situation in SITUATIONS:
        found = row(situation)
        held = found.move not in {*MOVES_AT_REST, *asked, Move.ROLL_BACK}
        assert ("pause" in GATES[found.move]) is held, situation


def test_an_order_to_roll_back_raises_no_traffic_and_copies_nothing() -> None:
    expected = {Standing.SAME: {Move.ROLL_BACK}, Standing.NEW: {Move.ROLL_BACK}}
    ordered = [one for one in SITUATIONS if (one.order, one.phase) == (Order.ROLL_BACK, Phase.PROGRESSING)]
    assert ordered
    for situation in ordered:
        assert row(situation).move in expected.get(situation.standing, {Move.RESET, Move.RETURN}), situation
