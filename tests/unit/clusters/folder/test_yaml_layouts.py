"""One edit in any layout: only the lines of its value differ, to the byte, whichever parser PyYAML has."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.clusters.folder import yaml_nodes
from reconcile.clusters.folder.yaml_documents import read
from reconcile.clusters.folder.yaml_edits import rewrite
from reconcile.clusters.json_equality import json_equal
from tests.support.share import number
from tests.unit.clusters.folder.edit_cases import at
from tests.unit.clusters.folder.json_values import mutate
from tests.unit.clusters.folder.layouts import Place, laid_out

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUES = st.sampled_from(
    [
        *(0, 7, 12345, 1.5, None, True, "", "x", "on", "a b", "a: b", "it's"),
        *("#!/bin/sh\nset -e\n", "a\n  b\n\nc", " a\nb\n", "a\n\n"),
        *({}, [], {"n": [1, {"m": "x"}]}, ["a", {"b": None, "c": "x\ny\n"}]),
    ]
)
Drawn = tuple[str, dict[Place, tuple[int, int]]]


@st.composite
def texts(draw: st.DrawFn) -> tuple[Drawn, Any]:
    """Draw a text, the lines of its values, and a parser that can read it."""
    text, places = draw(laid_out())
    parser = draw(st.sampled_from([yaml_nodes.PARSER, yaml.SafeLoader]))
    if parser is yaml.SafeLoader:  # it takes no tab for a space
        text = text.replace("\t", " ")
    return (text.replace("\n", draw(st.sampled_from(["\n", "\r\n"]))), places), parser


@contextmanager
def parsed_by(parser: Any) -> Iterator[None]:
    with patch.object(yaml_nodes, "PARSER", parser):
        yield


@settings(max_examples=number(200, 4))
@given(texts(), st.data(), VALUES)
def test_only_the_lines_of_a_value_change(drawn: tuple[Drawn, Any], data: st.DataObject, value: Any) -> None:
    (text, places), parser = drawn
    if not places:
        return
    place = data.draw(st.sampled_from(sorted(places, key=str)))
    wanted = read(text)
    at(wanted, *place[:-1])[place[-1]] = value
    with parsed_by(parser):
        result = rewrite(text, (), wanted)
    assert json_equal(read(result), wanted)
    assert "\r" not in text or result.count("\n") == result.count("\r\n")
    before, after = text.splitlines(keepends=True), result.splitlines(keepends=True)
    first, last = places[place]
    rest = len(before) - 1 - last
    assert after[:first] == before[:first]
    assert after[len(after) - rest :] == before[last + 1 :]


@settings(max_examples=number(200, 4))
@given(texts(), st.data())
def test_any_change_can_be_made(drawn: tuple[Drawn, Any], data: st.DataObject) -> None:
    (text, _), parser = drawn
    wanted = read(text)
    for _ in range(data.draw(st.integers(1, 3))):
        mutate(data, wanted)
    if wanted.keys() & read(text).keys():
        with parsed_by(parser):
            assert json_equal(read(rewrite(text, (), wanted)), wanted)
