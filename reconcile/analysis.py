"""The analysis: answers held against thresholds.

Duty: verdicts and their words. Anything but a finite number on the right side of the threshold fails. Pure.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reconcile import durations
from reconcile.plan import Answer, Failure, Measurement, Metric

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.rollout import Check

MOST_DIGITS = 12
UNANSWERED = Answer(failure=Failure.UNREACHABLE, detail="the metric was not measured")


def judge(check: Check, metric: Metric, answer: Answer, at: datetime) -> Measurement:
    """Hold one answer against its threshold. Comparisons use the unrounded value, and equal passes."""
    value = answer.value if answer.failure is None else None
    if value is None or not math.isfinite(value):
        failure = answer.failure or Failure.NOT_A_NUMBER
        verdict = failure.value
        text = f"{metric.title}: {failure.value}" + (f" ({answer.detail})" if answer.detail else "")
        value = None
    else:
        passed = value >= check.threshold if metric.bound == "minimum" else value <= check.threshold
        verdict = "passed" if passed else "failed"
        text = f"{metric.title} {_compared(value, check.threshold, metric, passed=passed)}"
    return Measurement(
        metric=metric.name,
        query=answer.query,
        value=value,
        threshold=check.threshold,
        bound=metric.bound,
        verdict=verdict,
        text=text,
        at=at,
    )


def _compared(value: float, threshold: float, metric: Metric, *, passed: bool) -> str:
    """Print `82.33% < 99%`, with as many digits as it takes to be true as it reads."""
    sign = {("minimum", True): ">=", ("minimum", False): "<", ("maximum", True): "<=", ("maximum", False): ">"}
    least = 0 if metric.unit == "milliseconds" else 2
    digits = next(
        (n for n in range(least, MOST_DIGITS) if _side(round(value, n), threshold) == _side(value, threshold)),
        MOST_DIGITS,
    )
    return f"{_shown(value, metric.unit, digits)} {sign[metric.bound, passed]} {_threshold(threshold, metric.unit)}"


def _side(value: float, threshold: float) -> int:
    return (value > threshold) - (value < threshold)


def _shown(value: float, unit: str, digits: int) -> str:
    if unit == "milliseconds":
        return durations.go_text(value, digits)
    return f"{value:.{digits}f}{_suffix(unit)}"


def _threshold(value: float, unit: str) -> str:
    if unit == "milliseconds":
        return durations.go_text(value, MOST_DIGITS)
    return f"{value:.15g}{_suffix(unit)}"


def _suffix(unit: str) -> str:
    if unit == "percent":
        return "%"
    return f" {unit}" if unit else ""
