"""Copies of JSON values, and JSON patches applied to them: a few times as fast as `deepcopy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from jsonpatch import JsonPatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T")


def copied(value: T) -> T:
    """Returns a copy of a JSON value that shares no part with it."""
    return _copied(value)  # type: ignore[no-any-return]


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(member) for key, member in value.items()}
    return [_copied(member) for member in value] if isinstance(value, list) else value


def patched(manifest: Mapping[str, Any], operations: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns a manifest with a JSON patch applied to it. Raises what jsonpatch raises."""
    after: dict[str, Any] = JsonPatch(list(operations)).apply(_copied(manifest), in_place=True)
    return after
