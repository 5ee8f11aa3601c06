"""The verdict on one metric: what was answered, held against what the Rollout asks for.

Only a finite number that is good by everything that is asked of it passes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconcile.core import beside_primary, sequential_test
from reconcile.core.comparison_text import compared, is_within, whole
from reconcile.model.checks import OnNoData
from reconcile.model.measurement import (
    FAILED,
    PASSED,
    SKIPPED,
    Answer,
    Counts,
    Failure,
    Measurement,
    Slice,
    good_values,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reconcile.model.checks import Check, Comparison
    from reconcile.model.measurement import Metric

UNSTEADY = Answer(failure=Failure.NO_DATA, detail="the routes do not give the canary the weight that is on record")


class Reading(Struct, frozen=True, kw_only=True):
    """What is known of one metric in a pass, before it is judged. `weight`: that which the release goes on from.

    `requests` is what the canary served in the interval, `primary` the value of the primary. For the sequential test:
    `counts` are the requests and the bad ones of the canary, then of the primary, in this step; `finished` those of the
    steps before it; `sharing` is how many metrics share the rate of false alarms.
    """

    check: Check
    metric: Metric
    answer: Answer
    weight: int
    primary: Answer | None = None
    requests: Answer | None = None
    counts: tuple[Answer, ...] = ()
    finished: tuple[Slice, ...] = ()
    sharing: int = 1


class _Part(Struct, frozen=True, kw_only=True):
    """One of the verdicts on a metric, and its text. The words of the metric are not in it."""

    verdict: str
    text: str
    counts: Slice | None = None
    evidence: float | None = None


def judge(reading: Reading, at: datetime) -> Measurement:
    """Returns the verdict on one metric: the worst of those on its parts."""
    check, metric = reading.check, reading.metric
    answer = _enough(reading)
    value = _number(answer)
    parts = list(_parts(reading, value)) if value is not None else [_without_number(check, answer)]
    worst = min((part.verdict for part in parts), key=severity)
    text = "; ".join(f"{metric.title}{part.text}" for part in parts)
    if check.observe:
        text = f"{text} (observed)"
    elif not check.gates_at(reading.weight):
        text = f"{text} (holds nothing up below {check.from_weight} %)"
    counted = next((part for part in parts if part.evidence is not None), None)
    return Measurement(
        metric=metric.name,
        query=answer.query,
        value=value,
        threshold=check.threshold,
        range=check.range,
        bound=metric.bound if check.range is None else "range",
        verdict=worst,
        text=text,
        at=at,
        primary_value=None if reading.primary is None else _number(reading.primary),
        counts=counted.counts if counted else None,
        evidence=counted.evidence if counted else None,
        limit=_limit(reading) if counted else None,
        gates=check.gates_at(reading.weight),
        is_plain=check.is_plain,
    )


def severity(verdict: str) -> int:
    """Returns a place: what is bad goes before what is not known, and that before what was skipped."""
    return {FAILED: 0, SKIPPED: 2, PASSED: 3}.get(verdict, 1)


def _parts(reading: Reading, value: float) -> Sequence[_Part]:
    """Returns the verdict by the bounds, and that by the comparison, as far as each is asked for."""
    check, metric = reading.check, reading.metric
    parts: list[_Part] = []
    if check.threshold is not None or check.range is not None:
        bounds = good_values(metric.bound, check.threshold, check.range)
        verdict = PASSED if is_within(value, bounds) else FAILED
        parts.append(_Part(verdict=verdict, text=f" {compared(value, bounds, metric)}"))
    if check.comparison is not None:
        parts.append(_compared(reading, check.comparison, value))
    return parts


def _compared(reading: Reading, comparison: Comparison, value: float) -> _Part:
    if comparison.false_alarm_rate is not None:
        return _tested(reading, comparison, value)
    if words := beside_primary.ignored(comparison, reading.metric, value):
        return _Part(verdict=PASSED, text=f" {words}")
    beside = None if reading.primary is None else _number(reading.primary)
    if reading.primary is None or beside is None:
        return _without_number(reading.check, reading.primary or UNSTEADY, " of the primary")
    verdict, text = beside_primary.by_ratio(comparison, reading.metric, value, beside)
    return _Part(verdict=verdict, text=f" {text}")


def _tested(reading: Reading, comparison: Comparison, value: float) -> _Part:
    """Returns the verdict of the sequential test. What was counted is kept also where the value is too small."""
    if not reading.counts:
        return _without_number(reading.check, UNSTEADY)
    for answer, whose in zip(reading.counts, ("", "", " of the primary", " of the primary"), strict=True):
        if _number(answer) is None:
            return _without_number(reading.check, answer, f" in the counts{whose}")
    total, bad, beside, bad_beside = (_number(answer) or 0.0 for answer in reading.counts)
    if not total or not beside:
        empty = Answer(failure=Failure.NO_DATA, detail="no request since the step began", is_empty=True)
        return _without_number(reading.check, empty, "" if not total else " of the primary")
    now = Slice(canary=Counts(total=total, bad=bad), primary=Counts(total=beside, bad=bad_beside))
    verdict, text, found = beside_primary.by_evidence(comparison.max_ratio, [*reading.finished, now], _limit(reading))
    if words := beside_primary.ignored(comparison, reading.metric, value):
        verdict, text = PASSED, f"{text}; {words}"
    return _Part(verdict=verdict, text=f": {text}", counts=now, evidence=found)


def _limit(reading: Reading) -> int:
    rate = reading.check.comparison.false_alarm_rate if reading.check.comparison else None
    return sequential_test.limit(rate or 1.0, reading.sharing)


def _enough(reading: Reading) -> Answer:
    """Returns the answer; no data where the canary served too few requests for it to mean anything."""
    answer, requests, wanted = reading.answer, reading.requests, reading.check.min_requests
    if requests is None or (answer.failure is not None and not answer.is_empty):
        return answer
    served = 0.0 if requests.is_empty else _number(requests)
    if served is None:
        return replace(requests, query=answer.query, detail=f"{requests.detail}; in the count of requests")
    if served >= wanted:
        return answer
    few = f"{whole(math.floor(served))} of {whole(wanted)} requests"
    return Answer(query=answer.query, failure=Failure.NO_DATA, detail=few, is_empty=True)


def _without_number(check: Check, answer: Answer, whose: str = "") -> _Part:
    failure = answer.failure or Failure.NOT_A_NUMBER
    text = f": {failure.value}{whose}" + (f" ({answer.detail})" if answer.detail else "")
    if not answer.is_empty or check.on_no_data is OnNoData.HALT:
        return _Part(verdict=failure.value, text=text)
    if check.on_no_data is OnNoData.FAIL:
        return _Part(verdict=FAILED, text=f"{text}: a failure by onNoData")
    return _Part(verdict=SKIPPED, text=f"{text}: skipped by onNoData")


def _number(answer: Answer) -> float | None:
    value = answer.value if answer.failure is None else None
    return value if value is not None and math.isfinite(value) else None
