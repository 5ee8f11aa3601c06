"""What one pass costs: counted by the servers that it asks, timed by the one who started it."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.apiserver.steering import Steerer, of_steerer
from tests.bench import traffic
from tests.bench.kept_requests import requests_of_a_pass
from tests.bench.relay import Relay

if TYPE_CHECKING:
    from pathlib import Path

    from tests.apiserver.steering import Used
    from tests.components.audit import AuditEntry
    from tests.components.controlplane import ControlPlane
    from tests.components.prometheus import PrometheusServer

WRITES = {"create", "patch", "update", "delete"}
MOST_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The cost of a pass.

    `requests` counts by verb and resource, such as `list rollouts`; `everywhere` are those LISTs among them that asked
    for the Deployments, Services or other objects of the whole cluster. `received` is what the API server sent, in
    bytes on the wire (None where nobody counted), `peak` the most memory, in bytes, `wall` and `cpu` are seconds;
    `moves` counts the Rollouts by what became of them.
    """

    requests: dict[str, int]
    everywhere: int
    queries: int
    received: int | None
    wall: float
    cpu: float
    peak: int
    moves: dict[str, int]

    @property
    def rollouts(self) -> int:
        """How many Rollouts it was about."""
        return sum(self.moves.values())

    @property
    def total(self) -> int:
        """All requests to the API server."""
        return sum(self.requests.values())

    @property
    def writes(self) -> int:
        """Those of them that change something."""
        return sum(count for what, count in self.requests.items() if what.split()[0] in WRITES)

    @property
    def events(self) -> int:
        """Those of them that are about Events."""
        return sum(count for what, count in self.requests.items() if what.split()[1] == "events")

    @property
    def reads(self) -> int:
        """Those of them that change nothing."""
        return self.total - self.writes


@dataclass(frozen=True, kw_only=True)
class Floor:
    """What it takes to send the requests of a pass over n Rollouts, by a client that does nothing else: seconds."""

    n: int
    requests: int
    wall: float
    cpu: float


def requests(entries: list[AuditEntry]) -> dict[str, int]:
    """Count requests by verb and resource."""
    counted = Counter(f"{entry.verb} {entry.resource}" for entry in of_steerer(entries))
    return dict(sorted(counted.items()))


def everywhere(entries: list[AuditEntry]) -> int:
    """Count LISTs of the whole cluster, but for those of Rollouts."""
    return sum(
        entry.verb == "list" and not entry.namespace and entry.resource != "rollouts" for entry in of_steerer(entries)
    )


class Till:
    """Where passes are made and their cost is added up: over all Rollouts of a control plane, due at any time."""

    def __init__(self, plane: ControlPlane, prometheus: PrometheusServer, scratch: Path) -> None:
        self._plane = plane
        self._prometheus = prometheus
        self._scratch = scratch

    def once(self, *, form: str = "json", kubeconfig: Path | None = None) -> Cost:
        """Make one pass. Only with `json` it is known what became of the Rollouts."""
        steerer = Steerer(
            kubeconfig=kubeconfig or self._plane.kubeconfig, metrics=self._prometheus.url, seconds=MOST_SECONDS
        )
        asked, mark = traffic.queries(self._prometheus), self._plane.mark()
        options = ("--control-loop-interval=0s", f"--pass-timeout={MOST_SECONDS}s", "-o", form)
        done, used = steerer.measured(self._scratch, "run", "-A", *options)
        entries = self._plane.requests_since(mark)
        return Cost(
            requests=requests(entries),
            everywhere=everywhere(entries),
            queries=traffic.queries(self._prometheus) - asked,
            received=None,
            wall=used.wall,
            cpu=used.cpu,
            peak=used.peak,
            moves=dict(Counter(map(fate, done.records))) if form == "json" else {},
        )

    def lists(self, shards: int) -> int:
        """Count the LISTs of so many shards together, which write nothing."""
        steerer = Steerer(kubeconfig=self._plane.kubeconfig, metrics=self._prometheus.url, seconds=MOST_SECONDS)
        mark = self._plane.mark()
        for index in range(shards):
            options = () if shards == 1 else (f"--shards={shards}", f"--shard={index}")
            steerer("run", "-A", "--dry-run=client", "--control-loop-interval=0s", "-o", "json", *options)
        return sum(entry.verb == "list" for entry in of_steerer(self._plane.requests_since(mark)))

    def floor(self, n: int, times: int) -> Floor:
        """Send the requests of one more pass again by the barest client, so many times: these steps are made."""
        found = [self._floor() for _ in range(times)]
        return Floor(
            n=n,
            requests=found[-1][0],
            wall=median(used.wall for _, used in found),
            cpu=median(used.cpu for _, used in found),
        )

    def _floor(self) -> tuple[int, Used]:
        steerer = Steerer(kubeconfig=self._plane.kubeconfig, metrics=self._prometheus.url, seconds=MOST_SECONDS)
        kept = requests_of_a_pass(self._plane, self._prometheus)
        file = self._scratch / "requests"
        file.write_bytes(pickle.dumps(kept))
        _, used = steerer.measured(self._scratch, str(file), module="tests.bench.floor")
        return len(kept.reads) + sum(map(len, kept.writes)), used

    def cost(self, times: int) -> Cost:
        """Make so many passes as the CronJob does, and one through a relay: the times and the memory are medians."""
        passes = [self.once(form="text") for _ in range(times)]
        with Relay(self._plane) as relay:
            relayed = self.once(kubeconfig=relay.before(self._plane.kubeconfig))
        return replace(
            passes[-1],
            received=relay.received,
            moves=relayed.moves,
            wall=median(one.wall for one in passes),
            cpu=median(one.cpu for one in passes),
            peak=int(median(one.peak for one in passes)),
        )


def fate(record: dict[str, Any]) -> str:
    """Say what became of a Rollout: its move, or, where that was not made, why."""
    result = record["result"]
    return str(record["move"] if result == "applied" else result)
