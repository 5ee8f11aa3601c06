"""Which items of two lists belong together, so that as little as possible has to change."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Any

from reconcile.clusters.json_equality import json_equal

# Comparisons; beyond it items are paired by their place.
MOST = 250_000

Pair = tuple[int | None, int | None]
"""The places of an item in the old and in the new list; None where it is not."""


def pairs(old: list[Any], new: list[Any]) -> list[Pair]:
    """Returns the items of both lists, each once, in an order that keeps that of either."""
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    left, right = range(head, len(old) - tail), range(head, len(new) - tail)
    found: list[Pair] = [(index, index) for index in range(head)]
    if len(left) * len(right) > MOST:
        found += _beside(left, right)
    else:
        matcher = SequenceMatcher(None, [_identity(old[i]) for i in left], [_identity(new[i]) for i in right], False)  # noqa: FBT003 - no keyword in this place
        for _, start, end, begin, stop in matcher.get_opcodes():
            found += _beside(left[start:end], right[begin:stop])
    return found + [(len(old) - index, len(new) - index) for index in range(tail, 0, -1)]


def _beside(left: range, right: range) -> list[Pair]:
    """Pairs items by their place; the rest of the longer list stays alone."""
    both = min(len(left), len(right))
    return [
        *zip(left[:both], right[:both], strict=True),
        *((index, None) for index in left[both:]),
        *((None, index) for index in right[both:]),
    ]


def _alike(left: list[Any], right: list[Any]) -> int:
    """Counts the items that two lists begin with alike."""
    return sum(1 for _ in takewhile(bool, map(json_equal, left, right)))


def _identity(item: Any) -> str:
    """Returns what tells an item from the others: its name, as in containers and environments, or all of it."""
    if isinstance(item, dict) and isinstance(item.get("name"), str):
        return f"name {item['name']}"
    return json.dumps(item, sort_keys=True, default=repr)
