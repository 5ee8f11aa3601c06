"""The steps of passes: they begin, write step by step, fail, and are killed.

Each write is a step, and may have every outcome there is. The first outcome is success and costs nothing; each other
one is a disturbance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconcile.model.errors import RefusedError
from tests.explorer import laws, manifests, statuses, word_laws
from tests.explorer.laws import Write
from tests.explorer.program import ANSWERS, Program, Request
from tests.explorer.specs import SPECS
from tests.explorer.state import (
    DISTANT,
    NOBODY,
    PRESENT,
    ROUTES,
    UNMANAGED,
    Evidence,
    Flight,
    HttpRoute,
    Memory,
    World,
    tidy,
    written,
)
from tests.support.gateway_routes import HR
from tests.support.world import VS, C, P, R

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Plan

MOST_AT_ONCE = 2
ENDS = {"retire", "return", "give up"}
COUNTED = ("good", "bad", "absent")
"""The answers that a failure policy tells apart."""
LETTERS = {VS: "V", HR: "H", P: "P", C: "C", R: "R"}
NAMES = {"V": "the VirtualService", "H": "the HTTPRoute", "P": "the primary", "C": "the canary", "R": "the status"}


class Step(NamedTuple):
    """One step: `action` is its name, `effect` is what the program does.

    `cost` is 1 for a disturbance, more for several. `broken` are the violations, in words.
    """

    action: str
    cost: int
    world: World
    effect: str = ""
    broken: tuple[str, ...] = ()


def steps(program: Program, world: World) -> Iterator[Step]:
    """Yields the next steps of all passes."""
    if len(world.flights) < MOST_AT_ONCE:
        yield from _begin(program, world)
    for index in range(len(world.flights)):
        yield from writes(program, world, index)


# A pass begins.


def _begin(program: Program, world: World) -> Iterator[Step]:
    another = len(world.flights)
    who = "another pass" if another else "a pass"
    for answer in COUNTED if world.cast else ANSWERS:
        flight = _in_progress(program, world, answer)
        plot = program.plots[flight.plan]
        doubts = "" if answer == "good" else f", metrics are {answer}"
        free = answer == "good" or (answer == "bad" and SPECS[world.spec].limit is not None)
        quiet = another + (not free)
        broken = plot.broken + word_laws.decided(plot.plan, flight.evidence, asked=plot.asked)
        step = Step(f"{who} begins{doubts}", quiet, world, plot.plan.move, broken)
        yield _went_on(program, world, flight, step)
        if not plot.asked:
            break
    if plot.plan.move == "start":
        yield from _without_series(program, world, who, another)


def _without_series(program: Program, world: World, who: str, another: int) -> Iterator[Step]:
    """Yields the pass that is about to make the first step, where the metric has series for nobody."""
    flight = _in_progress(program, world, "absent")
    plot = program.plots[flight.plan]
    broken = plot.broken if plot.plan.move == "halt" else ("3: a first step is made, and a metric has no series",)
    step = Step(f"{who} begins, there are no series", another + 1, world, plot.plan.move, broken)
    yield _went_on(program, world, flight, step)


def begun(program: Program, world: World, answer: str) -> tuple[World, Plan]:
    """Returns the world after a pass has begun, and its plan. `world` has no other pass."""
    flight = _in_progress(program, world, answer)
    plan = program.plots[flight.plan].plan
    return _went_on(program, world, flight, Step("", 0, world)).world, plan


def decided(program: Program, world: World, answer: str = "good") -> int:
    """Returns the plan of a pass that begins now."""
    return program.decide(world if not world.flights else tidy(world._replace(memory=Memory(), flights=())), answer)


def _in_progress(program: Program, world: World, answer: str) -> Flight:
    """Returns the pass in progress after the real program has decided on the present world."""
    status = world.status
    ranks = {world.primary.by, world.routed, world.http.by, *((status.advanced, status.entered) if status else ())}
    ordered = sorted(ranks - {NOBODY})
    number = decided(program, world, answer)
    plot = program.plots[number]
    return Flight(
        plan=number,
        answers="",
        evidence=_evidence(world, answer if plot.asked else ""),
        clock=tuple(PRESENT if stamp == PRESENT else ordered[stamp - 1] for stamp in plot.stamps),
    )


def _evidence(world: World, answer: str) -> Evidence:
    canary, status = world.canary, world.status
    attempt = status.attempt if status else None
    recorded = manifests.template_named(status.revision) if status else -1
    return Evidence(
        routes=world.routes,
        http=world.http.weight,
        primary=world.primary.template,
        primary_well=world.primary.health == "ok",
        canary=canary.template,
        size=canary.size,
        canary_well=canary.health == "ok" and canary.size > 0 and world.scaler != "moving",
        spec=world.spec,
        phase=status.phase if status else "",
        weight=(status.weight or 0) if status else 0,
        proven=(status.proven or 0) if status else 0,
        same=recorded == canary.template,
        measured=answer == "good",
        elsewhere=world.elsewhere,
        answer=answer if world.cast else "",
        serves=not world.cast or world.primary.health not in {"broken", "zero"},
        orders=world.orders(canary.template),
        fails=world.memory.fails if world.cast else 0,
        late=attempt is not None and attempt.started == DISTANT,
    )


# A pass writes.


def writes(program: Program, world: World, index: int) -> Iterator[Step]:
    """Yields the outcomes of the next write of a pass, success first."""
    world = _clocked(world, index)
    flight = world.flights[index]
    who = "the pass" if len(world.flights) == 1 else f"pass {'AB'[index]}"
    request = program.request(flight.plan, flight.answers, late="late" in flight.moved)
    if request.patch is None:
        yield Step(f"{who} goes on", 0, _without(world, index), "is late, and writes nothing more")
        return
    letter = LETTERS[request.patch.target]
    what = f"writes {NAMES[letter]}"
    stored, broken = _stored(program, world, index, request, letter)
    if stored is None:
        refused = Step(f"{who} goes on", 0, world, f"{what}, which is refused: somebody was faster")
        yield _answered(program, index, "r", refused)
    else:
        yield _answered(program, index, "o", Step(f"{who} goes on", 0, stored, what, broken))
        yield _answered(program, index, "e", Step(f"{who} goes on, its answer is lost", 1, stored, what, broken))
        yield _answered(program, index, "r", Step(f"{who} goes on, and gets 409", 1, world, what))
    yield _answered(program, index, "e", Step(f"{who} goes on, and gets 422", 1, world, what))
    yield _answered(program, index, "e", Step(f"{who} goes on, and gets 500", 1, world, what))
    yield Step(f"{who} is killed", 1, _without(world, index), f"before it {what}")


def _clocked(world: World, index: int) -> World:
    """Returns a pass before its first write with the present time."""
    flight = world.flights[index]
    if PRESENT not in flight.clock:
        return world
    now = world.latest + 1
    clocked = flight._replace(clock=tuple(now if rank == PRESENT else rank for rank in flight.clock))
    return world._replace(flights=(*world.flights[:index], clocked, *world.flights[index + 1 :]))


def _without(world: World, index: int) -> World:
    return tidy(world._replace(flights=world.flights[:index] + world.flights[index + 1 :]))


def _answered(program: Program, index: int, letter: str, step: Step) -> Step:
    world = step.world
    flight = world.flights[index]
    rest = world._replace(flights=world.flights[:index] + world.flights[index + 1 :])
    return _went_on(program, rest, flight._replace(answers=flight.answers + letter), step)


def _went_on(program: Program, world: World, flight: Flight, step: Step) -> Step:
    """Returns the world after a pass has gone on to its next write, or to its end."""
    request = program.request(flight.plan, flight.answers)
    plot = program.plots[flight.plan]
    broken = step.broken + laws.planned(plot.plan) + laws.said(plot.plan, flight.answers, request)
    if request.patch is not None:
        world = world._replace(flights=(*world.flights, _without_unneeded(program, flight, request)))
    return step._replace(world=tidy(world), broken=broken)


def _without_unneeded(program: Program, flight: Flight, request: Request) -> Flight:
    """Drops what no later write of this pass can depend on."""
    plan = program.plots[flight.plan].plan
    assert request.patch is not None
    going_well = set(flight.answers) <= {"o"}
    remaining = plan.patches[len(flight.answers) :] if going_well else (request.patch,)
    targets = {LETTERS[patch.target] for patch in remaining}
    whole = any(operation["path"] == "/status" for patch in remaining for operation in patch.operations)
    kept = targets - {"R"} | {"S", "M", "E", "late"} | ({"R", "C", "spec"} if whole else set())
    routed = targets & {*ROUTES}
    noted = {*ROUTES, "P", "C"} if "C" in targets or plan.move in ENDS else {"C"} if routed else set()
    return flight._replace(moved=flight.moved & kept, disturbed=flight.disturbed & noted)


def _stored(
    program: Program, world: World, index: int, request: Request, letter: str
) -> tuple[World | None, tuple[str, ...]]:
    """Stores the write of a pass. Returns no world if the server refuses it."""
    flight = world.flights[index]
    try:
        result = program.write(request, world, flight, letter)
    except RefusedError as error:
        return world, (f"10: a patch that is none: {error}",)
    if result is None:
        return None, ()
    before, after = result
    try:
        changed = _changed(program, world, flight, request, after)
    except LookupError as error:
        return world, (f"4: {error}",)
    if after != before:
        changed = written(changed, letter, *_status_letters(world, changed), env=False, by=index)
    write = Write(program.plots[flight.plan].plan, flight, request, letter, world, changed, before, after)
    remembered = laws.remembered(write)
    return changed._replace(memory=remembered), laws.broken(write)


def _status_letters(before: World, after: World) -> str:
    """Returns what other passes have to know of a write to the status."""
    if before.status == after.status:
        return ""
    moves = [(one.phase, one.revision, one.weight) if one else None for one in (before.status, after.status)]
    return "S" if moves[0] == moves[1] else "SM"


def _changed(program: Program, world: World, flight: Flight, request: Request, after: Manifest) -> World:
    """Returns the world with the written object."""
    assert request.patch is not None
    letter = LETTERS[request.patch.target]
    if letter == "V":
        return world._replace(routes=tuple(_weight(route) for route in after["spec"]["http"]), routed=NOBODY)
    if letter == "H":
        return world._replace(http=HttpRoute(int(after["spec"]["rules"][0]["backendRefs"][1]["weight"])))
    if letter == "P":
        template, health = manifests.template_of("P", after), world.primary.health
        rolling = "rolling" if health in {"ok", "rolling"} else health
        same = template == world.primary.template
        return (
            world if same else world._replace(primary=world.primary._replace(template=template, health=rolling, by=0))
        )
    if letter == "C":
        return resized(world, after["spec"]["replicas"])
    return _noted(program, world, flight, request, after)


def _weight(route: Manifest) -> int:
    ends = route["route"]
    return UNMANAGED if len(ends) == 1 else int(ends[1]["weight"])


def resized(world: World, size: int) -> World:
    """Returns the world with another size of the canary. Its pods follow later; its generation is a new one."""
    canary = world.canary
    if size == canary.size:
        return world
    health = "scaling" if canary.health == "ok" else canary.health
    return aged(world._replace(canary=canary._replace(size=size, health=health)))


def aged(world: World) -> World:
    """Returns a status whose recorded generation is not the canary's."""
    status = world.status
    if status is None or status.generation != "same":
        return world
    return world._replace(status=status._replace(generation="older"))


def _noted(program: Program, world: World, flight: Flight, request: Request, after: Manifest) -> World:
    """Returns the written status as a value; its times are ranks of the pass."""
    assert request.patch is not None
    plot = program.plots[flight.plan]
    if not any(operation["path"] == "/status" and operation["op"] != "test" for operation in request.patch.operations):
        assert world.status is not None
        return world._replace(status=world.status._replace(notes=program.notes.number(after["status"])))
    status = statuses.status_of(after, plot.past, program.notes, flight.moved)
    ranks = dict(zip(plot.stamps, flight.clock, strict=True)) | {NOBODY: NOBODY}
    return world._replace(status=status._replace(advanced=ranks[status.advanced], entered=ranks[status.entered]))
