"""Who wrote a field of an object, by `metadata.managedFields`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconcile.model.times import parse_time

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class Writer:
    """A field manager, and when it last wrote."""

    manager: str
    at: datetime


def writers(manifest: Manifest, *path: str) -> list[Writer]:
    """Returns the managers that own the field at `path`, or a field below it, the last to write first.

    A field has several owners where all of them applied its present value. An entry without a time is the oldest.
    """
    entries = (manifest.get("metadata") or {}).get("managedFields")
    found = [
        Writer(manager=str(entry.get("manager")), at=parse_time(entry.get("time")) or datetime.min.replace(tzinfo=UTC))
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and _owns(entry.get("fieldsV1"), path)
    ]
    return sorted(found, key=lambda writer: writer.at, reverse=True)


def last_writer(manifest: Manifest, *path: str) -> Writer | None:
    """Returns the manager that last wrote the field at `path`, or a field below it; None where none is recorded."""
    return next(iter(writers(manifest, *path)), None)


def _owns(fields: object, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(fields, dict) or f"f:{key}" not in fields:
            return False
        fields = fields[f"f:{key}"]
    return True
