"""What has changed since a plan was saved, in words: tested values, gates, the effect of the plan."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jsonpointer import resolve_pointer

from reconcile.engine.saved_entry import object_patches
from reconcile.model.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconcile.engine.saved_entry import Entry
    from reconcile.model.kinds import Manifest, Ref

_ABSENT = object()
_MAX_LENGTH = 80


def changed_values(entry: Entry, objects: Mapping[Ref, Manifest | ClusterError]) -> Iterator[str]:
    """Yields the values that the saved patches test and that are different now."""
    for ref, patch in object_patches(entry):
        manifest = objects.get(ref)
        if manifest is None or isinstance(manifest, ClusterError):
            yield f"{ref}: {'is not there' if manifest is None else manifest}"
            continue
        for operation in patch["operations"]:
            if operation["op"] == "test":
                path = operation["path"]
                yield from differences(operation["value"], _resolved(manifest, path), f"{ref}: {path}")


def _resolved(manifest: Manifest, path: str) -> Any:
    try:
        return resolve_pointer(manifest, path, _ABSENT)
    except ValueError:  # pragma: no cover - by jsonpointer 3.0, for an index with too many digits for an integer
        return _ABSENT


def changed_gates(saved: Entry, new: Entry) -> Iterator[str]:
    """Yields the gates with another outcome now; if the move is another one, also those with another reason."""
    now = {gate["name"]: gate for gate in new["gates"]}
    for gate in saved["gates"]:
        other = now.get(gate["name"], gate)
        if "not reached" in {gate["outcome"], other["outcome"]}:
            continue
        if other["outcome"] != gate["outcome"]:
            yield f"gate {gate['name']}: was {gate['outcome']}, is {other['outcome']}: {other['reason']}"
        elif other["reason"] != gate["reason"] and new["move"] != saved["move"] and gate["name"] != "interval":
            yield f"gate {gate['name']}: was {gate['reason']}, is {other['reason']}"


def differences(was: Any, now: Any, path: str = "") -> Iterator[str]:
    """Yields each place where two JSON values differ, in words."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*was, *now]):
            yield from differences(was.get(key, _ABSENT), now.get(key, _ABSENT), f"{path}/{key}")
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for index, (old, new) in enumerate(zip(was, now, strict=True)):
            yield from differences(old, new, f"{path}/{index}")
    elif was != now:
        # A value of an environment variable may be a secret.
        yield f"{path} is another one" if "/env/" in path else f"{path} was {_shown(was)} and is {_shown(now)}"


def _shown(value: Any) -> str:
    if value is _ABSENT or value is None:
        return "absent"
    if isinstance(value, dict | list):
        return "something else"
    return shortened(json.dumps(value, ensure_ascii=False, default=str))


def shortened(value: Any) -> str:
    """Returns a value as text of at most 80 characters."""
    text = str(value)
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 1]}…"
