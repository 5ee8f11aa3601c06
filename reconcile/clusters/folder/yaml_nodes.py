"""A YAML document as a tree of nodes that know where in the text they stand.

It is made from the parser's events and not by PyYAML's composer, which refuses an anchor that is defined again: in YAML
an alias stands for the last node of its anchor. What a node means must not be known here.
"""

from __future__ import annotations

from typing import Any

import yaml
from msgspec import Struct, field
from yaml.reader import Reader

# libyaml where PyYAML was built with it: ten times as fast, with the same marks.
PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Deeper than any object of Kubernetes, shallow enough for a recursive function.
MAX_DEPTH = 100


class Fault(Exception):  # noqa: N818 - what is wrong with a text, never seen outside of this package
    """Something in a text that cannot be used: `index` is the character where it stands."""

    def __init__(self, problem: str, index: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.index = index


class Node(Struct, kw_only=True, eq=False):
    """A value in a text, from character `start` to before `end`, its anchor and its tag included.

    A collection in block style has no end of its own: `end` is where the next token starts.
    """

    start: int
    end: int
    anchor: str | None = None
    tag: str | None = None  # as it is written; None and "!" without one
    followed: bool = False
    """Whether an alias stands for it."""


class Scalar(Node, kw_only=True, eq=False):
    """A scalar. `style` is "" for a plain one, or the character that it starts with."""

    text: str
    style: str
    plain: bool  # its tag depends on its text


class Collection(Node, kw_only=True, eq=False):
    """A mapping or a sequence, in flow style (braces and brackets) or in block style (indentation)."""

    flow: bool
    children: list[Node] = field(default_factory=list)


class Mapping(Collection, eq=False):
    """A mapping: its children are a key, its value, the next key, and so on."""

    @property
    def entries(self) -> list[tuple[Node, Node]]:
        """The keys with their values."""
        return list(zip(self.children[::2], self.children[1::2], strict=True))


class Sequence(Collection, eq=False):
    """A list of values."""


class Alias(Node, kw_only=True, eq=False):
    """A reference to the node of an anchor."""

    target: Node


class Composer:
    """Composes documents that together have at most `max_nodes` nodes."""

    def __init__(self, max_nodes: int) -> None:
        self._max_nodes = self._nodes_left = max_nodes

    @property
    def exhausted(self) -> bool:
        """Whether the documents so far have more nodes than they may have together."""
        return self._nodes_left < 0

    def compose(self, text: str) -> Node | None:
        """Returns the root of the only document of a text; None without a document. Raises Fault."""
        if match := Reader.NON_PRINTABLE.search(text):
            raise Fault(f"it is no text: it has the character U+{ord(match.group()):04X}", match.start())
        try:
            return self._tree(text)
        except yaml.MarkedYAMLError as error:
            # libyaml always names the place; PyYAML's own parser may name only the start of the construct.
            place = getattr(error.problem_mark or error.context_mark, "index", 0)
            raise Fault(error.problem or str(error.context), place) from error

    def _tree(self, text: str) -> Node | None:
        roots: list[Node] = []
        above: list[Collection] = []
        anchors: dict[str, Node] = {}
        event: Any
        for event in yaml.parse(text, Loader=PARSER):
            start, end = event.start_mark.index, event.end_mark.index
            if isinstance(event, yaml.CollectionEndEvent):
                closed = above.pop()
                closed.end = end if closed.flow else start
            elif isinstance(event, yaml.NodeEvent):
                node = _node(event, start, end, anchors)
                self._count(node, len(above))
                (above[-1].children if above else roots).append(node)
                if isinstance(node, Collection):
                    above.append(node)
            elif isinstance(event, yaml.DocumentStartEvent) and roots:
                raise Fault("but found another document", start)
        return roots[0] if roots else None

    def _count(self, node: Node, depth: int) -> None:
        self._nodes_left -= 1
        if self._nodes_left < 0:
            raise Fault(f"it has more than {self._max_nodes} values", node.start)
        if depth >= MAX_DEPTH and isinstance(node, Collection):
            raise Fault(f"it is nested deeper than {MAX_DEPTH} levels", node.start)


def _node(event: Any, start: int, end: int, anchors: dict[str, Node]) -> Node:
    if isinstance(event, yaml.AliasEvent):
        if event.anchor not in anchors:
            raise Fault("found undefined alias", start)
        anchors[event.anchor].followed = True
        return Alias(start=start, end=end, target=anchors[event.anchor])
    common = {"start": start, "end": end, "anchor": event.anchor, "tag": event.tag}
    node: Node
    if isinstance(event, yaml.ScalarEvent):
        node = Scalar(**common, text=event.value, style=event.style or "", plain=event.implicit[0])
    else:
        kind = Mapping if isinstance(event, yaml.MappingStartEvent) else Sequence
        node = kind(**common, flow=bool(event.flow_style))
    if event.anchor is not None:
        anchors[event.anchor] = node
    return node
