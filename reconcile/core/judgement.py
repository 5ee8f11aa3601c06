"""The verdict on one metric: what was answered, held against what the Rollout asks for.

Only a finite number within its bounds passes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconcile.core.comparison_text import compared, is_within
from reconcile.model.checks import OnNoData
from reconcile.model.measurement import FAILED, PASSED, SKIPPED, Failure, Measurement, Range

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.model.checks import Check
    from reconcile.model.measurement import Answer, Metric


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What is known of one metric in a pass, before it is judged. `weight`: that which the release goes on from."""

    check: Check
    metric: Metric
    answer: Answer
    weight: int


def judge(reading: Reading, at: datetime) -> Measurement:
    """Returns the verdict on one metric."""
    check, metric, answer = reading.check, reading.metric, reading.answer
    verdict, text = _verdict(reading)
    if check.observe:
        text = f"{text} (observed)"
    elif not check.gates_at(reading.weight):
        text = f"{text} (holds nothing up below {check.from_weight} %)"
    return Measurement(
        metric=metric.name,
        query=answer.query,
        value=_number(answer),
        threshold=check.threshold,
        range=check.range,
        bound=metric.bound if check.range is None else "range",
        verdict=verdict,
        text=text,
        at=at,
        gates=check.gates_at(reading.weight),
        is_plain=check.is_plain,
    )


def _verdict(reading: Reading) -> tuple[str, str]:
    """Returns the verdict and its text."""
    title, answer = reading.metric.title, reading.answer
    value = _number(answer)
    if value is None:
        return _without_number(reading)
    bounds = bounds_of(reading.check, reading.metric)
    return PASSED if is_within(value, bounds) else FAILED, f"{title} {compared(value, bounds, reading.metric)}"


def bounds_of(check: Check, metric: Metric) -> Range:
    """Returns the values that pass. Which side of a threshold that is, the metric says."""
    if check.range is not None:
        return check.range
    return Range(least=check.threshold) if metric.bound == "minimum" else Range(most=check.threshold)


def _without_number(reading: Reading) -> tuple[str, str]:
    answer, policy = reading.answer, reading.check.on_no_data
    failure = answer.failure or Failure.NOT_A_NUMBER
    text = f"{reading.metric.title}: {failure.value}" + (f" ({answer.detail})" if answer.detail else "")
    if not answer.is_empty or policy is OnNoData.HALT:
        return failure.value, text
    if policy is OnNoData.FAIL:
        return FAILED, f"{text}: a failure by onNoData"
    return SKIPPED, f"{text}: skipped by onNoData"


def _number(answer: Answer) -> float | None:
    value = answer.value if answer.failure is None else None
    return value if value is not None and math.isfinite(value) else None
