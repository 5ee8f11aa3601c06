"""Random JSON values, and random changes of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

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


def mutate(data: st.DataObject, tree: Any) -> None:
    """Changes, adds or removes one value somewhere in the tree."""
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
