"""The real program, one call at a time: what a pass plans, what it writes next, and what a write changes.

Each result is cached by its input, so that the real code runs once for each different input. `passes` turns the
results into steps of the world.
"""

from __future__ import annotations

import json
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import jsonpatch

from reconcile.engine import apply as applying
from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.model.errors import ClusterError, LostRaceError, MissingError, RefusedError, UnreachableError
from reconcile.model.kinds import ENDPOINT_SLICE, version_of
from reconcile.model.measurement import Failure
from reconcile.model.plan import Outcome
from reconcile.model.settings import Settings
from tests.explorer import manifests, statuses, whole_pass
from tests.explorer.clock import NOW
from tests.explorer.state import NOBODY
from tests.explorer.statuses import Notes
from tests.support.fakes import FixedMeter, ref_of
from tests.support.world import DURATION, METRICS, SUCCESS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from reconcile.model.kinds import Kind, Manifest, Ref, Scope, Version
    from reconcile.model.plan import Event, Patch, Plan
    from tests.explorer.state import Flight, World

INTERVAL = 60.0
ASKING = {"analysis", "series"}
"""The gates that look at answers."""
FOREIGN = 99
"""The rank of a time that a pass under way knows nothing of."""
# The answers of Prometheus, by their names in stories.
ANSWERS: dict[str, float | Failure] = {
    "good": 99.9,
    "bad": 50.0,
    "absent": Failure.NO_DATA,
    "not a number": float("nan"),
}
# What the metric says that is only observed: where it says that a canary is well, the other one does not, and the
# other way round.
OBSERVED: dict[str, float | Failure] = {
    "good": 9999.0,
    "bad": 20.0,
    "absent": 20.0,
    "not a number": Failure.NO_DATA,
}
# The outcomes of a write, by letter: stored, a lost race (409 or a failed test), any other error (422, 500).
OUTCOMES: dict[str, type[ClusterError] | None] = {"o": None, "r": LostRaceError, "e": UnreachableError}


class Plot(NamedTuple):
    """A plan, as the explorer uses it.

    `asked`: it depends on measurements. `stamps`: the times that it stores, as ranks; `past` says which are old.
    `broken`: the violations of it even if nothing disturbs it.
    """

    plan: Plan
    asked: bool
    past: tuple[int, int]
    stamps: tuple[int, ...]
    broken: tuple[str, ...]


class Written(NamedTuple):
    """An object before and after a write."""

    before: Manifest
    after: Manifest


class Request(NamedTuple):
    """The next write of a pass, or (None) its end; `said` are the Events before it."""

    patch: Patch | None
    key: str
    said: tuple[Event, ...]


class _PausedError(BaseException):
    """A write without an outcome yet: the pass stops here. The program must not catch it."""

    def __init__(self, patch: Patch) -> None:
        super().__init__()
        self.patch = patch


@dataclass
class _Script:
    """A cluster with given outcomes for the writes of a pass. It stops at the first write without one."""

    answers: str
    used: int = 0
    said: list[Event] = field(default_factory=list)
    width: int = 1

    def patch(self, patch: Patch) -> None:
        """Raises or returns the next outcome."""
        if self.used == len(self.answers):
            raise _PausedError(patch)
        error = OUTCOMES[self.answers[self.used]]
        self.used += 1
        self.said.clear()
        if error is not None:
            raise error("something went wrong")

    def record(self, event: Event, at: datetime) -> None:
        """Keeps an Event and refuses it: its outcome changes nothing."""
        del at
        self.said.append(event)
        raise UnreachableError("no Events today")

    def list(self, kind: Kind, scope: Scope) -> list[Manifest]:
        """Refuses: a write reads nothing."""
        raise NotImplementedError(kind, scope)

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Refuses: a write reads nothing."""
        raise NotImplementedError(refs)

    def unchanged(self, known: Mapping[Ref, Version]) -> Collection[Ref]:
        """Refuses: a write reads nothing."""
        raise NotImplementedError(known)


@dataclass(frozen=True)
class _Snapshot:
    """A cluster to read from. No manifest is copied: nothing changes one, as `tests/random_worlds` shows."""

    objects: dict[Ref, Manifest]
    width: int = 1

    def list(self, kind: Kind, scope: Scope) -> list[Manifest]:
        """Returns the objects of a kind; there is one namespace, and no controller makes EndpointSlices."""
        del scope
        if kind == ENDPOINT_SLICE:
            raise MissingError("no controller makes them")
        return [manifest for ref, manifest in self.objects.items() if ref.kind == kind]

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Returns the objects that exist."""
        return {ref: self.objects[ref] for ref in refs if ref in self.objects}

    def unchanged(self, known: Mapping[Ref, Version]) -> Collection[Ref]:
        """Returns the objects that have these versions."""
        return [ref for ref, version in known.items() if version_of(self.objects.get(ref, {})) == version]

    def patch(self, patch: Patch) -> None:
        """Refuses: a read writes nothing."""
        raise NotImplementedError(patch)

    def record(self, event: Event, at: datetime) -> None:
        """Refuses: a read stores no Event."""
        raise NotImplementedError(event, at)


class Program:
    """The results of the program so far. `whole`: each plan is checked against the laws of a whole pass as well."""

    def __init__(self, *, whole: bool = True) -> None:
        self._whole = whole
        self.notes = Notes()
        self.plots: list[Plot] = []
        self._numbers: dict[str, int] = {}
        self._decided: dict[Any, int] = {}
        self._requests: dict[tuple[int, str, bool], Request] = {}
        self._written: dict[Any, Written | None] = {}

    def _as_known(self, world: World, flight: Flight) -> World:
        """Returns the operations with the times of the status as the pass knows them; other times are foreign."""
        status, plot = world.status, self.plots[flight.plan]
        if status is None:
            return world
        stamps = dict(zip(flight.clock, plot.stamps, strict=True)) | {NOBODY: NOBODY}
        known = status._replace(
            advanced=stamps.get(status.advanced, FOREIGN), entered=stamps.get(status.entered, FOREIGN)
        )
        return world._replace(status=known, old=plot.past[0], long=plot.past[1])

    @property
    def decisions(self) -> int:
        """The number of different decisions."""
        return len(self._decided)

    def decide(self, world: World, answer: str) -> int:
        """Returns the number of the plan of a pass that begins now. `world` has only its own ranks."""
        key = (world[:-2], answer)
        if key not in self._decided:
            self._decided[key] = self._plotted(world, answer)
        return self._decided[key]

    def _plotted(self, world: World, answer: str) -> int:
        """Returns the plan of the real pass. Plans with the same writes and Events are one."""
        found = manifests.all_of(world, self.notes)
        meter = FixedMeter(**{SUCCESS: ANSWERS[answer], DURATION: OBSERVED[answer]})
        single = Pass(
            cluster=_Snapshot({ref_of(one): one for one in found}),
            meter=meter,
            settings=Settings(interval=INTERVAL, metrics=METRICS),
            selection=Selection(),
            now=lambda: NOW,
        )
        plan, *others = sorted((record.plan for record in single.plans()), key=lambda made: made.rollout)
        asked = bool(plan.measurements)
        text = self._text(plan, asked, world.past)
        if text not in self._numbers:
            self._numbers[text] = len(self.plots)
            whole = self._whole and not world.cast
            broken = whole_pass.broken(plan, found, ANSWERS[answer], INTERVAL) if whole else ()
            broken += tuple(word for other in others for word in second(other)) + held(plan, answer)
            self.plots.append(Plot(plan, asked, world.past, tuple(self._stamps(plan, world.past)), broken))
        return self._numbers[text]

    def _text(self, plan: Plan, *facts: object) -> str:
        writes = [[str(one.target), one.subresource, statuses.timeless(list(one.operations))] for one in plan.patches]
        said = [event.message for event in plan.events]
        held = statuses.untimed(plan.reason) if plan.move == "hold" else ""  # no Event has it
        return json.dumps([plan.move, plan.error, plan.before.phase, *facts, writes, said, held], sort_keys=True)

    def _stamps(self, plan: Plan, past: tuple[int, int]) -> Iterator[int]:
        found: set[int] = set()
        for patch in plan.patches:
            for operation in patch.operations:
                if operation["op"] != "test" and operation["path"] == "/status":
                    status = statuses.status_of({"status": operation["value"]}, past, self.notes)
                    found |= {status.advanced, status.entered}
        yield from sorted(found - {NOBODY})

    def request(self, plan: int, answers: str, *, late: bool = False) -> Request:
        """Returns what a pass does after these outcomes: the real `apply` runs and stops at the next write.

        `late`: the interval has passed since its first write.
        """
        key = (plan, answers, late)
        if key not in self._requests:
            script = _Script(answers)
            patch = None
            try:
                applying.apply(self.plots[plan].plan, script, NOW, lambda: late and script.used == len(answers))
            except _PausedError as paused:
                patch = paused.patch
            text = json.dumps([str(patch.target), patch.subresource, list(patch.operations)]) if patch else ""
            self._requests[key] = Request(patch, text, tuple(script.said))
        return self._requests[key]

    def write(self, request: Request, world: World, flight: Flight, letter: str) -> Written | None:
        """Applies a patch as an API server does: returns the object before and after, or None if a `test` failed.

        The object is the one in the world, as the pass knows it: what was written since is changed.
        """
        known = flight.moved & {letter, "C", "spec"} if letter == "R" else flight.moved & {letter}
        world = self._as_known(world, flight)
        value = {
            "V": world.routes,
            "H": world.http,
            "P": world.primary[:2],
            "C": world.canary,
            "R": (world.spec, world.status, world.past, world.asked),
        }
        key = (request.key, value[letter], known)
        if key not in self._written:
            assert request.patch is not None
            before = manifests.one(world, letter, self.notes, flight.moved)
            after = _patched(before, request.patch)
            self._written[key] = None if after is None else Written(before, after)
        return self._written[key]


def held(plan: Plan, answer: str) -> tuple[str, ...]:
    """Returns the violations of a plan in which all that a release waits for is good, and what is observed is bad."""
    failed = {gate.name for gate in plan.gates if gate.outcome is Outcome.FAILED}
    return ("26: a metric that is only observed holds a release up",) if answer == "good" and failed & ASKING else ()


def second(plan: Plan) -> tuple[str, ...]:
    """Returns the violations of the younger of two Rollouts on the same Deployments: it halts, whatever it sees."""
    status_only = all(patch.target == plan.rollout for patch in plan.patches)
    return () if plan.move == "halt" and status_only else ("17: a second Rollout moves the Deployments of the first",)


def _copied(manifest: Manifest, operations: list[dict[str, Any]]) -> Manifest:
    """Returns a copy of a manifest as deep as the operations go: a whole copy takes longer than all else."""
    new = dict(manifest)
    for operation in operations:
        node: Any = new
        for part in operation["path"].split("/")[1:-1]:
            key: Any = int(part) if isinstance(node, list) else part
            if key not in (range(len(node)) if isinstance(node, list) else node):
                break  # the operation fails by itself
            node[key] = copy(node[key])
            node = node[key]
    return new


def _patched(before: Manifest, patch: Patch) -> Manifest | None:
    try:
        operations = statuses.timeless(list(patch.operations))
        new: Manifest = jsonpatch.JsonPatch(operations).apply(_copied(before, operations), in_place=True)
    except jsonpatch.JsonPatchTestFailed:
        return None
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise RefusedError(str(error)) from error
    kept = dict(before if patch.subresource else new)
    kept.pop("status", None)
    status = (new if patch.subresource else before).get("status")
    return kept if status is None else kept | {"status": status}
