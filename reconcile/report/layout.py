"""Lines of text reports: safe text, columns, weight bars, and wrapping with hanging indents.

A line is wrapped on a terminal, and neither cut nor wrapped in a pipe. Text of others is data: no markup and no control
characters of it reach the console.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from reconcile.model.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ENDLESS = 1_000_000
"""The width of what is no terminal: no line is as long, so that none is wrapped."""

TICK, CROSS, PENDING, SKIPPED, ARROW = "✓", "✗", "…", "·", "→"
# One character for one, so that styles and columns keep their places on a console that has only ASCII.
_ASCII = str.maketrans({TICK: "+", CROSS: "x", PENDING: "~", SKIPPED: "-", ARROW: ">"})

EVENT_STYLES = {"Warning": "yellow", "Normal": "green"}

_WHOLE = 100
_BODY = 30
"""A body that has fewer columns than this beside its head is printed below it."""
_GAP = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line: `head` at `indent`, and `body` beside it, with a hanging indent when it is wrapped."""

    indent: int = 0
    head: Text = field(default_factory=Text)
    body: Text = field(default_factory=Text)


def console_for(stream: IO[str], *, color: bool | None = None) -> Console:
    """Returns the console for a stream. It wraps on a terminal only; colours: None = on a terminal only."""
    return Console(
        file=stream,
        width=None if stream.isatty() else ENDLESS,
        force_terminal=color,
        color_system=None if color is False else "auto",
        highlight=False,
        markup=False,
        emoji=False,
    )


def print_lines(lines: Iterable[Line], console: Console) -> None:
    """Prints lines, each wrapped for the console."""
    if not console.is_terminal:  # without colours a thousand Rollouts are written in half the time
        console.file.writelines(f"{row.plain}\n" for row in rows(lines, console))
        console.file.flush()  # a reader may wait for each line
        return
    for row in rows(lines, console):
        console.print(row, soft_wrap=True)


def rows(lines: Iterable[Line], console: Console) -> Iterator[Text]:
    """Yields the rows of lines, in the width and the characters of the console."""
    ascii_only, width = not console.encoding.startswith("utf"), console.width
    for line in lines:
        for row in _rows_of(line, console, width):
            if ascii_only:
                row.plain = row.plain.translate(_ASCII).encode(console.encoding, "replace").decode(console.encoding)
            yield row


def as_text(lines: Iterable[Line]) -> str:
    """Returns lines as plain text, unwrapped, with a newline at its end."""
    console = Console(width=ENDLESS, color_system=None, quiet=True)
    return "".join(f"{row.plain}\n" for line in lines for row in _rows_of(line, console, ENDLESS))


def styled(text: object, style: str = "") -> Text:
    """Returns anything as styled text; its control characters are escaped."""
    return Text(printable(text), style=style)


def join_texts(*parts: Text, gap: str = "  ") -> Text:
    """Returns the parts that are not empty, side by side."""
    return Text(gap).join(part for part in parts if part)


def pad_to_widest(cells: Sequence[Text]) -> list[Text]:
    """Returns cells with the width of the widest."""
    width = max((cell_len(cell.plain) for cell in cells), default=0)
    padded = []
    for cell in cells:
        wide = cell.copy()
        wide.pad_right(width - cell_len(cell.plain))
        padded.append(wide)
    return padded


def weight_bar(before: int | None, after: int | None, cells: int = 20) -> Text:
    """Returns the canary's share of traffic and its change: `[########++..........]  40 % → 50 %`; empty if unknown."""
    known = [weight for weight in (before, after) if weight is not None]
    if not known:
        return Text()
    old, new = _filled(known[0], cells), _filled(known[-1], cells)
    least, most = min(old, new), max(old, new)
    moved = Text("+" * (most - least), "bold green") if new > old else Text("-" * (most - least), "bold yellow")
    figures = f"{known[0]:>3} %" if known[0] == known[-1] else f"{known[0]:>3} % {ARROW} {known[-1]} %"
    return Text.assemble("[", ("#" * least, "cyan"), moved, ("." * (cells - most), "dim"), f"] {figures}")


def transition(before: str, after: str, nothing: str) -> Text:
    """Returns `Progressing`, or `Progressing → Promoting` for a change; `nothing` replaces an empty word."""
    old, new = before or nothing, after or nothing
    return styled(new) if old == new else styled(f"{old} {ARROW} {new}")


def _filled(weight: int, cells: int) -> int:
    """Returns how many cells a weight fills: none for 0 only, and all for 100 only."""
    if weight <= 0:
        return 0
    return cells if weight >= _WHOLE else min(max(round(weight * cells / _WHOLE), 1), cells - 1)


def _rows_of(line: Line, console: Console, width: int) -> Iterator[Text]:
    room = max(width - line.indent, _BODY)
    beside = room - cell_len(line.head.plain) - _GAP
    if not line.body:
        yield from _hanging(line.head, console, room, line.indent)
    elif not line.head:
        yield from _hanging(line.body, console, room, line.indent)
    elif beside >= min(_BODY, cell_len(line.body.plain)):
        first, *others = _wrapped(line.body, console, beside)
        yield _indented(join_texts(line.head, first), line.indent)
        hang = width - beside
        yield from (_indented(row, hang) for row in others)
    else:
        yield from _hanging(line.head, console, room, line.indent)
        below = line.indent + 2 * _GAP
        yield from (_indented(row, below) for row in _wrapped(line.body, console, room - 2 * _GAP))


def _hanging(text: Text, console: Console, room: int, indent: int) -> Iterator[Text]:
    """Yields the rows of a text that stands alone in its line; those after the first are indented."""
    rows = _wrapped(text, console, room)
    if len(rows) > 1:
        rows = _wrapped(text, console, room - _GAP)
    for index, row in enumerate(rows):
        yield _indented(row, indent + (_GAP if index else 0))


def _wrapped(text: Text, console: Console, width: int) -> list[Text]:
    fits = "\n" not in text.plain and cell_len(text.plain) <= width
    rows = [text.copy()] if fits else list(text.wrap(console, width)) or [text]
    for row in rows:
        row.rstrip()
    return rows


def _indented(text: Text, columns: int) -> Text:
    return Text.assemble(" " * columns, text)
