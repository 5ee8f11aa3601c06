"""Who wrote a field of an object last, by `metadata.managedFields`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconcile.model.times import parse_time

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class Writer:
    """Who wrote a field last, by `metadata.managedFields`."""

    manager: str
    at: datetime


def writers(manifest: Manifest, *path: str) -> list[Writer]:
    """Give the managers that own the field at `path`, or anything below it, the last to write first.

    Several own a field where all of them mean its present value. A write to `status` alone says nothing about `spec`:
    only entries that own the path count. An entry without a time is the oldest.
    """
    entries = (manifest.get("metadata") or {}).get("managedFields")
    found = [
        Writer(manager=str(entry.get("manager")), at=parse_time(entry.get("time")) or datetime.min.replace(tzinfo=UTC))
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and _owns(entry.get("fieldsV1"), path)
    ]
    return sorted(found, key=lambda writer: writer.at, reverse=True)


def last_writer(manifest: Manifest, *path: str) -> Writer | None:
    """Give the manager that wrote the field at `path`, or anything below it, last; None where nobody is recorded."""
    return next(iter(writers(manifest, *path)), None)


def _owns(fields: object, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(fields, dict) or f"f:{key}" not in fields:
            return False
        fields = fields[f"f:{key}"]
    return True
