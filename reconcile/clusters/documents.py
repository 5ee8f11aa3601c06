"""YAML text as Kubernetes reads it: nodes that know where they stand in the text, and the plain values they mean.

Duty: read, within bounds, and say where a fault is. A document that is no object is none of its business. Pure.

The rules are those of `kubectl`, which reads YAML by go-yaml 2: booleans as in YAML 1.1 (`on`, `yes`, `y`), no
sexagesimal numbers, and times stay the strings that were written. PyYAML's own constructors differ in all three, so
only its parser is used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

# libyaml where PyYAML was built with it, ten times as fast; the marks of both are the same.
PARSER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Deeper than any object of Kubernetes, shallow enough for a recursive function.
MAX_DEPTH = 100
# Values of one file with its aliases written out: thousands of objects, but no "billion laughs".
MAX_VALUES = 500_000

MAP, LIST, SCALAR, ALIAS = "map", "list", "scalar", "alias"
MERGE = "<<"

_TAG = "tag:yaml.org,2002:"
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DOCUMENT = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_DIRECTIVE = re.compile(r"^(?:%|\.\.\.)", re.MULTILINE)
_KEEP = re.compile(r"[|>][0-9]?\+")
_PROPERTIES = re.compile(r"(?:[&!]\S*\s*)*")
_INTEGER = re.compile(r"[-+]?(?:0[bB][01]+|0[oO]?[0-7]+|0[xX][0-9a-fA-F]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NULL = ("", "~", "null", "Null", "NULL")
_WORDS: dict[str, object] = (
    dict.fromkeys(_NULL)
    | dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True)
    | dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False)
)
_INT64 = range(-(2**63), 2**64)


class Fault(Exception):  # noqa: N818 - what is wrong with a text, never seen outside of this package
    """Something in a text that cannot be used: `index` is the character where it stands."""

    def __init__(self, problem: str, index: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.index = index


@dataclass(slots=True)
class Node:
    """One node of a document.

    `start` is before its anchor and tag, `end` behind its last character. `children` of a map are keys and values in
    turn; an alias has the node that it stands for as its only child.
    """

    kind: str
    start: int
    end: int
    flow: bool = False
    tag: str | None = None
    text: str = ""
    style: str = ""
    children: list[Node] = field(default_factory=list)

    @property
    def literal(self) -> bool:
        """Whether it is a block scalar, `|` or `>`."""
        return self.style in {"|", ">"}

    @property
    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """The keys of a map with their values."""
        return zip(self.children[::2], self.children[1::2], strict=True)


def split(text: str) -> list[str]:
    """Cut a file at its document markers; joined again the parts are the file.

    YAML allows `---` at the start of a line nowhere else, whatever it stands in. A file with directives or end
    markers is left in one part, which may then hold several documents.
    """
    if _DIRECTIVE.search(text):
        return [text]
    cuts = [0, *(match.start() for match in _DOCUMENT.finditer(text)), len(text)]
    return [text[start:end] for start, end in pairwise(cuts) if start < end]


def parse(text: str) -> list[Node]:
    """Give the root of every document. Raises Fault."""
    if match := _UNPRINTABLE.search(text):
        raise Fault(f"it is no text: it has the character U+{ord(match.group()):04X}", match.start())
    roots: list[Node] = []
    stack = [Node(LIST, 0, 0, children=roots)]
    anchors: dict[str, Node] = {}
    try:
        for event in yaml.parse(text, Loader=PARSER):
            _take(event, text, stack, anchors)
    except yaml.MarkedYAMLError as error:
        # libyaml always names the place, PyYAML's own parser may know no more than where the construct began.
        place = getattr(error.problem_mark or error.context_mark, "index", 0)
        raise Fault(error.problem or str(error.context), place) from error
    except yaml.YAMLError as error:
        raise Fault(str(error), 0) from error
    return roots


def _take(event: Any, text: str, stack: list[Node], anchors: dict[str, Node]) -> None:
    """Hang the node of one event of the parser into the tree."""
    start, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, yaml.DocumentStartEvent):
        anchors.clear()
    elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
        node = stack.pop()
        # A block ends for the parser where the next token starts: behind comments that are not its own.
        node.end = end if node.flow or not node.children else node.children[-1].end
    elif isinstance(event, yaml.NodeEvent):
        node = _node(event, start, text, anchors)
        stack[-1].children.append(node)
        if node.kind in {MAP, LIST}:
            stack.append(node)
            if len(stack) > MAX_DEPTH:
                raise Fault(f"it is nested deeper than {MAX_DEPTH} levels", start)


def _node(event: Any, start: int, text: str, anchors: dict[str, Node]) -> Node:
    end = event.end_mark.index
    if isinstance(event, yaml.AliasEvent):
        if event.anchor not in anchors:
            raise Fault(f"nothing before it is named &{event.anchor}", start)
        return Node(ALIAS, start, end, children=[anchors[event.anchor]])
    if isinstance(event, yaml.ScalarEvent):
        # The non-specific tag "!" says that it is a string, whatever it looks like.
        tag = "!" if event.tag is None and not any(event.implicit) else event.tag
        node = Node(SCALAR, start, end, tag=tag, text=event.value, style=event.style or "")
        if node.literal and not _KEEP.match(text, content(text, node)):
            # Nobody keeps its blank lines at the end, so they are not its own.
            node.end = start + len(text[start:end].rstrip(" \t\r\n"))
    else:
        kind = MAP if isinstance(event, yaml.MappingStartEvent) else LIST
        node = Node(kind, start, end, flow=bool(event.flow_style), tag=event.tag)
    if event.anchor:
        anchors[event.anchor] = node
    return node


def content(text: str, node: Node) -> int:
    """Give the place where a node's own text starts, behind its anchor and tag."""
    found = _PROPERTIES.match(text, node.start, node.end)
    return found.end() if found else node.start


def is_object(root: Node) -> bool:
    """Say whether a document is meant as an object of Kubernetes; anything else in a folder is not read further."""
    return root.kind == MAP and {"apiVersion", "kind"} <= {key.text for key, _ in root.pairs}


class Values:
    """Turns nodes into plain values, at most MAX_VALUES of them in its life."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def of(self, node: Node, depth: int = 0) -> Any:
        """Give dicts with string keys, lists, str, int, float, bool and None. Raises Fault."""
        self._left -= 1
        if self._left < 0:
            raise Fault(f"it has more than {MAX_VALUES} values, aliases included", node.start)
        if depth > MAX_DEPTH:
            raise Fault("it contains itself, or is nested too deep", node.start)
        if node.kind == ALIAS:
            return self.of(node.children[0], depth + 1)
        if node.kind == SCALAR:
            return scalar(node)
        if node.kind == LIST:
            return [self.of(child, depth + 1) for child in node.children]
        return self._mapping(node, depth)

    def _mapping(self, node: Node, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for name, value in node.pairs:
            if is_merge(name):
                merged = self._merged(value, depth) | merged
                continue
            text = key(name)
            if text in own:
                raise Fault(f'the key "{text}" is there twice', name.start)
            own[text] = self.of(value, depth + 1)
        return merged | own

    def _merged(self, node: Node, depth: int) -> dict[str, Any]:
        value = self.of(node, depth + 1)
        merged: dict[str, Any] = {}
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, dict):
                raise Fault("only mappings can be merged", node.start)
            merged = item | merged
        return merged


def is_merge(node: Node) -> bool:
    """Say whether a key is the merge key of YAML 1.1."""
    return node.kind == SCALAR and node.text == MERGE and not node.style and node.tag is None


def key(node: Node) -> str:
    """Give the text of a key as kubectl turns it into JSON: `on` is "true". Raises Fault."""
    node = node.children[0] if node.kind == ALIAS else node
    value = scalar(node) if node.kind == SCALAR else None
    if value is None:
        raise Fault("a key has to be a string", node.start)
    return str(value).lower() if isinstance(value, bool) else str(value)


def scalar(node: Node) -> object:
    """Give the value of a scalar. Raises Fault for a tag that Kubernetes has no use for."""
    if node.tag is None:
        return node.text if node.style else plain(node.text)
    if node.tag in {"!", f"{_TAG}str"}:
        return node.text
    value = plain(node.text)
    allowed = {f"{_TAG}int": int, f"{_TAG}float": float, f"{_TAG}bool": bool, f"{_TAG}null": type(None)}
    if type(value) is allowed.get(node.tag):
        return value
    if node.tag == f"{_TAG}float" and type(value) is int:
        return float(value)
    raise Fault(f"the tag {node.tag} is not understood here", node.start)


def plain(text: str) -> object:
    """Give the value of a scalar without quotes and tag, as go-yaml 2 resolves it."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    digits = text if text[0] == "." else text.replace("_", "")
    if _INTEGER.fullmatch(digits) and (value := _integer(digits)) in _INT64:
        return value
    # Infinity and not-a-number have no place in JSON, and a float beyond its range neither: they stay text.
    if _FLOAT.fullmatch(digits) and abs(number := float(digits)) != float("inf"):
        return number
    return text


def _integer(text: str) -> int:
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text.removeprefix("+"))
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return sign * int(digits, 8)  # as Go has it: 0644 is octal
    # Longer ones are out of range anyway, and Python refuses to read thousands of digits.
    return sign * int(digits, 0) if len(digits) <= 70 else 2**64  # noqa: PLR2004 - 64 binary digits and their prefix


def same(left: Any, right: Any) -> bool:
    """Compare as JSON does: 1 is 1.0 and not true, the order of a mapping's keys is nothing."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[name]) for name, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)
