"""Liveness: where a world ends once nothing disturbs it any more, and how many passes that takes.

A world is calm when no pass is in progress, Deployments are rolled out and healthy, the autoscaler is idle, metrics are
good, and there is one pass an interval. With a failure policy, a world has to end well under bad metrics too, and
without any until the deadline is over. What people ask for stays as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tests.explorer import passes
from tests.explorer.environment import passed
from tests.explorer.laws import RESTING
from tests.explorer.manifests import REVISIONS
from tests.explorer.specs import SPECS
from tests.explorer.state import DISTANT, Memory, World, tidy

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
    r": no series for \S+, nor for its primary": "a metric has no series",
    r"still gives traffic to": "another VirtualService splits traffic to the canary",
    r"is held until a person says steerer retry, promote or abort": "the failure policy holds it",
}
HELD = {
    "suspended by spec.suspend": "suspend",
    "paused by a person": "pause",
    "waiting for an approval": "approve",
}
"""Whose word a hold waits for."""


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
        self._ends: dict[tuple[World, str, bool], End | None] = {}
        self.people: Counter[str] = Counter()

    def broken(self, world: World) -> tuple[str, ...]:
        """15. Returns the violations of the law that every world ends well by itself."""
        end = self.end(world)
        if end is None:
            return ("15: no end is reached",)
        found = self._wrong(world, end)
        for index, flight in enumerate(world.flights):
            decided_by_now = flight.answers or flight.evidence.answer in {"", "good"}
            if "E" not in flight.moved and decided_by_now:
                found += self._killed(world, index, end)
        wanted = SPECS[world.spec]
        if wanted.limit is not None:
            found += self._failing(self.end(world, "bad"), "bad metrics")
            found += self._failing(self.end(world, "absent", slow=True), "no metrics until the deadline")
        return found

    def _wrong(self, world: World, end: End) -> tuple[str, ...]:
        status = end.world.status
        if end.move in {"halt", "hold"}:
            return self._waits(end)
        if status is None or status.phase not in RESTING:
            return (f"15: it ends in phase {status.phase if status else None}",)
        checks = {
            f"it takes {end.passes} passes": end.passes > _most(world),
            "it ends without the promoted template, with traffic, or with replicas": bool(
                end.acted & {"retire", "return"}
            )
            and not _done(end.world),
            "it ends as Failed, although nothing failed": status.phase == "Failed" and not _may_fail(world),
            "it ends as Failed with traffic, or with replicas": _is_left(end),
        }
        return next(((f"15: {what}",) for what, found in checks.items() if found), ())

    def _waits(self, end: End) -> tuple[str, ...]:
        """Returns the violation of a world that waits, if it is not for a person."""
        reason = next((name for pattern, name in FOR_PEOPLE.items() if re.search(pattern, end.reason)), None)
        orders = end.world.orders(end.world.canary.template)
        if reason is None and end.move == "halt" and "pause" in orders:
            reason = "somebody paused it"  # what the metrics say is shown, and not acted on
        if end.move == "hold":
            word = next((word for text, word in HELD.items() if text in end.reason), "")
            approved = bool(orders & {"approve", f"approve/{SPECS[end.world.spec].asks}"})
            if word and (not approved if word == "approve" else word in orders):
                reason = {"suspend": "it is suspended", "pause": "somebody paused it"}.get(word, "nobody approved")
        if reason is None:
            return (f"15: a human is needed: {end.reason}",)
        self.people[reason] += 1
        return ()

    def _failing(self, end: End | None, under: str) -> tuple[str, ...]:
        """Returns the violations of a world that has a failure policy, and metrics that never get good."""
        if end is None:
            return (f"15: no end is reached under {under}",)
        status = end.world.status
        if end.move in {"halt", "hold"}:
            return tuple(f"{found}, under {under}" for found in self._waits(end))
        if status is None or status.phase not in RESTING:
            return (f"15: it ends in phase {status.phase if status else None} under {under}",)
        if _is_left(end):
            return (f"15: it ends as Failed with traffic, or with replicas, under {under}",)
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

    def end(self, world: World, answer: str = "good", *, slow: bool = False) -> End | None:
        """Returns the end of a world, or None if it does not come to rest.

        `slow`: a long time is between two passes.
        """
        way: list[tuple[World, str]] = []
        slow = slow or SPECS[world.spec].patient
        world = calm(world, slow=slow)
        while (world, answer, slow) not in self._ends:
            if len(way) > 20:
                self._ends[world, answer, slow] = None
                break
            after, move, reason = self._pass(world, answer, slow=slow)
            if after == world:
                self._ends[world, answer, slow] = End(0, world, move, reason, frozenset())
                break
            way.append((world, move))
            world = after
        end = self._ends[world, answer, slow]
        for before, move in reversed(way):
            end = None if end is None else end._replace(passes=end.passes + 1, acted=end.acted | {move})
            self._ends[before, answer, slow] = end
        return end

    def _pass(self, world: World, answer: str, *, slow: bool) -> tuple[World, str, str]:
        """Makes one whole pass, and lets the world become calm."""
        world, plan = passes.begun(self._program, world, answer)
        while world.flights:
            world = next(iter(passes.writes(self._program, world, 0))).world
        return calm(world, slow=slow), plan.move, plan.reason


def calm(world: World, *, slow: bool = True) -> World:
    """Returns the world after everything has healed that heals by itself, and the interval has passed.

    `slow`: a long time has passed as well.
    """
    health = {"rolling": "ok", "broken": "ok", "scaling": "ok"}
    primary, canary = world.primary, world.canary
    return tidy(
        world._replace(
            primary=primary._replace(health=health.get(primary.health, primary.health)),
            canary=canary._replace(health=health.get(canary.health, canary.health)),
            scaler="resting" if world.scaler == "moving" else world.scaler,
            old=world.latest,
            long=world.latest if slow and world.cast else world.long,
            status=passed(world.status, "checked", *(("started", "held") if slow else ())),
            memory=Memory(),
            flights=(),
        )
    )


def _most(world: World) -> int:
    """Returns the most passes that any world needs: to finish or undo what is in progress, and for a whole release."""
    wanted = SPECS[world.spec]
    advances = -(-wanted.most // max(wanted.step, 1))
    conclude_or_reset, scale_up, promote, conclude, retire = 1, 1, 1, 1, 1
    held = 2 if wanted.asks else 0
    return conclude_or_reset + scale_up + advances + promote + conclude + retire + held + MORE


def _may_fail(world: World) -> bool:
    """Returns whether a world may end as Failed with good metrics: by a person, a pass before or a deadline."""
    status = world.status
    if status is None:
        return "abort" in world.orders(world.canary.template)
    over = status.attempt is not None and status.attempt.started == DISTANT and not SPECS[world.spec].patient
    return status.phase in {"RollingBack", "Failed"} or over or "abort" in world.orders(world.canary.template)


def _is_left(end: End) -> bool:
    """Returns whether a release was given up, and its canary has traffic or replicas."""
    return "give up" in end.acted and (end.world.traffic or end.world.canary.size > 0)


def _done(world: World) -> bool:
    status = world.status
    assert status is not None
    name = REVISIONS[world.canary.template]
    same = world.primary.template == world.canary.template and status.revision == status.promoted == name
    return same and not world.traffic and world.canary.size == 0
