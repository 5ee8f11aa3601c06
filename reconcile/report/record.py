"""The decision record as plain data, and documents of plain data as JSON or YAML.

Duty: one Record -> one dict with a fixed order of keys. Machines read this: no words are added, none are left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from reconcile.model.errors import UsageError
from reconcile.model.times import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.model.measurement import Measurement
    from reconcile.model.plan import Event, Gate, Patch, Position, Record

EVENT_REASON = "Synced"
_EXACT = 2**53
"""Up to here every whole float is the integer that it looks like."""


def to_dict(record: Record) -> dict[str, Any]:
    """Give the decision record of one Rollout; its keys keep the order in which they are written here."""
    plan = record.plan
    return {
        "rollout": {"namespace": plan.rollout.namespace, "name": plan.rollout.name},
        "time": timestamp(record.at),
        "move": plan.move,
        "before": _position(plan.before),
        "after": _position(plan.after),
        "gates": [_gate(gate) for gate in plan.gates],
        "measurements": [_measurement(measurement) for measurement in plan.measurements],
        "patches": [_patch(patch) for patch in plan.patches],
        "events": [_event(event) for event in plan.events],
        "reason": plan.reason,
        "result": str(record.result),
        "error": record.error,
    }


def render(records: Iterable[Record], form: str) -> str:
    """Give one document `{"rollouts": [...]}` in the form `json` or `yaml`, ending in a newline."""
    return dump({"rollouts": [to_dict(record) for record in records]}, form)


def dump(document: Mapping[str, Any], form: str) -> str:
    """Write any mapping of plain data as `json` or `yaml`, in the order of its keys. Raises UsageError for another."""
    if form == "json":
        return _json(plain(document))
    if form == "yaml":
        # PyYAML costs a cold start more than this whole package; only those who ask for YAML pay for it.
        from reconcile.report.yaml_text import to_yaml  # noqa: PLC0415 - loaded only when YAML is asked for

        return to_yaml(plain(document))
    raise UsageError(f"-o {form}: the decision record comes as json or yaml")


def number(value: float | None) -> float | None:
    """Give a number as JSON can have it: none for NaN and infinities, and 99 rather than 99.0."""
    if value is None or not math.isfinite(value):
        return None
    return int(value) if float(value).is_integer() and abs(value) < _EXACT else value


def plain(value: Any) -> Any:
    """Give a copy made of nothing but dict, list, str, int, finite float, bool and None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else _words(value)


def _words(value: Any) -> str:
    if isinstance(value, datetime):
        return timestamp(value)
    # PyYAML and ruamel make a date of an unquoted 2026-01-31.
    return value.isoformat() if isinstance(value, date) else str(value)


def _position(position: Position) -> dict[str, Any]:
    return {"phase": position.phase, "weight": position.weight}


def _gate(gate: Gate) -> dict[str, Any]:
    return {"name": gate.name, "outcome": str(gate.outcome), "reason": gate.reason}


def _measurement(measurement: Measurement) -> dict[str, Any]:
    return {
        "name": measurement.metric,
        "query": measurement.query,
        "value": number(measurement.value),
        "threshold": number(measurement.threshold),
        "bound": measurement.bound,
        "verdict": measurement.verdict,
        "text": measurement.text,
        "time": timestamp(measurement.at),
    }


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


def _json(document: Any) -> str:
    """Write JSON whose letters stay readable and whose control and invisible characters stay escaped."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    return "\n".join(map(visible, text.split("\n"))) + "\n"


def visible(line: str) -> str:
    """Escape what is not printable in a line of JSON: outside of its strings JSON is ASCII, and within it may be."""
    if line.isprintable():
        return line
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in line)
