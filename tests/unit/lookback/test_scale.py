"""The scales: round, inside of their bounds, and defined for any values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.lookback.scale import Times, numbers

FINITE = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False)
START = datetime(2026, 1, 31, 11, 59, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([82.33, 100, 99], ["80", "85", "90", "95", "100"]),
        ([150, 2525, 500], ["0", "1000", "2000", "3000"]),
        ([0.001, 0.0024], ["0.001", "0.0015", "0.002", "0.0025"]),
        ([7, 7], ["6", "6.5", "7", "7.5", "8"]),
        ([], ["0", "0.25", "0.5", "0.75", "1"]),
    ],
)
def test_numbers_are_round(values: list[float], labels: list[str]) -> None:
    assert [tick.text for tick in numbers(values, floor=0.0).ticks()] == labels


def test_a_percentage_ends_at_its_bounds() -> None:
    scale = numbers([99.7, 100.0], floor=0.0, ceiling=100.0)
    assert (scale.high, scale.up(100), scale.up(0)) == (100, 0, 100)


@given(st.lists(FINITE, max_size=5))
def test_every_value_is_on_the_scale_of_them_all(values: list[float]) -> None:
    scale = numbers(values)
    rounding = scale.step * 1e-6
    assert all(scale.low - rounding <= value <= scale.high + rounding for value in values)
    assert all(0 <= scale.up(value) <= 100 for value in values)
    assert 2 <= len(scale.ticks()) <= 12


@pytest.mark.parametrize(
    ("length", "first", "count"),
    [
        (timedelta(seconds=200), "11:59:30", 7),
        (timedelta(hours=2), "12:00", 4),
        (timedelta(days=14), "Feb 02", 7),
        (timedelta(0), "11:59:30", 1),
    ],
)
def test_times_are_round_and_few(length: timedelta, first: str, count: int) -> None:
    ticks = Times(START, START + length).ticks()
    assert (ticks[0].text, len(ticks)) == (first, count)


@given(st.integers(min_value=0, max_value=31 * 86_400))
def test_any_window_has_few_times_in_their_order(seconds: int) -> None:
    ticks = Times(START, START + timedelta(seconds=seconds)).ticks()
    assert len(ticks) <= 9
    assert [tick.at for tick in ticks] == sorted(tick.at for tick in ticks)
