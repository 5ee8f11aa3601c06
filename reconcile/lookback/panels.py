"""Curves, dots and bands of a history, in coordinates that any size can show: x from 0 to 1000, y from 0 to 100."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconcile.lookback.scale import Numbers, Times, numbers
from reconcile.model.plan import Transition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from reconcile.lookback.history import History, MetricHistory
    from reconcile.lookback.scale import Tick

WIDTH = 1000
MOST_POINTS = 600
"""Of one curve: more could not be told apart."""
MOST_BADGES = 40
MOST_WORDS = 60
"""Steps that are told in words."""
UNITS = {"percent": "%", "milliseconds": "ms"}
# What has a number in the picture. An advance is seen by the curve itself.
_KINDS = {
    Transition.STARTED: "start",
    Transition.HALTED: "halt",
    Transition.WAITING_FOR_APPROVAL: "hold",
    Transition.ROLLING_BACK: "bad",
    Transition.FAILED: "bad",
    Transition.PROMOTED: "good",
}


class Curve(Struct, frozen=True, kw_only=True):
    """A line, or dots, by the `d` of a path. `look` names what it shows."""

    look: str
    path: str


class Band(Struct, frozen=True, kw_only=True):
    """A part of the time, from `x` on."""

    x: float
    width: float
    look: str


class Badge(Struct, frozen=True, kw_only=True):
    """A number on the picture, from 0 to 100 across, for a line of what happened."""

    at: float
    number: int
    look: str
    text: str


class Panel(Struct, frozen=True, kw_only=True):
    """One picture. `words` are the same for those who cannot see it; `beyond` is where values are bad, from the top."""

    title: str
    unit: str
    words: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    curves: tuple[Curve, ...]
    bands: tuple[Band, ...] = ()
    badges: tuple[Badge, ...] = ()
    beyond: tuple[tuple[float, float], ...] = ()


def badges(history: History) -> dict[int, Badge]:
    """Returns the numbers on the picture, by the index of what happened."""
    times = Times(history.begin, history.end)
    looks = {str(kind): look for kind, look in _KINDS.items()}
    found = [(index, item) for index, item in enumerate(history.happened) if item.kind in looks]
    return {
        index: Badge(at=times.across(item.at), number=number, look=looks[item.kind], text=item.text)
        for number, (index, item) in enumerate(found[:MOST_BADGES], 1)
    }


def weight_panel(history: History) -> Panel:
    """Returns the picture of the canary's weight: a line that goes up in steps."""
    times = Times(history.begin, history.end)
    panel = share_panel("Weight of the canary", _weight_words(history), times, history.weights)
    return replace(panel, bands=_bands(history, times), badges=tuple(badges(history).values()))


def share_panel(title: str, words: str, times: Times, points: Iterable[tuple[datetime, float]]) -> Panel:
    """Returns the picture of shares in percent: a line that goes in steps, with what is below it filled."""
    scale = Numbers(0.0, 100.0, 25.0)
    placed = [(_x(times, at), scale.up(share)) for at, share in points]
    path = "".join(f"M{x:g} {y:g}" if index == 0 else f"H{x:g}V{y:g}" for index, (x, y) in enumerate(placed))
    area = [Curve(look="area", path=f"{path}H{WIDTH}V100H{placed[0][0]:g}Z")] if placed else []
    line = [Curve(look="weight", path=f"{path}H{WIDTH}")] if placed else []
    return Panel(title=title, unit="%", words=words, across=times.ticks(), up=scale.ticks(), curves=(*area, *line))


def metric_panel(history: History, metric: MetricHistory) -> Panel:
    """Returns the picture of one metric: canary and primary, the bound, and a dot for each check."""
    times = Times(history.begin, history.end)
    values = [value for _, value in (*metric.canary, *metric.primary) if value is not None]
    limits = [end for end in (metric.least, metric.most) if end is not None]
    percent = metric.unit == "percent"
    shown = [*values, *limits, *_room(metric, values)]
    scale = numbers(shown, floor=0.0 if min(shown, default=0.0) >= 0 else None, ceiling=100.0 if percent else None)
    curves = [Curve(look="bound", path=f"M0 {scale.up(end):g}H{WIDTH}") for end in limits]
    curves += [
        Curve(look=look, path=path)
        for look, series in (("primary", metric.primary), ("canary", metric.canary))
        if (path := _line(_thinned(series), times, scale))
    ]
    curves += _dots(metric, times, scale)
    return Panel(
        title=metric.title,
        unit=UNITS.get(metric.unit, metric.unit),
        words=_metric_words(metric, values),
        across=times.ticks(),
        up=scale.ticks(),
        curves=tuple(curves),
        bands=_bands(history, times),
        beyond=_beyond(metric, scale),
    )


def _room(metric: MetricHistory, values: Sequence[float]) -> Iterator[float]:
    """Yields values beyond the bounds, so that each has a bad side that is seen; for a maximum 0 as well."""
    if metric.least is not None:
        yield metric.least - (max([*values, metric.least]) - metric.least or abs(metric.least) / 10) / 4
    if metric.most is not None:
        yield metric.most + abs(metric.most) / 10
        if metric.least is None and min([*values, metric.most]) >= 0:
            yield 0.0


def _x(times: Times, at: datetime) -> float:
    return round(times.across(at) * WIDTH / 100, 1)


def _bands(history: History, times: Times) -> tuple[Band, ...]:
    return tuple(
        Band(
            x=_x(times, span.begin), width=max(round(_x(times, span.end) - _x(times, span.begin), 1), 2), look=span.kind
        )
        for span in history.spans
    )


def _beyond(metric: MetricHistory, scale: Numbers) -> tuple[tuple[float, float], ...]:
    """Returns from where on, and how far, values are bad."""
    low = () if metric.least is None else ((scale.up(metric.least), round(100 - scale.up(metric.least), 2)),)
    high = () if metric.most is None else ((0.0, scale.up(metric.most)),)
    return (*high, *low)


def _thinned(series: Sequence[tuple[datetime, float | None]]) -> Sequence[tuple[datetime, float | None]]:
    """Returns a series with at most MOST_POINTS points: of each part of it the lowest and the highest value."""
    if len(series) <= MOST_POINTS:
        return series
    size = -(-2 * len(series) // MOST_POINTS)
    kept: list[tuple[datetime, float | None]] = []
    for begin in range(0, len(series), size):
        part = series[begin : begin + size]
        known = [(value, index) for index, (_, value) in enumerate(part) if value is not None]
        chosen = {min(known)[1], max(known)[1]} if known else {0}
        kept += [part[index] for index in sorted(chosen)]
    return kept


def _line(series: Iterable[tuple[datetime, float | None]], times: Times, scale: Numbers) -> str:
    """Returns the path of a series, which is broken where there is no value."""
    parts, pen = [], "M"
    for at, value in series:
        if value is None:
            pen = "M"
            continue
        parts.append(f"{pen}{_x(times, at):g} {scale.up(value):g}")
        pen = "L"
    return "".join(parts)


def _dots(metric: MetricHistory, times: Times, scale: Numbers) -> list[Curve]:
    """Returns the dots of the checks, those that passed, failed and had no value apart."""
    looks: dict[str, list[str]] = {}
    for check in metric.checks:
        look = "none" if check.value is None else "failed" if check.good is False else "passed"
        y = 97.0 if check.value is None else scale.up(check.value)
        looks.setdefault(look, []).append(f"M{_x(times, check.at):g} {y:g}h0")
    return [
        Curve(look=f"dot {look}", path="".join(looks[look])) for look in ("passed", "none", "failed") if look in looks
    ]


def _weight_words(history: History) -> str:
    if not history.weights:
        return "No weight is known in this time."
    steps = ", ".join(f"{weight} % from {at:%H:%M:%S}" for at, weight in history.weights[:MOST_WORDS])
    more = len(history.weights) - MOST_WORDS
    return f"The weight of the canary over time: {steps}{f', and {more} more' if more > 0 else ''}."


def _metric_words(metric: MetricHistory, values: Sequence[float]) -> str:
    failed = sum(check.good is False for check in metric.checks)
    between = f"values from {min(values):.6g} to {max(values):.6g}" if values else "no value"
    bound = f", good is {metric.bound}" if metric.bound else ""
    checks = f"; {failed} of {len(metric.checks)} checks did not pass" if metric.checks else ""
    return f"{metric.title}: {between} {UNITS.get(metric.unit, metric.unit)}{bound}{checks}.".replace(" ,", ",")
