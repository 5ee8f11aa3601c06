"""Releases that are drawn at random, and what each way of judging makes of them.

A release is five steps of six minutes, 10 to 50 % of the traffic, as in a Rollout with `stepWeight: 10`. Requests come
as they like (Poisson), each is bad with the error rate of its side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reconcile.core.sequential_test import evidence, limit
from reconcile.model.measurement import Counts, Slice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

STEPS = (0.1, 0.2, 0.3, 0.4, 0.5)
QUARTERS = 24
"""Scrapes of 15 s in the six minutes of a step. The first after a move is not counted."""
FALSE_ALARMS = 0.05
INCIDENT_RATE = 0.05


class Way(StrEnum):
    """The ways of judging that are compared."""

    THRESHOLD = "99 % in the last minute"
    REPEATED = "binomial test, 5 %, repeated"
    SEQUENTIAL = "sequential test, 5 %"


@dataclass(frozen=True, kw_only=True)
class World:
    """What releases are like: requests a second in all, the primary's error rate, how many times that the canary has.

    With an `incident` both have 5 % of errors in one minute of ten. Of the looks, one a minute, a share is `missed`.
    With `restarts` a fifth of the steps is begun twice: a pass died in between. With `looks` there are more of them.
    """

    rps: float
    rate: float
    times: float = 1.0
    tolerated: float = 1.0
    incident: bool = False
    missed: float = 0.0
    restarts: bool = False
    looks: int = 1


def alarms(world: World, rng: Random) -> dict[Way, float]:
    """Returns after how many minutes each way stops one release; a way that does not is absent."""
    found: dict[Way, float] = {}
    finished: list[Slice] = []
    minute = 0.0
    for share in STEPS:
        step = _Counted()
        restart = rng.randrange(4, QUARTERS) if world.restarts and rng.random() < 0.2 else 0
        last: list[Slice] = []
        for quarter in range(QUARTERS):
            minute += 0.25
            now = _drawn(world, share, minute, rng)
            last = [*last[-3:], now]
            if quarter == restart:  # what was counted is stored, and the step begins anew
                finished.append(step.sum)
                step = _Counted()
            else:
                step.add(now)
            if not _looks(world, quarter, rng):
                continue
            for way, is_worse in _judged(world, last, step.sum, finished):
                if is_worse:
                    found.setdefault(way, minute)
        finished.append(step.sum)
    return found


class _Counted:
    """The sum of what was counted in a step."""

    def __init__(self) -> None:
        self.sum = Slice(canary=Counts(total=0, bad=0), primary=Counts(total=0, bad=0))

    def add(self, more: Slice) -> None:
        self.sum = Slice(canary=_plus(self.sum.canary, more.canary), primary=_plus(self.sum.primary, more.primary))


def _plus(one: Counts, other: Counts) -> Counts:
    return Counts(total=one.total + other.total, bad=one.bad + other.bad)


def _looks(world: World, quarter: int, rng: Random) -> bool:
    every = 4 // world.looks
    return (quarter + 1) % every == 0 and rng.random() >= world.missed


def _judged(world: World, last: list[Slice], step: Slice, finished: list[Slice]) -> Iterator[tuple[Way, bool]]:
    total, bad = sum(one.canary.total for one in last), sum(one.canary.bad for one in last)
    yield Way.THRESHOLD, bool(total) and 1 - bad / total < 0.99
    yield Way.REPEATED, _tail(step, world.tolerated) <= FALSE_ALARMS
    yield Way.SEQUENTIAL, evidence([*finished, step], world.tolerated) >= limit(FALSE_ALARMS, 1)


def _tail(step: Slice, tolerated: float) -> float:
    """Returns how likely it is that a canary as good as the primary has as many of the bad requests, or more."""
    mine, all_bad = int(step.canary.bad), int(step.canary.bad + step.primary.bad)
    if not mine or not step.primary.total:
        return 1.0
    share = tolerated * step.canary.total / (tolerated * step.canary.total + step.primary.total)
    return 1 - math.fsum(math.comb(all_bad, bad) * share**bad * (1 - share) ** (all_bad - bad) for bad in range(mine))


def _drawn(world: World, share: float, minute: float, rng: Random) -> Slice:
    """Returns what both sides served in 15 s."""
    is_incident = world.incident and int(minute) % 10 == 5
    rate = INCIDENT_RATE if is_incident else world.rate
    times = 1.0 if is_incident else world.times
    requests = world.rps * 15
    return Slice(
        canary=_served(requests * share, rate * times, rng), primary=_served(requests * (1 - share), rate, rng)
    )


def _served(mean: float, rate: float, rng: Random) -> Counts:
    """Returns a Poisson number of requests, of which each is bad by itself."""
    total, left = 0, math.exp(-mean)
    product = rng.random()
    while product > left:
        total += 1
        product *= rng.random()
    bad, place, log = 0, 0, math.log1p(-rate)
    while (place := place + 1 + int(math.log(1 - rng.random()) / log)) <= total:
        bad += 1
    return Counts(total=total, bad=bad)
