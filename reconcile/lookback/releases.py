"""The releases of a backtest, check by check: whether one would have halted, and whether it would have been ended."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from reconcile.core.case import ANALYSIS_FAILED, DEADLINE_EXCEEDED, attempts
from reconcile.lookback.schedule import Look
from reconcile.model.checks import OnNoData
from reconcile.model.policy import OnFailure
from reconcile.model.rollout import Attempt

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from reconcile.lookback.judged import Judged
    from reconcile.lookback.schedule import Schedule
    from reconcile.model.policy import FailurePolicy


_LONGEST = 4
"""Times the checks of a release that nothing holds up: one that takes longer is looked at so far."""


class Releases(Struct, frozen=True, kw_only=True):
    """The releases that are replayed: the places at which their first weight is set, and how they go on from there."""

    policy: FailurePolicy
    schedule: Schedule
    starts: range
    end: int
    step: float
    begin: datetime

    def time(self, place: int) -> datetime:
        """Returns when a check is made."""
        return self.begin + timedelta(seconds=place * self.step)

    def share(self, some: Collection[int]) -> float | None:
        """Returns how many of them some are, from 0 to 1; None without a release."""
        return len(some) / len(self.starts) if self.starts else None


def alone(item: Judged, start: int, plan: Schedule) -> tuple[bool, bool]:
    """Returns whether a release halts by this metric alone, and whether the comparison finds its canary worse."""
    attempt, stops, is_worse, last = Attempt(), False, False, None
    for look in plan.looks:
        stops |= not item.by_value(start + look.place, look.weight).passed
        if item.is_compared:
            if last is not None and last[0] != look.weight:
                attempt = attempts.with_step(attempt, last[0], [last[1]])
            beside = item.beside(start, look, attempts.finished(attempt, item.check.name))
            last = look.weight, beside
            stops |= not beside.passed
            is_worse |= beside.fails
        elif stops:
            break
    return stops, is_worse


def ended(items: Sequence[Judged], releases: Releases, halted: Collection[int]) -> dict[int, str] | None:
    """Returns the releases that pass a limit or a deadline, and why; None where nothing follows from it.

    Those that do not halt are all alike: their steps may take longer than their deadline.
    """
    policy = releases.policy
    if not releases.starts or policy.on_failure is OnFailure.HALT or not policy.has_limits:
        return None
    smooth = next((start for start in releases.starts if start not in halted), None)
    of_smooth = "" if smooth is None else _end(items, smooth, releases)
    found = {start: _end(items, start, releases) if start in halted else of_smooth for start in releases.starts}
    return {start: why for start, why in found.items() if why}


def _end(items: Sequence[Judged], start: int, releases: Releases) -> str:
    """Returns why a release ends without a promotion; "" where it does not, as far as it is looked at."""
    policy, begun = releases.policy, releases.time(start)
    end = min(releases.end, start + 1 + _LONGEST * releases.schedule.checks)
    attempt, place = Attempt(), start
    for stage in releases.schedule.stages:
        since, is_left = place, False
        while not is_left:
            place += 1
            if place >= end:
                return ""
            now = releases.time(place)
            if attempts.passed_deadline(policy, begun, releases.time(since), stage.weight, now):
                return DEADLINE_EXCEEDED
            if place - since < stage.warming:
                continue
            look = Look(place - start, since - start, stage.weight)
            measured = [item.verdict(start, look, attempts.finished(attempt, item.check.name)) for item in items]
            attempt = attempts.counted(attempt, measured, now)
            if attempts.passed_limit(policy, attempt):
                return ANALYSIS_FAILED
            is_left = place - since >= stage.checks and all(one.passed for one in measured)
        attempt = attempts.with_step(attempt, stage.weight, measured)
    return ""


def worst(item: Judged, start: int, plan: Schedule) -> float:
    """Returns the worst value that a release meets, the higher the worse; no threshold helps against no data."""
    sign = -1.0 if item.recorded.metric.bound == "minimum" else 1.0
    without = -math.inf if item.check.on_no_data is OnNoData.PASS else math.inf
    looks = (look for look in plan.looks if item.check.gates_at(look.weight))
    values = (item.number(start + look.place, look.weight) for look in looks)
    return max((without if value is None else sign * value for value in values), default=-math.inf)
