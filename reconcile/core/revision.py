"""The revision on record: how it is taken from the canary, and when another hash is the same revision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconcile.model.template_hash import revision_without_annotations

if TYPE_CHECKING:
    from reconcile.model.objects import Deployment
    from reconcile.model.rollout import State


def refreshed(state: State, canary: Deployment) -> State:
    """Returns the state with the canary's present hash, where only the hash of the same object changed.

    With the recorded uid and generation, the object is the one that was hashed, and the new hash is another name of
    its revision: such as after a server upgrade that adds default values. Otherwise the state stays as it is.
    """
    now = canary.revision
    recorded = (state.canary_uid or None, state.canary_generation)
    if now == state.canary_revision or None in recorded or recorded != (canary.uid, canary.generation):
        return state
    promoted = now if state.promoted_revision == state.canary_revision else state.promoted_revision
    attempt = replace(state.attempt, revision=now) if state.attempt.revision == state.canary_revision else state.attempt
    return replace(state, canary_revision=now, promoted_revision=promoted, attempt=attempt)


def started(state: State, canary: Deployment, primary: Deployment) -> State:
    """Returns the state with the canary's revision on record, and what the primary's template was when it started."""
    known = state.canary_revision == canary.revision and state.primary_revision
    return replace(
        recorded(state, canary),
        primary_revision=known or revision_without_annotations(primary.template),
    )


def recorded(state: State, canary: Deployment) -> State:
    """Returns the state with the canary's present revision on record, and what it was computed from."""
    return replace(
        state,
        canary_revision=canary.revision,
        canary_generation=canary.generation,
        canary_uid=canary.uid or "",
    )
