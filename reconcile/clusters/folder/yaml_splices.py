"""Values of a text replaced where they stand; the rest is not touched."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reconcile.clusters.folder.yaml_block_scalar import folded, literal_block
from reconcile.clusters.folder.yaml_nodes import Collection, Scalar
from reconcile.clusters.folder.yaml_writer import block, content, flow, scalar

if TYPE_CHECKING:
    from reconcile.clusters.folder.yaml_layout import Layout, Member
    from reconcile.clusters.folder.yaml_style import Styles

_GAP = re.compile(" +(?=#)")


class Splices:
    """What is put in the place of parts of a text."""

    def __init__(self, layout: Layout, styles: Styles) -> None:
        self.layout = layout
        self.styles = styles
        self._text = layout.text
        self._splices: list[tuple[int, int, str]] = []

    def applied(self) -> str:
        """Returns the text with all of them."""
        done, parts = 0, []
        for start, end, text in sorted(self._splices, key=lambda splice: splice[:2]):
            parts += [self._text[done:start], text]
            done = max(done, end)
        return "".join([*parts, self._text[done:]])

    def put(self, start: int, end: int, text: str) -> None:
        """Puts a text in the place of another."""
        if text or end > start:
            self._splices.append((start, end, text))

    def replace(self, member: Member, value: Any) -> None:
        """Writes a value in the place of another, under the anchor of that."""
        node = member.node
        head, body = self._written(member, value)
        head = f"&{node.anchor} {head}".rstrip() if node.anchor else head
        if self._is_below(member) and isinstance(node, Collection) and not node.flow:
            self.put(member.after, member.after, f" {head}" if head else "")
            self._put_lines(member.after, self.layout.end(node), body)
        elif self._is_below(member) and not head:
            start = self.layout.line(node.start)
            self.put(start, self.layout.end(node), self.layout.newline.join(body))
        else:
            self._put_head(member, head)
            self._put_lines(self._head_end(member), self.layout.end(node), body)

    def _is_below(self, member: Member) -> bool:
        """Returns whether a value begins on a line below its key or dash."""
        return member.after >= 0 and "\n" in self._text[member.after : member.node.start]

    def _head_end(self, member: Member) -> int:
        node = member.node
        is_block = isinstance(node, Scalar) and node.style in {"|", ">"}
        return self.layout.header_end(node) if is_block else self.layout.end(node)

    def _put_head(self, member: Member, head: str) -> None:
        """Writes what stands behind a key or dash; a comment beside it keeps its column if there is room."""
        node = member.node
        start, end = node.start if head else member.after, self._head_end(member)
        if head and node.start == end and member.after in {node.start, -1}:  # nothing stood there
            head = f"{' ' if member.after >= 0 else ': '}{head}"
        gap = _GAP.match(self._text, end)
        if gap and head and not member.flow and "\n" not in self._text[start:end]:
            head += " " * max(1, len(gap.group()) + end - start - len(head))
            end = gap.end()
        self.put(start, end, head)

    def _put_lines(self, above: int, end: int, lines: list[str]) -> None:
        """Writes lines below that of a character, in the place of those up to `end`."""
        start = self.layout.line_end(above)
        self.put(start, max(start, end), "".join(f"{self.layout.newline}{line}" for line in lines))

    def _written(self, member: Member, value: Any) -> tuple[str, list[str]]:
        node, style = member.node, self.styles.near(member.start)
        old = node if isinstance(node, Scalar) else None
        quote = old.style if old and old.style in {"'", '"'} else ""
        if isinstance(value, str) and quote and (quote == '"' or value.isprintable()):
            return scalar(value, quote), []
        if member.flow:
            return flow(value, style), []
        if style.blocks and old and old.style in {"|", ">"} and (written := self._as_block(member, old, value)):
            return written
        if member.dash and node.anchor and value and isinstance(value, dict | list):
            return "", block(value, member.column + 2, style)  # the anchor stands alone behind the dash
        return content(value, member.column, style, dash=self._dash(member))

    def _dash(self, member: Member) -> int:
        """Returns how far behind its dash a new item begins; 0 behind a key."""
        node = member.node
        if not member.dash:
            return 0
        moves = self._is_below(member) and isinstance(node, Collection) and not node.flow
        return 2 if moves or node.start <= member.after else self.layout.column(node.start) - member.column

    def _as_block(self, member: Member, old: Scalar, value: Any) -> tuple[str, list[str]] | None:
        """Returns a text of a block of several lines as another one, with its indentation."""
        rows = self.layout.block_lines(old)
        columns = [len(row) - len(row.lstrip(" ")) for row in rows if row.strip()]
        column = min(columns, default=member.column + 2)
        if old.style == ">" and (written := folded(value, column, member.column, [row[column:] for row in rows])):
            return written
        return literal_block(value, column, member.column)
