"""The decision record as plain data. Machines read it: no words are added, none are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.model.times import timestamp
from reconcile.report.plain_data import dump, number, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.model.measurement import Counts, Measurement
    from reconcile.model.plan import Change, Event, Gate, Patch, Position, Record

EVENT_REASON = "Synced"


def to_dict(record: Record) -> dict[str, Any]:
    """Returns the decision record of one Rollout, with its keys in this order."""
    plan = record.plan
    return {
        "rollout": {"namespace": plan.rollout.namespace, "name": plan.rollout.name},
        "time": timestamp(record.at),
        "move": plan.move,
        "before": _position(plan.before),
        "after": _position(plan.after),
        "actions": [
            {"name": item.action, "value": item.value, "outcome": item.outcome, "refused": item.refused}
            for item in plan.actions
        ],
        "gates": [_gate(gate) for gate in plan.gates],
        "measurements": [_measurement(measurement) for measurement in plan.measurements],
        "patches": [_patch(patch) for patch in plan.patches],
        "events": [_event(event) for event in plan.events],
        "promotion": changes_data(plan.promotion),
        "reason": plan.reason,
        "result": str(record.result),
        "error": record.error,
    }


def render(records: Iterable[Record], form: str) -> str:
    """Returns the document `{"rollouts": [...]}` as `json` or `yaml`, with a newline at its end."""
    return dump({"rollouts": [to_dict(record) for record in records]}, form)


def changes_data(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Returns what a promotion changes as plain data; null where a value is not told."""
    return [{"path": item.path, "from": item.before or None, "to": item.after or None} for item in changes]


def _position(position: Position) -> dict[str, Any]:
    return {"phase": position.phase, "weight": position.weight}


def _gate(gate: Gate) -> dict[str, Any]:
    return {"name": gate.name, "outcome": str(gate.outcome), "reason": gate.reason}


def _measurement(measurement: Measurement) -> dict[str, Any]:
    more: dict[str, Any] = {"thresholdRange": measurement.range_fields} if measurement.range else {}
    if measurement.primary_value is not None:
        more["primaryValue"] = number(measurement.primary_value)
    if measurement.counts is not None:
        more |= {side: _counts(getattr(measurement.counts, side)) for side in ("canary", "primary")}
    if measurement.evidence is not None:
        more |= {"evidence": number(measurement.evidence), "evidenceLimit": measurement.limit}
    if not measurement.gates:
        more["gate"] = False
    return {
        "name": measurement.metric,
        "query": measurement.query,
        "value": number(measurement.value),
        "threshold": number(measurement.threshold),
        "bound": measurement.bound,
        "verdict": measurement.verdict,
        "text": measurement.text,
        "time": timestamp(measurement.at),
        **more,
    }


def _counts(counts: Counts) -> dict[str, Any]:
    return {"total": number(counts.total), "bad": number(counts.bad)}


def _patch(patch: Patch) -> dict[str, Any]:
    target = {
        "apiVersion": patch.api_version,
        "kind": patch.target.kind.name,
        "namespace": patch.target.namespace,
        "name": patch.target.name,
    }
    if patch.subresource:
        target["subresource"] = patch.subresource
    return {"target": target, "operations": plain(patch.operations)}


def _event(event: Event) -> dict[str, Any]:
    return {"type": event.type, "reason": EVENT_REASON, "message": event.message}
