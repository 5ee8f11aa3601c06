"""A metrics server that has time for a few queries in each pass: Rollouts get all answers or none, and none starves."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.metrics.backoff import MAX_CONCURRENCY
from reconcile.metrics.prometheus import Prometheus
from reconcile.metrics.templates import MetricFile, TemplateSet
from reconcile.model.settings import Settings
from tests.support.fakes import MemoryCluster
from tests.support.metrics_server import LONG, Handler, Server, vector
from tests.support.world import METRICS, START, release

TEMPLATES = TemplateSet(
    {
        name: MetricFile(path=Path(f"{name}.yaml"), metric=metric, query=f"{name} {{{{ workload }}}}")
        for name, metric in METRICS.items()
    }
)
CAPACITY = MAX_CONCURRENCY // len(METRICS)
"""The Rollouts whose metrics the server has time for in a pass."""


class LimitedServer:
    """Answers the first queries of a pass, as many as there are workers, and refuses all others for an hour."""

    def __init__(self) -> None:
        self._lock, self._count = threading.Lock(), 0
        self._all = threading.Barrier(MAX_CONCURRENCY)

    def reset(self) -> None:
        """Starts another pass."""
        self._count = 0

    def __call__(self, handler: Handler) -> None:
        """Answers or refuses a query."""
        with self._lock:
            self._count += 1
            number = self._count
        if number > MAX_CONCURRENCY:
            handler.send(b"", 429, Retry_After="3600")
            return
        self._all.wait(LONG)
        if "hanging" in handler.query:
            handler.send(b"", 504)
        else:
            handler.send(vector("1000" if "failing" in handler.query else "100"))


@dataclass
class Release:
    """Many releases with one metrics server, and passes over them."""

    server: Server
    names: list[str]
    number: int = 0

    def __post_init__(self) -> None:
        self.cluster = MemoryCluster([manifest for name in self.names for manifest in release(name, 10)])
        self.meter = Prometheus(self.server.url, TEMPLATES)
        self.server.respond = self.limit = LimitedServer()

    def pass_(self) -> dict[str, set[str]]:
        """Makes a pass, a minute after the last one. Returns the Rollouts that had all, some and no answers."""
        self.limit.reset()
        now = START + timedelta(minutes=self.number)
        self.number += 1
        one = Pass(
            cluster=self.cluster,
            meter=self.meter,
            settings=Settings(metrics=METRICS),
            selection=Selection(),
            now=lambda: now,
        )
        made: dict[str, set[str]] = {"all": set(), "some": set(), "none": set()}
        for record in one.run():
            late = [item.verdict == "unreachable" for item in record.plan.measurements]
            kind = "none" if all(late) else "some" if any(late) else "all"
            made[kind].add(record.plan.rollout.name)
        return made


def test_the_first_are_asked_in_full_and_nobody_by_halves(server: Server) -> None:
    world = Release(server, [f"r{number:02}" for number in range(3 * CAPACITY)])
    for _ in range(5):
        made = world.pass_()
        assert (len(made["all"]), made["some"], len(made["none"])) == (CAPACITY, set(), 2 * CAPACITY)


def test_who_was_not_reached_comes_first_in_the_next_pass(server: Server) -> None:
    world = Release(server, [f"r{number:02}" for number in range(CAPACITY + CAPACITY // 2)])
    left = world.pass_()["none"]
    assert len(left) == CAPACITY // 2
    assert left <= world.pass_()["all"]


@pytest.mark.parametrize("trouble", ["failing", "hanging"])
def test_those_that_cannot_go_on_by_their_metrics_starve_nobody(server: Server, trouble: str) -> None:
    """There are as many of them as the server has time for in a pass, and all others have answers after a few."""
    others = {f"r{number}" for number in range(CAPACITY)}
    world = Release(server, [*(f"a-{trouble}-{number}" for number in range(CAPACITY)), *others])
    reached: set[str] = set()
    for _ in range(20):
        reached |= world.pass_()["all"]
        if others <= reached:
            return
    raise AssertionError(f"without an answer: {others - reached}")
