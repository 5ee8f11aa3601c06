"""What a metric's own fields make of its answer: ranges, no data, and metrics that hold nothing up."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.core.judgement import Reading, judge
from reconcile.model.checks import Check, OnNoData
from reconcile.model.measurement import Answer, Failure, Measurement, Metric, Range
from tests.support.world import METRICS, START, SUCCESS

CORES = Metric(name="cpu", title="CPU", unit="cores", bound="")
EMPTY = Answer(failure=Failure.NO_DATA, is_empty=True)


def judged(answer: Answer, metric: Metric = METRICS[SUCCESS], weight: int = 10, **fields: Any) -> Measurement:
    fields = {"threshold": 99.0} | fields if "range" not in fields else fields
    check = Check(name=metric.name, interval="1m", **fields)
    return judge(Reading(check=check, metric=metric, answer=answer, weight=weight), START)


@pytest.mark.parametrize(
    ("value", "least", "most", "verdict", "text"),
    [
        (12.0, 5.0, 20.0, "passed", "CPU 12.00 cores within 5 cores to 20 cores"),
        (5.0, 5.0, 20.0, "passed", "CPU 5.00 cores within 5 cores to 20 cores"),
        (20.0, 5.0, 20.0, "passed", "CPU 20.00 cores within 5 cores to 20 cores"),
        (4.999, 5.0, 20.0, "failed", "CPU 4.999 cores < 5 cores"),
        (20.0001, 5.0, 20.0, "failed", "CPU 20.0001 cores > 20 cores"),
        (7.0, 5.0, None, "passed", "CPU 7.00 cores >= 5 cores"),
        (4.0, 5.0, None, "failed", "CPU 4.00 cores < 5 cores"),
        (4.0, None, 5.0, "passed", "CPU 4.00 cores <= 5 cores"),
        (7.0, None, 5.0, "failed", "CPU 7.00 cores > 5 cores"),
    ],
)
def test_a_range_has_both_of_its_ends(
    value: float, least: float | None, most: float | None, verdict: str, text: str
) -> None:
    found = judged(Answer(value=value), CORES, range=Range(least=least, most=most))
    assert (found.verdict, found.text, found.threshold, found.bound) == (verdict, text, None, "range")
    assert found.range_fields == {key: end for key, end in {"min": least, "max": most}.items() if end is not None}


def test_a_range_holds_against_the_better_side_of_a_metric_too() -> None:
    assert judged(Answer(value=99.9), range=Range(most=99.0)).verdict == "failed"


@pytest.mark.parametrize(
    ("policy", "verdict", "passed", "fails", "words"),
    [
        (OnNoData.HALT, "no data", False, False, "success rate: no data"),
        (OnNoData.FAIL, "failed", False, True, "success rate: no data: a failure by onNoData"),
        (OnNoData.PASS, "skipped", True, False, "success rate: no data: skipped by onNoData"),
    ],
)
def test_no_data_is_what_the_rollout_says(
    policy: OnNoData,
    verdict: str,
    words: str,
    passed: bool,  # noqa: FBT001 - a column of the table
    fails: bool,  # noqa: FBT001
) -> None:
    found = judged(EMPTY, on_no_data=policy)
    assert (found.verdict, found.passed, found.fails, found.text, found.value) == (verdict, passed, fails, words, None)


@pytest.mark.parametrize("policy", list(OnNoData))
@pytest.mark.parametrize("failure", list(Failure))
def test_an_error_is_never_taken_for_no_data(policy: OnNoData, failure: Failure) -> None:
    found = judged(Answer(failure=failure), on_no_data=policy)
    assert (found.verdict, found.passed, found.fails) == (failure.value, False, False)


@pytest.mark.parametrize("policy", list(OnNoData))
def test_no_policy_touches_a_number(policy: OnNoData) -> None:
    assert judged(Answer(value=50.0), on_no_data=policy).fails
    assert judged(Answer(value=99.0), on_no_data=policy).verdict == "passed"


@pytest.mark.parametrize("answer", [Answer(value=0.0), EMPTY, Answer(failure=Failure.UNREACHABLE)])
def test_an_observed_metric_holds_nothing_up_and_says_so(answer: Answer) -> None:
    found = judged(answer, observe=True, on_no_data=OnNoData.FAIL)
    assert (found.passed, found.fails, found.gates) == (True, False, False)
    assert found.text.endswith(" (observed)")


def test_a_metric_holds_a_release_up_from_its_weight_on() -> None:
    below, reached = (judged(Answer(value=50.0), weight=weight, from_weight=30) for weight in (29, 30))
    assert (below.passed, below.text) == (True, "success rate 50.00% < 99% (holds nothing up below 30 %)")
    assert (reached.passed, reached.text) == (False, "success rate 50.00% < 99%")


def test_what_is_no_more_than_a_threshold_is_told_by_its_numbers() -> None:
    assert judged(Answer(value=99.0), args=(("route", "a"),)).is_plain
    others: list[dict[str, Any]] = [{"observe": True}, {"from_weight": 5}, {"on_no_data": OnNoData.PASS}]
    assert not any(judged(Answer(value=99.0), **fields).is_plain for fields in others)
