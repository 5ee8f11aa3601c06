"""JSON pointers into pod templates."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.template_pointer import POINTER, keep, label, leads_somewhere, members

GOOD = (
    "/metadata/labels/track",
    "/metadata/labels/app.kubernetes.io~1version",
    "/metadata/annotations/odd~0name",
    "/metadata/labels",
    "/spec/containers/0/resources",
    "/spec/affinity",
)
BAD = (
    "",
    "/",
    "/spec",
    "/metadata/",
    "metadata/labels/a",
    "/status/phase",
    "/spec//a",
    "/spec/a~2",
    "/spec/containers/0",
)


def test_a_pointer_leads_to_a_member_of_metadata_or_spec() -> None:
    assert [pointer for pointer in (*GOOD, *BAD) if re.fullmatch(POINTER, pointer)] == [*GOOD]
    assert members("/metadata/labels/a~1b~0c") == ("metadata", "labels", "a/b~c")
    assert [label(pointer) for pointer in GOOD[:4]] == ["track", "app.kubernetes.io/version", None, None]


def kept(template: Any, source: Any, *pointers: str) -> Any:
    result = deepcopy(template)
    for pointer in pointers:
        keep(result, source, pointer)
    return result


def container(name: str | None, **more: Any) -> dict[str, Any]:
    return {**({"name": name} if name else {}), **more}


def pods(*containers: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers)}}


KEPT: dict[str, tuple[Any, Any, str, Any]] = {
    "a value": ({"spec": {"a": 1}}, {"spec": {"a": 2}}, "/spec/a", {"spec": {"a": 2}}),
    "an absence": ({"spec": {"a": 1, "b": 1}}, {"spec": {}}, "/spec/a", {"spec": {"b": 1}}),
    "an absence of all": ({"spec": {"a": 1}}, {}, "/spec/a", {"spec": {}}),
    "a value that the canary lacks": ({"spec": {}}, {"spec": {"a": 2}}, "/spec/a", {"spec": {"a": 2}}),
    "a value in what the canary lacks": ({}, {"spec": {"a": {"b": 2}}}, "/spec/a/b", {"spec": {"a": {"b": 2}}}),
    "a value in what is null": ({"spec": None}, {"spec": {"a": 2}}, "/spec/a", {"spec": {"a": 2}}),
    "in an item of the same name": (
        pods(container("side"), container("app", cpu=1)),
        pods(container("app", cpu=2)),
        "/spec/containers/1/cpu",
        pods(container("side"), container("app", cpu=2)),
    ),
    "an absence in an item of another name": (
        pods(container("new", cpu=1)),
        pods(container("app", cpu=2)),
        "/spec/containers/0/cpu",
        pods(container("new")),
    ),
    "in an item without a name": (
        pods(container(None, cpu=1)),
        pods(container(None, cpu=2)),
        "/spec/containers/0/cpu",
        pods(container(None, cpu=2)),
    ),
    "in an item beyond the other list": (
        pods(container(None), container(None, cpu=1)),
        pods(container(None)),
        "/spec/containers/1/cpu",
        pods(container(None), container(None)),
    ),
    "beyond the list": (pods(), pods(container("a", cpu=2)), "/spec/containers/0/cpu", pods()),
    "by no number": (pods(container("a")), pods(container("a", cpu=2)), "/spec/containers/a/cpu", pods(container("a"))),
    "below a value": ({"spec": {"a": "x"}}, {"spec": {"a": {"b": 2}}}, "/spec/a/b", {"spec": {"a": "x"}}),
    "where the other has a value": ({"spec": {"a": {"b": 1}}}, {"spec": {"a": "x"}}, "/spec/a/b", {"spec": {"a": {}}}),
    "where the other has no list": (
        pods(container("a", cpu=1)),
        {"spec": {"containers": "x"}},
        "/spec/containers/0/cpu",
        pods(container("a")),
    ),
}


@pytest.mark.parametrize(("template", "source", "pointer", "expected"), KEPT.values(), ids=KEPT)
def test_what_is_kept(template: Any, source: Any, pointer: str, expected: Any) -> None:
    before = deepcopy(source)
    assert kept(template, source, pointer) == expected
    assert source == before


def test_what_a_pointer_leads_to() -> None:
    template = pods(container("app", cpu=0))
    assert leads_somewhere(template, "/spec/containers/0/cpu")
    for pointer in ("/spec/containers/1/cpu", "/spec/containers/x/cpu", "/spec/containers/0/cpu/x", "/spec/none"):
        assert not leads_somewhere(template, pointer)


NAMES = st.sampled_from(["a", "b", "name"])
VALUES = st.recursive(
    st.integers(0, 2), lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(inner, max_size=3)
)
POINTERS = st.lists(st.sampled_from(["0", "1", "a", "b"]), max_size=3).map(lambda way: "/spec/" + "/".join([*way, "a"]))


@given(VALUES, VALUES, st.lists(POINTERS, max_size=3))
def test_what_was_kept_once_stays_kept(template: Any, source: Any, pointers: list[str]) -> None:
    once = kept({"spec": template}, {"spec": source}, *pointers)
    assert kept({"spec": template}, once, *pointers) == once
