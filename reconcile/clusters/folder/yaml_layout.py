"""Where the values of a document stand in its text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from reconcile.clusters.folder.yaml_nodes import Collection, Mapping, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

_BETWEEN = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BETWEEN_FLOW = re.compile(r"(?:[ \t\r\n,]+|#[^\n]*)*")
_PROPERTIES = re.compile(r"(?:[&!]\S*(?:[ \t\r\n]+|#[^\n]*)+)*")
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*")


class Member(Struct, kw_only=True):
    """An entry of a mapping or an item of a list, from its key or dash to the end of its value."""

    node: Node
    start: int
    end: int
    after: int
    """Where its colon or dash ends; -1 without one."""
    column: int
    flow: bool
    dash: bool


class Layout:
    """The places in a text that ends with a newline."""

    def __init__(self, text: str, root: Node) -> None:
        self.text = text
        self.root = root
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self._known: dict[int, list[Member]] = {}

    # Lines.

    def line(self, index: int) -> int:
        """Returns where the line of a character begins."""
        return self.text.rfind("\n", 0, index) + 1

    def line_end(self, index: int) -> int:
        """Returns where the line of a character ends, its newline not included."""
        end = self.text.index("\n", index)
        return end - self.text.endswith("\r", 0, end)

    def next_line(self, index: int) -> int:
        """Returns where the next line begins."""
        return self.text.index("\n", index) + 1

    def column(self, index: int) -> int:
        """Returns how many characters a line has before one of its characters."""
        return index - self.line(index)

    def is_first(self, index: int) -> bool:
        """Returns whether a line has only spaces before a character."""
        return not self.text[self.line(index) : index].strip(" ")

    # Nodes.

    def members(self, node: Collection) -> list[Member]:
        """Returns what a collection has, in the order of the text."""
        if id(node) not in self._known:
            self._known[id(node)] = list(self._members(node))
        return self._known[id(node)]

    def end(self, node: Node) -> int:
        """Returns where the text of a node ends; that of a block scalar before its last newline."""
        if isinstance(node, Collection) and not node.flow:
            return self.members(node)[-1].end
        if isinstance(node, Scalar) and node.style in {"|", ">"}:
            return self._block_end(node)
        return node.end

    def header_end(self, node: Node) -> int:
        """Returns where the header of a block scalar ends."""
        match = _BLOCK_HEADER.match(self.text, self._content(node))
        return match.end() if match else node.end

    def block_lines(self, node: Node) -> list[str]:
        """Returns the lines of a block scalar, with their indentation."""
        header, end = self.header_end(node), self.end(node)
        return self.text[header:end].splitlines()[1:]

    def _members(self, node: Collection) -> Iterator[Member]:
        at = self._content(node)
        at += self.text[at] in "[{" if node.flow else 0
        column = 0 if node.flow else self.column(at)
        is_mapping = isinstance(node, Mapping)
        keys = node.children[::2] if is_mapping else [None] * len(node.children)
        for key, value in zip(keys, node.children[is_mapping :: 1 + is_mapping], strict=True):
            start = self._match(_BETWEEN_FLOW if node.flow else _BETWEEN, at)
            after = self._after(start, key, flow=node.flow)
            if isinstance(value, Scalar) and value.start == value.end:  # the parsers differ in where nothing stands
                value.start = value.end = after if after >= 0 or key is None else self.end(key)
            at = max(self.end(value), after)
            yield Member(
                node=value, start=start, end=at, after=after, column=column, flow=node.flow, dash=not is_mapping
            )

    def _after(self, start: int, key: Node | None, *, flow: bool) -> int:
        """Returns where the dash at `start`, or the colon behind a key, ends; -1 without one."""
        if key is None:
            return -1 if flow else start + 1
        colon = self._match(_BETWEEN, self.end(key))
        return colon + 1 if self.text[colon] == ":" else -1

    def _content(self, node: Node) -> int:
        """Returns where a node begins behind its anchor and its tag."""
        return node.start if node.anchor is None and node.tag is None else self._match(_PROPERTIES, node.start)

    def _match(self, pattern: re.Pattern[str], index: int) -> int:
        match = pattern.match(self.text, index)
        return match.end() if match else index

    def _block_end(self, node: Scalar) -> int:
        """Returns where the last line of a block scalar ends. Blank lines below it are a part of it if it says so."""
        header, end = self.header_end(node), node.end
        if "+" not in self.text[self._content(node) : header]:
            rows = self.text[header:end].splitlines()[1:]
            indent = min((len(row) - len(row.lstrip(" ")) for row in rows if row.strip()), default=0)
            while (start := self.line(end - 1)) > header and self._is_blank(start, end, indent):
                end = start
        return self.line_end(end - 1) if self.text[end - 1] == "\n" else end

    def _is_blank(self, start: int, end: int, indent: int) -> bool:
        row = self.text[start:end].rstrip("\r\n")
        return not row.strip(" ") and len(row) <= indent
