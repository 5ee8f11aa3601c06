"""When the passes of one process start."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING
from weakref import ref

import pytest

from reconcile.cli.schedule import pass_starts

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Clock


class _Circle:
    itself: _Circle | None = None


@pytest.mark.parametrize(
    ("every", "duration", "last", "starts"),
    [
        (None, None, False, [0]),
        (0, None, False, [0]),
        (10, 30, False, [0, 10, 20, 30]),
        (10, 35, False, [0, 10, 20, 30]),
        (10, 35, True, [0, 10, 20, 30, 35]),
        (10, 5, True, [0, 5]),
    ],
)
def test_passes_start_at_multiples_until_the_time_is_over(
    clock: Clock,
    every: float | None,
    duration: float | None,
    last: bool,  # noqa: FBT001
    starts: list[float],
) -> None:
    assert [clock.now for _ in pass_starts(every, duration, last=last)] == starts


@pytest.mark.parametrize(("last", "starts"), [(False, [0, 30]), (True, [0, 30, 35])])
def test_a_start_that_a_long_pass_misses_is_left_out(clock: Clock, last: bool, starts: list[float]) -> None:  # noqa: FBT001
    found = []
    for _ in pass_starts(10, 35, last=last):
        found.append(clock.now)
        clock.now += 25 if clock.now == 0 else 0
    assert found == starts


def test_after_a_pass_that_takes_longer_than_all_the_time_there_is_no_other(clock: Clock) -> None:
    found = []
    for _ in pass_starts(10, 35, last=True):
        found.append(clock.now)
        clock.now += 40
    assert found == [0]


def test_what_a_pass_leaves_in_circles_is_given_back_before_the_next(clock: Clock) -> None:
    del clock
    starts = pass_starts(10, 15)
    next(starts)
    circle = _Circle()
    circle.itself, left = circle, ref(circle)
    del circle
    gc.disable()
    try:
        next(starts)
    finally:
        gc.enable()
    assert left() is None
