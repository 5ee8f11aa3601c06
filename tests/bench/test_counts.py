"""What a pass asks for, counted by the servers: 100 Rollouts on the real API server and the real Prometheus.

Counts only: `make bench` has the times, and more Rollouts.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.bench.cost import Till
from tests.bench.objects import TEAMS, App
from tests.bench.traffic import answered, prometheus
from tests.bench.world import World
from tests.components.fixtures import available, own_control_plane
from tests.components.processes import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

APPS = [App(number) for number in range(100)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[tuple[World, Till]]:
    """Give a cluster of 100 Rollouts at rest, whose canaries are well."""
    scratch = tmp_path_factory.mktemp("bench")
    with ExitStack() as stack:
        with available("Prometheus", pytestconfig):
            server = stack.enter_context(prometheus(scratch / "prometheus", APPS))
        plane = stack.enter_context(own_control_plane(pytestconfig, scratch / "plane", controllers=False))
        world = World(plane)
        world.add(APPS)
        till = Till(plane, server, scratch)
        till.once()  # puts on record that all is at rest
        wait_for(lambda: answered(server, APPS[-1]), "two scrapes")
        yield world, till


def test_an_idle_pass_asks_for_pages_and_writes_nothing(cluster: tuple[World, Till]) -> None:
    _, till = cluster

    cost = till.once()

    assert cost.moves == {"idle": len(APPS)}
    assert cost.total <= 2  # a page of Rollouts, and one of the metadata of all Deployments
    assert (cost.writes, cost.queries) == (0, 0)


def test_each_of_many_that_advance_is_two_writes_and_an_event(cluster: tuple[World, Till]) -> None:
    world, till = cluster
    world.advance(APPS)

    cost = till.once()

    assert cost.moves == {"advance": len(APPS)}
    assert (cost.writes, cost.events) == (3 * len(APPS), len(APPS))
    assert cost.queries <= 2 * TEAMS  # each metric of each namespace
