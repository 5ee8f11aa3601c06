"""YAML text as kubectl reads it: cut into documents, read within bounds, with the place of a fault."""

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

# Values of one file, as it is and with its aliases expanded: thousands of objects, but no "billion laughs".
MAX_VALUES = 500_000
# Characters of one file with its aliases expanded: that stops "quadratic blowup" only, no file is longer.
MAX_TEXT = 8 * 1024 * 1024

_CUT = re.compile(r"^---(?=\s|\Z)|(?<=^\.\.\.\n)|(?<=^\.\.\.\r\n)", re.MULTILINE)
_COLLECTIONS: dict[type[Node], str] = {Mapping: "tag:yaml.org,2002:map", Sequence: "tag:yaml.org,2002:seq"}


def split(text: str) -> list[str]:
    """Returns a file in parts of one document at most; joined again the parts are the file.

    A line that starts with `---` or `...` is always a marker in YAML, also within a scalar.
    """
    cuts = sorted({0, *(_directives(text, match.start()) for match in _CUT.finditer(text)), len(text)})
    return [text[start:end] for start, end in pairwise(cuts)]


def _directives(text: str, start: int) -> int:
    """Returns where the lines of `%` directives before a marker start."""
    while start and text.startswith("%", line := text.rfind("\n", 0, start - 1) + 1):
        start = line
    return start


def is_object(root: Node | None) -> bool:
    """Returns whether a document is an object of Kubernetes; other documents are not read further."""
    return isinstance(root, Mapping) and {"apiVersion", "kind"} <= {
        key.text for key, _ in root.entries if isinstance(key, Scalar)
    }


def read(text: str, max_values: int = MAX_VALUES) -> Any:
    """Returns the value of the only document of a text. Raises Fault."""
    values = Values(max_values)
    root = values.compose(text)
    return None if root is None else values.of(root)


class Values:
    """Reads documents that together have at most `max_values` values and MAX_TEXT characters."""

    def __init__(self, max_values: int = MAX_VALUES) -> None:
        self._composer = Composer(max_values)
        self.compose = self._composer.compose
        self._max_values = self._values_left = max_values
        self._text_left = MAX_TEXT

    @property
    def exhausted(self) -> bool:
        """Whether the documents so far have more values or characters than they may have together."""
        return self._composer.exhausted or self._values_left < 0 or self._text_left < 0

    def of(self, node: Node, depth: int = 0) -> Any:
        """Returns dicts with string keys, lists, str, int, float, bool and None. Raises Fault."""
        while isinstance(node, Alias):
            node = node.target
        self._values_left -= 1
        if self._values_left < 0:
            raise Fault(f"it has more than {self._max_values} values, aliases included", node.start)
        if depth > MAX_DEPTH:
            raise Fault("it contains itself, or is nested too deep", node.start)
        if isinstance(node, Scalar):
            return self._scalar(node)
        if not isinstance(node, Collection) or node.tag not in {None, "!", _COLLECTIONS[type(node)]}:
            raise _unknown_tag(node)
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
        self._text_left -= len(node.text)
        if self._text_left < 0:
            raise Fault(f"it has more than {MAX_TEXT} characters, aliases included", node.start)
        try:
            return value_of(node.text, _tag(node))
        except (KeyError, ValueError) as error:
            raise _unknown_tag(node) from error


def is_merge(key: Node) -> bool:
    """Returns whether a key is `<<`, whose value gives its entries to the mapping."""
    key = key.target if isinstance(key, Alias) else key
    return isinstance(key, Scalar) and _tag(key) == MERGE


def _tag(node: Scalar) -> str:
    if node.tag not in {None, "!"}:
        return str(node.tag)
    return tag_of(node.text) if node.plain else STR


def _unknown_tag(node: Node) -> Fault:
    tag = _tag(node) if isinstance(node, Scalar) else node.tag
    return Fault(f"the tag {tag} is not understood here", node.start)
