"""The canary beside the primary: the ratio of their values now, or the sequential test of what both served.

Each returns a verdict and its text, with the figures that a person can check it by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core.comparison_text import compared, printed, whole
from reconcile.core.sequential_test import evidence
from reconcile.model.measurement import FAILED, PASSED, Counts, Range

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.model.checks import Comparison
    from reconcile.model.measurement import Metric, Slice

MOST_PERCENT = 100.0


def falls_short(metric: Metric) -> bool:
    """Returns whether what is compared is how much a percentage falls short of 100."""
    return metric.bound == "minimum" and metric.unit == "percent"


def amount(metric: Metric, value: float) -> float:
    """Returns what is compared: the value, or what a percentage lacks. Less of it is better."""
    return MOST_PERCENT - value if falls_short(metric) else value


def ignored(comparison: Comparison, metric: Metric, value: float) -> str:
    """Returns that the canary's value is too small to be compared, in words; "" where it is not."""
    floor, lacks = comparison.ignore_below, amount(metric, value)
    if floor is None or lacks >= floor:
        return ""
    short = "short of 100% by " if falls_short(metric) else ""
    return f"{short}{compared(lacks, Range(least=floor), metric)}, which is ignored"


def by_ratio(comparison: Comparison, metric: Metric, value: float, beside: float) -> tuple[str, str]:
    """Returns the verdict by the ratio of two values of one time."""
    mine, theirs = amount(metric, value), amount(metric, beside)
    both = f"{printed(value, metric.unit)}, primary {printed(beside, metric.unit)}"
    if falls_short(metric):
        lacks = (printed(one, metric.unit, 0.0) for one in (mine, theirs))
        both += f", short of 100% by {' and '.join(lacks)}"
    most = comparison.max_ratio
    if theirs > 0:
        ratio = mine / theirs
        sign = "<=" if ratio <= most else ">"
        return PASSED if ratio <= most else FAILED, f"{both}: {printed(ratio, '', most)} {sign} {most:g} times"
    if mine <= theirs:
        return PASSED, f"{both}: no more than the primary"
    return FAILED, f"{both}: more than {most:g} times nothing"


def by_evidence(tolerated: float, slices: Sequence[Slice], limit: int) -> tuple[str, str, float]:
    """Returns the verdict of the sequential test, its text, and the evidence."""
    found = evidence(slices, tolerated)
    canary, primary = (_served([getattr(one, side) for one in slices]) for side in ("canary", "primary"))
    steps = f" in {len(slices)} steps" if len(slices) > 1 else ""
    worse = "worse" if tolerated == 1 else f"worse than {tolerated:g} times the primary"
    text = (
        f"canary {canary} bad, primary {primary} bad{steps}: evidence {printed(found, '', limit)} to 1 that the canary "
        f"is {worse}, limit {limit} to 1"
    )
    return FAILED if found >= limit else PASSED, text, found


def _served(counts: Sequence[Counts]) -> str:
    bad, total = (sum(getattr(one, name) for one in counts) for name in ("bad", "total"))
    return f"{whole(bad)} of {whole(total)}"
