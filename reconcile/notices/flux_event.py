"""One notice as data: the fields of an event of Flux, and the `text` that Slack, Mattermost and Rocket.Chat look for.

https://fluxcd.io/flux/components/notification/events/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.model.kinds import ROLLOUT
from reconcile.model.plan import Transition
from reconcile.model.text import MOST_MESSAGE, storable
from reconcile.model.times import timestamp

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.model.plan import Event, Plan

CONTROLLER = "steerer"
_ERRORS = {Transition.HALTED, Transition.ROLLING_BACK, Transition.FAILED}
# Slack reads these three as markup, such as a mention of everybody.
_SLACK = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}


def flux_event(plan: Plan, event: Event, at: datetime, instance: str) -> dict[str, Any]:
    """Returns the notice of an Event that tells of a transition. `instance` names what sends it.

    Flux keeps metadata whose keys begin with the group of the object, and shows them without it.
    """
    metadata = {"revision": event.revision, "phase": plan.after.phase, "weight": plan.after.weight}
    message = storable(event.message, MOST_MESSAGE)
    return {
        "involvedObject": {
            "apiVersion": event.api_version,
            "kind": event.rollout.kind.name,
            "namespace": event.rollout.namespace,
            "name": event.rollout.name,
            **({"uid": event.uid} if event.uid else {}),
        },
        "severity": "error" if event.transition in _ERRORS else "info",
        "timestamp": timestamp(at),
        "message": message,
        "reason": str(event.transition),
        "metadata": {
            f"{ROLLOUT.group}/{key}": str(value) for key, value in metadata.items() if value not in {None, ""}
        },
        "reportingController": CONTROLLER,
        "reportingInstance": instance,
        "text": message.translate(_SLACK),
    }
