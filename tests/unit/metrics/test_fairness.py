"""A metrics server that has time for a few questions in each pass: nobody is asked by halves, and nobody starves."""

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
    MetricFile(path=Path(f"{name}.yaml"), metric=metric, query=f"{name} {{{{ workload }}}}")
    for name, metric in METRICS.items()
)
TOGETHER = MAX_CONCURRENCY // len(METRICS)
"""How many Rollouts the server has time for in a pass."""


class Rationed:
    """Answers what is asked first, as many questions as there are workers, and refuses all others for an hour."""

    def __init__(self) -> None:
        self._lock, self._count = threading.Lock(), 0
        self._all = threading.Barrier(MAX_CONCURRENCY)

    def refill(self) -> None:
        """Begin another pass."""
        self._count = 0

    def __call__(self, handler: Handler) -> None:
        """Answer, or refuse."""
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
    """Many releases with one metrics server, and what became of them."""

    server: Server
    names: list[str]
    number: int = 0

    def __post_init__(self) -> None:
        self.cluster = MemoryCluster([manifest for name in self.names for manifest in release(name, 10)])
        self.meter = Prometheus(self.server.url, TEMPLATES)
        self.server.reply = self.ration = Rationed()

    def pass_(self) -> dict[str, set[str]]:
        """Make a pass, a minute after the last; give those that had an answer to everything, to a part, to nothing."""
        self.ration.refill()
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
    world = Release(server, [f"r{number:02}" for number in range(3 * TOGETHER)])
    for _ in range(5):
        made = world.pass_()
        assert (len(made["all"]), made["some"], len(made["none"])) == (TOGETHER, set(), 2 * TOGETHER)


def test_who_was_not_reached_comes_first_in_the_next_pass(server: Server) -> None:
    world = Release(server, [f"r{number:02}" for number in range(TOGETHER + TOGETHER // 2)])
    left = world.pass_()["none"]
    assert len(left) == TOGETHER // 2
    assert left <= world.pass_()["all"]


@pytest.mark.parametrize("trouble", ["failing", "hanging"])
def test_those_that_cannot_go_on_by_their_metrics_starve_nobody(server: Server, trouble: str) -> None:
    """As many of them as there is time for in a pass, and all of the others get on in a few."""
    others = {f"r{number}" for number in range(TOGETHER)}
    world = Release(server, [*(f"a-{trouble}-{number}" for number in range(TOGETHER)), *others])
    reached: set[str] = set()
    for _ in range(20):
        reached |= world.pass_()["all"]
    assert others <= reached
