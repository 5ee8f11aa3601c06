"""The decision: what one pass does for one Rollout, and why. It is section "One pass" of the specification.

The same observation, answers and time give the same plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core import plans, state_machine
from reconcile.core.case import Case
from reconcile.core.moves import MOVES
from reconcile.core.state_machine import CONCLUDING, GATES, OPENING, REST, Move, Row, Traffic
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
    """Returns the plan of one Rollout. `questions` of the plan are those that it needs an answer to, and has not.

    The first gate that is shut ends the walk: with a wait where the time has not come, else with a halt.
    """
    case = Case(observation, settings, now)
    walk = Walk(case=case, answers=answers)
    try:
        walk.through(*OPENING)
        row = _row(walk)
        move = _move(walk, row)
    except WaitError as wait:
        return plans.waiting(walk, wait)
    except GateError as halt:
        return plans.halted(walk, halt)
    phase = row.to if move is row.move else case.state.phase
    return plans.moved(walk, move, MOVES[move](case, phase))


def _row(walk: Walk) -> Row:
    """Returns the row of the table that applies. At rest it needs the Deployments alone, otherwise the weights too."""
    case = walk.case
    row = state_machine.row(case.record.situation(Traffic.NONE))
    if row.move in REST:
        return row
    try:
        traffic = case.weights.traffic
    except StopError:  # the gates before the one that fails come first
        walk.through(*(("routes",) if case.state.phase in CONCLUDING else ("services", "routes")))
        raise  # pragma: no cover - the gate of the routes raises: it reads what could not be read here
    return state_machine.row(case.record.situation(traffic))


def _move(walk: Walk, row: Row) -> Move:
    """Returns the row's move once its gates are open.

    A row may have another move for where the only shut gates are those that this other one does not need.
    """
    walk.expect(*GATES[row.move])
    try:
        walk.through(*GATES[row.move])
    except GateError:
        if row.otherwise is None or walk.gates[-1].name in GATES[row.otherwise]:
            raise
        return row.otherwise
    return row.move
