"""The decision: what one pass does for one Rollout, and why.

Duty: section "One pass" of the contract. It walks the gates, finds the row of the table and makes its move into a
plan. It reads nothing and writes nothing: the same observation, answers and time give the same plan. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconcile.core import gates, messages, moves, state_machine, status
from reconcile.core.observation import Case, GateError, StopError, WaitError
from reconcile.core.state_machine import CONCLUDING, RESTING, Move, Traffic
from reconcile.core.status import Readiness
from reconcile.model.plan import Event, Gate, Outcome, Patch, Plan, Position
from reconcile.model.rollout import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconcile.core.observation import Observation
    from reconcile.model.plan import Answer, Measurement, Question, Settings
    from reconcile.model.rollout import State


@dataclass(frozen=True, kw_only=True)
class Walk:
    """One walk through the gates: what was seen on the way."""

    case: Case
    answers: Mapping[Question, Answer]
    passed: list[Gate] = field(default_factory=list)
    planned: list[str] = field(default_factory=lambda: list(state_machine.GATES[Move.ADVANCE]))
    measured: list[Measurement] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def plan(self, *names: str) -> None:
        """Say which gates are to come, for those that are never reached."""
        self.planned[:] = names

    def through(self, *names: str) -> None:
        """Pass the gates of these names, in order. Raises GateError or WaitError at the first that does not open."""
        for name in names:
            try:
                seen = self._analysis() if name == "analysis" else gates.BY_NAME[name](self.case)
            except StopError as stop:
                outcome = Outcome.FAILED if isinstance(stop, GateError) else Outcome.WAITING
                self.passed.append(Gate(name=name, outcome=outcome, reason=str(stop)))
                raise
            self.passed.append(Gate(name=name, outcome=Outcome.PASSED, reason=seen))

    def _analysis(self) -> str:
        asked = gates.questions(self.case)
        if any(question not in self.answers for question in asked):
            self.questions.extend(asked)
        measured = gates.measurements(self.case, self.answers)
        self.measured.extend(measured)
        return gates.verdict(self.case, measured)


def decide(observation: Observation, answers: Mapping[Question, Answer], now: datetime, settings: Settings) -> Plan:
    """Give the plan of one Rollout. Where it needs answers that it was not given, `questions` says which."""
    case = Case(observation, settings, now)
    walk = Walk(case=case, answers=answers)
    try:
        walk.through(*state_machine.OPENING)
        row = _row(walk)
        move = _move(walk, row)
    except WaitError as wait:
        return _plan(walk, Move.WAIT, str(wait), _weight(case))
    except GateError as halt:
        return _halted(walk, halt)
    return _moved(walk, move, moves.MOVES[move](case, case.state.phase if move is row.otherwise else row.to))


def _row(walk: Walk) -> state_machine.Row:
    """Find the row. At rest nothing beyond the Deployments is seen; otherwise it takes the weights to find it."""
    case = walk.case
    row = state_machine.row(case.situation(Traffic.NONE))
    if row.move in state_machine.REST:
        return row
    try:
        traffic = case.traffic
    except StopError:  # the gates before the one that fails come first
        walk.through(*(("routes",) if case.state.phase in CONCLUDING else ("services", "routes")))
        raise  # pragma: no cover - the gate of the routes raises: it reads what could not be read here
    return state_machine.row(case.situation(traffic))


def _move(walk: Walk, row: state_machine.Row) -> Move:
    """Walk the gates of the row's move, and say which move may be made."""
    walk.plan(*state_machine.GATES[row.move])
    try:
        walk.through(*state_machine.GATES[row.move])
    except GateError:
        if row.otherwise is None or walk.passed[-1].name in state_machine.GATES[row.otherwise]:
            raise
        return row.otherwise
    return row.move


def _weight(case: Case) -> int | None:
    """Give the weight for people, where the route was looked at."""
    try:
        return case.split.lowest if case.observation.surroundings is not None else None
    except StopError:
        return None


def _moved(walk: Walk, move: Move, effect: moves.Effect) -> Plan:
    case = walk.case
    state = effect.state
    measurements = walk.measured or ([] if effect.forget_measurements else None)
    end = _rendered(case, state, effect.reason, measurements)
    if effect.meanwhile is None:
        patches = (*status.patch(case.rollout, end), *effect.writes)
    else:
        first = _rendered(case, *effect.meanwhile, measurements)
        patches = (*status.patch(case.rollout, first), *effect.writes, status.following(case.rollout, first, end))
    after = None if move in state_machine.REST else state.canary_weight
    return _plan(walk, move, effect.reason, after, phase=state.phase, patches=patches, events=effect.events)


def _rendered(case: Case, state: State, reason: str, measurements: list[Measurement] | None) -> dict[str, Any]:
    resting = state.phase in RESTING
    readiness = Readiness(
        ready="True" if resting else "Unknown", reason=state.phase.value, message=reason, reconciling=not resting
    )
    return status.render(case.rollout, state, readiness, measurements, case.now)


def _halted(walk: Walk, halt: GateError) -> Plan:
    """Give the plan of a halted pass: a Warning, and a status that says why. A provisional one only asks."""
    case = walk.case
    invalid = bool(case.rollout.problems or gates.unknown_metrics(case))
    state = _halted_state(walk)
    resting = state.phase in RESTING and len(walk.passed) <= len(state_machine.OPENING)
    readiness = Readiness(
        ready="False",
        reason="InvalidSpec" if invalid else "Halted",
        message=halt.reason,
        reconciling=not invalid and not resting,
        stalled=invalid,
    )
    new = status.render(case.rollout, state, readiness, walk.measured or None, case.now)
    return _plan(
        walk,
        Move.HALT,
        halt.reason,
        _weight(case),
        phase=state.phase,
        patches=status.patch(case.rollout, new),
        events=(("Warning", halt.event or messages.halt(case.rollout.full_name, halt.reason)),),
    )


def _halted_state(walk: Walk) -> State:
    """Give the state that a halted pass leaves: what it learnt, and no step further."""
    case = walk.case
    try:
        state = case.adopted if case.state.phase is Phase.NEW else case.lowered
        if case.state.phase in CONCLUDING and walk.passed[-1].name != "template":
            state = moves.landed(case)
    except (StopError, LookupError):
        return case.rollout.state
    return state


def _plan(
    walk: Walk,
    move: Move,
    reason: str,
    after: int | None,
    *,
    phase: Phase | None = None,
    patches: tuple[Patch, ...] = (),
    events: tuple[tuple[str, str], ...] = (),
) -> Plan:
    case = walk.case
    rollout = case.rollout
    names = {gate.name for gate in walk.passed}
    unreached = [name for name in walk.planned if name not in names] if move in {Move.HALT, Move.WAIT} else []
    return Plan(
        rollout=rollout.ref,
        move=move.value,
        reason=reason,
        before=Position(phase=rollout.state.phase.value, weight=_weight(case)),
        after=Position(phase=(rollout.state.phase if phase is None else phase).value, weight=after),
        gates=(*walk.passed, *(Gate(name=name, outcome=Outcome.UNREACHED) for name in unreached)),
        measurements=tuple(walk.measured),
        at=case.now,
        patches=patches,
        events=tuple(
            Event(
                rollout=rollout.ref,
                api_version=rollout.api_version,
                uid=rollout.uid,
                revision=_event_revision(case),
                type=kind,
                message=message,
            )
            for kind, message in events
        ),
        questions=tuple(walk.questions),
        uid=rollout.uid,
        generation=rollout.generation,
    )


def _event_revision(case: Case) -> str:
    """Give the revision that Events are counted for; none where the canary cannot be seen."""
    try:
        return case.revision
    except StopError:
        return ""
