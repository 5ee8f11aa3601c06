"""The search over every world that can be reached, those with fewer disturbances first.

Steps without cost (a pass goes on, time passes, Deployments finish) stay on the level, a disturbance leads to the next
one. Level `n` is complete when each world with `n` disturbances was visited, with all its next steps. A world belongs
to the lowest level that reaches it.
"""

from __future__ import annotations

import sys
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.explorer import environment, passes
from tests.explorer.calm import Calm
from tests.explorer.program import Program
from tests.explorer.state import Canary, HttpRoute, Memory, Primary, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.explorer.passes import Step


def begin(**changes: object) -> World:
    """Returns a world before the first pass: a new revision in the canary, without traffic."""
    fresh = World(
        primary=Primary(),
        canary=Canary(),
        scaler="none",
        routes=(0,),
        routed=0,
        spec="by 60",
        status=None,
        old=0,
        elsewhere=-1,
        long=0,
        cast="",
        asked=(),
        http=HttpRoute(),
        memory=Memory(),
        flights=(),
    )
    return fresh._replace(**changes)  # type: ignore[arg-type]  # each is a field


SEEDS: dict[str, World] = {
    "a new canary": begin(),
    "nothing to release": begin(canary=Canary(template=0, size=0)),
    "a parked canary": begin(canary=Canary(size=0)),
    "traffic already split": begin(routes=(60,), memory=Memory(reached=60, begun=1)),
    "an autoscaler": begin(scaler="resting"),
    "two routes": begin(routes=(0, 0)),
}
BESIDE_ANOTHER: dict[str, World] = {"a second Rollout": begin(elsewhere=60)}
"""Where somebody else splits traffic to the canary too; searched apart, as most of what happens is the same."""

TWO_OBJECTS: dict[str, World] = {"a VirtualService and an HTTPRoute": begin(http=HttpRoute(0))}
"""Where two objects split the traffic, and are written one after the other."""

BY_WORD: dict[str, World] = {
    "failed checks roll back": begin(spec="rolled back", cast="retries"),
    "failed checks freeze": begin(spec="frozen", cast="mends"),
    "people steer": begin(spec="up to 60", cast="steers"),
    "a step is approved": begin(spec="approved", cast="approves"),
}
"""Where people act, or a failure policy does; in each only some act, see `environment.CASTS`."""


EVERYWHERE = SEEDS | BESIDE_ANOTHER | TWO_OBJECTS | BY_WORD
"""All beginnings."""


@dataclass(frozen=True)
class Violation:
    """A violation, and the way to it: the seed, then the actions."""

    law: str
    seed: str
    way: tuple[str, ...]


@dataclass
class Search:
    """The worlds that were found. Each has a number, in the order of discovery."""

    program: Program = field(default_factory=Program)
    worlds: dict[World, int] = field(default_factory=dict)
    parents: list[tuple[int, str]] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)
    violations: dict[str, Violation] = field(default_factory=dict)
    complete: int = -1
    depths: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.calm = Calm(self.program)
        self._parts: dict[Any, Any] = {}

    def run(
        self,
        *,
        seeds: dict[str, World] = SEEDS,
        levels: int = 99,
        states: int = 10**9,
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        """Visits world after world, until a bound is reached. Keeps the first violation of each law."""
        frontier: deque[World] = deque()
        for name, world in seeds.items():
            self._found(world, -1, name, frontier)
        for level in range(levels + 1):
            later: dict[World, tuple[int, str]] = {}
            self.levels.append(0)
            while frontier:
                self.levels[level] += 1
                self._look(frontier.popleft(), frontier, later)
                if len(self.worlds) >= states or until():
                    return
            self.complete = level
            for world, (parent, action) in later.items():
                self._found(world, parent, action, frontier)
                if len(self.worlds) >= states or until():
                    return

    def steps(self, world: World) -> Iterator[Step]:
        """Yields all next steps."""
        yield from passes.steps(self.program, world)
        yield from environment.steps(world)

    def _look(self, world: World, frontier: deque[World], later: dict[World, tuple[int, str]]) -> None:
        number = self.worlds[world]
        for step in self.steps(world):
            self.taken[step.action] += 1
            for law in step.broken:
                self._broken(law, number, step.action)
            if step.world in self.worlds:
                continue
            if step.cost == 0:
                self._found(step.world, number, step.action, frontier)
            else:
                later.setdefault(self._shared(step.world), (number, sys.intern(step.action)))

    def _shared(self, world: World) -> World:
        """Returns the world with equal parts shared: there are few parts and many worlds."""
        parts = self._parts
        return World._make(parts.setdefault(part, part) for part in world)

    def _found(self, world: World, parent: int, action: str, frontier: deque[World]) -> None:
        if world not in self.worlds:
            world = self._shared(world)
            self.worlds[world] = len(self.parents)
            self.parents.append((parent, sys.intern(action)))
            self.depths.append(self.depths[parent] + 1 if parent >= 0 else 0)
            frontier.append(world)
            for law in self.calm.broken(world):
                self._broken(law, self.worlds[world], "")

    def _broken(self, law: str, number: int, action: str) -> None:
        if law not in self.violations:
            seed, way = self.way(number)
            self.violations[law] = Violation(law, seed, (*way, action) if action else way)

    @property
    def transitions(self) -> int:
        """The number of steps; `taken` has them by action."""
        return self.taken.total()

    @property
    def longest(self) -> int:
        """The length of the longest of the shortest ways."""
        return max(self.depths, default=0)

    def way(self, number: int) -> tuple[str, tuple[str, ...]]:
        """Returns the seed of a world, and the actions of the shortest way to it."""
        actions = []
        while number >= 0:
            number, action = self.parents[number]
            actions.append(action)
        seed, *way = reversed(actions)
        return seed, tuple(way)
