"""Lines for people: what every text report is made of.

Duty: safe text, hanging indents, bars, marks, ages. A line is laid out for the console that it is printed on: wrapped
on a terminal, never cut or wrapped in a pipe. Text from outside is data: no markup, no control characters.
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
"""The width of what is no terminal: nothing is that long, so nothing is wrapped."""

TICK, CROSS, PENDING, SKIPPED, ARROW = "✓", "✗", "…", "·", "→"
# One for one, so that styles and columns stay where they are on a console that knows only ASCII.
_ASCII = str.maketrans({TICK: "+", CROSS: "x", PENDING: "~", SKIPPED: "-", ARROW: ">"})

EVENT_STYLES = {"Warning": "yellow", "Normal": "green"}

_WHOLE = 100
_BODY = 30
"""A body with fewer columns than this beside its head goes below it."""
_GAP = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line: `head` at `indent`, and beside it `body`, which hangs when it has to be wrapped."""

    indent: int = 0
    head: Text = field(default_factory=Text)
    body: Text = field(default_factory=Text)


def console_for(stream: IO[str], *, color: bool | None = None) -> Console:
    """Make the console for a stream: colours (None = on a terminal only), and wrapping on a terminal only."""
    return Console(
        file=stream,
        width=None if stream.isatty() else ENDLESS,
        force_terminal=color,
        color_system=None if color is False else "auto",
        highlight=False,
        markup=False,
        emoji=False,
    )


def show(lines: Iterable[Line], console: Console) -> None:
    """Print lines as the console can take them."""
    if not console.is_terminal:  # nothing to colour: a thousand Rollouts are written in half the time
        console.file.writelines(f"{row.plain}\n" for row in rows(lines, console))
        console.file.flush()  # somebody may be waiting for each line
        return
    for row in rows(lines, console):
        console.print(row, soft_wrap=True)


def rows(lines: Iterable[Line], console: Console) -> Iterator[Text]:
    """Give lines as rows that the console has room and letters for."""
    ascii_only, width = not console.encoding.startswith("utf"), console.width
    for line in lines:
        for row in _laid_out(line, console, width):
            if ascii_only:
                row.plain = row.plain.translate(_ASCII).encode(console.encoding, "replace").decode(console.encoding)
            yield row


def as_text(lines: Iterable[Line]) -> str:
    """Give lines as plain text, unwrapped, ending in a newline."""
    console = Console(width=ENDLESS, color_system=None, quiet=True)
    return "".join(f"{row.plain}\n" for line in lines for row in _laid_out(line, console, ENDLESS))


def say(text: object, style: str = "") -> Text:
    """Make styled text of anything, from anywhere."""
    return Text(printable(text), style=style)


def joined(*parts: Text, gap: str = "  ") -> Text:
    """Put the parts that are not empty beside each other."""
    return Text(gap).join(part for part in parts if part)


def column(cells: Sequence[Text]) -> list[Text]:
    """Pad cells to the width of the widest."""
    width = max((cell_len(cell.plain) for cell in cells), default=0)
    padded = []
    for cell in cells:
        wide = cell.copy()
        wide.pad_right(width - cell_len(cell.plain))
        padded.append(wide)
    return padded


def bar(before: int | None, after: int | None, cells: int = 20) -> Text:
    """Draw the canary's share of traffic and its move: `[########++..........]  40 % → 50 %`; empty if unknown."""
    known = [weight for weight in (before, after) if weight is not None]
    if not known:
        return Text()
    old, new = _filled(known[0], cells), _filled(known[-1], cells)
    least, most = min(old, new), max(old, new)
    moved = Text("+" * (most - least), "bold green") if new > old else Text("-" * (most - least), "bold yellow")
    figures = f"{known[0]:>3} %" if known[0] == known[-1] else f"{known[0]:>3} % {ARROW} {known[-1]} %"
    return Text.assemble("[", ("#" * least, "cyan"), moved, ("." * (cells - most), "dim"), f"] {figures}")


def change(before: str, after: str, nothing: str) -> Text:
    """Write what became of a word: `Progressing`, `Progressing → Promoting`; `nothing` stands for none."""
    old, new = before or nothing, after or nothing
    return say(new) if old == new else say(f"{old} {ARROW} {new}")


def _filled(weight: int, cells: int) -> int:
    """Give the cells of a weight; the ends of the bar are kept for 0 and 100 alone."""
    if weight <= 0:
        return 0
    return cells if weight >= _WHOLE else min(max(round(weight * cells / _WHOLE), 1), cells - 1)


def _laid_out(line: Line, console: Console, width: int) -> Iterator[Text]:
    room = max(width - line.indent, _BODY)
    beside = room - cell_len(line.head.plain) - _GAP
    if not line.body:
        yield from _hanging(line.head, console, room, line.indent)
    elif not line.head:
        yield from _hanging(line.body, console, room, line.indent)
    elif beside >= min(_BODY, cell_len(line.body.plain)):
        first, *others = _wrapped(line.body, console, beside)
        yield _indented(joined(line.head, first), line.indent)
        hang = width - beside
        yield from (_indented(row, hang) for row in others)
    else:
        yield from _hanging(line.head, console, room, line.indent)
        below = line.indent + 2 * _GAP
        yield from (_indented(row, below) for row in _wrapped(line.body, console, room - 2 * _GAP))


def _hanging(text: Text, console: Console, room: int, indent: int) -> Iterator[Text]:
    """Wrap a text that has its line for itself; what follows its first row is set in."""
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
