"""Writes one plan: its patches in order, then its Events. It writes only what the plan has."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconcile.core import status
from reconcile.model.errors import ClusterError, LostRaceError
from reconcile.model.plan import Event, Plan, Record, Result, Transition

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from reconcile.model.plan import Patch
    from reconcile.model.ports import Cluster

LOG = logging.getLogger("steerer.apply")


def apply(
    plan: Plan,
    cluster: Cluster,
    at: datetime,
    lease_expired: Callable[[], bool] = lambda: False,
    write: Callable[[Patch], object] | None = None,
) -> Record:
    """Writes the patches, then the Events. The first patch that fails ends it, and no Event is stored.

    `lease_expired` returns whether other passes may have moved the Rollout since the first patch: then no further
    patch is written. `write` writes a patch, and is `cluster.patch` where none is given.
    """
    write = write or cluster.patch
    for patch in plan.patches:
        if patch is not plan.patches[0] and lease_expired():
            text = f"{patch.target}: not written, the pass stood still for too long; the next one looks again"
            return Record(plan=plan, at=at, result=Result.FAILED, error=text)
        try:
            write(patch)
        except LostRaceError as error:
            return Record(plan=plan, at=at, result=Result.LOST_RACE, error=f"{patch.target}: {error}")
        except ClusterError as error:
            reason = f"{patch.target} could not be written: {error}"
            told = _report_failure(plan, cluster, at, reason, status_written=patch != plan.patches[0])
            return Record(plan=plan, at=at, result=Result.FAILED, error=f"{patch.target}: {error}", told=told)
    # Event times have whole seconds and are the only order that people see: each Event of a pass has its own second.
    seconds = reversed(range(len(plan.events)))
    told = tuple((event, at - timedelta(seconds=ago)) for event, ago in zip(plan.events, seconds, strict=True))
    for event, time in told:
        _record_event(event, cluster, time)
    return Record(plan=plan, at=at, result=Result.APPLIED, told=told)


def _record_event(event: Event, cluster: Cluster, at: datetime) -> None:
    """Stores an Event and logs it. An Event is best effort: one that is not stored is no error of the pass."""
    level = logging.WARNING if event.type == "Warning" else logging.INFO
    LOG.log(level, event.message, extra={"rollout": event.rollout.name, "namespace": event.rollout.namespace})
    try:
        cluster.record(event, at)
    except ClusterError as error:
        LOG.warning("an Event of %s was not stored: %s", event.rollout, error)


def _report_failure(
    plan: Plan, cluster: Cluster, at: datetime, reason: str, *, status_written: bool
) -> tuple[tuple[Event, datetime], ...]:
    """Reports a failed write in a Warning, and in the status if that already announces the write.

    Returns the Warning. It tells of a halt where that is stored, and was not before.
    """
    transition = None
    if status_written and plan.patches[0].subresource == "status":
        try:
            cluster.patch(status.write_failed(plan.patches[0], reason, at))
            transition = None if plan.ready_reason == status.WRITE_FAILED else Transition.HALTED
        except LostRaceError:
            LOG.debug("the status of %s is no longer the one of this plan", plan.rollout)
        except ClusterError as error:
            LOG.warning("the status of %s does not say that a write failed: %s", plan.rollout, error)
    text = f"Halt rollout {plan.rollout.name}.{plan.rollout.namespace} {reason}"
    warnings = [replace(event, type="Warning", message=text, transition=transition) for event in plan.events[:1]]
    for warning in warnings:
        _record_event(warning, cluster, at)
    return tuple((warning, at) for warning in warnings)
