"""One run of the bench: which clusters are made, and what is measured in each."""

from __future__ import annotations

import os
import platform
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.apiserver.steering import Steerer
from tests.bench import single
from tests.bench.cost import Till
from tests.bench.figures import ALL, BOTH, IDLE, SHARDS, SHARED, SOME, Figures, Measured
from tests.bench.growth import growth
from tests.bench.naive import naive
from tests.bench.objects import App
from tests.bench.profile import profile
from tests.bench.releases import releases
from tests.bench.traffic import answered, prometheus
from tests.bench.ways import ways
from tests.bench.world import World
from tests.components.kubernetes import running
from tests.components.modules import KUBERNETES_VERSION
from tests.components.processes import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.bench.cost import Cost
    from tests.bench.growth import Point
    from tests.components.controlplane import ControlPlane
    from tests.components.prometheus import PrometheusServer

NAIVE = 1000  # the N at which other ways are tried; at more they tell nothing new, and take minutes
SHARING = 1000  # the N at which Rollouts share their VirtualServices
RELEASES = 300
STARTS = 9


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What to measure. `sizes` are the N; `counts` = no pass is made again for its time.

    A size that would not be done within `minutes` of the start, by what the one before took, is left out.
    """

    directory: Path
    sizes: Sequence[int]
    say: Callable[[str], None]
    counts: bool = False
    minutes: float = 15

    def run(self) -> Iterator[Figures]:
        """Measure all of it; gives all that there is so far, again and again."""
        end = time.monotonic() + 60 * self.minutes
        self.directory.mkdir(exist_ok=True)
        apps = [App(number) for number in range(max([*self.sizes, RELEASES]))]
        figures = Figures(machine=machine())
        with prometheus(self.directory / "prometheus", [*single.OURS, single.APART, *apps]) as server:
            self.say("two scrapes of the canaries")
            wait_for(lambda: answered(server, apps[-1]), "two scrapes", seconds=120)
            figures = self._singles(server, figures)
            yield figures
            figures = self._releases(server, figures)
            yield figures
            for figures in self._sizes(server, apps, figures, end):  # noqa: B020 - what there is so far
                yield figures
            if SHARING in self.sizes:
                figures = replace(figures, passes=[*figures.passes, self.shared(server, apps[:SHARING])])
                yield figures
                yield replace(figures, passes=[*figures.passes, self.both(server, apps[:SHARING])])

    def _singles(self, server: PrometheusServer, figures: Figures) -> Figures:
        with self._plane("crowd") as plane:
            self.say("10 Rollouts, alone and in a crowd")
            till = Till(plane, server, self.directory)
            crowds = single.crowds(plane, till, strangers=single.STRANGERS, times=self._times(10))
            self.say("a query that hangs")
            return replace(figures, crowds=crowds, hanging=single.hanging(plane, server))

    def _sizes(self, server: PrometheusServer, apps: Sequence[App], figures: Figures, end: float) -> Iterator[Figures]:
        took: list[Point] = []
        with self._plane("sizes") as plane:
            world, till = World(plane), Till(plane, server, self.directory)
            for n in sorted(self.sizes):
                begun = time.monotonic()
                if begun + expected(took, n) > end:
                    self.say(f"N = {n:,} is left out: it would take longer than there is to be")
                    continue
                for measured in self._size(world, till, apps[:n]):
                    figures = replace(figures, passes=[*figures.passes, measured])
                    yield figures
                if n >= NAIVE and not self.counts:
                    self.say(f"N = {n:,}: the barest client")
                    figures = replace(figures, floors=[*figures.floors, till.floor(n, self._times(n))])
                took.append((n, time.monotonic() - begun))
                if not self.counts:
                    figures = self._beside(plane, server, world, figures)
                    yield figures

    def shared(self, server: PrometheusServer, apps: Sequence[App]) -> Measured:
        """Measure the steps of Rollouts whose routes are in few VirtualServices, as gateways have them."""
        self.say(f"N = {len(apps):,}: {SHARED}")
        with self._plane("shared") as plane:
            return Measured(n=len(apps), state=SHARED, cost=self._steps(World(plane, shared=True), server, apps))

    def both(self, server: PrometheusServer, apps: Sequence[App]) -> Measured:
        """Measure the steps of Rollouts that have two objects each to write."""
        self.say(f"N = {len(apps):,}: {BOTH}")
        with self._plane("both") as plane:
            plane.install_gateway_kinds()
            return Measured(n=len(apps), state=BOTH, cost=self._steps(World(plane, both=True), server, apps))

    def _steps(self, world: World, server: PrometheusServer, apps: Sequence[App]) -> Cost:
        till = Till(world.plane, server, self.directory)
        world.add(apps)
        till.once()  # puts on record that all is at rest
        world.advance(apps)
        return till.cost(1)

    def _beside(self, plane: ControlPlane, server: PrometheusServer, world: World, figures: Figures) -> Figures:
        """Measure what one size is enough for."""
        steerer = Steerer(kubeconfig=plane.kubeconfig, metrics=server.url)
        if len(world.apps) == 1:
            self.say("starts")
            self._settle(world, steerer)
            return replace(figures, start=single.start(steerer, STARTS))
        return self._others(plane, server, world, figures) if len(world.apps) == NAIVE else figures

    def _others(self, plane: ControlPlane, server: PrometheusServer, world: World, figures: Figures) -> Figures:
        """Try other ways, and look where the time goes."""
        self.say("naive ways, ways to read, profiles")
        figures = replace(figures, naive=naive(plane, server, world.apps), ways=ways(world.sender))
        steerer = Steerer(kubeconfig=plane.kubeconfig, metrics=server.url)
        due = profile(steerer, self.directory, NAIVE, ALL)
        self._settle(world, steerer)
        return replace(figures, profiles=[profile(steerer, self.directory, NAIVE, IDLE), due])

    def _settle(self, world: World, steerer: Steerer) -> None:
        """Let all be at rest, and have that on record."""
        world.rest(world.apps)
        steerer("run", "-A")

    def _size(self, world: World, till: Till, apps: Sequence[App]) -> Iterator[Measured]:
        n = len(apps)
        self.say(f"N = {n:,}: the cluster")
        world.rest(world.apps)
        world.add(apps[len(world.apps) :])
        till.once()  # puts on record that all is at rest
        for state, due in ((IDLE, 0), (SOME, max(1, n // 100)), (ALL, n)):
            if state == SOME and n == 1:
                continue
            self.say(f"N = {n:,}: {state}")
            world.advance(apps[:due])
            lists, of_shards = (till.lists(count) if n >= NAIVE else 0 for count in (1, SHARDS))
            cost = till.cost(self._times(n))
            self.say(f"{cost.total:,} requests, {cost.queries:,} queries, {cost.wall:.1f} s")
            yield Measured(n=n, state=state, cost=cost, lists=lists, lists_of_shards=of_shards)

    def _releases(self, server: PrometheusServer, figures: Figures) -> Figures:
        self.say(f"{RELEASES} releases at once")
        with self._plane("releases") as plane:
            return replace(figures, releases=releases(plane, server, RELEASES))

    def _times(self, n: int) -> int:
        """Say how often a pass is made for its time: one that takes long is known well enough from once."""
        return 1 if self.counts or n > 1000 else 3

    @contextmanager
    def _plane(self, name: str) -> Iterator[ControlPlane]:
        """Run an API server with the two kinds, and nobody beside it."""
        with running(self.directory / name, controllers=False) as plane:
            yield plane


def expected(took: Sequence[Point], n: int) -> float:
    """Say how many seconds a size will take, by what smaller ones took."""
    if not took:
        return 0.0
    fit = growth(took)
    return fit.fixed + fit.each * n


def machine() -> dict[str, str]:
    """Say on what it was measured."""
    return {
        "machine": platform.machine(),
        "cores": str(os.cpu_count()),
        "Python": sys.version.split()[0],
        "Kubernetes": KUBERNETES_VERSION,
        "load at the start": f"{os.getloadavg()[0]:.1f}",
    }
