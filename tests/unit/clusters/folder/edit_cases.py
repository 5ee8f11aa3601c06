"""Texts, changes of their values, and the lines that each change may touch."""

from __future__ import annotations

import difflib
from typing import Any

from reconcile.clusters.folder.yaml_documents import read
from reconcile.clusters.folder.yaml_edits import rewrite
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
    """Returns the text after `change` of its value, and asserts that it means the changed value."""
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
