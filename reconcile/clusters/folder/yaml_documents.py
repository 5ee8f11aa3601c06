"""YAML text as Kubernetes reads it, cut into its documents; within bounds, and with the place of each fault."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from reconcile.clusters.folder.yaml_nodes import (
    MAX_DEPTH,
    Alias,
    Collection,
    Composer,
    Fault,
    Mapping,
    Node,
    Scalar,
    Sequence,
)
from reconcile.clusters.folder.yaml_scalars import MERGE, STR, tag_of, value_of

# Values of one file, as it is and with its aliases written out: thousands of objects, but no "billion laughs".
MAX_VALUES = 500_000
# Characters of them with the aliases written out: no file has more, but for those of "quadratic blowup".
MAX_TEXT = 8 * 1024 * 1024

_CUT = re.compile(r"^---(?=\s|\Z)|(?<=^\.\.\.\n)|(?<=^\.\.\.\r\n)", re.MULTILINE)
_COLLECTIONS: dict[type[Node], str] = {Mapping: "tag:yaml.org,2002:map", Sequence: "tag:yaml.org,2002:seq"}


def split(text: str) -> list[str]:
    """Returns a file in parts of one document at most; joined again the parts are the file.

    YAML allows `---` and `...` at the start of a line nowhere else, whatever they stand in.
    """
    cuts = sorted({0, *(_directives(text, match.start()) for match in _CUT.finditer(text)), len(text)})
    return [text[start:end] for start, end in pairwise(cuts)]


def _directives(text: str, start: int) -> int:
    """Returns where the lines of `%` directives before a marker begin."""
    while start and text.startswith("%", line := text.rfind("\n", 0, start - 1) + 1):
        start = line
    return start


def is_object(root: Node | None) -> bool:
    """Returns whether a document is meant as an object of Kubernetes; anything else in a folder is not read further."""
    return isinstance(root, Mapping) and {"apiVersion", "kind"} <= {
        key.text for key, _ in root.entries if isinstance(key, Scalar)
    }


def read(text: str, most: int = MAX_VALUES) -> Any:
    """Returns the value of the one document of a text, which has at most so many values. Raises Fault."""
    values = Values(most)
    root = values.compose(text)
    return None if root is None else values.of(root)


class Values:
    """Reads documents, within bounds for all of them together: so many values, and MAX_TEXT."""

    def __init__(self, most: int = MAX_VALUES) -> None:
        self.compose = Composer(most).compose
        self._most = self._left = most
        self._text = MAX_TEXT

    def of(self, node: Node, depth: int = 0) -> Any:
        """Returns dicts with string keys, lists, str, int, float, bool and None. Raises Fault."""
        while isinstance(node, Alias):
            node = node.target
        self._left -= 1
        if self._left < 0:
            raise Fault(f"it has more than {self._most} values, aliases included", node.start)
        if depth > MAX_DEPTH:
            raise Fault("it contains itself, or is nested too deep", node.start)
        if isinstance(node, Scalar):
            return self._scalar(node)
        if not isinstance(node, Collection) or node.tag not in {None, "!", _COLLECTIONS[type(node)]}:
            raise _strange(node)
        return (
            self._mapping(node, depth)
            if isinstance(node, Mapping)
            else [self.of(item, depth + 1) for item in node.children]
        )

    def _mapping(self, node: Mapping, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, item in node.entries:
            value = self.of(item, depth + 1)
            if is_merge(key):
                for other in reversed(value if isinstance(value, list) else [value]):
                    if not isinstance(other, dict):
                        raise Fault("only mappings can be merged", item.start)
                    merged |= other
            elif (name := self.key(key)) in own:
                raise Fault(f'the key "{name}" is there twice', key.start)
            else:
                own[name] = value
        return merged | own

    def key(self, node: Node) -> str:
        """Returns the text of a key as kubectl turns it into JSON: `on` is "true". Raises Fault."""
        node = node.target if isinstance(node, Alias) else node
        value = self._scalar(node) if isinstance(node, Scalar) else None
        if value is None:
            raise Fault("a key has to be a string", node.start)
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _scalar(self, node: Scalar) -> object:
        self._text -= len(node.text)
        if self._text < 0:
            raise Fault(f"it has more than {MAX_TEXT} characters, aliases included", node.start)
        try:
            return value_of(node.text, _tag(node))
        except (KeyError, ValueError) as error:
            raise _strange(node) from error


def is_merge(key: Node) -> bool:
    """Returns whether a key is `<<`, whose value gives its entries to the mapping."""
    key = key.target if isinstance(key, Alias) else key
    return isinstance(key, Scalar) and _tag(key) == MERGE


def _tag(node: Scalar) -> str:
    if node.tag not in {None, "!"}:
        return str(node.tag)
    return tag_of(node.text) if node.plain else STR


def _strange(node: Node) -> Fault:
    tag = _tag(node) if isinstance(node, Scalar) else node.tag
    return Fault(f"the tag {tag} is not understood here", node.start)


def same(left: Any, right: Any) -> bool:
    """Compares as JSON does: 1 is 1.0 and not true, the order of a mapping's keys is nothing."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[name]) for name, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)
