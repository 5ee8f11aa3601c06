"""The style in which something new is written: that of what stands nearest to it."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconcile.clusters.folder.yaml_nodes import Alias, Collection, Mapping, Node, Scalar, Sequence
from reconcile.clusters.folder.yaml_writer import Style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.clusters.folder.yaml_layout import Layout, Member


class Styles:
    """The styles of a document; with `blocks` a text of several lines is a literal block."""

    def __init__(self, layout: Layout, *, blocks: bool) -> None:
        self._layout = layout
        self._default = Style(json=_is_json(layout.root), blocks=blocks)
        self._measured: dict[str, list[tuple[int, int]]] | None = None

    def near(self, index: int) -> Style:
        """Returns the style of what stands nearest to a character."""
        if self._measured is None:
            self._measured = {}
            for name, place, columns in self._measure(self._layout.root):
                self._measured.setdefault(name, []).append((place, columns))
        found = {name: _nearest(places, index) for name, places in self._measured.items()}
        return replace(self._default, **found)  # type: ignore[arg-type]  # the names are those of columns

    def _measure(self, node: Node) -> Iterator[tuple[str, int, int]]:
        """Yields the name of a distance in Style, where it stands, and the distance, in the order of the text."""
        if not isinstance(node, Collection) or node.flow:
            return
        for member in self._layout.members(node):
            if name := self._name(member):
                yield name, member.start, self._layout.column(member.node.start) - member.column
            yield from self._measure(member.node)

    def _name(self, member: Member) -> str:
        """Returns which distance a member shows; a value with an anchor or a tag begins with that."""
        node = member.node
        if isinstance(node, Alias) or node.anchor is not None or node.tag is not None:
            return ""
        if member.dash:
            beside = member.after < node.start < self._layout.next_line(member.after)
            return "dash" if beside else ""
        if not isinstance(node, Collection) or node.flow:
            return ""
        return "offset" if isinstance(node, Sequence) else "step"


def _nearest(places: list[tuple[int, int]], index: int) -> int:
    """Returns what belongs to the place that is nearest to an index."""
    after = bisect_left(places, (index, 0))
    return min((abs(place - index), columns) for place, columns in places[max(after - 1, 0) : after + 1])[1]


def _is_json(root: Node) -> bool:
    keys = [key for key, _ in root.entries] if isinstance(root, Mapping) and root.flow else []
    return bool(keys) and all(isinstance(key, Scalar) and key.style == '"' for key in keys)
