"""What a metrics server remembers of the primary: one value for each check of a time that is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reconcile.model.checks import Check
    from reconcile.model.measurement import Metric
    from reconcile.model.series import Window

Values = list[float | None]
"""One value for each check; None where there was no number."""


class Recorded(Struct, frozen=True, kw_only=True):
    """What is remembered of one metric of the primary; `problem` says why that is nothing.

    `requests` is what the primary served in the interval of the metric. For a comparison, `totals` and `bads` are what
    it served between two checks, and how many of these were bad. Empty = not known.
    """

    check: Check
    metric: Metric
    values: Values = field(default_factory=list)
    requests: Values = field(default_factory=list)
    totals: Values = field(default_factory=list)
    bads: Values = field(default_factory=list)
    query: str = ""
    problem: str = ""

    @property
    def is_known(self) -> bool:
        """Whether there is anything to judge."""
        return not self.problem and any(value is not None for value in self.values)

    @property
    def first(self) -> int:
        """The place of the first value."""
        return next(place for place, value in enumerate(self.values) if value is not None)


def on_grid(points: Sequence[tuple[datetime, float | None]], window: Window) -> Values:
    """Returns the value at each time of the window."""
    values: Values = [None] * places(window)
    for at, value in points:
        place = round((at - window.begin).total_seconds() / window.step)
        if value is not None and 0 <= place < len(values):
            values[place] = value
    return values


def places(window: Window) -> int:
    """Returns how many checks a window has, one at each end included."""
    return round((window.end - window.begin).total_seconds() / window.step) + 1
