"""YAML as kubectl reads it, and where its faults are."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.clusters.folder.yaml_documents import Values, is_object, read, split
from reconcile.clusters.folder.yaml_nodes import Fault


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 'on'", {"a": "on"}),
        ('a: "1"', {"a": "1"}),
        ("a: !!str 1", {"a": "1"}),
        ("a: !!float 1", {"a": 1.0}),
        ("a: !!int '1'", {"a": 1}),
        ("a: !!bool yes", {"a": True}),
        ("on: 1\n2: b\n3.5: c", {"true": 1, "2": "b", "3.5": "c"}),
        ("1: x", {"1": "x"}),
        ("&k a: *k", {"a": "a"}),
        ("a: &x k\n*x : 2", {"a": "k", "k": 2}),
        ("a: &x {b: 1, c: 2}\nd:\n  c: 3\n  <<: *x", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        ("a: {<<: [{b: 1}, {b: 2, c: 3}]}", {"a": {"b": 1, "c": 3}}),
        ("- &x a\n- *x\n- &x b\n- *x", ["a", "a", "b", "b"]),
        (
            "a: &x {b: 1}\nc: {<<: *x}\nd: &x {b: 2}\ne: {<<: *x}",
            {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 2}, "e": {"b": 2}},
        ),
        ("&x a: &x b\nc: *x", {"a": "b", "c": "b"}),
        ("'<<': 1", {"<<": 1}),
        ("a: |\n  x\n   y\n", {"a": "x\n y\n"}),
        ("a: |+\n  x\n\nb: >2-\n   y\n\n\nc: &n !!str\n  |\n  z\n\n", {"a": "x\n\n", "b": " y", "c": "z\n"}),
    ],
)
def test_a_document_is_what_kubectl_reads(text: str, expected: object) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "problem", "index"),
    [
        ("a: 1\nb: 2\na: 3", 'the key "a" is there twice', 10),
        ("a: {x: 1, x: 2}", 'the key "x" is there twice', 10),
        ("1: a\n'1': b", 'the key "1" is there twice', 5),
        ("a:\n\tb: 1", "found character", 3),
        ("a: b: c", "mapping values are not allowed", 4),
        ("a: [1", "", 6),
        ("a: *x", "undefined alias", 3),
        ("a: &x [*x]", "contains itself", 3),
        ("a: &x b\nc: &x [*x]", "contains itself", 11),
        ("~: 1", "a key has to be a string", 0),
        ("? [a]\n: 1", "a key has to be a string", 2),
        ("a: !Ref b", "the tag !Ref is not understood here", 3),
        ("a: !!int x", "the tag tag:yaml.org,2002:int is not understood here", 3),
        ("a: {<<: 1}", "only mappings can be merged", 8),
        ("a: b\x00", "U+0000", 4),
        ("a: \x1b[1m", "U+001B", 3),
        ("[" * 200, "nested deeper than 100", 100),
        ("- " * 200 + "a", "nested deeper than 100", 200),
    ],
)
def test_a_fault_has_a_place(text: str, problem: str, index: int) -> None:
    with pytest.raises(Fault) as caught:
        read(text)
    assert problem in caught.value.problem
    assert abs(caught.value.index - index) <= 1  # PyYAML's two parsers differ by the end of the text


def test_aliases_cannot_grow_without_bound() -> None:
    laughs = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(Fault, match="more than 500000 values"):
        read(laughs)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("a: 1\n", ["a: 1\n"]),
        ("---\na: 1\n--- # c\nb: 2", ["---\na: 1\n", "--- # c\nb: 2"]),
        ("a: |\n  ---\n---", ["a: |\n  ---\n", "---"]),
        ("----\n---x\n", ["----\n---x\n"]),
        ("# c\r\n---\r\na: 1\r\n", ["# c\r\n", "---\r\na: 1\r\n"]),
        ("%YAML 1.1\n---\na: 1\n...\n---\nb: 2\n", ["%YAML 1.1\n---\na: 1\n...\n", "---\nb: 2\n"]),
        ("a: 1\n...\nb: 2\n...\r\n%X\n---\n", ["a: 1\n...\n", "b: 2\n...\r\n", "%X\n---\n"]),
    ],
)
def test_a_file_is_cut_at_its_document_markers(text: str, parts: list[str]) -> None:
    assert split(text) == parts


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("apiVersion: v1\nkind: Pod", True),
        ("kind: x", False),
        ("- apiVersion", False),
        ("a: !Ref b", False),
        ("", False),
    ],
)
def test_only_what_has_version_and_kind_is_an_object(text: str, answer: bool) -> None:  # noqa: FBT001 - a column
    assert is_object(Values().compose(text)) is answer


@settings(deadline=None)  # other processes may slow it down
@given(st.text(alphabet="abc:-#{}[]&*!|>'\"%@`,? \n\t0.~y<=", max_size=60))
def test_any_text_is_read_or_has_a_fault(text: str) -> None:
    assert "".join(split(text)) == text
    for part in split(text):
        with suppress(Fault):
            read(part)
