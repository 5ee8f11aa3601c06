"""The canary beside the primary: ratios, the sequential test, least numbers of requests, and one side without data."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.core.judgement import Reading, judge
from reconcile.model.checks import Check, Comparison, OnNoData
from reconcile.model.measurement import Answer, Counts, Failure, Measurement, Metric, Slice
from tests.support.world import DURATION, METRICS, START, SUCCESS

EMPTY = Answer(failure=Failure.NO_DATA, is_empty=True)
NAN = Answer(failure=Failure.NOT_A_NUMBER, is_empty=True)
LOST = Answer(failure=Failure.UNREACHABLE, detail="gone")
PLAIN = Metric(name="queue", title="queue", unit="", bound="")


def judged(metric: Metric, value: Answer | float, primary: Answer | float | None = None, **fields: Any) -> Measurement:
    """Judges a value. Some fields are of the reading, the others of the check."""
    own = {key: fields.pop(key) for key in ("requests", "counts", "finished", "sharing") if key in fields}
    check = Check(name=metric.name, interval="1m", **fields)
    beside = None if primary is None else answer(primary)
    return judge(Reading(check=check, metric=metric, answer=answer(value), primary=beside, weight=10, **own), START)


def answer(value: Answer | float) -> Answer:
    return value if isinstance(value, Answer) else Answer(value=value, query="q")


def ratio(most: float = 1.5, floor: float | None = None, rate: float | None = None) -> Comparison:
    return Comparison(max_ratio=most, ignore_below=floor, false_alarm_rate=rate)


@pytest.mark.parametrize(
    ("metric", "value", "primary", "verdict", "text"),
    [
        (DURATION, 300.0, 200.0, "passed", "request duration 300ms, primary 200ms: 1.50 <= 1.5 times"),
        (DURATION, 300.1, 200.0, "failed", "request duration 300ms, primary 200ms: 1.501 > 1.5 times"),
        (DURATION, 100.0, 200.0, "passed", "request duration 100ms, primary 200ms: 0.50 <= 1.5 times"),
        (
            *(SUCCESS, 97.0, 99.5, "failed"),
            "success rate 97.00%, primary 99.50%, short of 100% by 3.00% and 0.50%: 6.00 > 1.5 times",
        ),
        (
            *(SUCCESS, 99.0, 98.0, "passed"),
            "success rate 99.00%, primary 98.00%, short of 100% by 1.00% and 2.00%: 0.50 <= 1.5 times",
        ),
        (
            *(SUCCESS, 100.0, 100.0, "passed"),
            "success rate 100.00%, primary 100.00%, short of 100% by 0.00% and 0.00%: no more than the primary",
        ),
        (
            *(SUCCESS, 99.0, 100.0, "failed"),
            "success rate 99.00%, primary 100.00%, short of 100% by 1.00% and 0.00%: more than 1.5 times nothing",
        ),
    ],
)
def test_a_ratio_is_told_with_both_values(metric: str, value: float, primary: float, verdict: str, text: str) -> None:
    found = judged(METRICS[metric], value, primary, comparison=ratio())
    assert (found.verdict, found.text) == (verdict, text)
    assert (found.value, found.primary_value, found.threshold) == (value, primary, None)


def test_a_metric_without_a_better_side_is_compared_by_its_value() -> None:
    assert judged(PLAIN, 4.0, 2.0, comparison=ratio(2.0)).text == "queue 4.00, primary 2.00: 2.00 <= 2 times"


def test_what_is_small_is_ignored_whatever_the_primary_has() -> None:
    found = judged(METRICS[SUCCESS], 99.9, 100.0, comparison=ratio(floor=0.5))
    assert (found.verdict, found.text) == ("passed", "success rate short of 100% by 0.10% < 0.5%, which is ignored")
    assert judged(METRICS[DURATION], 4.0, EMPTY, comparison=ratio(floor=5)).verdict == "passed"
    assert judged(METRICS[DURATION], 5.0, 1.0, comparison=ratio(floor=5)).verdict == "failed"


@pytest.mark.parametrize(
    ("value", "primary", "verdict", "text"),
    [
        (EMPTY, 99.0, "no data", "success rate: no data"),
        (NAN, 99.0, "not a number", "success rate: not a number"),
        (LOST, 99.0, "unreachable", "success rate: unreachable (gone)"),
        (99.5, EMPTY, "no data", "success rate 99.50% >= 99%; success rate: no data of the primary"),
        (99.5, NAN, "not a number", "success rate 99.50% >= 99%; success rate: not a number of the primary"),
        (99.5, LOST, "unreachable", "success rate 99.50% >= 99%; success rate: unreachable of the primary (gone)"),
        (50.0, EMPTY, "failed", "success rate 50.00% < 99%; success rate: no data of the primary"),
        (EMPTY, EMPTY, "no data", "success rate: no data"),
    ],
)
def test_one_side_without_a_number_is_told_and_never_passes(
    value: Answer | float, primary: Answer | float, verdict: str, text: str
) -> None:
    found = judged(METRICS[SUCCESS], value, primary, threshold=99.0, comparison=ratio())
    assert (found.verdict, found.text, found.passed) == (verdict, text, False)


@pytest.mark.parametrize(
    ("policy", "verdict"), [(OnNoData.HALT, "no data"), (OnNoData.FAIL, "failed"), (OnNoData.PASS, "skipped")]
)
def test_a_primary_without_data_is_no_data(policy: OnNoData, verdict: str) -> None:
    found = judged(METRICS[SUCCESS], 99.5, EMPTY, threshold=99.0, comparison=ratio(), on_no_data=policy)
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("requests", "verdict", "text"),
    [
        (Answer(value=500.0), "passed", "success rate 99.50% >= 99%"),
        (Answer(value=312.9), "no data", "success rate: no data (312 of 500 requests)"),
        (Answer(value=499.99), "no data", "success rate: no data (499 of 500 requests)"),
        (EMPTY, "no data", "success rate: no data (0 of 500 requests)"),
        (LOST, "unreachable", "success rate: unreachable (gone; in the count of requests)"),
    ],
)
def test_too_few_requests_are_no_data(requests: Answer, verdict: str, text: str) -> None:
    found = judged(METRICS[SUCCESS], 99.5, requests=requests, threshold=99.0, min_requests=500)
    assert (found.verdict, found.text) == (verdict, text)


def test_too_few_requests_are_what_no_data_is_for_the_rollout() -> None:
    few: dict[str, Any] = {"requests": Answer(value=3.0), "threshold": 99.0, "min_requests": 5}
    assert judged(METRICS[SUCCESS], 0.0, on_no_data=OnNoData.PASS, **few).verdict == "skipped"
    assert judged(METRICS[SUCCESS], EMPTY, **few).text == "success rate: no data (3 of 5 requests)"
    assert judged(METRICS[SUCCESS], LOST, **few).verdict == "unreachable"


def counts(*numbers: float) -> tuple[Answer, ...]:
    return tuple(Answer(value=number) for number in numbers)


TEST = ratio(1.0, rate=0.05)


def test_the_sequential_test_is_told_so_that_it_can_be_checked_by_hand() -> None:
    found = judged(METRICS[SUCCESS], 99.0, comparison=TEST, counts=counts(600, 6, 5400, 5))
    assert found.text == (
        "success rate: canary 6 of 600 bad, primary 5 of 5,400 bad: evidence 266.85 to 1 that the canary is worse, "
        "limit 20 to 1"
    )
    assert (found.verdict, found.limit, found.counts) == (
        "failed",
        20,
        Slice(canary=Counts(total=600, bad=6), primary=Counts(total=5400, bad=5)),
    )
    assert found.evidence == pytest.approx(266.85, rel=1e-4)


def test_evidence_of_finished_steps_counts_and_a_rate_is_shared() -> None:
    before = (Slice(canary=Counts(total=600, bad=4), primary=Counts(total=5400, bad=12)),)
    two: dict[str, Any] = {"counts": counts(1200, 8, 4800.5, 10), "finished": before}
    found = judged(METRICS[SUCCESS], 99.0, comparison=TEST, **two)
    assert found.text.startswith("success rate: canary 12 of 1,800 bad, primary 22 of 10,200.5 bad in 2 steps: evi")
    assert found.verdict == "failed"
    shared = judged(METRICS[SUCCESS], 99.0, comparison=TEST, sharing=2, **two)
    assert (shared.verdict, shared.limit) == ("passed", 40)
    assert shared.text.endswith("evidence 23.39 to 1 that the canary is worse, limit 40 to 1")


def test_a_tolerated_ratio_is_in_the_words() -> None:
    found = judged(METRICS[SUCCESS], 99.0, comparison=ratio(2.0, rate=0.05), counts=counts(600, 6, 5400, 5))
    assert found.text.endswith("that the canary is worse than 2 times the primary, limit 20 to 1")
    assert found.verdict == "passed"


def test_what_is_ignored_is_counted_all_the_same() -> None:
    found = judged(METRICS[SUCCESS], 99.9, comparison=ratio(1, 0.5, 0.05), counts=counts(600, 6, 5400, 5))
    assert (found.verdict, found.counts is not None) == ("passed", True)
    assert found.text.endswith("limit 20 to 1; short of 100% by 0.10% < 0.5%, which is ignored")


@pytest.mark.parametrize(
    ("answers", "verdict", "words"),
    [
        ((), "no data", "no data (the routes do not give the canary the weight that is on record)"),
        ((EMPTY, *counts(0, 100, 0)), "no data", "no data in the counts"),
        ((*counts(5, 0), LOST, *counts(0)), "unreachable", "unreachable in the counts of the primary (gone)"),
        ((*counts(5), EMPTY, *counts(9, 0)), "no data", "no data in the counts"),
        (counts(0, 0, 100, 0), "no data", "no data (no request since the step began)"),
        (counts(100, 0, 0, 0), "no data", "no data of the primary (no request since the step began)"),
    ],
)
def test_what_cannot_be_counted_never_passes(answers: tuple[Answer, ...], verdict: str, words: str) -> None:
    found = judged(METRICS[SUCCESS], 99.9, comparison=TEST, counts=answers)
    assert (found.verdict, found.text, found.passed) == (verdict, f"success rate: {words}", False)
    assert (found.counts, found.evidence, found.limit) == (None, None, None)
