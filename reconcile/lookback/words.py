"""A history as text, and as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from reconcile.lookback.history import shown_happenings
from reconcile.model.text import printable
from reconcile.model.times import timestamp
from reconcile.report.plain_data import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from reconcile.lookback.history import History, MetricHistory
    from reconcile.model.measurement import Range

_BARS = "▁▂▃▄▅▆▇█"
COLUMNS = 60
"""Of a curve of one line."""


def text(history: History) -> str:
    """Returns the history for a terminal."""
    return "".join(f"{printable(line)}\n" for line in _lines(history))


def data(history: History) -> dict[str, Any]:
    """Returns the history for programs."""
    document: dict[str, Any] = plain(asdict(history) | {"rollout": None})
    document["rollout"] = {"namespace": history.rollout.namespace, "name": history.rollout.name}
    document["weights"] = [{"time": timestamp(at), "weight": weight} for at, weight in history.weights]
    document["facts"] = dict(history.facts)
    for told, metric in zip(document["metrics"], history.metrics, strict=True):
        for side in ("canary", "primary"):
            told[side] = [{"time": timestamp(at), "value": value} for at, value in getattr(metric, side)]
    return document


def bound_words(good: Range) -> str:
    """Returns the good values in words: `at least 99`, `at most 500`, `1 to 5`; "" without a bound."""
    if good.least is not None and good.most is not None:
        return f"{good.least:g} to {good.most:g}"
    if good.least is not None:
        return f"at least {good.least:g}"
    return "" if good.most is None else f"at most {good.most:g}"


def _lines(history: History) -> Iterator[str]:
    yield f"{history.name}  {history.phase or 'not started'}"
    yield f"  from {timestamp(history.begin)} to {timestamp(history.end)}, by {history.source}"
    if history.reason:
        yield f"  {history.reason}"
    yield from (f"  {note}" for note in history.notes)
    if history.weights:
        yield "  Weight"
        yield from (f"    {at:%H:%M:%S}  {weight:>3} %" for at, weight in history.weights)
    if history.metrics:
        yield "  Metrics"
        for metric in history.metrics:
            yield from _metric(metric, history)
    yield "  What happened"
    shown = shown_happenings(history.happened)
    for item in shown:
        times = f" ({item.count} times)" if item.count > 1 else ""
        yield f"    {item.at:%H:%M:%S}  {'Warning  ' if item.is_warning else ''}{item.text}{times}"
    if not shown:
        yield "    nothing is known of this time"
    if history.acts:
        yield "  Who acted"
        for act in history.acts:
            when = f"{act.at:%H:%M:%S}  " if act.at else ""
            yield f"    {when}{act.action} {act.value}{f' by {act.who}' if act.who else ''}  {act.outcome}".rstrip()


def _metric(metric: MetricHistory, history: History) -> Iterator[str]:
    yield f"    {metric.title} ({metric.name}){f', {metric.bound}' if metric.bound else ''} {metric.unit}".rstrip()
    values = [value for _, value in (*metric.canary, *metric.primary) if value is not None]
    for side in ("canary", "primary"):
        series = getattr(metric, side)
        known = [value for _, value in series if value is not None]
        if known:
            bars = curve(series, history.begin, history.end, min(values), max(values))
            yield f"      {side:8} {bars}  {min(known):.6g} to {max(known):.6g}"
    failed = [check for check in metric.checks if check.good is False]
    if failed:
        yield f"      {len(failed)} of {len(metric.checks)} checks did not pass; the last: {failed[-1].text}"
    if metric.problem:
        yield f"      {metric.problem}"


def curve(
    series: Sequence[tuple[datetime, float | None]], begin: datetime, end: datetime, low: float, high: float
) -> str:
    """Returns a curve of one line: one column for each part of the time, its last value, or a space without one."""
    columns = [" "] * COLUMNS
    whole = (end - begin).total_seconds() or 1.0
    for at, value in series:
        place = min(max(int((at - begin).total_seconds() / whole * COLUMNS), 0), COLUMNS - 1)
        if value is not None:
            share = (value - low) / (high - low) if high > low else 0.5
            columns[place] = _BARS[min(int(share * len(_BARS)), len(_BARS) - 1)]
    return "".join(columns)
