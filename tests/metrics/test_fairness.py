"""A metrics server that has time for a few questions in each pass: nobody is asked by halves, and nobody starves."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from reconcile.engine import Pass
from reconcile.metrics.pacing import WORKERS
from reconcile.metrics.prometheus import Prometheus
from reconcile.metrics.templates import MetricFile, TemplateSet
from reconcile.observe import Selection
from reconcile.plan import Settings
from tests.fakes import MemoryCluster
from tests.metrics.loopback import LONG, Handler, Server, vector
from tests.world import METRICS, START, release

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATES = TemplateSet(
    MetricFile(path=Path(f"{name}.yaml"), metric=metric, query=f"{name} {{{{ workload }}}}")
    for name, metric in METRICS.items()
)
TOGETHER = WORKERS // len(METRICS)
"""How many Rollouts the server has time for in a pass."""


class Rationed:
    """Answers what is asked first, as many questions as there are workers, and refuses all others for an hour."""

    def __init__(self) -> None:
        self._lock, self._count = threading.Lock(), 0
        self._all = threading.Barrier(WORKERS)

    def refill(self) -> None:
        """Begin another pass."""
        self._count = 0

    def __call__(self, handler: Handler) -> None:
        """Answer, or refuse."""
        with self._lock:
            self._count += 1
            number = self._count
        if number > WORKERS:
            handler.send(b"", 429, Retry_After="3600")
            return
        self._all.wait(LONG)
        handler.send(vector("1000" if "stuck" in handler.query else "100"))


def passes(server: Server, names: list[str], count: int) -> Iterator[dict[str, list[str]]]:
    """Give what was made of which Rollouts in each pass: the name of the move, and the Rollouts in their order."""
    cluster = MemoryCluster([manifest for name in names for manifest in release(name, 10)])
    meter, ration = Prometheus(server.url, TEMPLATES), Rationed()
    server.reply = ration
    for number in range(count):
        ration.refill()
        now = START + timedelta(minutes=number)
        one = Pass(
            cluster=cluster,
            meter=meter,
            settings=Settings(metrics=METRICS),
            selection=Selection(),
            now=lambda now=now: now,  # type: ignore[misc]
        )
        made: dict[str, list[str]] = {}
        for record in sorted(one.run(), key=lambda record: record.plan.rollout):
            unreached = any(item.verdict == "unreachable" for item in record.plan.measurements)
            made.setdefault("unreached" if unreached else record.plan.move, []).append(record.plan.rollout.name)
        yield made


def test_the_first_are_asked_in_full_and_the_others_come_first_in_the_next_pass(server: Server) -> None:
    names = [f"r{number:02}" for number in range(3 * TOGETHER)]
    made = list(passes(server, names, 4))
    assert [one["advance"] for one in made] == [
        names[:TOGETHER],
        names[TOGETHER : 2 * TOGETHER],
        names[2 * TOGETHER :],
        names[:TOGETHER],
    ]
    assert [len(one["unreached"]) for one in made] == [2 * TOGETHER] * 4


def test_those_that_halt_by_their_metrics_do_not_keep_the_others_waiting(server: Server) -> None:
    stuck = [f"a-stuck-{number}" for number in range(TOGETHER)]
    names = [f"r{number:02}" for number in range(TOGETHER)]
    first, second, third, fourth = passes(server, [*stuck, *names], 4)
    assert (first["halt"], first["unreached"]) == (stuck, names)
    assert (second["advance"], second["unreached"]) == (names, stuck)
    assert third["halt"] == stuck
    assert fourth["advance"] == names
