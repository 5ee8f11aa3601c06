"""Where a value stands in a manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest

Path = tuple[str | int, ...]


def from_pointer(pointer: str) -> Path:
    """Returns the path of a JSON pointer: `/spec/http/0` is spec, http, 0."""
    names = (name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/")[1:])
    return tuple(int(name) if name.isdigit() else name for name in names)


def dotted(path: Path) -> str:
    """Returns a path in the notation for people: `spec.http[0].route[1].weight`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def value_at(manifest: Manifest, path: Path) -> Any:
    """Returns the value at a path; None where there is none."""
    value: Any = manifest
    for part in path:
        if isinstance(value, dict):
            value = value.get(str(part))
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value
