"""The analysis: answers held against thresholds.

Duty: verdicts and their words. Anything but a finite number on the right side of the threshold fails. Pure.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from reconcile.model import durations
from reconcile.model.durations import EXACT
from reconcile.model.plan import Answer, Failure, Measurement, Metric

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.model.rollout import Check

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
    """Print `82.33% < 99%`, with as many digits as it takes to be true as it reads; all there are, if need be."""
    sign = {("minimum", True): ">=", ("minimum", False): "<", ("maximum", True): "<=", ("maximum", False): ">"}
    measured, limit = Decimal(repr(value)), Decimal(repr(threshold)).normalize(EXACT)
    least = 0 if metric.unit == "milliseconds" else 2
    rounded = (measured.quantize(Decimal(1).scaleb(-digits), context=EXACT) for digits in range(least, MOST_DIGITS))
    shown = next((number for number in rounded if _side(number, limit) == _side(measured, limit)), measured)
    return f"{_shown(shown, metric.unit)} {sign[metric.bound, passed]} {_shown(limit, metric.unit)}"


def _side(value: Decimal, threshold: Decimal) -> int:
    return (value > threshold) - (value < threshold)


def _shown(value: Decimal, unit: str) -> str:
    return durations.go_text(value) if unit == "milliseconds" else f"{value:f}{_suffix(unit)}"


def _suffix(unit: str) -> str:
    if unit == "percent":
        return "%"
    return f" {unit}" if unit else ""
