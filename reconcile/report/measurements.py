"""Measurements and their thresholds, in the report of a pass and in the status of a Rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconcile.report.layout import Line
from reconcile.report.plain_data import number
from reconcile.report.styled_text import CROSS, SKIPPED, TICK, Text, join_texts, pad_to_widest, styled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PASSED, FAILED, OMITTED = "passed", "failed", "skipped"


class Row(Struct, frozen=True, kw_only=True):
    """One measurement, from a plan or from a status; what is unknown is None or empty.

    `gates`: the release waits for it.
    """

    name: str
    value: float | None = None
    threshold: float | None = None
    bound: str = ""
    verdict: str = ""
    text: str = ""
    query: str = ""
    gates: bool = True


def measurement_lines(rows: Sequence[Row]) -> Iterator[Line]:
    """Yields mark, verdict, name, value and threshold of each; for one that did not pass, also its query."""
    verdicts = pad_to_widest([_verdict(row) for row in rows])
    names = pad_to_widest([styled(row.name) for row in rows])
    for row, verdict, name in zip(rows, verdicts, names, strict=True):
        yield Line(indent=4, head=join_texts(verdict, name), body=_comparison(row))
        if row.query and row.verdict != PASSED:
            yield Line(indent=6, head=Text("query", "dim"), body=styled(" ".join(row.query.split()), "dim"))


def _verdict(row: Row) -> Text:
    mark, style = (TICK, "green") if row.verdict == PASSED else (CROSS, "bold red")
    if not row.gates or row.verdict == OMITTED:
        mark, style = SKIPPED, "dim"
    return join_texts(Text(mark, style), styled(row.verdict or "unknown", style), gap=" ")


def _comparison(row: Row) -> Text:
    """Returns the text of the comparison or its numbers; without a value, the threshold if there is one."""
    if row.text and (row.verdict in {PASSED, FAILED} or row.threshold is None):
        return styled(row.text)
    if row.value is not None and row.threshold is not None and not row.text:
        return styled(f"{_number(row.value)} {_sign(row.value, row.threshold, row.verdict)} {_number(row.threshold)}")
    threshold = f"{row.bound or 'threshold'} {_number(row.threshold)}"
    return styled(f"{row.text or _number(row.value)}, {threshold}")


def _sign(value: float, threshold: float, verdict: str) -> str:
    """Returns the comparison. A status does not store which side of the threshold passes: the verdict shows it."""
    if value == threshold:
        return "="
    return (">" if value > threshold else "<") + ("=" if verdict == PASSED else "")


def _number(value: float | None) -> str:
    shown = number(value)
    return "no value" if shown is None else f"{shown:.12g}"
