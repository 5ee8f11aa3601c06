"""One object of a text changed: what it means then, and that comments, quotes and the order of keys stay."""

from __future__ import annotations

import difflib
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

# Laid out in one way from top to bottom, so that every change is as small as it can be.
TIDY = """\
--- # A manifest as people write them.
# They say what it is for.
apiVersion: v1   # the version
kind: VirtualService
metadata: {name: podinfo, namespace: "test"}
spec:
  hosts:
    - podinfo   # short
  http:
    - route:
        - destination:
            host: podinfo
          weight: 100   # the primary's share
        # the canary
        - destination: {host: 'podinfo-canary'}
          weight: 0

  script: |
    echo a
    echo b

  # booleans of old
  old: [on, Yes, ~, 0644, 1_000, 1e3, 2024-05-01T12:00:00Z, 0x1F, +1, 1.50]
  quoted: "x"
  single: 'x'
  labels: &labels
    app: x  # the app
    tier: y
  selector: *labels
  merged:
    <<: *labels
    tier: web
  empty:
  nothing: {}  # none
  list: []
# the end

...
"""
# As `kubectl get -o yaml` indents.
DUMP = """\
spec:
  template:
    spec:
      containers:
      - name: a
        image: a:1
      # sidecar
      - name: b
        image: b:1
      volumes:
      - - x
        - w
      - z
"""
WILD = """\
a:   [ 1,2 ]     # one
b:
        c:   "x"   # two

        d:
         -   e: 1
         # three
         -   e:    'y'
    # four
f: "1
  2"
"""


def edited(text: str, change: Any) -> str:
    """Apply `change` to the value of the text; give the text after it, proved to mean that value."""
    wanted = read(text)
    change(wanted)
    result = rewrite(text, (), wanted)
    assert json_equal(read(result), wanted)
    return result


def at(tree: Any, *path: str | int) -> Any:
    for part in path:
        tree = tree[part]
    return tree


def diff(before: str, after: str) -> list[str]:
    found = difflib.unified_diff(before.split("\n"), after.split("\n"), n=0, lineterm="")
    return [line for line in found if not line.startswith(("---", "+++", "@@"))]


def put(*path: str | int, to: Any) -> Any:
    def change(tree: Any) -> None:
        at(tree, *path[:-1])[path[-1]] = to

    return change


def drop(*path: str | int) -> Any:
    def change(tree: Any) -> None:
        del at(tree, *path[:-1])[path[-1]]

    return change


def insert(index: int, item: Any, *path: str | int) -> Any:
    return lambda tree: at(tree, *path).insert(index, item)


def in_order(**tree: Any) -> Any:
    return lambda old: (old.clear(), old.update(tree))


ROUTE = ("spec", "http", 0, "route")
CONTAINERS = ("spec", "template", "spec", "containers")
CASES: dict[str, tuple[str, Any, list[str]]] = {
    "a weight": (
        TIDY,
        put(*ROUTE, 0, "weight", to=90),
        ["-          weight: 100   # the primary's share", "+          weight: 90    # the primary's share"],
    ),
    "a new key at the end, above the last comment": (
        TIDY,
        put("status", to={"phase": "Progressing", "on": "on", "conditions": [{"type": "Ready", "message": "a: b"}]}),
        [
            "+status:",
            "+  phase: Progressing",
            '+  "on": "on"',
            "+  conditions:",
            "+    - type: Ready",
            "+      message: 'a: b'",
        ],
    ),
    "a merged key is overridden": (TIDY, put("spec", "merged", "app", to="z"), ["+    app: z"]),
    "an own key beside a merge": (TIDY, put("spec", "merged", "tier", to="db"), ["-    tier: web", "+    tier: db"]),
    "a text in a block": (
        TIDY,
        put("spec", "script", to="one\n two\n"),
        ["-    echo a", "-    echo b", "+    one", "+     two"],
    ),
    "quotes are kept": (TIDY, put("spec", "quoted", to="y z"), ['-  quoted: "x"', '+  quoted: "y z"']),
    "single quotes too": (TIDY, put("spec", "single", to="it's"), ["-  single: 'x'", "+  single: 'it''s'"]),
    "a quoted text becomes a number": (TIDY, put("spec", "quoted", to=1.5), ['-  quoted: "x"', "+  quoted: 1.5"]),
    "nothing becomes something": (TIDY, put("spec", "empty", to={"a": [1]}), ["+    a:", "+      - 1"]),
    "an empty list gets an item": (
        TIDY,
        put("spec", "list", to=["1:30"]),
        ["-  list: []", "+  list:", '+    - "1:30"'],
    ),
    "a key more in braces": (
        TIDY,
        put("metadata", "labels", to={"a": ["b"], "c": True}),
        [
            '-metadata: {name: podinfo, namespace: "test"}',
            '+metadata: {name: podinfo, namespace: "test", labels: {a: [b], c: true}}',
        ],
    ),
    "a key is taken away, and what is said about the next is not": (
        TIDY,
        drop("spec", "http"),
        [f"-{line}" for line in TIDY.split("\n")[8:17]],
    ),
    "the first item": (
        TIDY,
        drop(*ROUTE, 0),
        [
            "-        - destination:",
            "-            host: podinfo",
            "-          weight: 100   # the primary's share",
        ],
    ),
    "a new first item": (
        TIDY,
        insert(0, {"a": "1", "b": [{"c": []}]}, *ROUTE),
        ['+        - a: "1"', "+          b:", "+            - c: []"],
    ),
    "a new first item of a list without indentation": (
        DUMP,
        insert(0, {"name": "c", "env": [{"name": "X"}]}, *CONTAINERS),
        ["+      - name: c", "+        env:", "+        - name: X"],
    ),
    "a new item in the middle": (DUMP, insert(1, {"name": "c"}, *CONTAINERS), ["+      - name: c"]),
    "only one item differs": (
        DUMP,
        put(*CONTAINERS, to=[{"name": "a", "image": "a:2"}, {"image": "b:1", "name": "b"}]),
        ["-        image: a:1", "+        image: a:2"],
    ),
    "a new key behind a text in a block": (
        "a: 1\nb: |\n  x\n  y\n# the end\n",
        put("status", to={"c": 1}),
        ["+status:", "+  c: 1"],
    ),
    "a list in a list": (
        DUMP,
        put("spec", "template", "spec", "volumes", 0, 1, to="v"),
        ["-        - w", "+        - v"],
    ),
    "wild layout": (WILD, put("b", "d", 1, "e", to="z"), ["-         -   e:    'y'", "+         -   e:    'z'"]),
    "a key more in wild layout": (WILD, put("b", "d", 0, "g", to=["h"]), ["+             g:", "+              -   h"]),
    "an alias is written out": (
        TIDY,
        put("spec", "selector", "app", to="z"),
        ["-  selector: *labels", "+  selector:", "+    app: z", "+    tier: true"],
    ),
    "an anchor with all who follow it": (
        "a: &x b  # one\nc: *x  # two\n",
        lambda tree: tree.update(a="d", c="d"),
        ["-a: &x b  # one", "+a: &x d  # one"],
    ),
    "who follows gets something else": (
        "a: &x b\nc: *x\n",
        lambda tree: tree.update(a="d", c="e"),
        ["-a: &x b", "-c: *x", "+a: &x d", "+c: e"],
    ),
    "the last of an anchor is meant": ("a: &x b\nc: &x d\ne: *x\n", put("a", to="z"), ["-a: &x b", "+a: &x z"]),
    "a key that is no text": ("on: b\n", put("true", to="c"), ["-on: b", "+on: c"]),
    "a key in quotes": ("'a b': c\n? d\n: e\n", put("d", to="f"), ["-: e", "+: f"]),
    "a tag": ("a: !!str 1  # c\n", put("a", to=2), ["-a: !!str 1  # c", "+a: 2        # c"]),
    "below blank lines that are a part of a text": ("a: |+\n  b\n\n# c\n", put("b", to=1), ["+b: 1"]),
    "a text with more blank lines at its end": ("a: |+\n  b\n\nc: 1\n", put("a", to="b\n\n\n"), ["+"]),
    "a folded text stays as it was folded": (
        "a: >-  # c\n  one\n  two\n  three\n\n  four\nb: 1\n",
        put("a", to="one 2 three\nfour"),
        ["-  two", "+  2"],
    ),
    "a folded text that cannot be one": (
        "a: >\n  b\nc: 1\n",
        put("a", to=" b\nc\n"),
        ["-a: >", "-  b", "+a: |2", "+   b", "+  c"],
    ),
    "a block becomes a word": ("a: |  # c\n  b\n\nc: 1\n", put("a", to=1), ["-a: |  # c", "-  b", "+a: 1  # c"]),
    "a block of one line": ("a: |-\n   b\nc: 1\n", put("a", to="d"), ["-   b", "+   d"]),
    "a block gets what no block can have": (
        "a: |\n  b\n",
        put("a", to="\x85\n"),
        ["-a: |", "-  b", '+a: "\\u0085\\n"'],
    ),
    "a script in the place of a word": (
        "a:\n  - b: c   # d\n    e: 1\n",
        put("a", 0, "b", to="set -e\n\nls\n"),
        ["-  - b: c   # d", "+  - b: |   # d", "+      set -e", "+", "+      ls"],
    ),
    "a script above a line of spaces": ("a: b\n   \nc: 1\n", put("a", to="x\ny\n"), ["-a: b", '+a: "x\\ny\\n"']),
    "double quotes stay around several lines": ('a: "b"\n', put("a", to="x\ny\n"), ['-a: "b"', '+a: "x\\ny\\n"']),
    "a new script": ("a: 1\n", put("b", to="x\n  y"), ["+b: |-", "+  x", "+    y"]),
    "a comment with a tab before it": ("a: b\t# c\n", put("a", to="longer"), ["-a: b\t# c", "+a: longer\t# c"]),
    "a comment that has to move": ("a: b # c\n", put("a", to="longer"), ["-a: b # c", "+a: longer # c"]),
    "spaces at the end": ("a: b   \n", put("a", to="c"), ["-a: b   ", "+a: c   "]),
    "two spaces behind a colon": ("a:  b\n", put("a", to="c"), ["-a:  b", "+a:  c"]),
    "a plain text over two lines": ("a: b\n  c  # d\n", put("a", to="e"), ["-a: b", "-  c  # d", "+a: e  # d"]),
    "a value on a line of its own": ("a:\n  # c\n  b\n", put("a", to="d"), ["-  b", "+  d"]),
    "braces on a line of their own": ("a:\n  {}\nb: 1\n", put("a", to={"c": 1}), ["-  {}", "+  c: 1"]),
    "braces below a dash": ("a:\n-\n  {}\n", put("a", 0, to={"c": 1, "d": 2}), ["-  {}", "+  c: 1", "+  d: 2"]),
    "a mapping below a dash becomes a word": ("a:\n-\n  b: 1\n", put("a", 0, to="c"), ["--", "-  b: 1", "+- c"]),
    "a mapping becomes a list": ("a:  # x\n  b: 1\nc: 1\n", put("a", to=["d"]), ["-  b: 1", "+- d"]),
    "a mapping becomes a word": ("a:  # x\n  b: 1\nc: 1\n", put("a", to="d"), ["-a:  # x", "-  b: 1", "+a: d  # x"]),
    "a mapping loses all it has": ("a:\n  b: 1\nc: 1\n", drop("a", "b"), ["-a:", "-  b: 1", "+a: {}"]),
    "a list loses all it has": ("a:\n- b\nc: 1\n", drop("a", 0), ["-a:", "-- b", "+a: []"]),
    "nothing behind a dash": ("-\n- b\n", put(0, to="c"), ["--", "+- c"]),
    "an anchor behind a dash": ("a:\n- &x b\n", put("a", 0, to=["c"]), ["-- &x b", "+- &x", "+  - c"]),
    "the first key behind a dash": ("a:\n- b: 1\n  c: 2\n", drop("a", 0, "b"), ["-- b: 1", "-  c: 2", "+- c: 2"]),
    "the first keys behind a dash, and a comment": (
        "a:\n- b: 1\n  # c\n  c: 2\n  # d\n  d: 3\n",
        lambda tree: (tree["a"][0].pop("b"), tree["a"][0].pop("c")),
        ["-- b: 1", "+-", "-  c: 2"],
    ),
    "the first item of a list in a list": ("a:\n- - b\n  - c\n", drop("a", 0, 0), ["-- - b", "-  - c", "+- - c"]),
    "a new first item of a list in a list": (
        "a:\n- - b\n",
        insert(0, {"c": 1, "d": 2}, "a", 0),
        ["-- - b", "+- - c: 1", "+    d: 2", "+  - b"],
    ),
    "a new first item above a comment": ("a:\n# b\n- b\n", insert(0, "c", "a"), ["+- c"]),
    "several items change, and keep their places": (
        DUMP,
        put(
            *CONTAINERS, to=[{"name": "z"}, {"name": "a", "image": "a:2"}, {"name": "b", "image": "b:1", "args": ["x"]}]
        ),
        ["+      - name: z", "-        image: a:1", "+        image: a:2", "+        args:", "+        - x"],
    ),
    "a new key behind the one before it": ("a: 1\n# c\nc: 1\n", in_order(a=1, b=2, c=1), ["+b: 2"]),
    "a flow list of words": (
        'a: [ "b", "c" ]  # d\n',
        put("a", 1, to="e"),
        ['-a: [ "b", "c" ]  # d', '+a: [ "b", "e" ]  # d'],
    ),
    "a flow list over two lines": ("a: [b,\n  c]\n", insert(2, "d", "a"), ["-  c]", "+  c,", "+  d]"]),
    "an item of a flow list on a line of its own": (
        "a: [\n  b,  # c\n  d,\n]\n",
        drop("a", 0),
        ["-  b,  # c"],
    ),
    "the first of a flow list": ("a: [b, c]\n", drop("a", 0), ["-a: [b, c]", "+a: [c]"]),
    "the last of a flow list": ("a: [b, c]\n", drop("a", 1), ["-a: [b, c]", "+a: [b]"]),
    "a new first of a flow list": ("a: [b]\n", insert(0, "c:d", "a"), ["-a: [b]", "+a: ['c:d', b]"]),
    "all of a flow list": ("a: {b: [c]}\n", drop("a", "b", 0), ["-a: {b: [c]}", "+a: {b: []}"]),
    "a key without a value in braces": ("a: {b, c: }\n", put("a", "b", to=1), ["-a: {b, c: }", "+a: {b: 1, c: }"]),
    "nothing in braces": ("a: {b, c: }\n", put("a", "c", to=1), ["-a: {b, c: }", "+a: {b, c: 1 }"]),
    "JSON": (
        '{"a": {"b": 1,\n  "c": []}}\n',
        lambda tree: tree["a"].update(c=["x", {"y": None}], d="z\n"),
        ['-  "c": []}}', '+  "c": ["x", {"y": null}],', '+  "d": "z\\n"}}'],
    ),
    "a large number": ("a: 1\n", put("a", to=1e22), ["-a: 1", "+a: 1.0e+22"]),
}


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


# Laws.

WORDS = st.sampled_from(
    [
        "a",
        "on",
        "y",
        "1",
        "1.2.0",
        "1e3",
        "0o7",
        "null",
        "x y",
        "it's",
        'say "x"',
        "a: b",
        "# c",
        "é",
        "-",
        "---",
        "=",
        "<<",
    ]
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-9, 999), st.floats(-1e6, 1e6), WORDS)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    SCALARS | TEXTS | st.sampled_from(["a\nb", "a\n\n b\n", "\n", "a\n\n", " a\nb", "a \nb", "\x1b\n0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | TEXTS, inner, max_size=3),
    max_leaves=12,
)


@settings(deadline=None)  # two cores, and others on them
@given(st.dictionaries(WORDS | TEXTS, VALUES, min_size=1, max_size=4))
def test_what_is_written_is_read_by_everybody(tree: dict[str, Any]) -> None:
    text = document(tree)
    assert json_equal(read(text), tree)
    assert json_equal(yaml.safe_load(text), tree)


@settings(deadline=None)  # two cores, and others on them
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


def mutate(data: st.DataObject, tree: Any) -> None:
    """Change, add or take away one value somewhere in the tree."""
    node = tree
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if isinstance(node[key], dict | list) and data.draw(st.booleans()):
            node = node[key]
            continue
        if data.draw(st.booleans()):
            node[key] = data.draw(VALUES)
            return
        if data.draw(st.booleans()):
            del node[key]
            return
        break
    if isinstance(node, dict):
        node[data.draw(WORDS)] = data.draw(VALUES)
    else:
        node.insert(data.draw(st.integers(0, len(node))), data.draw(VALUES))


# A text as people lay it out: each value beside its place, and all else there is. Values of one line each.

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
    """Draw a mapping in block style, all of one indentation, and the places of its values of one line."""
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


@settings(deadline=None)  # two cores, and others on them
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


@settings(deadline=None)  # two cores, and others on them
@given(laid_out(), st.dictionaries(WORDS, VALUES, min_size=1, max_size=3))
def test_a_new_status_takes_no_line_away(
    drawn: tuple[str, list[tuple[str | int, ...]]], status: dict[str, Any]
) -> None:
    text, _ = drawn
    wanted = read(text) | {"status": status}
    result = rewrite(text, (), wanted)
    assert json_equal(read(result), wanted)
    assert all(line.startswith("+") for line in diff(text, result))
