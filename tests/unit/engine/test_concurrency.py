"""Concurrent calls: never more than there are workers, items taken as late as possible, results in order."""

from __future__ import annotations

from threading import Barrier, Event, current_thread
from typing import TYPE_CHECKING

import pytest

from reconcile.engine.concurrency import map_concurrently

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize("width", [1, 3])
def test_results_come_in_the_order_of_the_things(width: int) -> None:
    assert list(map_concurrently(lambda number: number * 2, range(50), width)) == [number * 2 for number in range(50)]


def test_as_many_run_as_may() -> None:
    together = Barrier(3)
    assert len(list(map_concurrently(lambda _: together.wait(10), range(6), 3))) == 6


def test_one_that_takes_long_is_passed_by_others() -> None:
    last = Event()

    def act(number: int) -> int:
        if number == 0:
            assert last.wait(10)
        if number == 9:
            last.set()
        return number

    assert list(map_concurrently(act, range(10), 2)) == [*range(10)]


@pytest.mark.parametrize("width", [1, 2])
def test_a_thing_is_drawn_when_it_can_be_acted_on_and_by_the_callers_thread(width: int) -> None:
    acted = list[int]()
    threads = set[str]()

    def things() -> Iterator[int]:
        for number in range(20):
            threads.add(current_thread().name)
            assert number - len(acted) < width
            yield number

    list(map_concurrently(acted.append, things(), width))
    assert threads == {current_thread().name}


@pytest.mark.parametrize("width", [1, 4])
def test_what_the_things_raise_comes_when_all_before_it_is_done(width: int) -> None:
    def things() -> Iterator[int]:
        yield from range(3)
        raise ValueError("no more")

    done = list[int]()
    with pytest.raises(ValueError, match="no more"):
        done.extend(map_concurrently(lambda number: number, things(), width))
    assert done == [0, 1, 2]


@pytest.mark.parametrize("width", [1, 4])
def test_nothing_comes_of_nothing(width: int) -> None:
    assert list(map_concurrently(lambda number: number, [], width)) == []
