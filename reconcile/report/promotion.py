"""The part of a report that says what a promotion will change in the primary's template, beside the images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.report.layout import Line
from reconcile.report.styled_text import ARROW, Text, pad_to_widest, styled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.model.plan import Change

TITLE = "The promotion also changes"
MOST = 10
"""Lines: a person is to see that there is something, and `-o json` has all of it."""


def promotion_lines(changes: Sequence[Change]) -> Iterator[Line]:
    """Yields a line for each change, as far as there is room; nothing where there is none."""
    if not changes:
        return
    yield Line(indent=2, head=Text(TITLE, "bold"))
    told = changes[:MOST]
    for change, path in zip(told, pad_to_widest([styled(change.path) for change in told]), strict=True):
        values = f"{change.before} {ARROW} {change.after}" if change.after else ""
        yield Line(indent=4, head=path, body=styled(values))
    if more := len(changes) - len(told):
        yield Line(indent=4, head=styled(f"and {more} more (-o json)", "dim"))
