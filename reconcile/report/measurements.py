"""Measurements beside their thresholds, for the report of a pass and for the status of a Rollout alike.

Duty: rows -> lines. The query is shown where a metric did not pass, so that it can be pasted into Prometheus.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from reconcile.report.layout import CROSS, TICK, Line, column, joined, say
from reconcile.report.record import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PASSED, FAILED = "passed", "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One measurement, from a plan or from a status; what is not known is None or empty."""

    name: str
    value: float | None = None
    threshold: float | None = None
    bound: str = ""
    verdict: str = ""
    text: str = ""
    query: str = ""


def measured(rows: Sequence[Row]) -> Iterator[Line]:
    """Show each measurement: mark, verdict, name, and in words the value and its threshold."""
    verdicts = column([_verdict(row) for row in rows])
    names = column([say(row.name) for row in rows])
    for row, verdict, name in zip(rows, verdicts, names, strict=True):
        yield Line(indent=4, head=joined(verdict, name), body=_words(row))
        if row.query and row.verdict != PASSED:
            yield Line(indent=6, head=Text("query", "dim"), body=say(" ".join(row.query.split()), "dim"))


def _verdict(row: Row) -> Text:
    mark, style = (TICK, "green") if row.verdict == PASSED else (CROSS, "bold red")
    return joined(Text(mark, style), say(row.verdict or "unknown", style), gap=" ")


def _words(row: Row) -> Text:
    """Give the text of a comparison, or its figures; where there is no value the threshold is said beside."""
    if row.text and row.verdict in {PASSED, FAILED}:
        return say(row.text)
    if row.value is not None and row.threshold is not None and not row.text:
        return say(f"{_figure(row.value)} {_sign(row.value, row.threshold, row.verdict)} {_figure(row.threshold)}")
    threshold = f"{row.bound or 'threshold'} {_figure(row.threshold)}"
    return say(f"{row.text or _figure(row.value)}, {threshold}")


def _sign(value: float, threshold: float, verdict: str) -> str:
    """Compare as the metric does: a status does not store which side is the good one, but the verdict tells."""
    if value == threshold:
        return "="
    return (">" if value > threshold else "<") + ("=" if verdict == PASSED else "")


def _figure(value: float | None) -> str:
    shown = number(value)
    return "no value" if shown is None else f"{shown:.12g}"
