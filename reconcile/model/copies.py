"""Copies of manifests."""

from __future__ import annotations

from typing import Any


def copy_of(value: Any) -> Any:
    """Returns a copy of a manifest, or of a part of one, that shares no mapping and no list with it.

    It is plain data, without circles: that takes a fifth of the time of `copy.deepcopy`, which looks for them.
    """
    if isinstance(value, dict):
        return {key: copy_of(member) for key, member in value.items()}
    if isinstance(value, list):
        return [copy_of(item) for item in value]
    return value
