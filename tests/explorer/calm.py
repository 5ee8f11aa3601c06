"""Liveness: where a world ends once nothing disturbs it any more, and how many passes that takes.

A world is calm when no pass is in progress, Deployments are rolled out and healthy, the autoscaler is idle, metrics are
good, and there is one pass an interval.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tests.explorer import passes
from tests.explorer.laws import RESTING
from tests.explorer.manifests import REVISIONS, SPECS
from tests.explorer.state import Memory, World, tidy

if TYPE_CHECKING:
    from tests.explorer.program import Program

MORE = 3
FOR_PEOPLE: dict[str, str] = {
    r"^spec\.": "the Rollout is invalid",
    r"podinfo-canary\S* is scaled to 0 replicas$": "somebody scaled the canary to zero under analysis",
    r"podinfo\.test is scaled to 0 replicas$": "somebody scaled the primary to zero",
    r"is paused$": "somebody paused a Deployment",
    r"was changed by \S+ after the promotion": "a GitOps tool put back the primary's template",
    r"was changed by \S+ since the release started": "somebody changed the primary while the release was under way",
    r"still gives traffic to": "another VirtualService splits traffic to the canary",
}


class End(NamedTuple):
    """Where a world comes to rest: the number of passes that made a change, and what it looks like."""

    passes: int
    world: World
    move: str
    reason: str
    acted: frozenset[str]

    @property
    def looks(self) -> tuple[object, ...]:
        """What is compared of the end."""
        world, status = self.world, self.world.status
        stored = (status.phase, status.revision, status.promoted) if status else ()
        return (world.weights, world.primary.template, world.canary.template, world.canary.size, stored, self.move)


class Calm:
    """The ends of worlds; each is computed once."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._ends: dict[World, End | None] = {}
        self.people: Counter[str] = Counter()

    def broken(self, world: World) -> tuple[str, ...]:
        """15. Returns the violations of the law that every world ends well by itself."""
        end = self.end(world)
        if end is None:
            return ("15: no end is reached",)
        found = self._wrong(world, end)
        for index, flight in enumerate(world.flights):
            if "E" not in flight.moved:
                found += self._killed(world, index, end)
        return found

    def _wrong(self, world: World, end: End) -> tuple[str, ...]:
        if end.move == "halt":
            reason = next((name for pattern, name in FOR_PEOPLE.items() if re.search(pattern, end.reason)), None)
            if reason is None:
                return (f"15: a human is needed: {end.reason}",)
            self.people[reason] += 1
            return ()
        status = end.world.status
        if status is None or status.phase not in RESTING:
            return (f"15: it ends in phase {status.phase if status else None}",)
        if end.passes > _most(world):
            return (f"15: it takes {end.passes} passes",)
        if end.acted & {"retire", "return"} and not _done(end.world):
            return ("15: it ends without the promoted template, with traffic, or with replicas",)
        return ()

    def _killed(self, world: World, index: int, killed: End) -> tuple[str, ...]:
        """Compares the end of a world whose passes are killed with the end where this pass is completed."""
        finished = self.end(self._finished(world, index))
        if finished is None:
            return ()
        if finished.looks != killed.looks:
            return (f"15: a killed pass ends elsewhere: {killed.move} in place of {finished.move}",)
        if killed.passes > finished.passes + MORE:
            return (f"15: a killed pass costs {killed.passes - finished.passes} more",)
        return ()

    def _finished(self, world: World, index: int) -> World:
        """Kills all other passes, and completes this one."""
        world = tidy(world._replace(flights=(world.flights[index],)))
        while world.flights:
            world = next(iter(passes.writes(self._program, world, 0))).world
        return world

    def end(self, world: World) -> End | None:
        """Returns the end of a world, or None if it does not come to rest."""
        way: list[tuple[World, str]] = []
        world = calm(world)
        while world not in self._ends:
            if len(way) > 20:
                self._ends[world] = None
                break
            after, move, reason = self._pass(world)
            if after == world:
                self._ends[world] = End(0, world, move, reason, frozenset())
                break
            way.append((world, move))
            world = after
        end = self._ends[world]
        for before, move in reversed(way):
            end = None if end is None else end._replace(passes=end.passes + 1, acted=end.acted | {move})
            self._ends[before] = end
        return end

    def _pass(self, world: World) -> tuple[World, str, str]:
        """Makes one whole pass, and lets the world become calm."""
        step = next(iter(passes.steps(self._program, world)))
        plan = self._program.plots[passes.decided(self._program, world)].plan
        world = step.world
        while world.flights:
            world = next(iter(passes.writes(self._program, world, 0))).world
        return calm(world), plan.move, plan.reason


def calm(world: World) -> World:
    """Returns the world after everything has healed that heals by itself, and the interval has passed."""
    health = {"rolling": "ok", "broken": "ok", "scaling": "ok"}
    primary, canary = world.primary, world.canary
    return tidy(
        world._replace(
            primary=primary._replace(health=health.get(primary.health, primary.health)),
            canary=canary._replace(health=health.get(canary.health, canary.health)),
            scaler="resting" if world.scaler == "moving" else world.scaler,
            old=world.latest,
            memory=Memory(),
            flights=(),
        )
    )


def _most(world: World) -> int:
    """Returns the most passes that any world needs: to finish or undo what is in progress, and for a whole release."""
    most, step = SPECS[world.spec]
    advances = -(-most // max(step, 1))
    conclude_or_reset, scale_up, promote, conclude, retire = 1, 1, 1, 1, 1
    return conclude_or_reset + scale_up + advances + promote + conclude + retire + MORE


def _done(world: World) -> bool:
    status = world.status
    assert status is not None
    name = REVISIONS[world.canary.template]
    same = world.primary.template == world.canary.template and status.revision == status.promoted == name
    return same and not world.traffic and world.canary.size == 0
