"""Writing one plan, in its order.

Duty: the order of writes, and where it stops. It decides nothing: what is not in the plan is not written.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from reconcile.core import status
from reconcile.model.errors import ClusterError, LostRaceError
from reconcile.model.plan import Event, Plan, Record, Result

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from reconcile.model.ports import Cluster

LOG = logging.getLogger("steerer.apply")


def apply(plan: Plan, cluster: Cluster, at: datetime, late: Callable[[], bool] = lambda: False) -> Record:
    """Write the patches, then the Events. The first patch that is not taken ends it, and nothing is claimed.

    `late` says whether other passes may have moved since the first patch was stored: then no other one is written.
    """
    for patch in plan.patches:
        if patch is not plan.patches[0] and late():
            text = f"{patch.target}: not written, the pass stood still for too long; the next one looks again"
            return Record(plan=plan, at=at, result=Result.FAILED, error=text)
        try:
            cluster.patch(patch)
        except LostRaceError as error:
            return Record(plan=plan, at=at, result=Result.LOST_RACE, error=f"{patch.target}: {error}")
        except ClusterError as error:
            _say_why(
                plan, cluster, at, f"{patch.target} could not be written: {error}", promised=patch != plan.patches[0]
            )
            return Record(plan=plan, at=at, result=Result.FAILED, error=f"{patch.target}: {error}")
    # Events are stamped in whole seconds, and shown by nothing but their stamps: those of one pass get one each.
    for event, after in zip(plan.events, reversed(range(len(plan.events))), strict=True):
        _record(event, cluster, at - timedelta(seconds=after))
    return Record(plan=plan, at=at, result=Result.APPLIED)


def _record(event: Event, cluster: Cluster, at: datetime) -> None:
    """Store an Event and log it. What becomes of an Event changes no decision and is no error of the pass."""
    level = logging.WARNING if event.type == "Warning" else logging.INFO
    LOG.log(level, event.message, extra={"rollout": event.rollout.name, "namespace": event.rollout.namespace})
    try:
        cluster.record(event, at)
    except ClusterError as error:
        LOG.warning("an Event of %s was not stored: %s", event.rollout, error)


def _say_why(plan: Plan, cluster: Cluster, at: datetime, reason: str, *, promised: bool) -> None:
    """Tell of a failed write where people look: in the status, if that promised it already, and in a Warning."""
    if promised and plan.patches[0].subresource == "status":
        try:
            cluster.patch(status.refused(plan.patches[0], reason, at))
        except LostRaceError:
            LOG.debug("the status of %s is no longer the one of this plan", plan.rollout)
        except ClusterError as error:
            LOG.warning("the status of %s does not say that a write failed: %s", plan.rollout, error)
    for event in plan.events[:1]:
        text = f"Halt rollout {plan.rollout.name}.{plan.rollout.namespace} {reason}"
        warning = Event(
            rollout=event.rollout,
            api_version=event.api_version,
            uid=event.uid,
            revision=event.revision,
            type="Warning",
            message=text,
        )
        _record(warning, cluster, at)
