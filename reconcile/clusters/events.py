"""An Event of a pass as a core/v1 object; every cluster stores the same one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.model.text import storable
from reconcile.model.times import timestamp

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Event

COMPONENT = "steerer"
REASON = "Synced"
# The limit of events.k8s.io for a note, so every reader of Events can show it (SPEC 6).
MESSAGE_BYTES = 1024


def event_manifest(event: Event, at: datetime, count: int = 1, first: str | None = None) -> Manifest:
    """Returns the object to store after the `count`-th occurrence, which was `at`.

    `first` is the `firstTimestamp` of the stored object; None = this is the first occurrence.
    """
    last = timestamp(at)
    involved = {
        "apiVersion": event.api_version,
        "kind": event.rollout.kind.name,
        "name": event.rollout.name,
        "namespace": event.rollout.namespace,
    }
    if event.uid:
        involved["uid"] = event.uid
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": event.name, "namespace": event.rollout.namespace},
        "involvedObject": involved,
        "reason": REASON,
        "message": cut(event.message),
        "source": {"component": COMPONENT},
        "type": event.type,
        "count": count,
        "firstTimestamp": first or last,
        "lastTimestamp": last,
    }


def cut(message: str) -> str:
    """Returns a message of at most MESSAGE_BYTES, cut between two characters and with an ellipsis if it was longer."""
    return storable(message, MESSAGE_BYTES)
