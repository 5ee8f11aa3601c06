"""A terminal: colours, and lines wrapped for its width with hanging indents."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text as RichText

from reconcile.report.layout import in_encoding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Self

    from reconcile.report.layout import Line
    from reconcile.report.styled_text import Text

ENDLESS = 1_000_000
"""The width of what is no terminal and gets colours all the same: no line is as long, so that none is wrapped."""

_BODY = 30
"""A body that has fewer columns than this beside its head is printed below it."""
_GAP = 2


class Terminal:
    """A terminal, by way of the library that knows its colours and its width."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @classmethod
    def of(cls, stream: IO[str], *, color: bool | None) -> Self:
        """Returns the terminal that a stream is; with `color` any stream."""
        return cls(
            Console(
                file=stream,
                width=None if stream.isatty() else ENDLESS,
                force_terminal=color,
                color_system=None if color is False else "auto",
                highlight=False,
                markup=False,
                emoji=False,
            )
        )

    def print_lines(self, lines: Iterable[Line]) -> None:
        """Prints lines, each wrapped for the terminal."""
        for row in self.rows(lines):
            self.console.print(row, soft_wrap=True)

    def rows(self, lines: Iterable[Line]) -> Iterator[RichText]:
        """Yields the rows of lines, in the width and the characters of the terminal."""
        for line in lines:
            for row in _rows_of(line, self.console, self.console.width):
                row.plain = in_encoding(row.plain, self.console.encoding)
                yield row


def rich_text(text: Text) -> RichText:
    """Returns a text as the terminal library has it."""
    return RichText.assemble(*text.pieces)


def _rows_of(line: Line, console: Console, width: int) -> Iterator[RichText]:
    room = max(width - line.indent, _BODY)
    head, body = rich_text(line.head), rich_text(line.body)
    beside = room - line.head.width - _GAP
    if not body:
        yield from _hanging(head, console, room, line.indent)
    elif not head:
        yield from _hanging(body, console, room, line.indent)
    elif beside >= min(_BODY, line.body.width):
        first, *others = _wrapped(body, console, beside)
        yield _indented(RichText.assemble(head, " " * _GAP, first), line.indent)
        hang = width - beside
        yield from (_indented(row, hang) for row in others)
    else:
        yield from _hanging(head, console, room, line.indent)
        below = line.indent + 2 * _GAP
        yield from (_indented(row, below) for row in _wrapped(body, console, room - 2 * _GAP))


def _hanging(text: RichText, console: Console, room: int, indent: int) -> Iterator[RichText]:
    """Yields the rows of a text that stands alone in its line; those after the first are indented."""
    rows = _wrapped(text, console, room)
    if len(rows) > 1:
        rows = _wrapped(text, console, room - _GAP)
    for index, row in enumerate(rows):
        yield _indented(row, indent + (_GAP if index else 0))


def _wrapped(text: RichText, console: Console, width: int) -> list[RichText]:
    fits = "\n" not in text.plain and cell_len(text.plain) <= width
    rows = [text.copy()] if fits else list(text.wrap(console, width)) or [text]
    for row in rows:
        row.rstrip()
    return rows


def _indented(text: RichText, columns: int) -> RichText:
    return RichText.assemble(" " * columns, text)
