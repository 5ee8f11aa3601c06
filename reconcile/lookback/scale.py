"""The scales of a picture: round numbers and round times, and where they are, from 0 to 100."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from msgspec import Struct

_STEPS = (1, 2, 5, 10, 15, 30)
_SECONDS = (
    *_STEPS,
    *(60 * step for step in _STEPS),
    *(3600 * step for step in (1, 2, 3, 6, 12)),
    *(86_400 * step for step in (1, 2, 7, 14, 30)),
)
_DAY, _MINUTE = 86_400, 60
_MOST_TIMES = 7
_ROUND = 1e-9


class Tick(Struct, frozen=True):
    """A label of an axis. `at` is from 0 to 100; a `minor` one may be left out where there is little room."""

    at: float
    text: str
    minor: bool = False


class Numbers(Struct, frozen=True):
    """A scale of numbers from `low` to `high`."""

    low: float
    high: float
    step: float

    def up(self, value: float) -> float:
        """Returns how far a value is below the top, from 0 to 100."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * (1 - min(max(share, 0.0), 1.0)), 2)

    def ticks(self) -> tuple[Tick, ...]:
        """Returns its round numbers."""
        count = round((self.high - self.low) / self.step)
        values = [self.low + index * self.step for index in range(count + 1)]
        return tuple(Tick(self.up(value), f"{0 if abs(value) < _ROUND else value:.10g}") for value in values)


def numbers(values: list[float], floor: float | None = None, ceiling: float | None = None) -> Numbers:
    """Returns a scale of about four round steps with all these values in it, and no more than floor and ceiling."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if high - low <= abs(high) * _ROUND:
        low, high = low - (abs(low) * 0.1 or 1.0), high + (abs(high) * 0.1 or 1.0)
    raw = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - _ROUND))
    bottom, top = math.floor(low / step + _ROUND) * step, math.ceil(high / step - _ROUND) * step
    if floor is not None and low >= floor:
        bottom = max(bottom, floor)
    if ceiling is not None and high <= ceiling:
        top = min(top, ceiling)
    return Numbers(bottom, max(top, bottom + step), step)


class Times(Struct, frozen=True):
    """A scale of times."""

    begin: datetime
    end: datetime

    def across(self, at: datetime) -> float:
        """Returns how far a time is from the left, from 0 to 100."""
        whole = (self.end - self.begin).total_seconds()
        return round(100 * min(max((at - self.begin).total_seconds() / whole, 0.0), 1.0), 3) if whole > 0 else 0.0

    def ticks(self) -> tuple[Tick, ...]:
        """Returns round times, in UTC."""
        whole = (self.end - self.begin).total_seconds()
        step = next((seconds for seconds in _SECONDS if whole / seconds <= _MOST_TIMES), _SECONDS[-1])
        form = "%b %d" if step >= _DAY else "%H:%M" if step >= _MINUTE else "%H:%M:%S"
        first = math.ceil(self.begin.timestamp() / step) * step
        found = []
        for index in range(_MOST_TIMES + 2):
            at = datetime.fromtimestamp(first, UTC) + timedelta(seconds=index * step)
            if at <= self.end:
                found.append(Tick(self.across(at), at.strftime(form), minor=index % 2 == 1))
        return tuple(found)
