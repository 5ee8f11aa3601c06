"""A label selector: what it matches, and which keys it looks at."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.model.label_selector import keys, matches


def by(*expressions: tuple[str, str, Any]) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": how, "values": values} for key, how, values in expressions]}


MATCHING: dict[str, tuple[dict[str, Any], dict[str, str], bool]] = {
    "nothing": ({}, {"a": "1"}, False),
    "labels": ({"matchLabels": {"a": "1"}}, {"a": "1", "b": "2"}, True),
    "another value": ({"matchLabels": {"a": "1"}}, {"a": "2"}, False),
    "all of them": ({"matchLabels": {"a": "1", "b": "2"}}, {"a": "1"}, False),
    "one of some": (by(("a", "In", ["1", "2"])), {"a": "2"}, True),
    "none of some": (by(("a", "NotIn", ["1"])), {}, True),
    "there": (by(("a", "Exists", None)), {"a": ""}, True),
    "not there": (by(("a", "DoesNotExist", None)), {"a": ""}, False),
    "an unknown operator": (by(("a", "Gt", ["1"])), {"a": "2"}, False),
    "odd": ({"matchLabels": ["a"], "matchExpressions": "a"}, {"a": "1"}, False),
    "odd items": ({"matchLabels": {"a": "1"}, "matchExpressions": ["a"]}, {"a": "1"}, True),
}


@pytest.mark.parametrize(("selector", "labels", "expected"), MATCHING.values(), ids=MATCHING)
def test_a_selector_matches(selector: dict[str, Any], labels: dict[str, str], *, expected: bool) -> None:
    assert matches(selector, labels) is expected


def test_its_keys_are_those_of_all_requirements() -> None:
    assert keys({"matchLabels": {"a": "1"}} | by(("b", "Exists", None))) == {"a", "b"}
