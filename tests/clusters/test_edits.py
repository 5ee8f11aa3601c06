"""One object of a text changed: what it means then, and that no other line is touched."""

from __future__ import annotations

import copy
import difflib
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.clusters.documents import Values, parse, same
from reconcile.clusters.edits import UneditableError, inline, lines, rewrite

FOUR = """\
# A manifest as people write them.
apiVersion: v1   # the version
kind: VirtualService
metadata: {name: podinfo,   namespace: "test"}   # in one line
spec:
    hosts:
      - podinfo   # short
    http:
      - route:
          - destination:
                host:   podinfo
            weight: 100   # the primary's share
          # the canary
          - destination: {host: 'podinfo-canary'}
            weight:    0  # the canary's

    script: |
      echo a
      echo b

    folded: >-  # about the text
      x
      y
    quoted: "x"
    single: 'x'
    labels: &labels
      app: x  # the app
    selector: *labels
    again: *labels
    merged:
      <<: *labels
      tier: web
    empty:
    nothing: {}  # none
    list: []
    long: "a
      b"
# the end
"""
TWO = """\
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
        - y
      - z
"""


def value(text: str) -> Any:
    return Values().of(parse(text)[0])


def at(tree: Any, *path: str | int) -> Any:
    for part in path:
        tree = tree[part]
    return tree


def edited(text: str, change: Any) -> str:
    """Apply `change` to the value of the text; give the text after it, proved to mean that value."""
    wanted = value(text)
    change(wanted)
    result = rewrite(text, 0, (), wanted)
    assert same(value(result), wanted)
    return result


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


ROUTE = ("spec", "http", 0, "route")
CONTAINERS = ("spec", "template", "spec", "containers")
VOLUMES = ("spec", "template", "spec", "volumes")
CASES: dict[str, tuple[str, Any, list[str]]] = {
    "a weight": (
        FOUR,
        put(*ROUTE, 0, "weight", to=90),
        ["-            weight: 100   # the primary's share", "+            weight: 90   # the primary's share"],
    ),
    "a weight that is aligned": (
        FOUR,
        put(*ROUTE, 1, "weight", to=10),
        ["-            weight:    0  # the canary's", "+            weight:    10  # the canary's"],
    ),
    "a new key at the end, above the last comment": (
        FOUR,
        put("status", to={"phase": "Progressing", "conditions": [{"type": "Ready", "message": "a: b"}]}),
        [
            "+status:",
            "+    phase: Progressing",
            "+    conditions:",
            "+      - type: Ready",
            '+        message: "a: b"',
        ],
    ),
    "an alias stays one for the others": (
        FOUR,
        put("spec", "selector", to={"app": "z"}),
        ["-    selector: *labels", "+    selector:", "+        app: z"],
    ),
    "an anchor's own value": (
        FOUR,
        lambda tree: [put("spec", key, "app", to="z")(tree) for key in ("labels", "selector", "again", "merged")],
        ["-      app: x  # the app", "+      app: z  # the app"],
    ),
    "a merged key is overridden": (FOUR, put("spec", "merged", "app", to="z"), ["+      app: z"]),
    "an own key beside a merge": (
        FOUR,
        put("spec", "merged", "tier", to="db"),
        ["-      tier: web", "+      tier: db"],
    ),
    "a text in a block": (
        FOUR,
        put("spec", "script", to="one\n two\n"),
        ["-      echo a", "-      echo b", "+        one", "+         two"],
    ),
    "a text in a block becomes a word": (
        FOUR,
        put("spec", "folded", to="z"),
        ["-    folded: >-  # about the text", "-      x", "-      y", "+    folded: z  # about the text"],
    ),
    "a word becomes a text": (
        FOUR,
        put("spec", "hosts", 0, to="a\nb"),
        ["-      - podinfo   # short", "+      - |-   # short", "+        a", "+        b"],
    ),
    "quotes are kept": (FOUR, put("spec", "quoted", to="y z"), ['-    quoted: "x"', '+    quoted: "y z"']),
    "single quotes too": (FOUR, put("spec", "single", to="it's"), ["-    single: 'x'", "+    single: 'it''s'"]),
    "single quotes cannot hold everything": (
        FOUR,
        put("spec", "single", to="\x7f"),
        ["-    single: 'x'", '+    single: "\\u007f"'],
    ),
    "a quoted text becomes a number": (FOUR, put("spec", "quoted", to=1.5), ['-    quoted: "x"', "+    quoted: 1.5"]),
    "a tag gives way": ("a: !!str 1\nb: 2", put("a", to=3), ["-a: !!str 1", "+a: 3"]),
    "a text in lines above an indented comment": (
        "a: b\n      # c\n",
        put("d", to="x\ny"),
        ['+d: "x\\ny"'],
    ),
    "quotes over lines": (FOUR, put("spec", "long", to="c"), ['-    long: "a', '-      b"', '+    long: "c"']),
    "nothing becomes something": (
        FOUR,
        put("spec", "empty", to={"a": [1]}),
        ["+        a:", "+          - 1"],
    ),
    "nothing becomes a word": (FOUR, put("spec", "empty", to="x"), ["-    empty:", "+    empty: x"]),
    "an empty map gets a key": (
        FOUR,
        put("spec", "nothing", to={"a": None}),
        ["-    nothing: {}  # none", "+    nothing:  # none", "+        a: null"],
    ),
    "an empty list gets an item": (
        FOUR,
        put("spec", "list", to=["on"]),
        ["-    list: []", "+    list:", '+      - "on"'],
    ),
    "a map becomes empty": (
        FOUR,
        put("spec", "hosts", to=[]),
        ["-    hosts:", "-      - podinfo   # short", "+    hosts: []   # short"],
    ),
    "a list becomes a word": (
        FOUR,
        put("spec", "http", 0, "route", 0, "destination", to="x"),
        ["-          - destination:", "-                host:   podinfo", "+          - destination: x"],
    ),
    "a map of other keys": (
        FOUR,
        put("spec", "http", 0, "route", 0, "destination", to={"name": "x"}),
        ["-                host:   podinfo", "+                name: x"],
    ),
    "inside of braces": (
        FOUR,
        put("metadata", "name", to="other"),
        [
            '-metadata: {name: podinfo,   namespace: "test"}   # in one line',
            '+metadata: {name: other,   namespace: "test"}   # in one line',
        ],
    ),
    "a key more in braces": (
        FOUR,
        put("metadata", "labels", to={"a": ["b"], "c": True}),
        [
            '-metadata: {name: podinfo,   namespace: "test"}   # in one line',
            "+metadata: {name: podinfo, namespace: test, labels: {a: [b], c: true}}   # in one line",
        ],
    ),
    "the last key is taken away": (FOUR, drop("spec", "long"), ['-    long: "a', '-      b"']),
    "a key is taken away": (FOUR, drop("spec", "script"), ["-    script: |", "-      echo a", "-      echo b"]),
    "the key beside a dash": (
        FOUR,
        drop(*ROUTE, 1, "destination"),
        [
            "-          - destination: {host: 'podinfo-canary'}",
            "-            weight:    0  # the canary's",
            "+          - weight:    0  # the canary's",
        ],
    ),
    "the first item": (
        FOUR,
        drop(*ROUTE, 0),
        [
            "-          - destination:",
            "-                host:   podinfo",
            "-            weight: 100   # the primary's share",
        ],
    ),
    "a new first item": (
        FOUR,
        insert(0, {"a": "1", "b": [{"c": []}]}, *ROUTE),
        ['+          - a: "1"', "+            b:", "+              - c: []"],
    ),
    "a new last item": (FOUR, insert(1, ["x", {}], "spec", "hosts"), ["+      - - x", "+        - {}"]),
    "a new first item of a list without indentation": (
        TWO,
        insert(0, {"name": "c", "env": [{"name": "X"}]}, *CONTAINERS),
        ["+      - name: c", "+        env:", "+        - name: X"],
    ),
    "a new item in the middle": (TWO, insert(1, {"name": "c"}, *CONTAINERS), ["+      - name: c"]),
    "only one item differs": (
        TWO,
        put(*CONTAINERS, to=[{"name": "a", "image": "a:2"}, {"name": "b", "image": "b:1"}]),
        ["-        image: a:1", "+        image: a:2"],
    ),
    "two become one": (
        TWO,
        put(*CONTAINERS, to=[{"name": "c", "image": "c:1"}]),
        [
            "-      - name: a",
            "-        image: a:1",
            "+      - name: c",
            "+        image: c:1",
            "-      - name: b",
            "-        image: b:1",
        ],
    ),
    "a list in a list": (TWO, put(*VOLUMES, 0, 1, to="w"), ["-        - y", "+        - w"]),
    "the first of a list in a list": (TWO, drop(*VOLUMES, 0, 0), ["-      - - x", "-        - y", "+      - - y"]),
    "an item becomes a map": (
        TWO,
        put(*VOLUMES, 1, to={"a": 1, "b": 2}),
        ["-      - z", "+      - a: 1", "+        b: 2"],
    ),
    "a map becomes an item": (
        TWO,
        put(*CONTAINERS, 1, to="b"),
        ["-      - name: b", "-        image: b:1", "+      - b"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_only_what_changed_differs(name: str) -> None:
    text, change, expected = CASES[name]
    assert diff(text, edited(text, change)) == expected


@pytest.mark.parametrize("name", CASES)
def test_line_breaks_of_the_other_world_are_kept(name: str) -> None:
    text, change, expected = CASES[name]
    other = text.replace("\n", "\r\n")
    result = edited(other, change)
    assert result.count("\n") == result.count("\r\n")
    assert diff(text, result.replace("\r\n", "\n")) == expected


@pytest.mark.parametrize("name", CASES)
def test_a_missing_last_line_break_stays_missing(name: str) -> None:
    text, change, expected = CASES[name]
    text = text.removesuffix("# the end\n").removesuffix("\n")
    result = edited(text, change)
    assert not result.endswith("\n")
    assert diff(text, result) == expected


def test_an_alias_is_written_out_where_its_anchor_changes_alone() -> None:
    result = edited(FOUR, _labels_alone)
    assert diff(FOUR, result) == [
        "-      app: x  # the app",
        "-    selector: *labels",
        "-    again: *labels",
        "+      app: z  # the app",
        "+    selector:",
        "+        app: x",
        "+    again:",
        "+        app: x",
    ]


def _labels_alone(tree: Any) -> None:
    tree["spec"]["labels"] = {"app": "z"}
    tree["spec"]["merged"]["app"] = "z"  # a merge follows its anchor


@pytest.mark.parametrize(
    ("text", "change"),
    [
        pytest.param(FOUR, put("spec", "labels", to={"app": "z"}), id="an anchor that a merge follows"),
        pytest.param(FOUR, drop("spec", "merged", "app"), id="a key from a merge"),
        pytest.param("? a\n: b\n", put("a", to="c"), id="a key on a line of its own"),
        pytest.param("a: b\n", lambda tree: (tree.clear(), tree.update(c=1)), id="nothing stays"),
        pytest.param("a: b\n", put("b", to=(1,)), id="no type of JSON, but like one"),
        pytest.param("a: &x !!str 1\n", put("a", to=2), id="a tag that says otherwise"),
        pytest.param("a:\n- - x\n", insert(0, "w", "a", 0), id="in front of a nested list"),
        pytest.param("*a : 1\n", put("a", to=2), id="broken"),
    ],
)
def test_what_cannot_be_cut_is_refused(text: str, change: Any) -> None:
    wanted = {"a": 1} if text.startswith("*") else value(text)
    change(wanted)
    with pytest.raises(UneditableError):
        rewrite(text, 0, (), wanted)


def test_a_path_that_is_not_written_is_refused() -> None:
    with pytest.raises(UneditableError):
        rewrite("a: &a\n  b: {c: 1}\nd:\n  <<: *a\n", 0, ("d", "b"), {"c": 2})


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), b"x", {1}])
def test_what_is_no_json_is_an_error(wrong: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        inline(wrong)


def test_other_documents_of_the_same_part_are_left_alone() -> None:
    text = "%YAML 1.1\n---\nx: !Ref y\n...\n# c\n---\na: {b: 1}\n"
    assert rewrite(text, 1, ("a",), {"b": 2}) == text.replace("b: 1", "b: 2")


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
@given(st.dictionaries(WORDS | TEXTS, VALUES, min_size=1, max_size=4), st.sampled_from([(2, 0), (2, 2), (4, 2)]))
def test_what_is_written_is_read_by_everybody(tree: dict[str, Any], style: tuple[int, int]) -> None:
    text = "\n".join(lines(tree, 0, *style)) + "\n\n"
    assert same(value(text), tree)
    assert same(yaml.safe_load(text), tree)


@settings(deadline=None)  # two cores, and others on them
@given(st.data())
def test_any_change_means_what_was_wanted_and_keeps_the_comments(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([FOUR, TWO]))
    wanted = value(text)
    for _ in range(data.draw(st.integers(1, 3))):
        _mutate(data, wanted)
    try:
        result = rewrite(text, 0, (), wanted)
    except UneditableError:
        return
    assert same(value(result), wanted)
    assert {line for line in text.split("\n") if line.startswith("#")} <= set(result.split("\n"))


def _mutate(data: st.DataObject, tree: Any) -> None:
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


@st.composite
def commented(  # noqa: C901 - one branch for each thing that people write
    draw: st.DrawFn,
) -> tuple[str, list[tuple[str | int, ...]]]:
    """Give a block mapping written by somebody with habits, and the paths of the scalars on lines of their own."""
    step, offset = draw(st.sampled_from([(2, 0), (2, 2), (4, 0), (4, 2), (3, 1)]))
    paths: list[tuple[str | int, ...]] = []
    written: list[str] = []

    def scalar() -> str:
        plain = draw(
            st.sampled_from(["x", "1", "1.5", "true", "podinfo:1.2", "~", "2024-01-01", "'a b'", '"c"', "! 5", "&n k"])
        )
        return (
            draw(st.sampled_from([" ", "  ", "     "]))
            + plain
            + draw(st.sampled_from(["", "  # why", " # a: b", "   "]))
        )

    def noise(column: int) -> None:
        written.extend(
            " " * draw(st.sampled_from([0, column, column + 3])) + "# note" if draw(st.booleans()) else ""
            for _ in range(draw(st.integers(0, 2)))
        )

    def node(column: int, path: tuple[str | int, ...], depth: int, lead: str) -> None:
        for name in draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=3, unique=True)):
            pad, lead = lead or " " * column, ""
            kind = draw(st.sampled_from("smlftsb" if depth < 3 else "s"))
            if kind == "s":
                written.append(f"{pad}{name}:{scalar()}")
                paths.append((*path, name))
            elif kind == "m":
                written.append(f"{pad}{name}:")
                noise(column + step)
                node(column + step, (*path, name), depth + 1, "")
            elif kind == "l":
                written.append(f"{pad}{name}:  # items")
                for index in range(draw(st.integers(1, 3))):
                    dash = " " * (column + offset) + "-" + " " * draw(st.sampled_from([1, 1, 3]))
                    node(len(dash), (*path, name, index), depth + 1, dash)
            elif kind == "f":
                written.append(f"{pad}{name}: {{ x: [1,2 , 3],y: 'q' }} # flow")
            elif kind == "t":
                written.append(f"{pad}{name}: |{draw(st.sampled_from(['', '-', '+']))}")
                written.extend([" " * (column + 5) + "text # no comment", "", " " * (column + 5) + "more: x"])
            else:
                written.append(f"{pad}{name}:")
            noise(column)

    noise(0)
    node(0, (), 0, "")
    noise(0)
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    text = newline.join(written) + draw(st.sampled_from(["", newline]))
    return draw(st.sampled_from(["", "---" + newline])) + text, paths


@settings(deadline=None)  # two cores, and others on them
@given(commented(), st.data())
def test_a_patch_of_one_value_changes_its_line_and_no_other(
    written: tuple[str, list[tuple[str | int, ...]]], data: st.DataObject
) -> None:
    text, paths = written
    if not paths:
        return
    path = data.draw(st.sampled_from(paths))
    wanted = copy.deepcopy(value(text))
    at(wanted, *path[:-1])[path[-1]] = data.draw(st.sampled_from([7, "new", "on", False, None, 1e300]))
    result = rewrite(text, 0, (), wanted)
    assert same(value(result), wanted)
    before, after = text.split("\n"), result.split("\n")
    assert len(before) == len(after)
    assert sum(one != other for one, other in zip(before, after, strict=True)) <= 1


@settings(deadline=None)  # two cores, and others on them
@given(commented(), st.data())
def test_an_added_key_leaves_every_line_as_it_was(
    written: tuple[str, list[tuple[str | int, ...]]], data: st.DataObject
) -> None:
    text, paths = written
    if not paths:
        return
    path = data.draw(st.sampled_from(paths))
    wanted = copy.deepcopy(value(text))
    at(wanted, *path[:-1])["new"] = data.draw(st.sampled_from([7, {"a": [{"b": 1}]}, [1], "x\ny"]))
    try:
        result = rewrite(text, 0, (), wanted)
    except UneditableError:
        # Below a text that keeps its last blank lines, or lacks a last line break, a further line would change it.
        assert "|" in text
        return
    rest = iter(result.replace("\r", "").split("\n"))
    assert all(line in rest for line in text.replace("\r", "").split("\n"))
