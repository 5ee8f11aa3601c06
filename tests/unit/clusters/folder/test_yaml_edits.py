"""One object of a text changed: what it means then, and that comments, quotes and the order of keys stay."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.clusters.folder.yaml_documents import read
from reconcile.clusters.folder.yaml_edits import UneditableError, rewrite
from reconcile.clusters.folder.yaml_writer import document
from reconcile.clusters.json_equality import json_equal
from tests.unit.clusters.folder.edit_cases import CASES, DUMP, TIDY, WILD, at, diff, drop, edited, put
from tests.unit.clusters.folder.json_values import TEXTS, VALUES, WORDS, mutate


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_only_what_changed_differs(name: str, newline: str) -> None:
    text, change, expected = CASES[name]
    result = edited(text.replace("\n", newline), change)
    assert result.count("\n") == result.count(newline)
    assert diff(text, result.replace(newline, "\n")) == expected


@pytest.mark.parametrize("name", CASES)
def test_an_item_of_a_list_is_edited_in_its_place(name: str) -> None:
    text, change, expected = CASES[name]
    text = text.removeprefix("--- # A manifest as people write them.\n").removesuffix("...\n").rstrip("\n")
    wanted = read(text)
    change(wanted)
    result = rewrite(text.replace("\n", "\n    "), (), wanted, 4)
    assert diff(text, result.replace("\n    ", "\n")) == expected
    assert not result.endswith("\n")


@pytest.mark.parametrize("key", ["a", "b", "ab"])
def test_no_comment_is_lost_below_what_is_taken_away(key: str) -> None:
    text = "a: 1  # own\n# about b\nb: |\n  x\n# about c\nc: 1\n"
    wanted = {name: value for name, value in read(text).items() if name not in key}
    result = rewrite(text, (), wanted)
    assert json_equal(read(result), wanted)
    assert {"# about b", "# about c"} <= set(result.split("\n"))


def test_what_is_beside_a_thing_goes_with_it() -> None:
    text = "a:  # own\n  b:\n    - x  # own\n\n# about c\n# and more\nc: 1\n"
    assert edited(text, drop("a")) == "# about c\n# and more\nc: 1\n"


@pytest.mark.parametrize(
    ("text", "change"),
    [
        pytest.param(TIDY, put("spec", "labels", "app", to="z"), id="an anchor that others follow"),
        pytest.param(TIDY, drop("spec", "merged", "app"), id="a key from a merge"),
        pytest.param("a: b\n", put("b", to=(1,)), id="no type of JSON, but like one"),
        pytest.param("a: b\n", put("b", to=float("nan")), id="no number of JSON"),
        pytest.param("a: b\n", put("b", to={1}), id="no type of JSON"),
        pytest.param("a: b\n", put("b", to=object()), id="no value"),
        pytest.param("- b\n", lambda tree: tree.clear(), id="all of it"),
        pytest.param("{}\n", put("a", to=1), id="nothing to begin with"),
        pytest.param("a: |\n  b", put("c", to=1), id="the end of a file that is a part of a text"),
        pytest.param("a: &x b\nc: *x\n", drop("a"), id="an anchor that others follow is taken away"),
        pytest.param("a: &x\n- &y b\nc: *y\n", put("a", to=1), id="one is written over"),
        pytest.param("a: &x [b]\nc: *x\n", put("a", 0, to="z"), id="an item of what others follow"),
        pytest.param("a: &x {b: 1}\nc: {<<: *x}\n", put("a", "b", to=2), id="what others merge"),
        pytest.param("a: {b: 1, <<: {b: 2}}\n", drop("a", "b"), id="a key above one from a merge"),
        pytest.param("a: [b: 1, c]\n", put("a", 0, "d", to=2), id="a mapping without braces in a list with brackets"),
    ],
)
def test_what_would_not_mean_what_was_wanted_is_refused(text: str, change: Any) -> None:
    wanted = read(text)
    change(wanted)
    with pytest.raises(UneditableError):
        rewrite(text, (), wanted)


def test_a_value_within_a_document() -> None:
    assert rewrite("items:\n- a: 1\n- a: 2  # c\n", ("items", 1), {"a": 3}) == "items:\n- a: 1\n- a: 3  # c\n"


@settings(deadline=None)  # other processes may slow it down
@given(st.dictionaries(WORDS | TEXTS, VALUES, min_size=1, max_size=4))
def test_what_is_written_is_read_by_everybody(tree: dict[str, Any]) -> None:
    text = document(tree)
    assert json_equal(read(text), tree)
    assert json_equal(yaml.safe_load(text), tree)


@settings(deadline=None)  # other processes may slow it down
@given(st.data())
def test_any_change_means_what_was_wanted_and_keeps_the_comments(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([TIDY, DUMP, WILD]))
    wanted = read(text)
    for _ in range(data.draw(st.integers(1, 3))):
        mutate(data, wanted)
    try:
        result = rewrite(text, (), wanted)
    except UneditableError:
        return
    assert json_equal(read(result), wanted)
    assert {line for line in text.split("\n") if line.startswith("#")} <= set(result.split("\n"))


LEAVES = st.sampled_from(
    [
        "1",
        "90",
        "1.50",
        "0644",
        "true",
        "on",
        "~",
        "''",
        '""',
        "a",
        "x y",
        "'it''s'",
        '"a\\tb"',
        "a:b",
        "é",
        "2024-05-01",
    ]
)
SPACES = st.sampled_from(["", "", "", "\n", "# a line of its own\n", "\n# one more\n"])
BESIDE = st.sampled_from(["", "", "  # beside it"])


@st.composite
def laid_out(draw: st.DrawFn) -> tuple[str, list[tuple[str | int, ...]]]:
    """Draws a mapping in block style, all of one indentation, and the places of its values of one line."""
    step, dash = draw(st.sampled_from([(2, 0), (2, 2), (4, 0), (4, 2)]))
    places: list[tuple[str | int, ...]] = []

    def mapping(indent: int, path: tuple[str | int, ...], depth: int) -> list[str]:
        rows = []
        for key in draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True)):
            rows += [" " * indent * bool(row.strip()) + row for row in draw(SPACES).splitlines()]
            rows += member(" " * indent + key, (*path, key), indent, depth)
        return rows

    def member(head: str, path: tuple[str | int, ...], indent: int, depth: int) -> list[str]:
        shape = draw(st.integers(0, 3 if depth < 3 else 1))
        if shape == 2:
            return [f"{head}:{draw(BESIDE)}", *mapping(indent + step, path, depth + 1)]
        if shape == 3:
            items = range(draw(st.integers(1, 3)))
            return [f"{head}:{draw(BESIDE)}", *(row for n in items for row in item(n, path, indent + dash, depth))]
        places.append(path)
        return [f"{head}: {draw(LEAVES)}{draw(BESIDE)}"]

    def item(number: int, path: tuple[str | int, ...], indent: int, depth: int) -> list[str]:
        if draw(st.booleans()):
            places.append((*path, number))
            return [f"{' ' * indent}- {draw(LEAVES)}{draw(BESIDE)}"]
        first, *others = mapping(indent + 2, (*path, number), depth + 1)
        while not first.strip() or first.lstrip().startswith("#"):
            first, *others = others
        return [f"{' ' * indent}- {first.strip()}", *others]

    text = "".join(f"{row}\n" for row in mapping(0, (), 0))
    return draw(st.sampled_from(["", "# head\n", "---\n", "--- # c\n# d\n"])) + text + draw(SPACES), places


@settings(deadline=None)  # other processes may slow it down
@given(
    laid_out(), st.data(), st.sampled_from([0, 7, 12345, "x", "on", "a b", None, True]), st.sampled_from(["\n", "\r\n"])
)
def test_all_but_the_value_stays_as_it_is_to_the_byte(
    drawn: tuple[str, list[tuple[str | int, ...]]], data: st.DataObject, value: Any, newline: str
) -> None:
    text, places = drawn
    place = data.draw(st.sampled_from(places)) if places else ()
    wanted = read(text)
    if not place or json_equal(at(wanted, *place), value):
        return
    at(wanted, *place[:-1])[place[-1]] = value
    result = rewrite(text.replace("\n", newline), (), wanted)
    assert json_equal(read(result), wanted)
    removed, added = diff(text, result.replace(newline, "\n"))
    assert result.count("\n") == result.count(newline)
    key = re.escape(str(place[-1])) + ": " if isinstance(place[-1], str) else "- "
    assert re.match(rf"-[ -]*{key}", removed)
    # Up to the value nothing differs, and behind it only how far away the comment is.
    before, after = (re.fullmatch(rf"[-+]([ -]*{key}).*?( +# beside it)?", line) for line in (removed, added))
    assert before
    assert after
    assert before[1] == after[1]
    assert bool(before[2]) == bool(after[2])


@settings(deadline=None)  # other processes may slow it down
@given(laid_out(), st.dictionaries(WORDS, VALUES, min_size=1, max_size=3))
def test_a_new_status_takes_no_line_away(
    drawn: tuple[str, list[tuple[str | int, ...]]], status: dict[str, Any]
) -> None:
    text, _ = drawn
    wanted = read(text) | {"status": status}
    result = rewrite(text, (), wanted)
    assert json_equal(read(result), wanted)
    assert all(line.startswith("+") for line in diff(text, result))
