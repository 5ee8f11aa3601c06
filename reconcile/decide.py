"""The decision: what one pass does for one Rollout, and why.

Duty: section "One pass" of the contract. It walks the gates, finds the row of the table and makes its move into a
plan. It reads nothing and writes nothing: the same observation, answers and time give the same plan. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconcile import gates, messages, promotion, revision, status, steps
from reconcile.observation import Case, GateError
from reconcile.plan import Event, Gate, Outcome, Patch, Plan, Position
from reconcile.rollout import Phase
from reconcile.status import Readiness
from reconcile.steps import CONCLUDING, RESTING, Move, Standing, Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from reconcile.observation import Observation
    from reconcile.plan import Answer, Measurement, Operation, Question, Settings
    from reconcile.rollout import State


@dataclass(frozen=True, kw_only=True)
class Walk:
    """One walk through the gates: what was seen on the way."""

    case: Case
    answers: Mapping[Question, Answer]
    passed: list[Gate] = field(default_factory=list)
    planned: list[str] = field(default_factory=lambda: list(steps.GATES[Move.ADVANCE]))
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
            except (GateError, gates.WaitError) as stop:
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What a move does: the state to store, the writes beside it, the Events as (type, message), the reason in words.

    `status_last`: the state is stored after the writes, not before them.
    """

    state: State
    reason: str
    writes: tuple[Patch, ...] = ()
    events: tuple[tuple[str, str], ...] = ()
    status_last: bool = False
    forget_measurements: bool = False


def decide(observation: Observation, answers: Mapping[Question, Answer], now: datetime, settings: Settings) -> Plan:
    """Give the plan of one Rollout. Where it needs answers that it was not given, `questions` says which."""
    case = Case(observation, settings, now)
    walk = Walk(case=case, answers=answers)
    try:
        walk.through(*steps.OPENING)
        row = _row(walk)
        walk.plan(*steps.GATES[row.move])
        walk.through(*steps.GATES[row.move])
    except gates.WaitError as wait:
        return _plan(walk, Move.WAIT, f"waiting: {wait}", _weight(case))
    except GateError as halt:
        return _halted(walk, halt)
    return _moved(walk, row.move, MOVES[row.move](case, row.to))


def _row(walk: Walk) -> steps.Row:
    """Find the row. At rest nothing beyond the Deployments is seen; otherwise it takes the weights to find it."""
    case = walk.case
    row = steps.row(case.situation(Traffic.NONE))
    if row.move in steps.REST:
        return row
    try:
        traffic = case.traffic
    except GateError:  # the gates before the one that fails come first
        walk.through(*(("routes",) if case.state.phase in CONCLUDING else ("services", "routes")))
        raise
    return steps.row(case.situation(traffic))


# The moves.


def _idle(case: Case, to: Phase) -> Effect:
    return Effect(state=replace(case.state, phase=to), reason=_waiting_for_news(case))


def _initialize(case: Case, to: Phase) -> Effect:
    state = revision.recorded(case.state, case.canary)
    return Effect(state=_entered(case, state, to), reason=_waiting_for_news(case))


def _scale_up(case: Case, to: Phase) -> Effect:
    replicas = gates.parked_size(case)
    state = replace(revision.recorded(case.state, case.canary), canary_weight=0, last_advance=case.now)
    return Effect(
        state=_entered(case, state, to),
        reason=f"{case.canary.full_name} has a new revision and 0 replicas: scaling it up to {replicas}",
        writes=(_scale(case, replicas),),
        events=(("Normal", messages.scaling_up(case.canary.full_name, replicas)),),
        forget_measurements=True,
    )


def _start(case: Case, to: Phase) -> Effect:
    name = case.rollout.full_name
    weight = steps.next_weight(0, case.spec.step_weight, case.spec.max_weight)
    state = revision.recorded(case.state, case.canary)
    return _weighted(
        case,
        _entered(case, state, to),
        weight,
        reason=f"starting with {weight} % of the traffic",
        events=(("Normal", messages.starting(name)), ("Normal", messages.advance(name, weight))),
        forget_measurements=True,
    )


def _advance(case: Case, to: Phase) -> Effect:
    weight = steps.next_weight(case.split.lowest, case.spec.step_weight, case.spec.max_weight)
    state = revision.recorded(case.state, case.canary)
    return _weighted(
        case,
        _entered(case, state, to),
        weight,
        reason=f"the canary is well at {case.split.lowest} %: advancing to {weight} %",
        events=(("Normal", messages.advance(case.rollout.full_name, weight)),),
    )


def _restore(case: Case, to: Phase) -> Effect:
    manager = case.put_back_by.manager if case.put_back_by else "somebody"
    weight = case.recorded_weight
    text = messages.restoring(str(case.rollout.route), manager, case.split.lowest, weight)
    return _weighted(case, _entered(case, case.state, to), weight, reason=text, events=(("Warning", text),))


def _reset(case: Case, to: Phase) -> Effect:
    # No revision is on record until the next one starts: a pass that dies before the weight is 0 resets again.
    state = replace(case.state, canary_revision="", canary_generation=None, canary_uid="")
    text = messages.resetting(case.canary.full_name, case.primary.full_name)
    return _weighted(
        case,
        _entered(case, state, to),
        0,
        reason=f"{case.canary.full_name} has a new revision: routing all traffic to {case.primary.full_name}",
        events=(("Normal", text),),
        forget_measurements=True,
    )


def _promote(case: Case, to: Phase) -> Effect:
    state = replace(revision.recorded(case.state, case.canary), canary_weight=case.split.lowest)
    copy, events = _copy_writes(case)
    if copy and state.promoted_revision == state.canary_revision:
        state = replace(state, promoted_revision="")  # it was promoted once, and is not what the primary runs now
    return Effect(
        state=_entered(case, state, to),
        reason=f"the canary is well at the maximum: promoting {case.revision}",
        writes=copy,
        events=events,
    )


def _copy(case: Case, to: Phase) -> Effect:
    writes, events = _copy_writes(case)
    return Effect(
        # The phase is entered anew: the interval counts from the copy.
        state=replace(case.state, phase=to, last_transition=case.now),
        reason=f"{case.primary.full_name} does not have the promoted template yet: copying it",
        writes=writes,
        events=events,
    )


def _conclude(case: Case, to: Phase) -> Effect:
    state = replace(_landed(case), canary_replicas=case.canary.wanted or case.state.canary_replicas)
    return _weighted(
        case,
        _entered(case, state, to),
        0,
        reason=f"{case.primary.full_name} is rolled out: routing all traffic to it",
    )


def _retire(case: Case, to: Phase) -> Effect:
    return _finished(case, _landed(case), to, messages.complete(case.canary.full_name))


def _return(case: Case, to: Phase) -> Effect:
    state = replace(revision.recorded(case.state, case.canary), promoted_revision=case.revision)
    return _finished(case, state, to, messages.returning(case.canary.full_name, case.primary.full_name))


def _finished(case: Case, state: State, to: Phase, event: str) -> Effect:
    """Scale the canary to zero, and only then say that it is done."""
    wanted = case.canary.wanted
    state = replace(state, canary_weight=0, canary_replicas=wanted or state.canary_replicas)
    return Effect(
        state=_entered(case, state, to),
        reason=_waiting_for_news(case),
        writes=(_scale(case, 0),) if wanted else (),
        events=(("Normal", event),),
        status_last=True,
    )


MOVES: dict[Move, Callable[[Case, Phase], Effect]] = {
    Move.IDLE: _idle,
    Move.INITIALIZE: _initialize,
    Move.SCALE_UP: _scale_up,
    Move.START: _start,
    Move.ADVANCE: _advance,
    Move.RESTORE: _restore,
    Move.RESET: _reset,
    Move.PROMOTE: _promote,
    Move.COPY: _copy,
    Move.CONCLUDE: _conclude,
    Move.RETIRE: _retire,
    Move.RETURN: _return,
}


# What moves have in common.


def _entered(case: Case, state: State, phase: Phase) -> State:
    """Put the state into a phase; the time of the transition moves only if the phase does."""
    if phase is case.state.phase:
        return state
    return replace(state, phase=phase, last_transition=case.now)


def _weighted(
    case: Case,
    state: State,
    weight: int,
    *,
    reason: str,
    events: tuple[tuple[str, str], ...] = (),
    forget_measurements: bool = False,
) -> Effect:
    operations = case.split.operations(weight)
    route = case.observation.surroundings.route if case.observation.surroundings else None
    api_version = str(route.get("apiVersion")) if isinstance(route, dict) else ""
    write = Patch(target=case.rollout.route, api_version=api_version, operations=operations)
    return Effect(
        state=replace(state, canary_weight=weight, last_advance=case.now),
        reason=reason,
        writes=(write,) if operations else (),
        events=events,
        forget_measurements=forget_measurements,
    )


def _scale(case: Case, replicas: int) -> Patch:
    """Set the canary's size, if it is still the canary that was looked at."""
    canary = case.canary
    tests: list[Operation] = [{"op": "test", "path": "/spec/template", "value": canary.template}]
    if canary.replicas_written:
        tests.append({"op": "test", "path": "/spec/replicas", "value": canary.wanted})
    scale: Operation = {"op": "add", "path": "/spec/replicas", "value": replicas}
    return Patch(target=canary.ref, api_version=canary.api_version, operations=(*tests, scale))


def _copy_writes(case: Case) -> tuple[tuple[Patch, ...], tuple[tuple[str, str], ...]]:
    """Give the copy and its Event; neither if the primary carries the template already."""
    if case.carried:
        return (), ()
    primary = case.primary
    template = promotion.promoted(case.canary, primary, case.identity)
    operations: tuple[Operation, ...] = (
        {"op": "test", "path": "/spec/template", "value": primary.template},
        {"op": "add", "path": "/spec/template", "value": template},
    )
    patch = Patch(target=primary.ref, api_version=primary.api_version, operations=operations)
    return (patch,), (("Normal", messages.copying(case.canary.full_name, primary.full_name)),)


def _landed(case: Case) -> State:
    """Put the promoted revision on record once the primary is seen to carry it, and not before."""
    state = case.state
    if case.standing is Standing.SAME:
        landed = case.carried
    else:
        landed = promotion.carries_revision(state.canary_revision, case.canary, case.primary, case.identity)
    return replace(state, promoted_revision=state.canary_revision) if landed else state


def _waiting_for_news(case: Case) -> str:
    return f"waiting for a new revision of {case.canary.full_name}"


def _weight(case: Case) -> int | None:
    """Give the weight for people, where the route was looked at."""
    try:
        return case.split.lowest if case.observation.surroundings is not None else None
    except GateError:
        return None


# From walk and effect to plan.


def _moved(walk: Walk, move: Move, effect: Effect) -> Plan:
    case = walk.case
    state = effect.state
    resting = state.phase in RESTING
    readiness = Readiness(
        ready="True" if resting else "Unknown",
        reason=state.phase.value,
        message=effect.reason,
        reconciling=not resting,
    )
    measurements = walk.measured or ([] if effect.forget_measurements else None)
    stored = status.patch(case.rollout, status.render(case.rollout, state, readiness, measurements, case.now))
    patches = (*effect.writes, *stored) if effect.status_last else (*stored, *effect.writes)
    after = None if move in steps.REST else state.canary_weight
    return _plan(walk, move, effect.reason, after, phase=state.phase, patches=patches, events=effect.events)


def _halted(walk: Walk, halt: GateError) -> Plan:
    """Give the plan of a halted pass: a Warning, and a status that says why. A provisional one only asks."""
    case = walk.case
    invalid = bool(case.rollout.problems or gates.unknown_metrics(case))
    state = _halted_state(walk)
    resting = state.phase in RESTING and len(walk.passed) <= len(steps.OPENING)
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
        state = case.adopted if case.state.phase is Phase.NEW else case.state
        if case.state.phase in CONCLUDING and walk.passed[-1].name != "template":
            state = _landed(case)
    except (GateError, LookupError):
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
    )


def _event_revision(case: Case) -> str:
    """Give the revision that Events are counted for; none where the canary cannot be seen."""
    try:
        return case.revision
    except GateError:
        return ""
