"""One entry of `canaryAnalysis.metrics`: what is measured, what the value has to be, and what follows from none."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from reconcile.model.measurement import Metric, Range


class OnNoData(StrEnum):
    """What a valid answer without a number brings: one that is empty or NaN. An error is none."""

    HALT = "Halt"
    FAIL = "Fail"
    PASS = "Pass"  # noqa: S105 - no password


class Comparison(Struct, frozen=True, kw_only=True):
    """What the canary's value may be beside the primary's: at most `max_ratio` times as much.

    A value below `ignore_below` is good whatever the primary's is. With a `false_alarm_rate` the sequential test
    decides by what both served since the release began.
    """

    max_ratio: float
    ignore_below: float | None = None
    false_alarm_rate: float | None = None


class Check(Struct, frozen=True, kw_only=True):
    """One metric of a Rollout. `interval` is a PromQL duration, `args` are variables for its template.

    With a `query` it brings its own, in the template language, with a `title` and a `unit` for messages; else `name` is
    that of a metric file. It has a `threshold` or a `range`, a `comparison`, or both. It has no data until the canary
    served `min_requests` in the interval. It holds a release up from `from_weight` on (in percent),
    and never where it is only observed.
    """

    name: str
    interval: str
    threshold: float | None = None
    range: Range | None = None
    comparison: Comparison | None = None
    min_requests: int = 0
    on_no_data: OnNoData = OnNoData.HALT
    observe: bool = False
    from_weight: int = 0
    args: tuple[tuple[str, str], ...] = ()
    query: str = ""
    title: str = ""
    unit: str = ""

    def gates_at(self, weight: int) -> bool:
        """Returns whether the metric holds a release up that has this weight, in percent."""
        return not self.observe and weight >= self.from_weight

    @property
    def is_sequential(self) -> bool:
        """Whether the sequential test decides."""
        return self.comparison is not None and self.comparison.false_alarm_rate is not None

    @property
    def is_plain(self) -> bool:
        """Whether it is a threshold and nothing else."""
        return self == Check(name=self.name, interval=self.interval, threshold=self.threshold, args=self.args)

    @property
    def own_metric(self) -> Metric | None:
        """The metric that its own query makes; None without one. No side of it is the better one."""
        if not self.query:
            return None
        return Metric(name=self.name, title=self.title or self.name, unit=self.unit, bound="", query=self.query)
