"""The stored status of a Rollout, conditions included, and the patches that store it.

What the state is comes from `moves` and `halted_state`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconcile.model.plan import Patch
from reconcile.model.rollout import State
from reconcile.model.text import MOST_MESSAGE, clip, storable
from reconcile.model.times import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from reconcile.model.measurement import Measurement
    from reconcile.model.plan import Operation
    from reconcile.model.rollout import Attempt, Evidence, Rollout

MOST_QUERY = 4096
WRITE_FAILED = "WriteFailed"
"""The reason of the condition Ready after a write that failed."""
# Each move changes one of these.
_OF_A_MOVE = ("phase", "canaryRevision", "canaryWeight")


class Readiness(Struct, frozen=True, kw_only=True):
    """The conditions. `ready` is "True", "False" or "Unknown"; the other two are never both true.

    `pending` is the condition of that name, where something is not applied yet.
    """

    ready: str
    reason: str
    message: str
    reconciling: bool = False
    stalled: bool = False
    pending: dict[str, Any] | None = None


def render(
    rollout: Rollout,
    state: State,
    readiness: Readiness,
    measurements: Iterable[Measurement] | None,
    now: datetime,
) -> dict[str, Any]:
    """Returns the whole new status. Fields that this version does not know are kept.

    `measurements` None keeps the stored ones. Of an invalid Rollout only the conditions are written: its state may be
    what is invalid, and without the phase, which this version may not know, the release would start again.
    """
    old = rollout.status or {}
    fields: dict[str, Any] = {"observedGeneration": rollout.generation}
    if rollout.spec is not None:
        kept = old.get("measurements")
        fields |= _state_fields(state)
        fields["measurements"] = kept if measurements is None else [_measurement_fields(item) for item in measurements]
    fields["conditions"] = _conditions(rollout, readiness, now)
    known = {key: value for key, value in fields.items() if value not in (None, [])}
    return {key: value for key, value in old.items() if key not in fields} | known


def patch(rollout: Rollout, new: dict[str, Any]) -> tuple[Patch, ...]:
    """Returns the patch that stores a status; none if it is stored already.

    It is the ticket of the pass: where the Rollout was written since it was read, the `test` fails. A folder has no
    resource versions; there the old status itself is tested.
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


def patch_after(rollout: Rollout, first: dict[str, Any], new: dict[str, Any]) -> Patch:
    """Returns the patch that stores a status after the status `first` of the same plan, whose version is not known.

    The `test` fails where another pass has made a move since.
    """
    tests: list[Operation] = [
        {"op": "test", "path": f"/status/{key}", "value": first[key]} for key in _OF_A_MOVE if key in first
    ]
    add: Operation = {"op": "add", "path": "/status", "value": new}
    return Patch(target=rollout.ref, api_version=rollout.api_version, operations=(*tests, add), subresource="status")


def _state_fields(state: State) -> dict[str, Any]:
    return {
        "phase": state.phase.value or None,
        "canaryRevision": state.canary_revision or None,
        "canaryGeneration": state.canary_generation,
        "canaryUID": state.canary_uid or None,
        "promotedRevision": state.promoted_revision or None,
        "primaryRevision": state.primary_revision or None,
        "canaryWeight": state.canary_weight,
        "provenWeight": state.proven_weight or None,
        "canaryReplicas": state.canary_replicas,
        "lastAdvanceTime": _time(state.last_advance),
        "lastTransitionTime": _time(state.last_transition),
        "analysis": _attempt_fields(state.attempt),
        "history": [{"time": _time(at), "weight": weight} for at, weight in state.history] or None,
    }


def _attempt_fields(attempt: Attempt) -> dict[str, Any] | None:
    if not attempt.revision:
        return None
    fields = {
        "revision": attempt.revision,
        "attempt": attempt.number,
        "retryTokens": [*attempt.tokens] or None,
        "startTime": _time(attempt.started),
        "checks": attempt.checks,
        "failedChecks": attempt.failed,
        "consecutiveFailures": attempt.consecutive,
        "lastCheckTime": _time(attempt.last_check),
        "lastHoldTime": _time(attempt.last_hold),
        "reason": attempt.failure or None,
        "message": storable(attempt.message, MOST_MESSAGE) or None,
        "evidence": [_evidence_fields(item) for item in attempt.evidence] or None,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _evidence_fields(evidence: Evidence) -> dict[str, Any]:
    counts = evidence.counts
    return {"metric": evidence.metric, "weight": evidence.weight} | {
        side: {"total": served.total, "bad": served.bad}
        for side, served in (("canary", counts.canary), ("primary", counts.primary))
    }


def reason(rollout: Rollout) -> str:
    """Returns the reason of the stored condition Ready; "" without one."""
    return next((str(item.get("reason")) for item in rollout.conditions if item.get("type") == "Ready"), "")


def write_failed(first: Patch, reason: str, now: datetime) -> Patch:
    """Returns the patch that says that a write failed, after the status patch `first` of the same plan was stored.

    Only `Ready` changes: the next pass reads the world again.
    """
    stored = first.operations[-1]["value"]
    time = "lastAdvanceTime"  # another pass may have stored the same in all but its time
    same_pass: list[Operation] = (
        [{"op": "test", "path": f"/status/{time}", "value": stored[time]}] if time in stored else []
    )
    since = {"lastTransitionTime": _time(now)}
    conditions = [
        condition | {"status": "False", "reason": WRITE_FAILED, "message": storable(reason, MOST_MESSAGE)} | since
        if condition["type"] == "Ready"
        else condition
        for condition in stored["conditions"]
    ]
    operations: tuple[Operation, ...] = (
        *same_pass,
        {"op": "test", "path": "/status/conditions", "value": stored["conditions"]},
        {"op": "add", "path": "/status/conditions", "value": conditions},
    )
    return Patch(target=first.target, api_version=first.api_version, operations=operations, subresource="status")


def _conditions(rollout: Rollout, readiness: Readiness, now: datetime) -> list[dict[str, Any]]:
    """Returns `Ready`, and `Reconciling` or `Stalled` while they are true (for kstatus, absent is false)."""
    old = {str(item.get("type")): item for item in rollout.conditions}
    wanted = {"Ready": readiness.ready, "Reconciling": readiness.reconciling, "Stalled": readiness.stalled}
    common: dict[str, Any] = {"reason": readiness.reason, "message": storable(readiness.message, MOST_MESSAGE)}
    if rollout.generation is not None:
        common["observedGeneration"] = rollout.generation
    conditions = [
        {"type": kind, "status": str(status)} | common | {"lastTransitionTime": _since(old.get(kind), str(status), now)}
        for kind, status in wanted.items()
        if status
    ]
    return conditions if readiness.pending is None else [*conditions, readiness.pending]


def _since(old: dict[str, Any] | None, status: str, now: datetime) -> Any:
    """Returns the time since when a condition has its status: it moves only if the status does."""
    since = old.get("lastTransitionTime") if old and old.get("status") == status else None
    return since or _time(now)


def _measurement_fields(measurement: Measurement) -> dict[str, Any]:
    fields = {
        "name": measurement.metric,
        "query": clip(measurement.query, MOST_QUERY),
        "value": measurement.value,
        "threshold": measurement.threshold,
        "thresholdRange": measurement.range_fields,
        "primaryValue": measurement.primary_value,
        "evidence": measurement.evidence,
        "verdict": measurement.verdict,
        "gate": None if measurement.gates else False,
        "message": "" if measurement.is_plain else storable(measurement.text, MOST_MESSAGE),
        "time": _time(measurement.at),
    }
    return {key: value for key, value in fields.items() if value not in (None, "")}


def _time(time: datetime | None) -> str | None:
    return None if time is None else timestamp(time)


FIELDS = ("observedGeneration", *_state_fields(State()), "measurements", "conditions")
"""All fields that are stored. The API server drops those that its schema does not have."""
