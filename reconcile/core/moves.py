"""The moves: what each one stores, writes and tells.

The table and the gates decide before whether a move is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconcile.core import gates, messages, patches, revision, routers
from reconcile.core.state_machine import Move, Standing
from reconcile.model.rollout import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.core.case import Case
    from reconcile.model.plan import Patch
    from reconcile.model.rollout import State


class Effect(Struct, frozen=True, kw_only=True):
    """What a move does: the state to store, the writes beside it, the Events as (type, message), the reason in words.

    `interim`: where `state` may only be stored after the writes, the state and the reason that are stored before them.
    """

    state: State
    reason: str
    interim: tuple[State, str] | None = None
    writes: tuple[Patch, ...] = ()
    events: tuple[tuple[str, str], ...] = ()
    forget_measurements: bool = False


def _idle(case: Case, to: Phase) -> Effect:
    return Effect(state=replace(case.state, phase=to), reason=_waiting(case, case.state))


def _initialize(case: Case, to: Phase) -> Effect:
    state = revision.recorded(case.state, case.objects.canary)
    return Effect(state=_in_phase(case, state, to), reason=_waiting(case, state))


def _scale_up(case: Case, to: Phase) -> Effect:
    canary, replicas = case.objects.canary, gates.size_to_scale_up_to(case)
    state = replace(_started(case), canary_weight=0, proven_weight=0, last_advance=case.now)
    return Effect(
        state=_in_phase(case, state, to),
        reason=f"{canary.full_name} has a new revision and 0 replicas: scaling it up to {replicas}",
        writes=(patches.replicas(case, replicas),),
        events=(("Normal", messages.scaling_up(canary.full_name, replicas)),),
        forget_measurements=True,
    )


def _start(case: Case, to: Phase) -> Effect:
    name = case.rollout.full_name
    weight = case.spec.steps.first
    state = replace(_started(case), proven_weight=0)
    return _set_weight(
        case,
        _in_phase(case, state, to),
        weight,
        reason=f"starting with {weight} % of the traffic",
        events=(("Normal", messages.starting(name)), ("Normal", messages.advance(name, weight))),
        forget_measurements=True,
    )


def _advance(case: Case, to: Phase) -> Effect:
    reached = case.weights.reached
    weight = case.spec.steps.after(reached)
    state = replace(_started(case), proven_weight=reached)
    repair = (("Warning", _restoring(case, weight)),) if case.weights.put_back else ()
    return _set_weight(
        case,
        _in_phase(case, state, to),
        weight,
        reason=f"the canary is well at {reached} %: advancing to {weight} %",
        events=(*repair, ("Normal", messages.advance(case.rollout.full_name, weight))),
        is_repair=bool(repair),
    )


def _started(case: Case) -> State:
    return revision.started(case.state, case.objects.canary, case.objects.primary)


def _restore(case: Case, to: Phase) -> Effect:
    weight = case.weights.restorable
    text = _restoring(case, weight)
    state = _in_phase(case, case.state, to)
    return _set_weight(case, state, weight, reason=text, events=(("Warning", text),), is_repair=True)


def _restoring(case: Case, weight: int) -> str:
    reverted = case.weights.put_back
    route, writer = reverted or (case.rollout.routes[0], None)
    manager = writer.manager if writer else "somebody"
    rule = routers.ROUTERS[route.kind].ignoring
    return messages.restoring(str(route), manager, case.weights.split.lowest, weight, rule)


def _reset(case: Case, to: Phase) -> Effect:
    canary, primary = case.objects.canary, case.objects.primary
    # No revision is on record until the next one starts: a pass that dies before the weight is 0 resets again.
    state = replace(
        case.state,
        canary_revision="",
        canary_generation=None,
        canary_uid="",
        primary_revision="",
        canary_replicas=canary.wanted or case.state.canary_replicas,
    )
    message = messages.going_back if case.record.standing is Standing.ON_PRIMARY else messages.resetting
    text = message(canary.full_name, primary.full_name)
    state = _in_phase(case, state, to)
    return _set_weight(case, state, 0, reason=text, events=(("Normal", text),), forget_measurements=True)


def _promote(case: Case, to: Phase) -> Effect:
    state = replace(revision.recorded(case.state, case.objects.canary), canary_weight=case.weights.split.lowest)
    writes, events = _copied(case)
    if writes and state.promoted_revision == state.canary_revision:
        state = replace(state, promoted_revision="")  # it was promoted once, and is not what the primary runs now
    return Effect(
        state=_in_phase(case, state, to),
        reason=f"the canary is well at the maximum: promoting {case.record.revision}",
        writes=writes,
        events=events,
    )


def _copy(case: Case, to: Phase) -> Effect:
    writes, events = _copied(case)
    return Effect(
        # The interval counts from the copy. The time of the phase stays that of the decision: a writer of the template
        # since then is found by it.
        state=replace(case.state, phase=to, last_advance=case.now),
        reason=f"{case.objects.primary.full_name} does not have the promoted template yet: copying it",
        writes=writes,
        events=events,
    )


def _copied(case: Case) -> tuple[tuple[Patch, ...], tuple[tuple[str, str], ...]]:
    """Returns the copy of the template and its Event; neither if the primary has the template already."""
    writes = patches.template(case)
    text = messages.copying(case.objects.canary.full_name, case.objects.primary.full_name)
    return writes, (("Normal", text),) if writes else ()


def _promote_now(case: Case, to: Phase) -> Effect:
    state = replace(_started(case), canary_weight=case.weights.split.lowest, last_advance=case.now)
    writes, events = _copied(case)
    return Effect(
        state=_in_phase(case, state, to),
        reason=f"a person asked for it: promoting {case.record.revision} without more steps",
        writes=writes,
        events=events,
    )


def _conclude(case: Case, to: Phase) -> Effect:
    replicas = case.objects.canary.wanted or case.state.canary_replicas
    state = _in_phase(case, replace(case.record.with_promotion, canary_replicas=replicas), to)
    size = case.spec.promotion.step_weight
    weight = max(case.weights.split.lowest - size, 0) if size else 0
    share = f"{100 - weight} % of the" if weight else "all"
    return _set_weight(
        case, state, weight, reason=f"{case.objects.primary.full_name} is rolled out: routing {share} traffic to it"
    )


def _roll_back(case: Case, to: Phase) -> Effect:
    reason = case.ending.reason if case.ending else case.state.attempt.message
    state = replace(revision.recorded(case.state, case.objects.canary), proven_weight=0)
    return _set_weight(
        case,
        _in_phase(case, state, to),
        0,
        reason=f"{reason}: routing all traffic to {case.objects.primary.full_name}",
        events=(("Warning", messages.rolling_back(case.rollout.full_name, reason)),),
    )


def _give_up(case: Case, to: Phase) -> Effect:
    event = messages.rolled_back(case.rollout.full_name, case.objects.canary.full_name)
    return _finish(case, case.state, to, event, kind="Warning")


def _retire(case: Case, to: Phase) -> Effect:
    return _finish(case, case.record.with_promotion, to, messages.complete(case.objects.canary.full_name))


def _return(case: Case, to: Phase) -> Effect:
    canary, primary = case.objects.canary, case.objects.primary
    state = replace(revision.recorded(case.state, canary), promoted_revision=case.record.revision)
    return _finish(case, state, to, messages.returning(canary.full_name, primary.full_name))


def _finish(case: Case, state: State, to: Phase, event: str, kind: str = "Normal") -> Effect:
    """Scales the canary to zero, and stores the end only after that.

    Before, the status says what is in progress, so that no other pass moves meanwhile: the canary's own patch cannot
    test that it has no traffic.
    """
    canary = case.objects.canary
    replicas = canary.wanted or case.state.canary_replicas
    # The write that scales it down tests the present generation, so it is the next one: nothing came in between.
    generation = None if canary.generation is None else canary.generation + bool(canary.wanted)
    end = replace(
        revision.recorded(state, canary),
        primary_revision="",
        canary_weight=0,
        proven_weight=0,
        canary_replicas=replicas,
        canary_generation=generation,
    )
    scaling = replace(case.state, canary_replicas=replicas, last_advance=case.now)
    return Effect(
        state=_in_phase(case, end, to),
        reason=_waiting(case, replace(end, phase=to)),
        interim=(scaling, f"scaling {canary.full_name} down to 0") if canary.wanted else None,
        writes=(patches.replicas(case, 0),) if canary.wanted else (),
        events=((kind, event),),
    )


def _waiting(case: Case, state: State) -> str:
    if state.phase is Phase.FAILED:
        return (
            f"{state.canary_revision} failed: {state.attempt.message}; waiting for a new revision of "
            f"{case.rollout.canary.full_name}, or for a retry"
        )
    promoted = f"{state.promoted_revision} is promoted; " if state.promoted_revision else ""
    return f"{promoted}waiting for a new revision of {case.rollout.canary.full_name}"


def _in_phase(case: Case, state: State, phase: Phase) -> State:
    """Returns the state in a phase; the time of the transition moves only if the phase does."""
    if phase is case.state.phase:
        return state
    return replace(state, phase=phase, last_transition=case.now)


def _set_weight(
    case: Case,
    state: State,
    weight: int,
    *,
    reason: str,
    events: tuple[tuple[str, str], ...] = (),
    forget_measurements: bool = False,
    is_repair: bool = False,
) -> Effect:
    """Returns the effect that gives the canary a weight.

    A repair counts as proven only once it is stored: the next one restores what the canary is known to have had.
    """
    proven = min(state.proven_weight, weight)
    asked = replace(state.with_weight(case.now, weight), proven_weight=proven, last_advance=case.now)
    return Effect(
        state=replace(asked, proven_weight=weight) if is_repair else asked,
        reason=reason,
        interim=(asked, reason) if is_repair else None,
        writes=patches.weight(case, weight),
        events=events,
        forget_measurements=forget_measurements,
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
    Move.PROMOTE_NOW: _promote_now,
    Move.ROLL_BACK: _roll_back,
    Move.GIVE_UP: _give_up,
}
