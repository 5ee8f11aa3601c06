"""The counting, and the tables on the page."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.hostile import tally
from tests.hostile.tally import End, Tally

if TYPE_CHECKING:
    from collections.abc import Callable


def played(counted: Tally, test: Callable[[], Any], *, marked: bool = True) -> None:
    """Runs a test as pytest does."""
    mark = pytest.mark.hostile("Somebody", "noise").mark if marked else None
    item: Any = SimpleNamespace(get_closest_marker=lambda _: mark)
    running = counted.pytest_runtest_call(item)
    next(running)
    try:
        test()
    except AssertionError as error:
        running.throw(error)
    with pytest.raises(StopIteration):
        next(running)


def test_each_piece_is_counted_by_its_end() -> None:
    counted = Tally()
    for end in (End.HELD, End.HELD, End.HALTED):
        played(counted, partial(counted.end, end))
    assert counted.tried == {"Somebody": {"noise": {End.HELD: 2, End.HALTED: 1}}}
    rows = tally.table(counted.tried["Somebody"]).splitlines()
    assert rows[2:] == ["| its Rollout halted | 1 | noise (1) |", "| no answer: the weight was held | 2 | noise (2) |"]


def test_a_test_that_failed_does_not_count() -> None:
    counted = Tally()

    def fails() -> None:
        counted.end(End.HELD)
        raise AssertionError

    with pytest.raises(AssertionError):
        played(counted, fails)
    assert counted.tried == {}


def test_a_marked_test_that_tries_nothing_fails() -> None:
    with pytest.raises(pytest.fail.Exception, match="says of no input how it ended"):
        played(Tally(), lambda: None)


def test_outside_of_marked_tests_nothing_is_counted() -> None:
    counted = Tally()
    counted.end(End.HELD)
    played(counted, lambda: counted.end(End.HELD), marked=False)
    assert counted.tried == {}


def test_the_numbers_of_the_page_are_those_of_a_run() -> None:
    tally.RECORD.check()
