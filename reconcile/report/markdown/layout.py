"""Tables, lists and folded parts, and a document of them that is not longer than a comment may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST = 60_000
"""Characters of a document. GitHub takes 65,536; the rest is for what a pipeline puts around it."""
_NOTE = 200
_TABLE_SHARE = 0.6
"""The part of a document that its first table may fill, so that there is room for what follows."""


def document(heading: str, titles: Sequence[str], rows: Sequence[str], parts: Sequence[str], things: str) -> str:
    """Returns a heading, a table and parts below it, as many as there is room for. `things` names the rows."""
    head = f"### {heading}\n"
    kept = _fitting(rows, int(MOST * _TABLE_SHARE) - len(head))
    table = "\n".join([_row(titles), _row(["---"] * len(titles)), *kept]) if rows else ""
    text = "\n".join(filter(None, (head, table))) + "\n"
    if len(kept) < len(rows):
        text += _left_out(len(rows) - len(kept), things)
    shown = _fitting(parts, MOST - len(text) - _NOTE)
    text += "".join(f"\n{part}\n" for part in shown)
    if len(shown) < len(parts):
        text += _left_out(len(parts) - len(shown), "parts")
    return text


def row(*cells: str) -> str:
    """Returns one row of a table; the cells are Markdown."""
    return _row(cells)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table with these titles; "" without rows."""
    lines = [_row(cells) for cells in rows]
    return "\n".join([_row(titles), _row(["---"] * len(titles)), *lines]) if lines else ""


def bullets(items: Iterable[str]) -> str:
    """Returns a list of items."""
    return "\n".join(f"- {item}" for item in items)


def titled(title: str, body: str) -> str:
    """Returns a part with its title in bold; "" without a body."""
    return f"**{title}**\n\n{body}" if body else ""


def folded(summary: str, parts: Iterable[str], *, is_open: bool = False) -> str:
    """Returns parts that a click unfolds. `summary` is HTML. The empty lines make Markdown of what is inside."""
    body = "\n\n".join(filter(None, parts))
    return f"<details{' open' if is_open else ''}><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _fitting(parts: Sequence[str], room: int) -> list[str]:
    """Returns the first of the parts, as many as there is room for."""
    kept: list[str] = []
    for part in parts:
        room -= len(part) + 2
        if room < 0:
            break
        kept.append(part)
    return kept


def _left_out(number: int, things: str) -> str:
    return (
        f"\n_Cut: {number} more {things} have no room in a comment of {MOST:,} characters; `-o json` has them all._\n"
    )
