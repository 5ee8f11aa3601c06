"""One entry of `canaryAnalysis.metrics`: what is measured, what the value has to be, and what follows from none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class OnNoData(StrEnum):
    """What a valid answer without a number brings: one that is empty or NaN. An error is none."""

    HALT = "Halt"
    FAIL = "Fail"
    PASS = "Pass"  # noqa: S105 - no password


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """The values that are good, both ends included; None = no bound on that side."""

    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One metric of a Rollout. `interval` is a PromQL duration, `args` are variables for its template.

    It has a `threshold` or a `range`. It holds a release up from `from_weight` on (in percent), and never where it is
    only observed.
    """

    name: str
    interval: str
    threshold: float | None = None
    range: Range | None = None
    on_no_data: OnNoData = OnNoData.HALT
    observe: bool = False
    from_weight: int = 0
    args: tuple[tuple[str, str], ...] = ()

    def gates_at(self, weight: int) -> bool:
        """Returns whether the metric holds a release up that has this weight, in percent."""
        return not self.observe and weight >= self.from_weight

    @property
    def is_plain(self) -> bool:
        """Whether it is a threshold and nothing else."""
        return self == Check(name=self.name, interval=self.interval, threshold=self.threshold, args=self.args)
