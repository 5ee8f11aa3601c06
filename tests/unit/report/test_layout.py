"""Bars, safe text and layout."""

from __future__ import annotations

import pytest

from reconcile.report.layout import Line, as_text, weight_bar
from reconcile.report.styled_text import Text


@pytest.mark.parametrize(
    ("before", "after", "drawn"),
    [
        (0, 0, "[....................]   0 %"),
        (0, 1, "[+...................]   0 % → 1 %"),
        (40, 50, "[########++..........]  40 % → 50 %"),
        (99, 100, "[###################+]  99 % → 100 %"),
        (100, 0, "[--------------------] 100 % → 0 %"),
        (30, None, "[######..............]  30 %"),
        (None, 30, "[######..............]  30 %"),
        (None, None, ""),
        (-5, 700, "[++++++++++++++++++++]  -5 % → 700 %"),
    ],
)
def test_a_bar_shows_the_share_and_its_move(before: int | None, after: int | None, drawn: str) -> None:
    assert weight_bar(before, after).plain == drawn


def test_a_line_has_a_head_a_body_or_both() -> None:
    lines = [Line(indent=2, head=Text("head")), Line(indent=2, body=Text("body")), Line(head=Text("a"), body=Text("b"))]

    assert as_text([*lines, Line()]) == "  head\n  body\na  b\n\n"
