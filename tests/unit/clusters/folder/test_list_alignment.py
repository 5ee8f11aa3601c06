"""Which items of two lists belong together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.clusters.folder import list_alignment
from reconcile.clusters.folder.list_alignment import Pair, pairs


def named(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "value": name} for name in names]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([1, 2], [1, 2], [(0, 0), (1, 1)]),
        ([1, 2], [2], [(0, None), (1, 0)]),
        ([1], [0, 1, 2], [(None, 0), (0, 1), (None, 2)]),
        ([1, 2], [3, 4, 5], [(0, 0), (1, 1), (None, 2)]),
        (named("a", "b"), [{"name": "x"}, {"name": "a"}, {"name": "b"}], [(None, 0), (0, 1), (1, 2)]),
        (named("a", "b", "c"), [{"name": "c"}], [(0, None), (1, None), (2, 0)]),
        ([{"a": 1}, {"b": 1}], [{"a": 2}, {"b": 2}], [(0, 0), (1, 1)]),
        ([1], [True], [(0, 0)]),
    ],
)
def test_items_are_found_again(old: list[Any], new: list[Any], expected: list[Pair]) -> None:
    assert pairs(old, new) == expected


def test_long_lists_are_paired_by_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_alignment, "MOST", 3)
    assert pairs(named("a", "b"), [{"name": "b"}, {"name": "a"}]) == [(0, 0), (1, 1)]


ITEMS = st.lists(st.integers(0, 3) | st.sampled_from(named("a", "b")), max_size=6)


@given(ITEMS, ITEMS)
def test_each_item_is_there_once_and_in_order(old: list[Any], new: list[Any]) -> None:
    found = pairs(old, new)
    assert [before for before, _ in found if before is not None] == list(range(len(old)))
    assert [after for _, after in found if after is not None] == list(range(len(new)))
