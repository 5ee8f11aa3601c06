"""The style in which something new is written: that of what stands nearest to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

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
        self._measured: list[tuple[int, str, int]] | None = None

    def near(self, index: int) -> Style:
        """Returns the style of what stands nearest to a character."""
        if self._measured is None:
            self._measured = list(self._measure(self._layout.root))
        nearest: dict[str, tuple[int, int]] = {}
        for place, name, columns in self._measured:
            found = (abs(place - index), columns)
            nearest[name] = min(found, nearest.get(name, found))
        step, offset, dash = (nearest.get(name, (0, None))[1] for name in ("step", "offset", "dash"))
        style = self._default
        return replace(
            style,
            step=style.step if step is None else step,
            offset=style.offset if offset is None else offset,
            dash=style.dash if dash is None else dash,
        )

    def _measure(self, node: Node) -> Iterator[tuple[int, str, int]]:
        """Yields where a distance stands, its name in Style, and the distance."""
        if not isinstance(node, Collection) or node.flow:
            return
        for member in self._layout.members(node):
            if name := self._name(member):
                yield member.start, name, self._layout.column(member.node.start) - member.column
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


def _is_json(root: Node) -> bool:
    keys = [key for key, _ in root.entries] if isinstance(root, Mapping) and root.flow else []
    return bool(keys) and all(isinstance(key, Scalar) and key.style == '"' for key in keys)
