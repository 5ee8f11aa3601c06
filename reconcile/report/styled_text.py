"""Text with styles, by the names that a terminal library has for them.

A pass that prints into a pipe needs the words alone, so nothing of a terminal is loaded here: see `terminal`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.model.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

TICK, CROSS, PENDING, SKIPPED, ARROW = "✓", "✗", "…", "·", "→"
_NARROW = str.maketrans(dict.fromkeys((TICK, CROSS, PENDING, SKIPPED, ARROW), "-"))
"""These take one column each, which saves loading a table of all characters."""


class Text:
    """Pieces of text, each with its style ("" = none). It is not changed once it is made; an empty one is false."""

    __slots__ = ("_parts", "_style", "plain")

    def __init__(self, text: str = "", style: str = "") -> None:
        self.plain = text
        self._style = style
        self._parts: tuple[Text, ...] = ()

    @classmethod
    def of(cls, *texts: Text) -> Text:
        """Returns several texts as one."""
        text = cls("".join([part.plain for part in texts]))
        text._parts = texts
        return text

    @property
    def pieces(self) -> tuple[tuple[str, str], ...]:
        """Each piece with its style. A pipe never asks for them."""
        if self._parts:
            return tuple(piece for part in self._parts for piece in part.pieces)
        return ((self.plain, self._style),) if self.plain else ()

    def __bool__(self) -> bool:
        return bool(self.plain)

    @property
    def width(self) -> int:
        """The columns that it takes."""
        if self.plain.isascii() or self.plain.translate(_NARROW).isascii():
            return len(self.plain)
        from rich.cells import cell_len  # noqa: PLC0415 - only for characters that may be wide

        return cell_len(self.plain)


def styled(text: object, style: str = "") -> Text:
    """Returns anything as styled text; its control characters are escaped."""
    return Text(printable(text), style)


def join_texts(*parts: Text, gap: str = "  ") -> Text:
    """Returns the parts that are not empty, side by side."""
    between = Text(gap)
    gapped = [piece for part in parts if part.plain for piece in (between, part)]
    return Text.of(*gapped[1:])


def pad_to_widest(cells: Sequence[Text]) -> list[Text]:
    """Returns cells with the width of the widest."""
    widths = [cell.width for cell in cells]
    widest = max(widths, default=0)
    return [
        cell if width == widest else Text.of(cell, Text(" " * (widest - width)))
        for cell, width in zip(cells, widths, strict=True)
    ]
