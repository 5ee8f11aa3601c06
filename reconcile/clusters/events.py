"""How an Event of a pass looks as a core/v1 object; every cluster stores the same one.

Duty: pure builders. Where an Event is kept, and how one with its name is found there, is the cluster's affair.
"""

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
# What events.k8s.io allows a note, and so what every reader of Events is prepared for (SPEC 6).
MESSAGE_BYTES = 1024


def event_manifest(event: Event, at: datetime, count: int = 1, first: str | None = None) -> Manifest:
    """Give the whole object as it is stored after its `count`-th occurrence, which was `at`.

    `first` is the `firstTimestamp` of the object stored so far; None = this is the first occurrence.
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
    """Shorten a message to the bytes that an Event may have, between two characters, and show that it was."""
    return storable(message, MESSAGE_BYTES)
