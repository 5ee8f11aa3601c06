"""The verdicts of `core.judgement` on a canary that is as good as its primary: it is a part of it.

Thresholds are held against the primary's own value. For a comparison each request, and each bad one, is drawn to be the
canary's with the chance of its weight.
"""

from __future__ import annotations

import math
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from reconcile.core.beside_primary import MOST_PERCENT, falls_short
from reconcile.core.judgement import Reading, judge, severity
from reconcile.lookback.drawn import drawn
from reconcile.model import durations
from reconcile.model.measurement import Answer, Counts, Failure, Range, Slice
from reconcile.model.text import printable

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.lookback.recorded import Recorded, Values
    from reconcile.lookback.schedule import Look
    from reconcile.model.checks import Check
    from reconcile.model.measurement import Measurement

SEED = 17
ALL = 100
"""Percent: the weight of a canary that gets what the primary got."""
NOTHING = Answer(failure=Failure.NO_DATA, is_empty=True)
_NONE = Slice(canary=Counts(total=0.0, bad=0.0), primary=Counts(total=0.0, bad=0.0))


class Judged(Struct, kw_only=True, dict=True):
    """One metric. `sharing` metrics share the rate of false alarms; `step` is the time between two checks, in seconds.

    A verdict that was found is kept, as are the requests that were drawn.
    """

    recorded: Recorded
    sharing: int
    step: float
    at: datetime
    _known: dict[tuple[int, bool, bool], Measurement] = field(default_factory=dict)
    _alike: dict[tuple[str, bool], Measurement] = field(default_factory=dict)
    _drawn: dict[tuple[int, int], Slice] = field(default_factory=dict)
    _counts: tuple[list[int], list[int]] | None = None

    @cached_property
    def check(self) -> Check:
        """The check. One that only observes is taken for one that does not: what it would have held up is told."""
        return replace(self.recorded.check, observe=False)

    @cached_property
    def is_compared(self) -> bool:
        """Whether canary and primary can be drawn from what was recorded."""
        return is_split(self.recorded)

    def verdict(self, start: int, look: Look, finished: tuple[Slice, ...]) -> Measurement:
        """Returns the verdict at one check of a release that begins at `start`: the worse one of value and comparison.

        `finished` is what was counted in the steps before.
        """
        alone = self.by_value(start + look.place, look.weight)
        if not self.is_compared:
            return alone
        beside = self.beside(start, look, finished)
        return beside if severity(beside.verdict) <= severity(alone.verdict) else alone

    def by_value(self, place: int, weight: int) -> Measurement:
        """Returns the verdict on the primary's own value, by all but the comparison."""
        check = self.check
        key = place, self._is_enough(place, weight), check.gates_at(weight)
        if key not in self._known:
            served = self._served(place, weight)
            found = judge(
                Reading(
                    # What is only compared has no bounds.
                    check=replace(
                        check, comparison=None, range=check.range or (None if _has_bounds(check) else Range())
                    ),
                    metric=self.recorded.metric,
                    answer=_answer(self.recorded.values[place]),
                    weight=weight,
                    requests=None if served is None else Answer(value=served),
                ),
                self.at,
            )
            # Of each verdict one is kept: the words of ten thousands are not needed.
            self._known[key] = self._alike.setdefault((found.verdict, found.gates), found)
        return self._known[key]

    def number(self, place: int, weight: int) -> float | None:
        """Returns the primary's own value; None without one, or where a canary of this weight has too few requests."""
        return self.recorded.values[place] if self._is_enough(place, weight) else None

    def beside(self, start: int, look: Look, finished: tuple[Slice, ...]) -> Measurement:
        """Returns the verdict by the comparison with the primary."""
        place, since = start + look.place, start + look.since
        served = self._served(place, look.weight)
        recent = self.sums(max(since, place - self._checks_of_interval), place, look.weight)
        known = self.recorded.values[place] is not None
        counts: tuple[Answer, ...] = ()
        if self.check.is_sequential:
            now = self.sums(since, place, look.weight)
            counts = tuple(
                Answer(value=value) for value in (now.canary.total, now.canary.bad, now.primary.total, now.primary.bad)
            )
        return judge(
            Reading(
                check=replace(self.check, threshold=None, range=None),
                metric=self.recorded.metric,
                answer=self._value(recent.canary, place) if known else NOTHING,
                weight=look.weight,
                primary=None if counts else self._value(recent.primary, place) if known else NOTHING,
                requests=None if served is None else Answer(value=served),
                counts=counts,
                finished=finished,
                sharing=self.sharing,
            ),
            self.at,
        )

    @property
    def _checks_of_interval(self) -> int:
        return math.ceil((durations.seconds(self.check.interval) or self.step) / self.step)

    def _is_enough(self, place: int, weight: int) -> bool:
        return not self.check.min_requests or (self._served(place, weight) or 0.0) >= self.check.min_requests

    def _served(self, place: int, weight: int) -> float | None:
        """Returns the requests of a canary of this weight in the interval of the metric; None where none are needed."""
        if not self.check.min_requests:
            return None
        return (self.recorded.requests[place] or 0.0) * weight / ALL

    def _value(self, counts: Counts, place: int) -> Answer:
        """Returns the value of a side; that of the primary where it does not follow from the counts."""
        if not falls_short(self.recorded.metric):
            return _answer(self.recorded.values[place])
        return _answer(MOST_PERCENT - MOST_PERCENT * counts.bad / counts.total if counts.total else None)

    def sums(self, after: int, last: int, weight: int) -> Slice:
        """Returns what both sides served after one check, until another."""
        parts = [self._split(place, weight) for place in range(after + 1, last + 1)]
        canary, primary = (
            Counts(total=float(sum(one.total for one in side)), bad=float(sum(one.bad for one in side)))
            for side in ([part.canary for part in parts], [part.primary for part in parts])
        )
        return Slice(canary=canary, primary=primary)

    def _split(self, place: int, weight: int) -> Slice:
        """Returns what both sides served between a check and the one before. Good and bad requests are drawn apart."""
        key = place, weight
        if key not in self._drawn:
            totals, bads = self._counted()
            total, bad = totals[place], min(bads[place], totals[place])
            random = Random(f"{SEED} {printable(self.check.name)} {place} {weight}")  # noqa: S311 - no secret
            mine = drawn(bad, weight / ALL, random)
            canary = Counts(total=mine + drawn(total - bad, weight / ALL, random), bad=mine)
            primary = Counts(total=total - canary.total, bad=bad - mine)
            self._drawn[key] = Slice(canary=canary, primary=primary) if total else _NONE
        return self._drawn[key]

    def _counted(self) -> tuple[list[int], list[int]]:
        """Returns the requests between two checks, and the bad ones of them, as whole numbers."""
        if self._counts is None:
            self._counts = _whole(self.recorded.totals), _whole(self.recorded.bads)
        return self._counts


def is_split(recorded: Recorded) -> bool:
    """Returns whether the comparison can be replayed: it is one of counts, or of a value that follows from them."""
    check, metric = recorded.check, recorded.metric
    if check.comparison is None or not (metric.requests and metric.failures):
        return False
    return check.is_sequential or falls_short(metric)


def _has_bounds(check: Check) -> bool:
    return check.threshold is not None or check.range is not None


def _answer(value: float | None) -> Answer:
    return NOTHING if value is None else Answer(value=value)


def _whole(counts: Values) -> list[int]:
    """Returns whole numbers with the same sums: `increase` extrapolates, and its counts are none."""
    found, exact, told = [], 0.0, 0
    for count in counts:
        exact += max(count or 0.0, 0.0)
        found.append(math.floor(exact + 1e-6) - told)
        told += found[-1]
    return found
