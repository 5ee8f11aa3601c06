"""The state that a halted pass stores: what it has learnt, and no step further."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconcile.core import revision
from reconcile.core.state_machine import CONCLUDING
from reconcile.core.stops import StopError
from reconcile.model.rollout import Phase

if TYPE_CHECKING:
    from reconcile.core.case import Case
    from reconcile.model.rollout import State


def halted_state(case: Case, gate: str) -> State:
    """Returns the state to store after this gate halted the pass: the stored one where an object cannot be used."""
    try:
        if case.state.phase is Phase.NEW:
            return _adopted(case)
        if case.state.phase in CONCLUDING and gate != "template":
            return case.record.with_promotion
        return _lowered(case)
    except (StopError, LookupError):
        return case.rollout.state


def _adopted(case: Case) -> State:
    """Returns the state of a Rollout that was found with traffic: it is under way from then on.

    Since when the canary has its weight is not known. Where it may be a moment ago, the time counts from now.
    """
    split = case.weights.split
    if split.highest == 0:
        return case.state
    counts = case.weights.written_within(case.least_interval, case.now) or case.spec.steps.at(split.lowest).hold > 0
    return replace(
        revision.recorded(case.state, case.objects.canary),
        phase=Phase.PROGRESSING,
        canary_weight=split.lowest,
        last_advance=case.now if counts else case.state.last_advance,
        last_transition=case.now,
    )


def _lowered(case: Case) -> State:
    """Returns the state with the weight that somebody lowered.

    Who wrote it is known only until the next one writes the route: a GitOps tool must not be taken for them then.
    """
    state, weights = case.state, case.weights
    if not case.record.under_analysis or weights.put_back is not None or weights.split.lowest >= state.canary_weight:
        return state
    return replace(state, canary_weight=weights.split.lowest, proven_weight=weights.restorable)
