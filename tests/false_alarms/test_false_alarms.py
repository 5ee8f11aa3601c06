"""A small share of `make statistics`, and the figures of the page."""

from __future__ import annotations

import pytest

from tests.false_alarms import numbers
from tests.false_alarms.releases import FALSE_ALARMS, Way, World

RELEASES = 40


def test_the_sequential_test_stops_few_good_canaries_that_a_threshold_stops() -> None:
    stopped = numbers.stopped(World(rps=1, rate=0.005), RELEASES)
    assert stopped[Way.THRESHOLD] > 0.8 * RELEASES
    assert stopped[Way.SEQUENTIAL] <= FALSE_ALARMS * RELEASES


def test_a_canary_with_five_times_the_errors_is_found() -> None:
    found = numbers.found(World(rps=4, rate=0.01, times=5), RELEASES // 2)
    assert found["found"] == RELEASES // 2
    assert found["minutes"] < 10


@pytest.mark.parametrize("world", [World(rps=1, rate=0.005, missed=0.5), World(rps=1, rate=0.01, incident=True)])
def test_neither_missing_looks_nor_a_common_incident_raise_an_alarm(world: World) -> None:
    assert numbers.stopped(world, RELEASES)[Way.SEQUENTIAL] <= FALSE_ALARMS * RELEASES


def test_the_same_releases_are_drawn_each_time() -> None:
    assert numbers.stopped(World(rps=1, rate=0.01, restarts=True, looks=4), 5) == numbers.stopped(
        World(rps=1, rate=0.01, restarts=True, looks=4), 5
    )


def test_the_figures_of_the_page_are_those_of_a_run() -> None:
    numbers.RECORD.check()
    figures = numbers.RECORD.kept()
    assert set(figures["good"]) == set(numbers.GOOD)
    most = FALSE_ALARMS * figures["releases"]
    assert all(ways[Way.SEQUENTIAL] <= most for ways in figures["good"].values())
