"""The plan of a pass, after its walk through the gates: a move, a wait or a halt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.core import gates, messages, pending, status
from reconcile.core.halted_state import halted_state
from reconcile.core.preview import promotion_changes
from reconcile.core.state_machine import MOVES_AT_REST, OPENING, RESTING, Move
from reconcile.core.status import Readiness
from reconcile.core.stops import GateError, StopError
from reconcile.model.plan import Event, Plan, Position

if TYPE_CHECKING:
    from reconcile.core.case import Case
    from reconcile.core.moves import Effect
    from reconcile.core.stops import WaitError
    from reconcile.core.walk import Walk
    from reconcile.model.measurement import Measurement
    from reconcile.model.plan import Gate, Patch
    from reconcile.model.rollout import Phase, State


def moved(walk: Walk, move: Move, effect: Effect) -> Plan:
    """Returns the plan of a move: the status first, then the other writes, then the Events."""
    case, state = walk.case, effect.state
    measurements = walk.measurements or ([] if effect.forget_measurements else None)
    end = _rendered(case, state, effect.reason, measurements)
    if effect.interim is None:
        patches = (*status.patch(case.rollout, end), *effect.writes)
    else:
        first = _rendered(case, *effect.interim, measurements)
        patches = (*status.patch(case.rollout, first), *effect.writes, status.patch_after(case.rollout, first, end))
    return _plan(
        walk,
        move,
        effect.reason,
        walked=tuple(walk.gates),
        phase=state.phase,
        weight=None if move in MOVES_AT_REST else state.canary_weight,
        patches=patches,
        events=effect.events,
    )


def waiting(walk: Walk, wait: WaitError) -> Plan:
    """Returns the plan of a pass that waits: no Event, and no write but of what is pending, which a halt ends."""
    case, pends = walk.case, str(wait) if wait.pending else ""
    if pends and pending.is_over(case.rollout, pends, case.now):
        return halted(walk, GateError(messages.never_applied(pends, pending.PATIENCE)), pends)
    return _plan(
        walk,
        Move.WAIT,
        str(wait),
        walked=walk.all_gates(),
        phase=case.rollout.state.phase,
        weight=_weight(case),
        patches=status.patch(case.rollout, pending.noted(case.rollout, pends, case.now)),
    )


def halted(walk: Walk, halt: GateError, pends: str = "") -> Plan:
    """Returns the plan of a halted pass: a Warning, and a status that says why. `pends`: what was never applied."""
    case = walk.case
    state = halted_state(case, walk.gates[-1].name)
    invalid = bool(case.rollout.problems or gates.unknown_metrics(case))
    resting = state.phase in RESTING and len(walk.gates) <= len(OPENING)
    readiness = Readiness(
        ready="False",
        reason=pending.REASON if pends else "InvalidSpec" if invalid else "Halted",
        message=halt.reason,
        reconciling=not pends and not invalid and not resting,
        stalled=bool(pends) or invalid,
        pending=pending.condition(case.rollout, pends, case.now) if pends else None,
    )
    end = status.render(case.rollout, state, readiness, walk.measurements or None, case.now)
    return _plan(
        walk,
        Move.HALT,
        halt.reason,
        walked=walk.all_gates(),
        phase=state.phase,
        weight=_weight(case),
        patches=status.patch(case.rollout, end),
        events=(("Warning", halt.event or messages.halt(case.rollout.full_name, halt.reason)),),
    )


def _rendered(case: Case, state: State, reason: str, measurements: list[Measurement] | None) -> dict[str, Any]:
    resting = state.phase in RESTING
    readiness = Readiness(
        ready="True" if resting else "Unknown", reason=state.phase.value, message=reason, reconciling=not resting
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
    events: tuple[tuple[str, str], ...] = (),
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
        events=tuple(_event(walk.case, kind, message) for kind, message in events),
        promotion=promotion_changes(walk.case),
        questions=tuple(walk.questions),
        uid=rollout.uid,
        generation=rollout.generation,
    )


def _event(case: Case, kind: str, message: str) -> Event:
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
    )


def _weight(case: Case) -> int | None:
    """Returns the canary's weight for people; None where the route was not looked at or cannot be used."""
    try:
        return case.weights.split.lowest if case.observation.surroundings is not None else None
    except StopError:
        return None
