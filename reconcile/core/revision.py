"""The revision on record: how it is taken from the canary, and when another hash is the same revision."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconcile.model.objects import Deployment
    from reconcile.model.rollout import State


def refreshed(state: State, canary: Deployment) -> State:
    """Take over a hash that differs although nobody wrote the canary, such as after a server added defaults.

    Same uid and same generation, both recorded: the object is the one that was hashed, so the new hash is another
    name of the same revision. Otherwise the state stays as it is.
    """
    now = canary.revision
    recorded = (state.canary_uid or None, state.canary_generation)
    if now == state.canary_revision or None in recorded or recorded != (canary.uid, canary.generation):
        return state
    promoted = now if state.promoted_revision == state.canary_revision else state.promoted_revision
    return replace(state, canary_revision=now, promoted_revision=promoted)


def recorded(state: State, canary: Deployment) -> State:
    """Put the canary's present revision on record, with what it was computed from."""
    return replace(
        state,
        canary_revision=canary.revision,
        canary_generation=canary.generation,
        canary_uid=canary.uid or "",
    )
