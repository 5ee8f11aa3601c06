"""Members put into a collection of a text, and taken away; the other lines are not touched."""

from __future__ import annotations

import re
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from reconcile.clusters.folder.yaml_writer import entry, flow, flow_entry, list_item

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.clusters.folder.yaml_layout import Member
    from reconcile.clusters.folder.yaml_splices import Splices

_REST_OF_LINE = re.compile(r"[ \t]*,[ \t]*(?:#[^\n]*)?\r?\n")
_BLANK_LINES = re.compile(r"(?:[ \t]*\r?\n)*")
_SEPARATOR = re.compile(r"\s*,\s*")


class Members:
    """The members of one collection, at least one of which stays."""

    def __init__(self, splices: Splices, members: Sequence[Member]) -> None:
        self._splices = splices
        self._layout = splices.layout
        self._text = splices.layout.text
        self._members = members

    def remove(self, gone: Sequence[int]) -> None:
        """Takes members away, but not all, with the comments beside them; those above them stay."""
        members = self._members
        for first, last in _runs(gone):
            following = members[last + 1].start if last + 1 < len(members) else None
            if members[first].flow:
                before = members[first - 1].end if first else None
                self._remove_flow(members[first : last + 1], before, following)
            elif self._layout.is_first(members[first].start):
                self._remove_lines(members[first : last + 1], following)
            elif following:
                self._remove_from_dash(members[first : last + 1], following)

    def _remove_flow(self, members: Sequence[Member], before: int | None, following: int | None) -> None:
        start, end = members[0].start, members[-1].end
        line = _REST_OF_LINE.match(self._text, end) if self._layout.is_first(start) else None
        if line:
            self._splices.put(self._layout.line(start), line.end(), "")
        elif before is not None:
            self._splices.put(before, end, "")
        else:
            self._splices.put(start, following or end, "")

    def _remove_lines(self, members: Sequence[Member], following: int | None) -> None:
        """Takes members on lines of their own away, and the blank lines below them if something follows."""
        for member in members:
            below = self._layout.next_line(member.end)
            blank = _BLANK_LINES.match(self._text, below) if following else None
            self._splices.put(self._layout.line(member.start), blank.end() if blank else below, "")

    def _remove_from_dash(self, members: Sequence[Member], following: int) -> None:
        """Takes members away of which the first stands behind the dash of an item."""
        starts = [*(member.start for member in members[1:]), following]
        ends = [self._layout.line_end(member.end) for member in members]
        if not any("#" in self._text[end:start] for end, start in zip(ends, starts, strict=True)):
            self._splices.put(members[0].start, following, "")
        else:  # lines of comment stay: the dash stands alone above them
            line = self._layout.line(members[0].start)
            self._splices.put(line + len(self._text[line : members[0].start].rstrip(" ")), ends[0], "")
            self._remove_lines(members[1:], following)

    def insert_entry(self, index: int, name: str, value: Any) -> None:
        """Writes a new entry behind that of an index."""
        style = self._splices.styles.near(self._members[index].start)
        if self._members[0].flow:
            self._insert_flow(index, flow_entry(name, value, style))
        else:
            self._insert_block(index, entry(name, value, self._members[0].column, style))

    def insert_item(self, index: int, value: Any) -> None:
        """Writes a new item behind that of an index; -1 is before the first."""
        style = self._splices.styles.near(self._members[max(index, 0)].start)
        if self._members[0].flow:
            self._insert_flow(index, flow(value, style))
        else:
            self._insert_block(index, list_item(value, self._members[0].column, style))

    def _insert_flow(self, index: int, text: str) -> None:
        ends = [(before.end, after.start) for before, after in pairwise(self._members)]
        between = [self._text[end:start] for end, start in (ends[max(index - 1, 0) :] or ends[-1:])[:1]]
        separator = between[0] if between and _SEPARATOR.fullmatch(between[0]) else ", "
        place = self._members[0].start if index < 0 else self._members[index].end
        self._splices.put(place, place, text + separator if index < 0 else separator + text)

    def _insert_block(self, index: int, lines: list[str]) -> None:
        text = "".join(f"{line}{self._layout.newline}" for line in lines)
        start, column = self._members[0].start, self._members[0].column
        if index >= 0:
            place = self._layout.next_line(self._members[index].end)
        elif self._layout.is_first(start):
            place = self._layout.line(start)
            while self._text[(above := self._layout.line(place - 1)) : place].lstrip(" \t").startswith("#"):
                place = above  # the comment is about what was the first
        else:
            place, text = start, text[column:] + " " * column
        self._splices.put(place, place, text)


def _runs(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yields the first and the last of places that follow each other."""
    for _, run in groupby(enumerate(sorted(places)), lambda pair: pair[1] - pair[0]):
        found = [place for _, place in run]
        yield found[0], found[-1]
