"""What people, tools and time do to the world, at any moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.explorer.manifests import MENDED, REVISIONS, TEMPLATES
from tests.explorer.passes import Step, aged, resized
from tests.explorer.specs import SPECS
from tests.explorer.state import ANY, DISTANT, NOBODY, UNMANAGED, Asked, HttpRoute, World, tidy, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.explorer.state import Status

BY_HAND = (0, 60, 100)
# What else people do, beside what is done in each world, by the cast of a world: the words that they use, and whether
# GitOps tools, an autoscaler and edits of the route are part of it.
CASTS: dict[str, tuple[str, ...]] = {
    "": (),
    "retries": ("retry",),
    "mends": ("retry", "promote"),
    "steers": ("abort", "pause", "suspend"),
    "approves": ("approve 60", "hold", "abort"),
}
TOKENS = ("first",)
MOST_ROUTES = 2
EDITS = ("by 60", "up to 60", "all at once", "invalid")


def steps(world: World) -> Iterator[Step]:
    """Yields the steps of the environment. Recovery and time cost nothing."""
    yield from _time(world)
    yield from _recovery(world)
    yield from _canary(world)
    yield from _primary(world)
    if world.cast:
        yield from _words(world)
        return
    yield from _routes(world)
    yield from _http_route(world)
    yield from _rollout(world)
    yield from _elsewhere(world)


def _time(world: World) -> Iterator[Step]:
    later = _later(world)
    if later != world:
        yield Step("the interval passes", 0, later)
    wanted = SPECS[world.spec]
    if (long := long_after(later)) != later and (wanted.asks or not wanted.patient):
        yield Step("a long time passes", bool(world.flights), long)


def _later(world: World) -> World:
    flights = tuple(one._replace(moved=one.moved | {"late"}) if one.answers else one for one in world.flights)
    memory = world.memory._replace(rose=False, fell=False, counted=False)
    later = tidy(
        world._replace(old=world.latest, memory=memory, flights=flights, status=passed(world.status, "checked"))
    )
    wanted = SPECS[world.spec]
    return long_after(later) if world.cast and wanted.patient and not wanted.asks else later


def long_after(world: World) -> World:
    """Returns the world after every deadline, hold and drain: a pass in progress decided in another world."""
    flights = tuple(one._replace(moved=one.moved | {"E"}) for one in world.flights)
    memory, status = world.memory._replace(recent=False), passed(world.status, "started", "held")
    return tidy(world._replace(long=world.old, memory=memory, flights=flights, status=status))


def passed(status: Status | None, *times: str) -> Status | None:
    """Returns a status in which the spans of these times of the attempt have passed."""
    attempt = status.attempt if status else None
    if status is None or attempt is None:
        return status
    for name in times:
        if getattr(attempt, name) != NOBODY:
            attempt = attempt._replace(**{name: DISTANT})  # type: ignore[arg-type]  # each is a time
    return status._replace(attempt=attempt)


def _recovery(world: World) -> Iterator[Step]:
    """Yields the steps of the controllers. They change no generation."""
    primary, canary = world.primary, world.canary
    if primary.health in {"rolling", "broken"}:
        yield Step("the primary is rolled out and well", 0, world._replace(primary=primary._replace(health="ok")))
    if canary.health in {"rolling", "broken", "scaling"}:
        yield Step("the canary is rolled out and well", 0, world._replace(canary=canary._replace(health="ok")))
    if world.scaler == "moving":
        yield Step("the autoscaler rests", 0, world._replace(scaler="resting"))


def _canary(world: World) -> Iterator[Step]:
    canary = world.canary
    for template, (name, _, _) in enumerate(TEMPLATES):
        if template not in {canary.template, MENDED}:
            yield Step(f"somebody gives the canary {name}", 1, released(world, template))
    if canary.health == "ok" and canary.size:
        yield Step("the canary breaks", 1, world._replace(canary=canary._replace(health="broken")))
    for size in (0, 1, 2):
        if size != canary.size:
            yield Step(f"somebody scales the canary to {size}", 1, _written(resized(world, size), "C"))
    if world.scaler == "resting" and canary.size:
        yield Step("the autoscaler wants another size", 1, world._replace(scaler="moving"))


def released(world: World, template: int) -> World:
    """Returns the world with another template in the canary."""
    canary = world.canary
    health = "rolling" if canary.health in {"ok", "scaling"} else canary.health
    memory = world.memory._replace(
        done=False, reached=world.lowest, started=-1, failed=-1, again=False, fails=0, counted=False
    )
    world = aged(world._replace(canary=canary._replace(template=template, health=health), memory=memory))
    return _written(world, "C")


def _written(world: World, *letters: str) -> World:
    return tidy(written(world, *letters, env=True))


def _primary(world: World) -> Iterator[Step]:
    primary = world.primary
    if primary.health == "ok":
        yield Step("the primary breaks", 1, world._replace(primary=primary._replace(health="broken")))
    for template in (0, 1) if not world.cast else ():
        if template != primary.template:
            for later, when in _moments(world):
                changed = primary._replace(template=template, by=later, health="rolling")
                action = f"a GitOps tool gives the primary {TEMPLATES[template][0]}{when}"
                yield Step(action, 1, _written(world._replace(primary=changed), "P"))
    if primary.template != MENDED and world.cast in {"", "steers"}:
        mended = primary._replace(template=MENDED, by=NOBODY, health="rolling")
        yield Step("somebody mends the primary", 1, _written(world._replace(primary=mended), "P"))


def _words(world: World) -> Iterator[Step]:
    """Yields what people ask for, and what they take back. It costs nothing, except in the middle of a pass."""
    cost = bool(world.flights)
    for word in CASTS[world.cast]:
        given = next((one for one in world.asked if one.action == WORDS.get(word, (word,))[0]), None)
        if given is not None:
            yield Step(
                f"somebody takes back {_named(given)}",
                cost,
                _asking(world, tuple(one for one in world.asked if one != given)),
            )
        for one in _offered(world, word):
            if given is None or (word == "retry" and given.argument < one.argument):
                yield Step(
                    f"somebody asks for {_named(one)}",
                    cost,
                    _asking(world, tuple(sorted((*(other for other in world.asked if other != given), one)))),
                )


WORDS = {"hold": ("pause",), "approve 60": ("approve",)}


def _offered(world: World, word: str) -> Iterator[Asked]:
    here = world.canary.template
    attempt = world.status.attempt if world.status else None
    if word == "retry":
        used = attempt.token if attempt and attempt.revision == REVISIONS[here] else ""
        yield from (Asked("retry", here, token) for token in TOKENS if token > used)
    elif word in {"hold", "suspend"}:
        yield Asked("pause" if word == "hold" else word)
    elif word == "approve 60":
        yield Asked("approve", here, "60")
    else:
        yield Asked(word, here)


def _named(one: Asked) -> str:
    about = "" if one.template == ANY else f" of {TEMPLATES[one.template][0]}"
    return f"{one.action}{about}" + (f", {one.argument}" if one.argument else "")


def _asking(world: World, asked: tuple[Asked, ...]) -> World:
    new, gone = set(asked) - set(world.asked), set(world.asked) - set(asked)
    memory, letters = world.memory, ["R"]
    if any(one.action == "retry" for one in new):
        memory = memory._replace(again=True, failed=-1)
    elif any(one.action == "retry" for one in gone):
        memory = memory._replace(again=False)
    if any(one.action == "suspend" for one in new | gone):
        world, letters = edit(world, world.spec), ["R", "spec"]
    return _written(world._replace(asked=asked, memory=memory), *letters)


def _elsewhere(world: World) -> Iterator[Step]:
    """Yields what people do to the VirtualService of the second Rollout. They are many, so that it costs nothing."""
    for weight in (0, 60) if world.elsewhere >= 0 else ():
        if weight != world.elsewhere:
            action = f"somebody has the other VirtualService give the canary {weight}"
            yield Step(action, 0, _written(world._replace(elsewhere=weight), "E"))


def _moments(world: World) -> Iterator[tuple[int, str]]:
    """Yields the present as a rank: later than everything, and in the same second as the last change."""
    yield world.latest + 1, ""
    if world.latest > world.old:
        yield world.latest, ", in the same second"


def _routes(world: World) -> Iterator[Step]:
    routes = world.routes
    for index, weight in enumerate(routes):
        for hand in BY_HAND:
            if weight not in {UNMANAGED, hand}:
                changed = (*routes[:index], hand, *routes[index + 1 :])
                where = f" in route {index}" if len(routes) > 1 else ""
                action = f"somebody sets the canary's weight to {hand}{where}"
                yield Step(action, 1, _routed(world, changed, NOBODY))
    if world.traffic:
        back = tuple(min(weight, 0) for weight in routes)
        for later, when in _moments(world):
            action = f"a GitOps tool puts the weights back{when}"
            yield Step(action, 1, _routed(world, back, later))
    for later, when in _moments(world):
        yield Step(
            f"a GitOps tool writes the route, with its weights as they are{when}", 1, _routed(world, routes, later)
        )
    if len(routes) < MOST_ROUTES:
        for first, name in ((UNMANAGED, "another route"), (routes[0], "a copy of the route")):
            yield Step(f"somebody puts {name} in front", 1, _routed(world, (first, *routes), NOBODY))
    else:
        yield Step("somebody removes the route in front", 1, _routed(world, routes[1:], NOBODY))


def _http_route(world: World) -> Iterator[Step]:
    weight = world.http.weight
    if weight == UNMANAGED:
        return
    for hand in BY_HAND:
        if weight != hand:
            action = f"somebody sets the canary's weight to {hand} in the HTTPRoute"
            yield Step(action, 1, _http_routed(world, HttpRoute(hand)))
    for later, when in _moments(world) if weight else ():
        action = f"a GitOps tool puts the weights of the HTTPRoute back{when}"
        yield Step(action, 1, _http_routed(world, HttpRoute(0, later)))


def _http_routed(world: World, http: HttpRoute) -> World:
    return _remembered(world, world._replace(http=http), "H")


def _routed(world: World, routes: tuple[int, ...], by: int) -> World:
    return _remembered(world, world._replace(routes=routes, routed=by), "V")


def _remembered(world: World, changed: World, letter: str) -> World:
    memory = world.memory._replace(reached=max(world.memory.reached, changed.lowest))
    if changed.traffic and not world.traffic:
        memory = memory._replace(begun=world.canary.template)
    return _written(changed._replace(memory=memory), letter)


def _rollout(world: World) -> Iterator[Step]:
    for spec in EDITS:
        if spec != world.spec:
            edited = edit(world, spec)
            yield Step(f"somebody sets the analysis to: {spec}", 1, _written(edited, "R", "spec"))


def edit(world: World, spec: str) -> World:
    """Returns the world after an edit of the Rollout: its generation is not the observed one."""
    status = world.status
    if status is not None and status.seen == "same":
        status = status._replace(seen="older")
    return world._replace(spec=spec, status=status)
