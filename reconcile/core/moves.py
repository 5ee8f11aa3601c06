"""The moves: what each one stores, writes and says.

Duty: one function a move, from the case to its effect. Whether a move may be made was decided before, by the table
and the gates. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconcile.core import gates, messages, promotion, revision, state_machine
from reconcile.core.state_machine import Move, Standing
from reconcile.model.plan import Patch

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.core.observation import Case
    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Operation
    from reconcile.model.rollout import Phase, State


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What a move does: the state to store, the writes beside it, the Events as (type, message), the reason in words.

    `meanwhile`: where the state may only be stored after the writes, what is stored before them, with its reason.
    """

    state: State
    reason: str
    meanwhile: tuple[State, str] | None = None
    writes: tuple[Patch, ...] = ()
    events: tuple[tuple[str, str], ...] = ()
    forget_measurements: bool = False


def _idle(case: Case, to: Phase) -> Effect:
    return Effect(state=replace(case.state, phase=to), reason=_waiting_for_news(case, case.state))


def _initialize(case: Case, to: Phase) -> Effect:
    state = revision.recorded(case.state, case.canary)
    return Effect(state=_entered(case, state, to), reason=_waiting_for_news(case, state))


def _scale_up(case: Case, to: Phase) -> Effect:
    replicas = gates.parked_size(case)
    state = replace(revision.recorded(case.state, case.canary), canary_weight=0, proven_weight=0, last_advance=case.now)
    return Effect(
        state=_entered(case, state, to),
        reason=f"{case.canary.full_name} has a new revision and 0 replicas: scaling it up to {replicas}",
        writes=(_scale(case, replicas),),
        events=(("Normal", messages.scaling_up(case.canary.full_name, replicas)),),
        forget_measurements=True,
    )


def _start(case: Case, to: Phase) -> Effect:
    name = case.rollout.full_name
    weight = state_machine.next_weight(0, case.spec.step_weight, case.spec.max_weight)
    state = replace(revision.recorded(case.state, case.canary), proven_weight=0)
    return _weighted(
        case,
        _entered(case, state, to),
        weight,
        reason=f"starting with {weight} % of the traffic",
        events=(("Normal", messages.starting(name)), ("Normal", messages.advance(name, weight))),
        forget_measurements=True,
    )


def _advance(case: Case, to: Phase) -> Effect:
    reached = case.reached_weight
    weight = state_machine.next_weight(reached, case.spec.step_weight, case.spec.max_weight)
    state = revision.recorded(case.state, case.canary)
    repair = (("Warning", _repair(case, weight)),) if case.put_back_by else ()
    return _weighted(
        case,
        _entered(case, replace(state, proven_weight=reached), to),
        weight,
        reason=f"the canary is well at {reached} %: advancing to {weight} %",
        events=(*repair, ("Normal", messages.advance(case.rollout.full_name, weight))),
        repairs=bool(repair),
    )


def _restore(case: Case, to: Phase) -> Effect:
    weight = case.restorable_weight
    text = _repair(case, weight)
    return _weighted(
        case, _entered(case, case.state, to), weight, reason=text, events=(("Warning", text),), repairs=True
    )


def _repair(case: Case, weight: int) -> str:
    manager = case.put_back_by.manager if case.put_back_by else "somebody"
    return messages.restoring(str(case.rollout.route), manager, case.split.lowest, weight)


def _reset(case: Case, to: Phase) -> Effect:
    # No revision is on record until the next one starts: a pass that dies before the weight is 0 resets again.
    state = replace(
        case.state,
        canary_revision="",
        canary_generation=None,
        canary_uid="",
        canary_replicas=case.canary.wanted or case.state.canary_replicas,
    )
    words = messages.going_back if case.standing is Standing.ON_PRIMARY else messages.resetting
    text = words(case.canary.full_name, case.primary.full_name)
    return _weighted(
        case,
        _entered(case, state, to),
        0,
        reason=text,
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
        # The interval counts from the copy. The phase began with the decision: who wrote the template after that is
        # looked for by its time, and must not be forgotten here.
        state=replace(case.state, phase=to, last_advance=case.now),
        reason=f"{case.primary.full_name} does not have the promoted template yet: copying it",
        writes=writes,
        events=events,
    )


def _conclude(case: Case, to: Phase) -> Effect:
    state = replace(landed(case), canary_replicas=case.canary.wanted or case.state.canary_replicas)
    return _weighted(
        case,
        _entered(case, state, to),
        0,
        reason=f"{case.primary.full_name} is rolled out: routing all traffic to it",
    )


def _retire(case: Case, to: Phase) -> Effect:
    return _finished(case, landed(case), to, messages.complete(case.canary.full_name))


def _return(case: Case, to: Phase) -> Effect:
    state = replace(revision.recorded(case.state, case.canary), promoted_revision=case.revision)
    return _finished(case, state, to, messages.returning(case.canary.full_name, case.primary.full_name))


def _finished(case: Case, state: State, to: Phase, event: str) -> Effect:
    """Scale the canary to zero, and only then say that it is done.

    Before that the status says what is under way, so that no other pass moves meanwhile: the canary's own patch cannot
    test that nobody gave it traffic.
    """
    canary, wanted = case.canary, case.canary.wanted
    replicas = wanted or state.canary_replicas
    # The write that scales it down tests the present generation, so it is the next one: nothing came in between.
    generation = None if canary.generation is None else canary.generation + bool(wanted)
    state = replace(
        revision.recorded(state, canary),
        canary_weight=0,
        proven_weight=0,
        canary_replicas=replicas,
        canary_generation=generation,
    )
    scaling = replace(case.state, canary_replicas=replicas, last_advance=case.now)
    return Effect(
        state=_entered(case, state, to),
        reason=_waiting_for_news(case, state),
        meanwhile=(scaling, f"scaling {case.canary.full_name} down to 0") if wanted else None,
        writes=(_scale(case, 0),) if wanted else (),
        events=(("Normal", event),),
    )


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
    repairs: bool = False,
) -> Effect:
    """Set the weights. A repair is put on record once it is stored: the next one counts on what the canary had."""
    operations = case.split.operations(weight)
    seen = case.observation.surroundings.route if case.observation.surroundings else None
    route = seen if isinstance(seen, dict) else {}
    write = Patch(
        target=case.rollout.route,
        api_version=str(route.get("apiVersion") or ""),
        operations=(*_unmoved(route), *operations),
    )
    proven = min(state.proven_weight, weight)
    asked = replace(state, canary_weight=weight, proven_weight=proven, last_advance=case.now)
    return Effect(
        state=replace(asked, proven_weight=weight) if repairs else asked,
        reason=reason,
        meanwhile=(asked, reason) if repairs else None,
        writes=(write,) if operations else (),
        events=events,
        forget_measurements=forget_measurements,
    )


def _unmoved(manifest: Manifest) -> list[Operation]:
    """Test that nobody wrote the spec since it was read, where the object counts that.

    The values that a decision relied on may be back although they were others in between, or stand in the place of
    a route that was put in front: a pass that stood still for long must not write then.
    """
    generation = (manifest.get("metadata") or {}).get("generation")
    return [] if generation is None else [{"op": "test", "path": "/metadata/generation", "value": generation}]


def _scale(case: Case, replicas: int) -> Patch:
    """Set the canary's size, if it is still the canary that was looked at."""
    canary = case.canary
    tests = [*_unmoved(canary.manifest), {"op": "test", "path": "/spec/template", "value": canary.template}]
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
        *_unmoved(primary.manifest),
        {"op": "test", "path": "/spec/template", "value": primary.template},
        {"op": "add", "path": "/spec/template", "value": template},
    )
    patch = Patch(target=primary.ref, api_version=primary.api_version, operations=operations)
    return (patch,), (("Normal", messages.copying(case.canary.full_name, primary.full_name)),)


def landed(case: Case) -> State:
    """Put the promoted revision on record once the primary is seen to carry it, and not before."""
    state = case.state
    if case.standing is Standing.SAME:
        landed = case.carried
    else:
        landed = promotion.carries_revision(state.canary_revision, case.canary, case.primary, case.identity)
    return replace(state, promoted_revision=state.canary_revision) if landed else state


def _waiting_for_news(case: Case, state: State) -> str:
    promoted = f"{state.promoted_revision} is promoted; " if state.promoted_revision else ""
    return f"{promoted}waiting for a new revision of {case.canary_name}"


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
