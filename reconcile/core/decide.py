"""The decision: what one pass does for one Rollout, and why. It is section "One pass" of the specification.

The same observation, answers and time give the same plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core import plans, state_machine
from reconcile.core.case import Case
from reconcile.core.moves import MOVES
from reconcile.core.state_machine import CONCLUDING, GATES, MOVES_AT_REST, OPENING, Move, Row, Traffic
from reconcile.core.stops import GateError, StopError, WaitError
from reconcile.core.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconcile.core.observation import Observation
    from reconcile.model.measurement import Answer, Question
    from reconcile.model.plan import Plan
    from reconcile.model.settings import Settings


def decide(observation: Observation, answers: Mapping[Question, Answer], now: datetime, settings: Settings) -> Plan:
    """Returns the plan of one Rollout.

    The first gate that is shut ends the walk: with a wait where it is only too early, else with a halt. Where the
    analysis lacks an answer, the plan is a halt whose `questions` are to be answered first.
    """
    case = Case(observation, settings, now)
    walk = Walk(case=case, answers=answers)
    try:
        walk.through(*OPENING)  # the Rollout and its Deployments
        row = _row(walk)  # what the state machine asks for
        move = _move(walk, row)  # the gates of that move
    except WaitError as wait:
        return plans.waiting(walk, wait)
    except GateError as halt:
        return plans.halted(walk, halt)
    phase = row.to if move is row.move else case.state.phase
    return plans.moved(walk, move, MOVES[move](case, phase))


def _row(walk: Walk) -> Row:
    """Returns the row of the table that applies. It needs the weights, except at rest."""
    case = walk.case
    row = state_machine.row(case.record.situation(Traffic.NONE))
    if row.move in MOVES_AT_REST:
        return row
    try:
        traffic = case.weights.traffic
    except StopError:  # the gate of the routes will say why, after those before it
        walk.through(*(("routes",) if case.state.phase in CONCLUDING else ("services", "routes")))
        raise  # pragma: no cover - the gate of the routes raises: it reads the same
    return state_machine.row(case.record.situation(traffic))


def _move(walk: Walk, row: Row) -> Move:
    """Returns the move of the row if its gates are open.

    Where one is shut that the row's other move does not need, it is that other move.
    """
    walk.expect(*GATES[row.move])
    try:
        walk.through(*GATES[row.move])
    except GateError:
        if row.otherwise is None or walk.gates[-1].name in GATES[row.otherwise]:
            raise
        return row.otherwise
    return row.move
