"""The sequential test, by the vectors of its specification and by its laws."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.core.sequential_test import MOST_LOG, TIMES_WORSE, evidence, limit
from reconcile.model.measurement import Counts, Slice


def counted(total: float, bad: float, beside: float, bad_beside: float) -> Slice:
    return Slice(canary=Counts(total=total, bad=bad), primary=Counts(total=beside, bad=bad_beside))


@pytest.mark.parametrize(
    ("slices", "tolerated", "expected"),
    [
        ([(600, 6, 5400, 5)], 1, 266.85),
        ([(600, 6, 5400, 54)], 1, 0.139),
        ([(60, 3, 540, 0)], 1, 111.8),
        ([(60, 2, 540, 0)], 1, 18.54),
        ([(600, 4, 5400, 12), (1200, 8, 4800, 10)], 1, 23.38),
        ([(600, 6, 5400, 5)], 1.5, 49.6),
        ([(600, 6, 5400, 5)], 2, 16.9),
        ([], 1, 1),
    ],
)
def test_the_evidence_is_that_of_the_formula(
    slices: list[tuple[float, float, float, float]], tolerated: float, expected: float
) -> None:
    assert evidence([counted(*one) for one in slices], tolerated) == pytest.approx(expected, rel=3e-3)


def test_a_side_without_requests_says_nothing() -> None:
    assert evidence([counted(0, 0, 500, 9), counted(500, 9, 0, 0)], 1) == 1
    assert evidence([counted(-1, 3, 500, 9)], 1) == 1


def test_more_bad_requests_than_requests_are_as_many() -> None:
    assert evidence([counted(5, 9, 100, 0)], 1) == evidence([counted(5, 5, 100, -1)], 1)


def test_evidence_without_end_is_told_as_a_number() -> None:
    assert evidence([counted(10**6, 10**6, 10**6, 0)], 1) == pytest.approx(math.exp(MOST_LOG))
    assert evidence([counted(10**6, 0, 10**6, 10**6)], 1) == 0


def test_a_rate_that_is_shared_asks_each_metric_for_more() -> None:
    assert [limit(0.05, 1), limit(0.05, 3), limit(0.01, 2), limit(0.03, 1)] == [20, 60, 200, 34]


COUNT = st.integers(min_value=1, max_value=10_000)


@given(canary=COUNT, primary=COUNT, bad=st.integers(0, 40), tolerated=st.sampled_from([1.0, 1.5, 3.0]))
def test_it_cannot_grow_on_average_while_the_canary_is_as_good_as_tolerated(
    canary: int, primary: int, bad: int, tolerated: float
) -> None:
    """With `bad` bad ones in all, each is the canary's with the share p0: the mean over all ways is at most 1."""
    share = tolerated * canary / (tolerated * canary + primary)
    mean = math.fsum(
        math.comb(bad, mine)
        * share**mine
        * (1 - share) ** (bad - mine)
        * unbounded(canary, mine, primary, bad - mine, tolerated)
        for mine in range(bad + 1)
    )
    assert mean == pytest.approx(1, abs=1e-6)


def unbounded(canary: int, bad: int, primary: int, bad_beside: int, tolerated: float) -> float:
    """Returns the evidence by the formula as the page has it."""
    share = tolerated * canary / (tolerated * canary + primary)
    worse = [times * tolerated * canary / (times * tolerated * canary + primary) for times in TIMES_WORSE]
    return math.fsum((p / share) ** bad * ((1 - p) / (1 - share)) ** bad_beside for p in worse) / len(worse)


@given(canary=COUNT, primary=COUNT, bad=st.integers(0, 8), beside=st.integers(0, 8))
def test_it_is_the_formula_of_the_page(canary: int, primary: int, bad: int, beside: int) -> None:
    mine, theirs = min(bad, canary), min(beside, primary)
    found = evidence([counted(canary, mine, primary, theirs)], 1)
    assert found == pytest.approx(min(unbounded(canary, mine, primary, theirs, 1), 1e9), rel=1e-6)
