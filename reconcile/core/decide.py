"""The decision: what one pass does for one Rollout, and why. It is section "One pass" of the specification.

The same case and answers give the same plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconcile.core import messages, plans, state_machine
from reconcile.core.case import ANALYSIS_FAILED, Ending
from reconcile.core.moves import MOVES
from reconcile.core.state_machine import CONCLUDING, GATES, MOVES_AT_REST, OPENING, Move, Row, Traffic
from reconcile.core.stops import GateError, HoldError, LimitError, StopError, UnansweredError, WaitError
from reconcile.core.walk import Walk
from reconcile.model.policy import OnFailure
from reconcile.model.rollout import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconcile.core.case import Case
    from reconcile.model.measurement import Answer, Question
    from reconcile.model.plan import Plan


def decide(case: Case, answers: Mapping[Question, Answer] | None) -> Plan:
    """Returns the plan of one Rollout; `answers` is None where nothing was asked yet.

    The first gate that is shut ends the walk: with a wait where it is only too early, else with a halt. Where the
    analysis lacks an answer, the plan is a halt whose `questions` are to be answered first.
    """
    walk = Walk(case=case, answers=answers)
    try:
        walk.through(*OPENING)  # the Rollout and its Deployments
        try:
            row, move = _due(walk)
        except LimitError as limit:
            walk = _ended(walk, limit)
            row, move = _due(walk)
    except UnansweredError:
        return plans.asking(walk)
    except WaitError as wait:
        return plans.waiting(walk, wait)
    except HoldError as hold:
        return plans.held(walk, hold)
    except GateError as halt:
        return plans.halted(walk, halt)
    phase = row.to if move is row.move else walk.case.state.phase
    return plans.moved(walk, move, MOVES[move](walk.case, phase))


def _due(walk: Walk) -> tuple[Row, Move]:
    """Returns what the state machine asks for, and the move whose gates are open."""
    row = _row(walk)
    return row, _move(walk, row)


def _ended(walk: Walk, limit: LimitError) -> Walk:
    """Returns the walk with an attempt that ends by a limit. Raises where the policy is not to roll back."""
    case = walk.case
    if case.spec.failure.on_failure is not OnFailure.ROLLBACK:
        raise limit
    if limit.code == ANALYSIS_FAILED and case.observation.common_cause:
        raise GateError(messages.common_cause(limit.reason, case.observation.common_cause, case.rollout.ref))
    return replace(walk, case=case.ended(Ending(limit.code, limit.reason)))


def _row(walk: Walk) -> Row:
    """Returns the row of the table that applies. It needs the weights, except at rest."""
    case = walk.case
    row = state_machine.row(case.situation(Traffic.NONE))
    if row.move in MOVES_AT_REST:
        return row
    try:
        traffic = case.weights.traffic
    except StopError:  # the gate of the routes will say why, after those before it
        needs_no_service = case.ending or case.state.phase in {*CONCLUDING, Phase.ROLLING_BACK}
        walk.through(*(("routes",) if needs_no_service else ("services", "routes")))
        raise  # pragma: no cover - the gate of the routes raises: it reads the same
    return state_machine.row(case.situation(traffic))


def _move(walk: Walk, row: Row) -> Move:
    """Returns the move of the row if its gates are open.

    Where one is shut that the row's other move does not need, it is that other move.
    """
    walk.expect(*GATES[row.move])
    try:
        walk.through(*GATES[row.move])
    except LimitError:
        raise
    except GateError:
        if row.otherwise is None or walk.gates[-1].name in GATES[row.otherwise]:
            raise
        return row.otherwise
    return row.move
