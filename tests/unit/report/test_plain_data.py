"""Plain data as JSON and YAML: it survives every reader, and sends no control character."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
import yaml
from hypothesis import given

from reconcile.model.times import timestamp
from reconcile.report.plain_data import dump, plain
from tests.unit.report.strategies import VALUES


def test_times_are_utc_and_what_yaml_readers_make_of_manifests_becomes_text() -> None:
    east = timezone(timedelta(hours=2))

    assert timestamp(datetime(2026, 1, 31, 14, 0, 0, 999, tzinfo=east)) == "2026-01-31T12:00:00Z"
    assert plain({1: (date(2026, 1, 31), datetime(2026, 1, 31, tzinfo=UTC), True, None, b"x")}) == {
        "1": ["2026-01-31", "2026-01-31T00:00:00Z", True, None, "b'x'"]
    }


def test_json_keeps_letters_and_escapes_what_acts() -> None:
    text = dump({"a": "é → ✓", "b": "\x1b[31m\x9b\x7f\u202e\u2028\U000e0001"}, "json")

    assert '"é → ✓"' in text
    assert '"\\u001b[31m\\u009b\\u007f\\u202e\\u2028\\udb40\\udc01"' in text


def test_yaml_keeps_letters_and_escapes_what_acts() -> None:
    assert dump({"a": "é → ✓"}, "yaml") == "a: é → ✓\n"
    assert dump({"a": "x\u202ey"}, "yaml") == 'a: "x\\u202Ey"\n'


@pytest.mark.parametrize("word", ["y", "N", "yes", "off", "null", "~", "1e3", "0o7", "1.2.1", "-1", ".5", "1_000", ""])
def test_yaml_quotes_what_some_reader_takes_for_something_else(word: str) -> None:
    assert dump({"a": word}, "yaml") in {f'a: "{word}"\n', f"a: '{word}'\n"}


def test_yaml_writes_a_value_twice_rather_than_an_anchor() -> None:
    shared = {"x": [1]}

    assert dump({"a": shared, "b": shared}, "yaml") == "a:\n  x:\n  - 1\nb:\n  x:\n  - 1\n"


@given(VALUES)
def test_every_value_survives_both_forms(value: Any) -> None:
    document = {"value": value}

    assert json.loads(dump(document, "json")) == document
    assert yaml.safe_load(dump(document, "yaml")) == document


@given(VALUES)
def test_no_form_sends_a_control_character(value: Any) -> None:
    for form in ("json", "yaml"):
        text = dump({"value": value}, form)

        assert all(character == "\n" or character.isprintable() for character in text)
