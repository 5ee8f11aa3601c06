"""Equality of JSON values."""

from __future__ import annotations

import pytest

from reconcile.clusters.json_equality import json_equal


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (False, 0, False),
        (True, True, True),
        ({"a": 1, "b": [1]}, {"b": [1], "a": 1}, True),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ({"a": True}, {"a": 1}, False),
        ([1, 2], [2, 1], False),
        ([1], [1, 1], False),
        ("1", 1, False),
        (None, False, False),
        ({}, [], False),
    ],
)
def test_values_are_compared_as_in_json(left: object, right: object, equal: bool) -> None:  # noqa: FBT001 - a column
    assert json_equal(left, right) is equal
    assert json_equal(right, left) is equal
