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
    Situation,
    Standing,
    Traffic,
    next_weight,
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
    for phase, standing, traffic, parked, copy_due in product(Phase, Standing, Traffic, (False, True), (False, True))
    if possible(
        situation := Situation(phase=phase, standing=standing, traffic=traffic, parked=parked, copy_due=copy_due)
    )
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_whatever_can_be_has_a_row_whose_move_can_be_made(situation: Situation) -> None:
    found = row(situation)
    assert found.move in moves.MOVES
    assert set(GATES[found.move]) <= {*gates.BY_NAME, "analysis"}


def test_every_row_decides_something() -> None:
    assert {row(situation) for situation in SITUATIONS} == set(TABLE)


def test_what_cannot_be_is_an_error_that_says_so() -> None:
    with pytest.raises(LookupError, match="no row for Situation"):
        row(Situation(phase=Phase.NEW, standing=Standing.SAME, traffic=Traffic.NONE))


def test_every_move_of_the_table_has_gates_and_is_made_somewhere() -> None:
    assert set(GATES) == set(moves.MOVES) == {one.move for one in TABLE} == set(Move) - {Move.WAIT, Move.HALT}


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_a_rise_passes_the_health_of_both_and_above_zero_the_analysis(situation: Situation) -> None:
    found = row(situation)
    if found.move in {Move.START, Move.ADVANCE, Move.PROMOTE, Move.RESTORE}:
        assert {"services", "routes", "primary", "canary", "scaling"} <= set(GATES[found.move])
    if found.move in {Move.ADVANCE, Move.PROMOTE}:
        assert GATES[found.move][-1] == "analysis"
    if found.move is Move.START:
        assert situation.traffic in {Traffic.NONE, Traffic.UNEVEN}


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_nothing_is_touched_before_the_primary_is_seen_healthy(situation: Situation) -> None:
    found = row(situation)
    assert found.move in MOVES_AT_REST or "primary" in GATES[found.move]
    assert (found.move in MOVES_AT_REST) is (found.to in RESTING and found.move not in {Move.RETIRE, Move.RETURN})


@pytest.mark.parametrize(
    ("weight", "step", "most", "found"),
    [(0, 10, 100, 10), (90, 10, 100, 100), (90, 30, 100, 100), (40, 20, 50, 50), (0, 100, 1, 1), (0, 1, 100, 1)],
)
def test_a_step_ends_at_the_maximum(weight: int, step: int, most: int, found: int) -> None:
    assert next_weight(weight, step, most) == found
