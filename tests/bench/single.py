"""What is measured once: a crowd of strangers, the start of the program, and a query that hangs."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median
from typing import TYPE_CHECKING

from tests.apiserver.steering import Steerer
from tests.bench.figures import ALL, IDLE, Crowd, Hanging, Start
from tests.bench.objects import App
from tests.bench.world import World
from tests.components.faults import hung
from tests.components.gateway import Gateway, passed
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from tests.bench.cost import Cost, Till
    from tests.components.controlplane import ControlPlane
    from tests.components.gateway import Fault, Request
    from tests.components.prometheus import PrometheusServer

OURS = [App(number, f"ours-{number % 2}") for number in range(10)]
STRANGERS = 5000
APART = App(10, "apart")
DEADLINE = 50.0  # of a pass, by default


def crowds(plane: ControlPlane, till: Till, *, strangers: int, times: int) -> list[Crowd]:
    """Measure ten Rollouts alone and in a crowd, in the same two namespaces and in others."""
    world = World(plane)
    world.add(OURS)
    alone = _both(world, till, times)
    homes = [*{app.namespace for app in OURS}, *(f"theirs-{number}" for number in range(8))]
    world.crowd([App(number, homes[number % len(homes)]) for number in range(strangers)])
    among = _both(world, till, times)
    return [
        Crowd(state=state, strangers=strangers, alone=one, among=other)
        for state, one, other in zip((IDLE, ALL), alone, among, strict=True)
    ]


def _both(world: World, till: Till, times: int) -> list[Cost]:
    world.rest(world.apps)
    till.once()
    idle = till.cost(times)
    world.advance(world.apps)
    return [idle, till.cost(times)]


def start(steerer: Steerer, times: int) -> Start:
    """Take the times of three programs in turn, so that all meet the same neighbours."""
    ways = {
        "floor": ("-c", "import requests, jinja2"),
        "version": ("-m", "reconcile", "--version"),
        # No short option, as in the chart: for one click first looks which long ones are like it.
        "idle": ("-m", "reconcile", "run", "--all-namespaces"),
    }
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(times):
        for way, command in ways.items():
            begun = time.perf_counter()
            subprocess.run(
                [sys.executable, *command], cwd=ROOT, env=steerer.environment(), check=True, capture_output=True
            )
            taken[way].append(time.perf_counter() - begun)
    return Start(**{way: median(seconds) for way, seconds in taken.items()})


def hanging(plane: ControlPlane, prometheus: PrometheusServer) -> Hanging:
    """Let the queries for one Rollout hang, of those that `crowds` has left and one more."""
    world = World(plane)
    world.add([APART])
    world.advance([*OURS, APART])

    def hook(request: Request) -> Fault:
        return hung if APART.namespace.encode() in request.body else passed

    with Gateway(prometheus, hook).serving() as gateway:
        steerer = Steerer(kubeconfig=plane.kubeconfig, metrics=gateway.url)
        begun = time.monotonic()
        records = steerer.passes("-A").records
        wall = time.monotonic() - begun
    moves = {(record["rollout"]["namespace"], record["rollout"]["name"]): record["move"] for record in records}
    own = moves.pop((APART.namespace, APART.name))
    moved = sum(move == "advance" for move in moves.values())
    return Hanging(others=len(moves), moved=moved, halted=own == "halt", wall=wall, deadline=DEADLINE)
