"""The play: passes, people and weather all at once; then calm, and the end of every release.

For most of it one process goes on and on, and now and then another one runs beside it until it is killed. For the rest
there is but one at a time, killed and started anew.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.apiserver.steering import Metrics, Steerer
from tests.components.faults import Once, killed, killed_when_done
from tests.components.gateway import Gateway, passed
from tests.endurance.apps import install
from tests.endurance.ends import unended
from tests.endurance.judged import broken
from tests.endurance.loops import Loop
from tests.endurance.people import People
from tests.endurance.weather import Moods, Weather

if TYPE_CHECKING:
    from pathlib import Path

    from tests.components.controlplane import ControlPlane
    from tests.components.gateway import Exchange, Fault, Request
    from tests.endurance.apps import App

_ONE_AT_A_TIME = 0.95  # from this share of the passes on
_TOLD_TO_STOP = 143


@dataclass(frozen=True, kw_only=True)
class Script:
    """How much there is of everything. `every` and `interval` in seconds: from pass to pass, from move to move.

    `faults` is the share of requests that go wrong, `long` that of those that take a whole time-out; `rest` the seconds
    between two deeds of people.
    """

    passes: int = 2000
    rollouts: int = 50
    seed: int = 1
    minutes: float = 30
    every: float = 0.2
    interval: float = 3
    faults: float = 0.005
    long: float = 0.00003
    rest: float = 2.5


@dataclass(kw_only=True)
class Play:
    """A play under way, and what came of it."""

    script: Script
    plane: ControlPlane
    scratch: Path
    apps: list[App] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    kills: int = 0
    unclean: list[str] = field(default_factory=list)
    minutes: float = 0.0
    passes_to_the_end: int = 0
    unended: list[str] = field(default_factory=list)
    writes: int = 0
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        script = self.script
        self._random = random.Random(script.seed)  # noqa: S311 - a seed is what is wanted
        self.metrics = Metrics()
        self.weather = Weather(script.seed, share=script.faults, long=script.long)
        self.moods = Moods(self.metrics, script.seed, share=20 * script.faults, long=script.long)
        self.metrics.hook = self.moods
        self._gateway = Gateway(self.plane, lambda request: _signed("steady", self.weather(request)))
        self._deadly = Gateway(self.plane, lambda request: _signed(f"loop-{len(self.loops)}", self._strike(request)))
        self._blow = Once(passed)

    @property
    def passes(self) -> int:
        """The passes that were made to their end."""
        return sum(loop.passes for loop in self.loops)

    def run(self) -> None:
        """Play it all. Raises TimeoutError where it takes longer than it may."""
        mark = self.plane.mark()
        self.apps = install(self.plane, self.script.rollouts)
        self.people = People(self.apps, self.script.seed)
        begun = time.monotonic()
        self._deadline = begun + self.script.minutes * 60
        with self.metrics.serving(), self._gateway.serving(), self._deadly.serving():
            self._one_goes_on()
            self._one_after_the_other()
            self._calm()
        self.writes, self.broken = broken(self.plane, mark, self.apps)
        self.minutes = (time.monotonic() - begun) / 60

    def _one_goes_on(self) -> None:
        with self._loop(self._gateway) as steady:
            while self.passes < self.script.passes * _ONE_AT_A_TIME:
                self._some_time(self._random.uniform(1, 5) * self.script.passes / 200)
                self._one_that_dies()
            self._end(steady)

    def _one_after_the_other(self) -> None:
        while self.passes < self.script.passes:
            self._one_that_dies()

    def _one_that_dies(self) -> None:
        """Let a process make some passes, and be killed: at a write, before or after it is stored, or at any time."""
        with self._loop(self._deadly) as loop:
            kill = self._random.choice((killed, killed_when_done))
            self._blow = Once(kill(loop.strike), nth=self._random.randrange(200))
            until = time.monotonic() + self._random.uniform(5, 25)
            while loop.alive and time.monotonic() < until:
                self._some_time(self.script.rest)
            self._blow = Once(passed)
            loop.kill()
            self.kills += 1

    def _strike(self, request: Request) -> Fault:
        blow = self._blow(request)
        return self.weather(request) if blow is passed else blow

    def _calm(self) -> None:
        """Let nothing more happen, and count the passes that are made until every release has ended."""
        self.weather.calm()
        self.moods.calm()
        self.people.rest(self.apps)
        with self._loop(self._gateway) as loop:
            while self._open():
                self._wait(self.script.rest)
            self.passes_to_the_end = loop.passes
            self._end(loop)

    def _open(self) -> bool:
        """Say whether any release has not ended. Pods that do not come up by themselves were promoted as well."""
        missing = unended(self.apps)
        self.unended = [f"{app.namespace}/{app.name}: {why}" for app, why in missing.items()]
        self.people.rest(missing)
        return bool(missing)

    def _loop(self, gateway: Gateway) -> Loop:
        steerer = Steerer(kubeconfig=gateway.before(self.plane.kubeconfig), metrics=self.metrics.url)
        namespaces = ",".join(sorted({app.namespace for app in self.apps}))
        every, interval = (f"{round(seconds * 1000)}ms" for seconds in (self.script.every, self.script.interval))
        log = self.scratch / f"loop-{len(self.loops)}.log"
        loop = Loop(steerer, log, "-n", namespaces, "--every", every, "--control-loop-interval", interval)
        self.loops.append(loop)
        return loop

    def _end(self, loop: Loop) -> None:
        code = loop.end()
        if code != _TOLD_TO_STOP:
            self.unclean.append(f"a process that was told to stop ended with {code}")

    def _some_time(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.people.act()
            self._wait(self.script.rest)

    def _wait(self, seconds: float) -> None:
        if time.monotonic() > self._deadline:
            raise TimeoutError(f"{self.passes} passes in {self.script.minutes:g} minutes; not ended: {self.unended}")
        time.sleep(seconds)


def _signed(name: str, fault: Fault) -> Fault:
    """Let the request say of which process it is, so that the audit log does."""

    def acts(exchange: Exchange) -> None:
        headers = exchange.request.headers
        agent = {"User-Agent": f"{headers.get('User-Agent', '')} {name}"}
        exchange.request = replace(exchange.request, headers={**headers, **agent})
        fault(exchange)

    return acts
