"""The condition `Pending`: what the cluster does not show yet of what its checkout in Git has, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.model.text import MOST_MESSAGE, storable
from reconcile.model.times import parse_time, timestamp

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.model.rollout import Rollout

CONDITION, REASON = "Pending", "NotApplied"
# Longer than a GitOps tool takes from one look at Git to the next, with its default settings.
PATIENCE = 30 * 60.0
"""The seconds after which what is not applied is taken for never applied."""


def is_over(rollout: Rollout, text: str, now: datetime) -> bool:
    """Returns whether the same is pending for so long that it will not come by itself."""
    stored = _stored(rollout, text)
    since = parse_time(stored.get("lastTransitionTime")) if stored else None
    return since is not None and (now - since).total_seconds() >= PATIENCE


def is_noted(rollout: Rollout) -> bool:
    """Returns whether the last pass found something pending."""
    return any(item.get("type") == CONDITION for item in rollout.conditions)


def condition(rollout: Rollout, text: str, now: datetime) -> dict[str, Any]:
    """Returns the condition. Its time moves where something else is pending."""
    fields = {"type": CONDITION, "status": "True", "reason": REASON, "message": storable(text, MOST_MESSAGE)}
    generation = {} if rollout.generation is None else {"observedGeneration": rollout.generation}
    since = (_stored(rollout, text) or {}).get("lastTransitionTime") or timestamp(now)
    return {**fields, **generation, "lastTransitionTime": since}


def noted(rollout: Rollout, text: str, now: datetime) -> dict[str, Any]:
    """Returns the stored status with the condition, and nothing else changed; "" = nothing is pending."""
    status = rollout.status or {}
    others = [item for item in rollout.conditions if item.get("type") != CONDITION]
    if not text and len(others) == len(rollout.conditions):
        return status
    return status | {"conditions": [*others, *([condition(rollout, text, now)] if text else [])]}


def _stored(rollout: Rollout, text: str) -> dict[str, Any] | None:
    message = storable(text, MOST_MESSAGE)
    found = (item for item in rollout.conditions if item.get("type") == CONDITION and item.get("message") == message)
    return next(found, None)
