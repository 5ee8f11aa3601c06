"""Lines of text reports, and weight bars.

Text of others is data: no markup and no control
characters of it reach the console.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from reconcile.report.styled_text import ARROW, CROSS, PENDING, SKIPPED, TICK, Text, styled

if TYPE_CHECKING:
    from collections.abc import Iterable

# One character for one, so that styles and columns keep their places on a console that has only ASCII.
_ASCII = str.maketrans({TICK: "+", CROSS: "x", PENDING: "~", SKIPPED: "-", ARROW: ">"})

EVENT_STYLES = {"Warning": "yellow", "Normal": "green"}

_WHOLE = 100


class Line(Struct, frozen=True, kw_only=True):
    """One line: `head` at `indent`, and `body` beside it, with a hanging indent when it is wrapped."""

    indent: int = 0
    head: Text = field(default_factory=Text)
    body: Text = field(default_factory=Text)


def in_encoding(text: str, encoding: str) -> str:
    """Returns the text in characters that an encoding has."""
    if encoding.startswith("utf"):
        return text
    return text.translate(_ASCII).encode(encoding, "replace").decode(encoding)


def as_text(lines: Iterable[Line]) -> str:
    """Returns lines as plain text, unwrapped, with a newline at its end."""
    return "".join([f"{_plain(line)}\n" for line in lines])


def _plain(line: Line) -> str:
    gap = "  " if line.head and line.body else ""
    return f"{' ' * line.indent}{line.head.plain}{gap}{line.body.plain}".rstrip()


def weight_bar(before: int | None, after: int | None, cells: int = 20) -> Text:
    """Returns the canary's share of traffic and its change: `[########++..........]  40 % → 50 %`; empty if unknown."""
    known = [weight for weight in (before, after) if weight is not None]
    if not known:
        return Text()
    old, new = _filled(known[0], cells), _filled(known[-1], cells)
    least, most = min(old, new), max(old, new)
    moved = Text("+" * (most - least), "bold green") if new > old else Text("-" * (most - least), "bold yellow")
    figures = f"{known[0]:>3} %" if known[0] == known[-1] else f"{known[0]:>3} % {ARROW} {known[-1]} %"
    return Text.of(Text("["), Text("#" * least, "cyan"), moved, Text("." * (cells - most), "dim"), Text(f"] {figures}"))


def transition(before: str, after: str, nothing: str) -> Text:
    """Returns `Progressing`, or `Progressing → Promoting` for a change; `nothing` replaces an empty word."""
    old, new = before or nothing, after or nothing
    return styled(new) if old == new else styled(f"{old} {ARROW} {new}")


def _filled(weight: int, cells: int) -> int:
    """Returns how many cells a weight fills: none for 0 only, and all for 100 only."""
    if weight <= 0:
        return 0
    return cells if weight >= _WHOLE else min(max(round(weight * cells / _WHOLE), 1), cells - 1)
