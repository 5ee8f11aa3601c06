"""The plan of a pass, after its walk through the gates: a move, a wait, a hold or a halt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from reconcile.core import messages, metrics, pending, status, transitions
from reconcile.core.analysis import UNANSWERED
from reconcile.core.case import attempts
from reconcile.core.halted_state import halted_state
from reconcile.core.orders import retry_due
from reconcile.core.preview import promotion_changes
from reconcile.core.state_machine import MOVES_AT_REST, OPENING, RESTING, Move
from reconcile.core.status import Readiness
from reconcile.core.stops import GateError, LimitError, StopError
from reconcile.model.plan import Event, Plan, Position
from reconcile.model.rollout import Attempt, Phase

if TYPE_CHECKING:
    from reconcile.core.case import Case
    from reconcile.core.moves import Effect
    from reconcile.core.stops import HoldError, WaitError
    from reconcile.core.transitions import Told
    from reconcile.core.walk import Walk
    from reconcile.model.measurement import Measurement
    from reconcile.model.plan import AskedAction, Gate, Patch, Transition
    from reconcile.model.rollout import State


def moved(walk: Walk, move: Move, effect: Effect) -> Plan:
    """Returns the plan of a move: the status first, then the other writes, then the Events."""
    case = walk.case
    state = replace(effect.state, attempt=_attempt_after(walk, move, effect.state.phase))
    measurements = walk.measurements or ([] if effect.forget_measurements else None)
    end = _rendered(case, state, effect.reason, measurements)
    if effect.interim is None:
        patches = (*status.patch(case.rollout, end), *effect.writes)
    else:
        before, reason = effect.interim
        first = _rendered(case, replace(before, attempt=state.attempt), reason, measurements)
        patches = (*status.patch(case.rollout, first), *effect.writes, status.patch_after(case.rollout, first, end))
    return _plan(
        walk,
        move,
        effect.reason,
        walked=tuple(walk.gates),
        phase=state.phase,
        weight=None if move in MOVES_AT_REST else state.canary_weight,
        patches=patches,
        events=(
            *transitions.of_move(move, case.state.phase, effect.events),
            *(() if move in MOVES_AT_REST else _refusals(case)),
        ),
    )


def asking(walk: Walk) -> Plan:
    """Returns the plan of a walk that has to know more: its questions, and a halt if nobody answers them."""
    case = walk.case
    here = Position(phase=case.rollout.state.phase.value, weight=_weight(case))
    return Plan(
        rollout=case.rollout.ref,
        move=Move.HALT.value,
        reason=UNANSWERED.detail,
        before=here,
        after=here,
        at=case.now,
        questions=tuple(walk.questions),
    )


def waiting(walk: Walk, wait: WaitError) -> Plan:
    """Returns the plan of a pass that waits: no Event, and no write but of what is pending, which a halt ends."""
    case, pends = walk.case, str(wait) if wait.remedy else ""
    if pends and pending.is_over(case.rollout, pends, case.now):
        reason = messages.never_came(pends, pending.PATIENCE, wait.remedy)
        return halted(walk, GateError(reason, condition=pending.REASON), pends)
    return _plan(
        walk,
        Move.WAIT,
        str(wait),
        walked=walk.all_gates(),
        phase=case.rollout.state.phase,
        weight=_weight(case),
        patches=status.patch(case.rollout, pending.noted(case.rollout, pends, case.now)),
    )


def held(walk: Walk, hold: HoldError) -> Plan:
    """Returns the plan of a pass that waits for a person, or for the time of a step: a status that says so.

    Its Event is told once, when it begins.
    """
    case, suspended = walk.case, walk.gates[-1].name == "suspend"
    state = case.rollout.state if suspended else _learnt(walk, halted_state(case, walk.gates[-1].name))
    if hold.is_told and state.attempt.revision and not suspended:
        state = replace(state, attempt=replace(state.attempt, last_hold=case.now))
    resting = state.phase in RESTING
    readiness = Readiness(
        ready="True" if resting and state.phase is not Phase.FAILED else "Unknown",
        reason=hold.condition,
        message=str(hold),
        reconciling=not resting,
    )
    end = status.render(case.rollout, state, readiness, walk.measurements or None, case.now)
    told = messages.hold(case.rollout.full_name, str(hold))
    is_new = hold.is_told and status.reason(case.rollout) != hold.condition
    return _plan(
        walk,
        Move.HOLD,
        str(hold),
        walked=walk.all_gates(),
        phase=state.phase,
        weight=_weight(case),
        patches=status.patch(case.rollout, end),
        events=((("Normal", told, transitions.of_hold(hold)),) if is_new else ()) + _refusals(case),
    )


def halted(walk: Walk, halt: GateError, pends: str = "") -> Plan:
    """Returns the plan of a halted pass: a Warning, and a status that says why. `pends`: what was never applied."""
    case = walk.case
    state = _learnt(walk, halted_state(case, walk.gates[-1].name))
    condition, reason = halt.condition, halt.reason
    if isinstance(halt, LimitError):  # the policy is to stay here
        # A promotion that was not copied is off, so that a retry begins as after any other failure.
        phase = Phase.PROGRESSING if case.record.copy_due else state.phase
        state = replace(state, phase=phase, attempt=replace(state.attempt, failure=halt.code, message=halt.reason))
        condition, reason = "Paused", messages.frozen(halt.reason, case.rollout.ref)
    invalid = bool(case.rollout.problems or metrics.problems(case))
    resting = state.phase in RESTING and len(walk.gates) <= len(OPENING)
    stalled = invalid or bool(condition)
    readiness = Readiness(
        ready="False",
        reason=condition or ("InvalidSpec" if invalid else "Halted"),
        message=reason,
        reconciling=not stalled and not resting,
        stalled=stalled,
        pending=pending.condition(case.rollout, pends, case.now) if pends else None,
    )
    end = status.render(case.rollout, state, readiness, walk.measurements or None, case.now)
    return _plan(
        walk,
        Move.HALT,
        reason,
        walked=walk.all_gates(),
        phase=state.phase,
        weight=_weight(case),
        patches=status.patch(case.rollout, end),
        events=(
            (
                "Warning",
                halt.event or messages.halt(case.rollout.full_name, reason),
                transitions.of_halt(status.reason(case.rollout), readiness.reason),
            ),
            *_refusals(case),
        ),
        needs_person=stalled,
    )


def _learnt(walk: Walk, state: State) -> State:
    """Returns the state with what this pass counted; as it is where the canary cannot be used.

    A retry counts with the move that begins another attempt: one that meets a shut gate is asked for still.
    """
    if retry_due(walk.case.rollout):
        return replace(state, attempt=walk.case.rollout.state.attempt)
    try:
        return replace(state, attempt=walk.attempt)
    except StopError:
        return state


def _attempt_after(walk: Walk, move: Move, phase: Phase) -> Attempt:
    """Returns the attempt to store after a move."""
    ending = walk.case.ending
    if phase in RESTING and phase is not Phase.FAILED:
        return Attempt()
    if move is Move.ROLL_BACK and ending is not None and walk.case.state.phase is not Phase.ROLLING_BACK:
        revision = walk.case.record.revision
        return replace(walk.attempt, revision=revision, failure=ending.code, message=ending.reason)
    if move is Move.ADVANCE:
        return attempts.with_step(walk.attempt, walk.case.weights.split.lowest, walk.measurements)
    return walk.attempt


def _refusals(case: Case) -> tuple[Told, ...]:
    """Returns a Warning for each action of a person that cannot be taken."""
    return tuple(
        ("Warning", messages.refused(item.action, case.rollout.full_name, item.outcome), None)
        for item in _asked(case)
        if item.refused
    )


def _asked(case: Case) -> tuple[AskedAction, ...]:
    try:
        return case.record.orders.asked
    except StopError:  # the canary cannot be used
        return ()


def _rendered(case: Case, state: State, reason: str, measurements: list[Measurement] | None) -> dict[str, Any]:
    resting, failed = state.phase in RESTING, state.phase is Phase.FAILED
    readiness = Readiness(
        ready="False" if failed else "True" if resting else "Unknown",
        reason=state.attempt.failure or "Failed" if failed else state.phase.value,
        message=reason,
        reconciling=not resting,
        stalled=failed,
    )
    return status.render(case.rollout, state, readiness, measurements, case.now)


def _plan(
    walk: Walk,
    move: Move,
    reason: str,
    *,
    walked: tuple[Gate, ...],
    phase: Phase,
    weight: int | None,
    patches: tuple[Patch, ...] = (),
    events: tuple[Told, ...] = (),
    needs_person: bool = False,
) -> Plan:
    rollout = walk.case.rollout
    return Plan(
        rollout=rollout.ref,
        move=move.value,
        reason=reason,
        before=Position(phase=rollout.state.phase.value, weight=_weight(walk.case)),
        after=Position(phase=phase.value, weight=weight),
        gates=walked,
        measurements=tuple(walk.measurements),
        at=walk.case.now,
        patches=patches,
        events=tuple(_event(walk.case, *told) for told in events),
        # A plan with questions is made again: nobody sees it.
        promotion=() if walk.questions else promotion_changes(walk.case),
        questions=tuple(walk.questions),
        uid=rollout.uid,
        generation=rollout.generation,
        actions=_asked(walk.case),
        needs_person=needs_person or phase is Phase.FAILED,
        ready_reason=status.reason(rollout),
    )


def _event(case: Case, kind: str, message: str, transition: Transition | None) -> Event:
    rollout = case.rollout
    try:
        revision = case.record.revision
    except StopError:  # the canary cannot be used
        revision = ""
    return Event(
        rollout=rollout.ref,
        api_version=rollout.api_version,
        uid=rollout.uid,
        revision=revision,
        type=kind,
        message=message,
        transition=transition,
    )


def _weight(case: Case) -> int | None:
    """Returns the canary's weight for people; None where the route was not looked at or cannot be used."""
    try:
        return case.weights.split.lowest if case.observation.surroundings is not None else None
    except StopError:
        return None
