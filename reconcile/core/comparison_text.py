"""A value beside its bounds, in words: with as many digits as it takes for what is printed to be true."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from reconcile.model import durations
from reconcile.model.durations import EXACT

if TYPE_CHECKING:
    from reconcile.model.measurement import Metric, Range

MOST_DIGITS = 12


def is_within(value: float, bounds: Range) -> bool:
    """Returns whether a value is good. The unrounded one is compared, and an equal one is."""
    return (bounds.least is None or value >= bounds.least) and (bounds.most is None or value <= bounds.most)


def compared(value: float, bounds: Range, metric: Metric) -> str:
    """Returns `82.33% < 99%`, or for two bounds `12.00 within 5 to 20` where it is."""
    number = printed(value, metric.unit, *(end for end in (bounds.least, bounds.most) if end is not None))
    least, most = (
        None if limit is None else _shown(_exact(limit), metric.unit) for limit in (bounds.least, bounds.most)
    )
    if bounds.least is not None and value < bounds.least:
        return f"{number} < {least}"
    if bounds.most is not None and value > bounds.most:
        return f"{number} > {most}"
    if least is None:
        return f"{number} <= {most}"
    return f"{number} >= {least}" if most is None else f"{number} within {least} to {most}"


def printed(value: float, unit: str, *limits: float, least: int = 2) -> str:
    """Returns a value with its unit, on the side of each limit where it is."""
    digits = 0 if unit == "milliseconds" else least
    return _shown(_rounded(_exact(value), [_exact(limit) for limit in limits], digits), unit)


def whole(count: float) -> str:
    """Returns a count, which need not be whole, for people: `5,400` or `5.9`."""
    return f"{count:,.1f}".removesuffix(".0")


def _exact(number: float) -> Decimal:
    return Decimal(repr(number)).normalize(EXACT)


def _rounded(value: Decimal, limits: list[Decimal], least: int) -> Decimal:
    """Returns the value with at least so many digits behind the point, and on the side of each limit where it is."""
    rounded = (value.quantize(Decimal(1).scaleb(-digits), context=EXACT) for digits in range(least, MOST_DIGITS))
    sides = [_side(value, limit) for limit in limits]
    return next((number for number in rounded if [_side(number, limit) for limit in limits] == sides), value)


def _side(value: Decimal, limit: Decimal) -> int:
    return (value > limit) - (value < limit)


def _shown(value: Decimal, unit: str) -> str:
    return durations.go_text(value) if unit == "milliseconds" else f"{value:f}{_suffix(unit)}"


def _suffix(unit: str) -> str:
    if unit == "percent":
        return "%"
    return f" {unit}" if unit else ""
