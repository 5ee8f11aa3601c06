"""The revision: which version of the canary a Rollout is about.

Duty: the hash of a pod template, and what a hash that differs means. Pure.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconcile.model.objects import Deployment
    from reconcile.model.rollout import State

VERSION = "v1"
DIGITS = 20


def revision(template: Any) -> str:
    """Give the revision of a pod template, e.g. `v1-3f9a…`: the same whatever the order and spelling of its fields."""
    text = json.dumps(canonical(template), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"{VERSION}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:DIGITS]}"


def canonical(value: Any) -> Any:
    """Drop members that are null or empty mappings or lists, at every depth: servers add and omit them at will.

    An empty string stays: as the value of a label it is not the same as no label. Items of lists stay as well,
    their order and number mean something.
    """
    if isinstance(value, dict):
        members = {str(key): canonical(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member is not None and member not in ({}, [])}
    if isinstance(value, list):
        return [canonical(item) for item in value]
    return value


def same_template(one: Any, other: Any) -> bool:
    """Say whether two pod templates are the same revision."""
    return revision(one) == revision(other)


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
