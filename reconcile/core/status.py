"""The status of a Rollout: from the state of the program to what is stored, conditions included.

Duty: the shape of `status` and the patch that stores it, if anything changed. Which state is right is decided
elsewhere. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconcile.model.plan import Patch
from reconcile.model.rollout import State
from reconcile.model.text import clip, storable
from reconcile.model.times import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from reconcile.model.measurement import Measurement
    from reconcile.model.plan import Operation
    from reconcile.model.rollout import Rollout

MOST_MESSAGE = 1024
MOST_QUERY = 4096
# What a status says of the last move.
_MOVED = ("phase", "canaryRevision", "canaryWeight")


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    """The conditions, in one value. `ready` is "True", "False" or "Unknown"; the other two are never both true."""

    ready: str
    reason: str
    message: str
    reconciling: bool = False
    stalled: bool = False


def render(
    rollout: Rollout,
    state: State,
    readiness: Readiness,
    measurements: Iterable[Measurement] | None,
    now: datetime,
) -> dict[str, Any]:
    """Give the whole new status. What this version does not know is kept; `measurements` None keeps the stored ones.

    Of an invalid Rollout the conditions alone are written: its state may be what is invalid, and a phase that this
    version does not know, replaced by none, would start the release anew.
    """
    old = rollout.status or {}
    fields: dict[str, Any] = {"observedGeneration": rollout.generation}
    if rollout.spec is not None:
        kept = old.get("measurements")
        fields |= _stated(state)
        fields["measurements"] = kept if measurements is None else [_measured(item) for item in measurements]
    fields["conditions"] = _conditions(rollout, readiness, now)
    known = {key: value for key, value in fields.items() if value not in (None, [])}
    return {key: value for key, value in old.items() if key not in fields} | known


def patch(rollout: Rollout, new: dict[str, Any]) -> tuple[Patch, ...]:
    """Give the patch that stores a status, or nothing if it is stored already.

    It is the ticket of the pass: where somebody wrote the Rollout since it was read, the `test` refuses it. A folder
    has no resource versions; there the old status itself is tested.
    """
    if new == (rollout.status or {}):
        return ()
    operations: list[Operation] = []
    if rollout.resource_version is not None:
        operations.append({"op": "test", "path": "/metadata/resourceVersion", "value": rollout.resource_version})
    elif rollout.status is not None:
        operations.append({"op": "test", "path": "/status", "value": rollout.status})
    operations.append({"op": "add", "path": "/status", "value": new})
    return (
        Patch(target=rollout.ref, api_version=rollout.api_version, operations=tuple(operations), subresource="status"),
    )


def following(rollout: Rollout, first: dict[str, Any], new: dict[str, Any]) -> Patch:
    """Give the patch that stores a status after `first`, of the same plan, whose version is not known.

    The `test` refuses it where another pass has made a move since: each move changes one of these.
    """
    tests: list[Operation] = [
        {"op": "test", "path": f"/status/{key}", "value": first[key]} for key in _MOVED if key in first
    ]
    add: Operation = {"op": "add", "path": "/status", "value": new}
    return Patch(target=rollout.ref, api_version=rollout.api_version, operations=(*tests, add), subresource="status")


def _stated(state: State) -> dict[str, Any]:
    return {
        "phase": state.phase.value or None,
        "canaryRevision": state.canary_revision or None,
        "canaryGeneration": state.canary_generation,
        "canaryUID": state.canary_uid or None,
        "promotedRevision": state.promoted_revision or None,
        "canaryWeight": state.canary_weight,
        "provenWeight": state.proven_weight or None,
        "canaryReplicas": state.canary_replicas,
        "lastAdvanceTime": _time(state.last_advance),
        "lastTransitionTime": _time(state.last_transition),
    }


def refused(promised: Patch, reason: str, now: datetime) -> Patch:
    """Give the patch that takes back what a stored status promised, where the write after it was refused.

    `promised` is the status patch of the same plan. Only `Ready` changes: the next pass looks at the world again.
    """
    stored = promised.operations[-1]["value"]
    moved = "lastAdvanceTime"  # another pass may have stored the same in all but its time
    ours: list[Operation] = (
        [{"op": "test", "path": f"/status/{moved}", "value": stored[moved]}] if moved in stored else []
    )
    since = {"lastTransitionTime": _time(now)}
    conditions = [
        condition | {"status": "False", "reason": "WriteFailed", "message": storable(reason, MOST_MESSAGE)} | since
        if condition["type"] == "Ready"
        else condition
        for condition in stored["conditions"]
    ]
    operations: tuple[Operation, ...] = (
        *ours,
        {"op": "test", "path": "/status/conditions", "value": stored["conditions"]},
        {"op": "add", "path": "/status/conditions", "value": conditions},
    )
    return Patch(target=promised.target, api_version=promised.api_version, operations=operations, subresource="status")


def _conditions(rollout: Rollout, readiness: Readiness, now: datetime) -> list[dict[str, Any]]:
    """Give `Ready`, and `Reconciling` or `Stalled` while they are true (kstatus takes their absence for false)."""
    stored = (rollout.status or {}).get("conditions")
    old = {str(item.get("type")): item for item in stored if isinstance(item, dict)} if isinstance(stored, list) else {}
    wanted = {"Ready": readiness.ready, "Reconciling": readiness.reconciling, "Stalled": readiness.stalled}
    common: dict[str, Any] = {"reason": readiness.reason, "message": storable(readiness.message, MOST_MESSAGE)}
    if rollout.generation is not None:
        common["observedGeneration"] = rollout.generation
    return [
        {"type": kind, "status": str(status)} | common | {"lastTransitionTime": _since(old.get(kind), str(status), now)}
        for kind, status in wanted.items()
        if status
    ]


def _since(old: dict[str, Any] | None, status: str, now: datetime) -> Any:
    """Give the time since when a condition has its status: it moves only if the status does."""
    since = old.get("lastTransitionTime") if old and old.get("status") == status else None
    return since or _time(now)


def _measured(measurement: Measurement) -> dict[str, Any]:
    fields = {
        "name": measurement.metric,
        "query": clip(measurement.query, MOST_QUERY),
        "value": measurement.value,
        "threshold": measurement.threshold,
        "verdict": measurement.verdict,
        "time": _time(measurement.at),
    }
    return {key: value for key, value in fields.items() if value not in (None, "")}


def _time(time: datetime | None) -> str | None:
    return None if time is None else timestamp(time)


FIELDS = ("observedGeneration", *_stated(State()), "measurements", "conditions")
"""Every field that is stored: a schema that lacks one makes the API server drop it."""
