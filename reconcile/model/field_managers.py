"""Who wrote a field of an object, by `metadata.managedFields`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconcile.model.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.kinds import Manifest


# Of one edit, in a message.
MOST_PATHS = 5


class Writer(Struct, frozen=True, kw_only=True):
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


def owned_paths(manifest: Manifest, writer: Writer, *path: str) -> tuple[str, ...]:
    """Returns the fields at `path` or below it that a writer owns, as people write them; at most MOST_PATHS."""
    entries = (manifest.get("metadata") or {}).get("managedFields") or ()
    found: list[str] = []
    for entry in entries:
        if isinstance(entry, dict) and entry.get("manager") == writer.manager and _owns(entry.get("fieldsV1"), path):
            fields = entry["fieldsV1"]
            for key in path:
                fields = fields[f"f:{key}"]
            found += [name for name in _leaves(fields, ".".join(path)) if name not in found]
    return (*found[:MOST_PATHS], *(["…"] if len(found) > MOST_PATHS else []))


def _leaves(fields: Any, path: str) -> Iterator[str]:
    """Yields the paths that have nothing below them. Keys are `f:name`, `k:{"name":"x"}`, `v:value`, `i:0` and `.`."""
    below = {key: value for key, value in fields.items() if key != "."} if isinstance(fields, dict) else {}
    if not below:
        yield path
    for key, value in sorted(below.items()):
        kind, _, name = key.partition(":")
        yield from _leaves(value, f"{path}.{name}" if kind == "f" else f"{path}[{_item(name)}]")


def _item(key: str) -> str:
    """Returns how people name an item of a list: by its name, where its key has one."""
    try:
        members = json.loads(key)
    except ValueError:
        return key
    return str(members.get("name") or ",".join(map(str, members.values()))) if isinstance(members, dict) else key


def last_writer(manifest: Manifest, *path: str) -> Writer | None:
    """Returns the manager that last wrote the field at `path`, or a field below it; None where none is recorded."""
    return next(iter(writers(manifest, *path)), None)


def _owns(fields: object, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(fields, dict) or f"f:{key}" not in fields:
            return False
        fields = fields[f"f:{key}"]
    return True
