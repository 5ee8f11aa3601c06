"""Answers held against thresholds: verdicts, and numbers that are true as they read."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconcile.core.analysis import UNANSWERED
from reconcile.core.judgement import Reading, judge
from reconcile.model.checks import Check
from reconcile.model.measurement import Answer, Failure, Measurement, Metric
from tests.support.share import number
from tests.support.world import DURATION, METRICS, START, SUCCESS

PLAIN = Metric(name="saturation", title="saturation", unit="", bound="maximum")
CORES = Metric(name="cpu", title="CPU", unit="cores", bound="maximum")


def measured(metric: Metric, value: float | None, threshold: float, **answer: object) -> Measurement:
    check = Check(name=metric.name, threshold=threshold, interval="1m")
    return judged(check, metric, Answer(query="q", value=value, **answer))  # type: ignore[arg-type]


def judged(check: Check, metric: Metric, answer: Answer, weight: int = 10) -> Measurement:
    return judge(Reading(check=check, metric=metric, answer=answer, weight=weight), START)


@pytest.mark.parametrize(
    ("metric", "value", "threshold", "passed", "text"),
    [
        (METRICS[SUCCESS], 100.0, 99.0, True, "success rate 100.00% >= 99%"),
        (METRICS[SUCCESS], 99.0, 99.0, True, "success rate 99.00% >= 99%"),
        (METRICS[SUCCESS], 98.999, 99.0, False, "success rate 98.999% < 99%"),
        (METRICS[SUCCESS], 98.99, 99.0, False, "success rate 98.99% < 99%"),
        (METRICS[SUCCESS], 82.3333333, 99.5, False, "success rate 82.33% < 99.5%"),
        (METRICS[SUCCESS], 99.0000001, 99.0, True, "success rate 99.0000001% >= 99%"),
        (METRICS[SUCCESS], 0.0, 0.0, True, "success rate 0.00% >= 0%"),
        (METRICS[DURATION], 500.0, 500.0, True, "request duration 500ms <= 500ms"),
        (METRICS[DURATION], 500.2, 500.0, False, "request duration 500.2ms > 500ms"),
        (METRICS[DURATION], 499.9999, 500.0, True, "request duration 499.9999ms <= 500ms"),
        (METRICS[DURATION], 2525.0, 500.0, False, "request duration 2.525s > 500ms"),
        (METRICS[DURATION], 20.4, 500.0, True, "request duration 20ms <= 500ms"),
        (METRICS[DURATION], 0.4, 0.0, False, "request duration 400µs > 0s"),
        (METRICS[DURATION], 90_000.0, 1500.5, False, "request duration 1m30s > 1.5005s"),
        (PLAIN, 0.8, 0.75, False, "saturation 0.80 > 0.75"),
        (CORES, 1.5, 2.0, True, "CPU 1.50 cores <= 2 cores"),
    ],
)
def test_a_number_is_compared_unrounded_and_printed_so_that_it_is_true(
    metric: Metric,
    value: float,
    threshold: float,
    passed: bool,  # noqa: FBT001 - a column of the table
    text: str,
) -> None:
    found = measured(metric, value, threshold)
    assert (found.passed, found.text) == (passed, text)
    assert found.verdict == ("passed" if passed else "failed")
    assert (found.value, found.threshold, found.query, found.at) == (value, threshold, "q", START)


@pytest.mark.parametrize("failure", list(Failure))
def test_every_failure_is_told_and_fails(failure: Failure) -> None:
    found = measured(METRICS[SUCCESS], None, 99.0, failure=failure, detail="in detail")
    assert (found.passed, found.verdict, found.value) == (False, failure.value, None)
    assert found.text == f"success rate: {failure.value} (in detail)"
    assert not measured(METRICS[SUCCESS], 100.0, 99.0, failure=failure).passed


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("metric", [SUCCESS, DURATION])
def test_what_is_no_finite_number_never_passes(metric: str, value: float | None) -> None:
    found = measured(METRICS[metric], value, 99.0)
    assert (found.passed, found.verdict, found.value) == (False, "not a number", None)
    assert found.text.endswith(": not a number")


def test_an_answer_that_never_came_is_a_failure() -> None:
    found = judged(Check(name=SUCCESS, threshold=0, interval="1m"), METRICS[SUCCESS], UNANSWERED)
    assert found.text == "success rate: unreachable (the metric was not measured)"


UNITS: dict[str, Decimal] = {
    "h": Decimal(3_600_000),
    "m": Decimal(60_000),
    "s": Decimal(1000),
    "ms": Decimal(1),
    "µs": Decimal("0.001"),
    "%": Decimal(1),
}


def read(text: str) -> Decimal:
    """Reads a printed number, durations in milliseconds."""
    parts = re.findall(r"([0-9.]+)(%|ms|µs|h|m|s)", text)
    total = sum((Decimal(number) * UNITS[unit] for number, unit in parts), Decimal(0))
    return -total if text.startswith("-") else total


numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12),
    st.sampled_from((0.0, 0.5, 99.0, 99.95, 100.0, 500.0, 1000.0, 60_000.0)),
)
nudges = st.sampled_from((0.0, 1e-14, -1e-14, 1e-11, -1e-9, 1e-4, -0.4, 0.4))


@settings(max_examples=number(400, 4))
@example(threshold=500.0, near=True, other=0.0, nudge=5.7e-14, metric=DURATION)
@example(threshold=100.0, near=True, other=0.0, nudge=-1.5e-14, metric=SUCCESS)
@example(threshold=99.99999999999999, near=False, other=100.0, nudge=0.0, metric=SUCCESS)
@example(threshold=5e-324, near=False, other=0.0, nudge=0.0, metric=SUCCESS)
@example(threshold=0.0, near=False, other=5e-324, nudge=0.0, metric=DURATION)
@given(threshold=numbers, near=st.booleans(), other=numbers, nudge=nudges, metric=st.sampled_from((SUCCESS, DURATION)))
def test_a_comparison_is_true_as_it_reads(
    threshold: float,
    near: bool,  # noqa: FBT001 - drawn by name
    other: float,
    nudge: float,
    metric: str,
) -> None:
    value = threshold + nudge if near else other
    text = measured(METRICS[metric], value, threshold).text
    match = re.search(r"(?:rate|duration) (\S+) (<=|>=|<|>) (\S+)$", text)
    assert match is not None, text
    left, sign, right = read(match[1]), match[2], read(match[3])
    true = {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[sign]
    assert true, text
