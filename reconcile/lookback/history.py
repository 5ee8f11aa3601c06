"""The history of one Rollout in a window of time, as values. Times are in UTC, weights in percent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.model.kinds import Ref

MOST_CHECKS = 120
"""Checks of one metric in a table: those that did not pass go first, then the latest."""
MOST_HAPPENED = 300
"""Lines of what happened: the first hundred, and the latest."""


class Happening(Struct, frozen=True, kw_only=True):
    """Something that was told: an Event, `count` times. `kind` is the reason of a transition, or empty."""

    at: datetime
    text: str
    kind: str = ""
    is_warning: bool = False
    count: int = 1


class Span(Struct, frozen=True, kw_only=True):
    """A time in which passes halted or held the weight; `kind` is "halt" or "hold"."""

    begin: datetime
    end: datetime
    kind: str
    text: str


class CheckMade(Struct, frozen=True, kw_only=True):
    """One value of a metric held against its bound. `bound` is in words; `good`: None = it did not count."""

    at: datetime
    weight: int | None
    value: float | None
    verdict: str
    text: str
    good: bool | None


class MetricHistory(Struct, frozen=True, kw_only=True):
    """One metric over time. `least` and `most` are the ends of the good values; None = no bound on that side.

    `bound` is both in words, `query` what was asked for the canary. A value of None is a gap.
    """

    name: str
    title: str
    unit: str = ""
    bound: str = ""
    least: float | None = None
    most: float | None = None
    query: str = ""
    canary: tuple[tuple[datetime, float | None], ...] = ()
    primary: tuple[tuple[datetime, float | None], ...] = ()
    checks: tuple[CheckMade, ...] = ()
    problem: str = ""


class Act(Struct, frozen=True, kw_only=True):
    """What a person asked for, who wrote it as far as that is known, and what became of it."""

    at: datetime | None
    action: str
    value: str
    who: str = ""
    outcome: str = ""


class History(Struct, frozen=True, kw_only=True):
    """What is told of one Rollout. `weights` are the times at which the weight changed, and what to.

    `source` says in words what it was made from, `notes` what is missing.
    """

    rollout: Ref
    begin: datetime
    end: datetime
    source: str
    phase: str
    reason: str
    revision: str = ""
    weights: tuple[tuple[datetime, int], ...] = ()
    spans: tuple[Span, ...] = ()
    happened: tuple[Happening, ...] = ()
    metrics: tuple[MetricHistory, ...] = ()
    acts: tuple[Act, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`name.namespace`, as in every message."""
        return self.rollout.full_name


def shown_checks(checks: tuple[CheckMade, ...]) -> tuple[CheckMade, ...]:
    """Returns the checks that a table has room for, in their order."""
    if len(checks) <= MOST_CHECKS:
        return checks
    order = sorted(range(len(checks)), key=lambda index: (checks[index].good is not False, -index))
    return tuple(checks[index] for index in sorted(order[:MOST_CHECKS]))


def shown_happenings(happened: tuple[Happening, ...]) -> tuple[Happening, ...]:
    """Returns what a table has room for of what happened."""
    if len(happened) <= MOST_HAPPENED:
        return happened
    first = MOST_HAPPENED // 3
    return (*happened[:first], *happened[-(MOST_HAPPENED - first) :])
