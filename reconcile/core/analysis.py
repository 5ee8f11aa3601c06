"""The analysis: what is asked at a weight, and the answers held against their thresholds.

Only a finite number on the right side of its threshold passes.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from reconcile.core import messages
from reconcile.core.stops import GateError
from reconcile.model import durations
from reconcile.model.durations import EXACT
from reconcile.model.measurement import FAILED, PASSED, Answer, Failure, Measurement, Metric, Question

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconcile.core.case import Case
    from reconcile.model.rollout import Check

MOST_DIGITS = 12
UNANSWERED = Answer(failure=Failure.UNREACHABLE, detail="the metric was not measured")


def questions(case: Case, weight: int) -> tuple[Question, ...]:
    """Returns one question for each metric of the Rollout, as they are asked at this weight, in percent."""
    return tuple(
        Question(
            rollout=case.rollout.ref,
            metric=check.name,
            workload=case.spec.canary,
            interval=check.interval,
            weight=weight,
        )
        for check in case.spec.checks
    )


def measurements(
    case: Case, asked: tuple[Question, ...], answers: Mapping[Question, Answer]
) -> tuple[Measurement, ...]:
    """Returns the verdict on each answer. A missing answer is a failure."""
    return tuple(
        judge(check, case.settings.metrics[check.name], answers.get(question, UNANSWERED), case.now)
        for check, question in zip(case.spec.checks, asked, strict=True)
    )


def verdict(case: Case, measured: tuple[Measurement, ...]) -> str:
    """9. Every metric passed. The Event names the first that did not, the reason all of them."""
    failed = [measurement.text for measurement in measured if not measurement.passed]
    if failed:
        raise GateError("; ".join(failed), event=messages.halt(case.rollout.full_name, failed[0]))
    return "; ".join(measurement.text for measurement in measured) or "no metric is asked for"


def judge(check: Check, metric: Metric, answer: Answer, at: datetime) -> Measurement:
    """Returns the verdict on one answer. The unrounded value is compared, and an equal one passes."""
    value = answer.value if answer.failure is None else None
    if value is None or not math.isfinite(value):
        failure = answer.failure or Failure.NOT_A_NUMBER
        verdict = failure.value
        text = f"{metric.title}: {failure.value}" + (f" ({answer.detail})" if answer.detail else "")
        value = None
    else:
        passed = value >= check.threshold if metric.bound == "minimum" else value <= check.threshold
        verdict = PASSED if passed else FAILED
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
    """Returns `82.33% < 99%`, with as many digits as it takes for the printed comparison to be true."""
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
