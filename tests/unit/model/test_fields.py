"""Reading a manifest: every problem has its path, and what was there in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from reconcile.model.fields import MOST_UNKNOWN, Fields

TEXT = "lower case letters, digits, '-' and '.'"


def test_a_child_that_is_no_mapping_reads_as_empty() -> None:
    root = Fields(value={"list": [1], "there": {"a": 1}})
    assert root.child("there").value == {"a": 1}
    assert root.child("there").path == "there"
    assert root.child("list").value == {}
    assert root.child("absent").value == {}
    assert root.child("optional", required=False).value == {}
    assert root.problems == ["list: must be a mapping, not a list", "absent: is required"]


def test_problems_of_descendants_are_collected_with_their_paths() -> None:
    root = Fields(value={"a": {"b": [{"c": 1}]}})
    for item in root.child("a").children("b", 5):
        item.text("c")
        item.integer("d", 0, 1)
    assert root.problems == ["a.b[0].c: must be a string, not 1", "a.b[0].d: is required"]


def test_an_unknown_member_is_told_with_the_known_name_that_is_most_like_it() -> None:
    value: dict[Any, Any] = {"maxWeight": 1, "MAXWEIGHT": 2, "other": 3, 7: 4, "a b": 5}
    root = Fields(value=value)
    assert root.only("maxWeight", "name") is root
    assert root.problems == [
        "MAXWEIGHT: is an unknown field; did you mean maxWeight?",
        "other: is an unknown field; known are maxWeight, name",
        "7: is an unknown field; known are maxWeight, name",
        '"a b": is an unknown field; known are maxWeight, name',
    ]


def test_of_very_many_unknown_members_some_are_told() -> None:
    root = Fields(value=dict.fromkeys([f"{'x' * 100_000}{number}" for number in range(100)]))
    root.only("name")
    assert len(root.problems) == MOST_UNKNOWN
    assert max(map(len, root.problems)) < 200


@pytest.mark.parametrize(
    ("value", "found", "problem"),
    [
        (None, [], []),
        ([], [], []),
        ([{"x": 1}, {"x": 2}], [{"x": 1}, {"x": 2}], []),
        ([{"x": 1}, 3], [{"x": 1}], ["items[1]: must be a mapping, not 3"]),
        ([None], [], ["items[0]: must be a mapping, not null"]),
        ("text", [], ['items: must be a list, not "text"']),
        ({}, [], ["items: must be a list, not a mapping"]),
        ([{}] * 3, [], ["items: has 3 items, at most 2 are allowed"]),
    ],
)
def test_the_members_of_a_list(value: Any, found: list[Any], problem: list[str]) -> None:
    root = Fields(value={"items": value})
    assert [item.value for item in root.children("items", 2)] == found
    assert root.problems == problem


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "key: is required"),
        ("", "key: must not be empty"),
        (7, "key: must be a string, not 7"),
        (1.5, "key: must be a string, not 1.5"),
        (True, "key: must be a string, not true"),
        (False, "key: must be a string, not false"),
        ([], "key: must be a string, not a list"),
        ({}, "key: must be a string, not a mapping"),
    ],
)
def test_a_text_that_is_none(value: Any, problem: str) -> None:
    root = Fields(value={"key": value})
    assert root.text("key") == ""
    assert root.problems == [problem]


def test_a_text_with_a_default() -> None:
    root = Fields(value={"there": "x"})
    assert (root.text("there", "y"), root.text("absent", "y"), root.problems) == ("x", "y", [])


@pytest.mark.parametrize("value", ["a", "a-b", "a.b", "a1", "1a", "x" * 63, "a" * 63 + "." + "b" * 63])
def test_names_that_the_api_server_takes(value: str) -> None:
    root = Fields(value={"key": value})
    assert (root.name("key"), root.problems) == (value, [])


@pytest.mark.parametrize("value", ["A", "-a", "a-", "a..b", "a_b", "a b", "ä", "a\n", ".a", "x" * 64])
def test_names_that_it_refuses(value: str) -> None:
    root = Fields(value={"key": value})
    assert root.name("key") == ""
    assert root.problems == [f'key: "{value}" is no name of an object ({TEXT})']


def test_a_long_value_is_cut_in_the_message() -> None:
    root = Fields(value={"key": ".".join(["abcd"] * 60)})
    assert root.name("key") == ""
    assert root.problems == [f'key: "{".".join(["abcd"] * 60)[:76]}... is no name of an object ({TEXT})']


@pytest.mark.parametrize("value", [1, 50, 100])
def test_integers_within_bounds(value: int) -> None:
    root = Fields(value={"key": value})
    assert (root.integer("key", 1, 100), root.problems) == (value, [])


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "key: is required"),
        (0, "key: must be between 1 and 100, not 0"),
        (101, "key: must be between 1 and 100, not 101"),
        (True, "key: must be an integer, not true"),
        (50.0, "key: must be an integer, not 50.0"),
        ("50", 'key: must be an integer, not "50"'),
        ([], "key: must be an integer, not a list"),
    ],
)
def test_integers_that_are_none(value: Any, problem: str) -> None:
    root = Fields(value={"key": value})
    assert root.integer("key", 1, 100) == 1
    assert root.problems == [problem]


def test_an_absent_integer_with_a_default() -> None:
    root = Fields(value={})
    assert (root.integer("key", 1, 100, 100), root.problems) == (100, [])


@pytest.mark.parametrize("value", [0, -1, 99, 99.5, 1e300])
def test_numbers_are_finite(value: float) -> None:
    root = Fields(value={"key": value})
    assert (root.number("key"), root.problems) == (float(value), [])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (10**400, f"{10**76}..."),
        ("99", '"99"'),
        (True, "true"),
        ([], "a list"),
    ],
)
def test_numbers_that_are_none(value: Any, shown: str) -> None:
    root = Fields(value={"key": value})
    assert root.number("key") == 0.0
    assert root.problems == [f"key: must be a finite number, not {shown}"]


def test_an_absent_number_is_required() -> None:
    root = Fields(value={})
    assert (root.number("key"), root.problems) == (0.0, ["key: is required"])


def test_a_time_of_a_manifest_may_be_absent_but_not_wrong() -> None:
    root = Fields(value={"wrong": "soon", "right": "2026-01-31T12:00:00Z"})
    assert root.time("absent") is None
    assert root.time("right") == datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    assert root.time("wrong") is None
    assert root.problems == ['wrong: must be a time like 2026-01-31T12:00:00Z, not "soon"']
