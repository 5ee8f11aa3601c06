"""One entry of a saved plan: the decision record of one Rollout, as JSON has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconcile.model.kinds import KINDS, ROLLOUT, Ref
from reconcile.model.plan import Plan, Position, Record, Result
from reconcile.report import record as records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

Entry = Mapping[str, Any]

# The fields of a status that are decided. The others are measured, counted or texts.
_DECIDED_STATUS = (
    *("phase", "canaryRevision", "canaryGeneration", "canaryUID", "promotedRevision", "primaryRevision"),
    "canaryWeight",
)
_STATUS_PATHS = ("/metadata/resourceVersion", "/status")


def to_entry(record: Record) -> dict[str, Any]:
    """Returns the entry of a decision record."""
    return {"uid": record.plan.uid, "generation": record.plan.generation, **records.to_dict(record)}


def rollout_of(entry: Entry) -> Ref:
    """Returns the Rollout that an entry is about."""
    return Ref(ROLLOUT, str(entry["rollout"]["namespace"]), str(entry["rollout"]["name"]))


def has_writes(entry: Entry) -> bool:
    """Returns whether there is anything to apply."""
    return bool(entry["patches"] or entry["events"] or entry["error"])


def object_patches(entry: Entry) -> Iterator[tuple[Ref, Entry]]:
    """Yields the objects that an entry writes, each with its patch, except for the Rollout itself."""
    namespace = entry["rollout"]["namespace"]
    for patch in entry["patches"]:
        target = patch["target"]
        if not target.get("subresource") and target["kind"] in KINDS and target["namespace"] == namespace:
            yield Ref(KINDS[target["kind"]], str(namespace), str(target["name"])), patch


def unwritten(entry: Entry, at: datetime, result: Result, error: str = "") -> Record:
    """Returns a Record for an entry of which nothing is written."""
    return Record(plan=plan_without_writes(entry), at=at, result=result, error=error)


def plan_without_writes(entry: Entry) -> Plan:
    """Returns the plan of an entry without its patches and Events."""
    return Plan(
        rollout=rollout_of(entry),
        move=str(entry["move"]),
        reason=str(entry["reason"]),
        before=_position(entry["before"]),
        after=_position(entry["after"]),
    )


def _position(position: Entry) -> Position:
    weight = position["weight"]
    return Position(phase=str(position["phase"]), weight=None if weight is None else int(weight))


def effect(entry: Entry) -> dict[str, Any]:
    """Returns what a plan does, without what differs between two passes over the same world.

    These are times, measured values and counts of replicas.
    """
    gates = [[gate["name"], gate["outcome"]] for gate in entry["gates"]]
    effect = {"move": entry["move"], "generation": entry["generation"], "gates": gates}
    if entry["move"] == "halt":  # whatever it measured: nothing moves, and the gate is the same
        return effect
    return effect | {
        "before": entry["before"],
        "after": entry["after"],
        "measurements": [
            [one[key] for key in ("name", "query", "threshold", "bound")] for one in entry["measurements"]
        ],
        "patches": [_patch_effect(patch) for patch in entry["patches"]],
        "events": [[event["type"], event["message"]] for event in entry["events"]],
    }


def _patch_effect(patch: Entry) -> dict[str, Any]:
    if not patch["target"].get("subresource"):
        return {"target": patch["target"], "operations": patch["operations"]}
    status = [
        {key: operation["value"].get(key) for key in _DECIDED_STATUS}
        for operation in patch["operations"]
        if operation["op"] != "test"
    ]
    others = [operation["path"] for operation in patch["operations"] if operation["path"] not in _STATUS_PATHS]
    return {"target": patch["target"], "status": status, "others": others}
