"""Two concurrent passes: however their writes interleave, the world ends as after a serial order of them, or of parts.

Law 17. A part is a pass that was killed between two of its writes: a lost race looks the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.explorer import passes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.explorer.program import Program
    from tests.explorer.state import World

Look = tuple[object, ...]


def interleaved(program: Program, world: World) -> set[Look]:
    """Returns the ends of a world in which a second pass begins at any point of a first."""
    looks: set[Look] = set()
    todo = [(first, False) for first in _begun(program, world)]
    seen: set[tuple[World, bool]] = set()
    while todo:
        here = todo.pop()
        if here in seen:
            continue
        seen.add(here)
        now, both = here
        if not now.flights:
            looks.add(look(now))
            continue
        if not both:
            todo += [(second, True) for second in _begun(program, now)]
        todo += [(step.world, both) for index in range(len(now.flights)) for step in _quiet(program, now, index)]
    return looks


def serial(program: Program, world: World) -> set[Look]:
    """Returns the ends of a world after one pass and then another, each completed or killed at any point."""
    return {look(two) for one in _prefixes(program, world) for two in (one, *_prefixes(program, one))}


def look(world: World) -> Look:
    """Returns what is compared of a world: what was written, without texts and times."""
    status = world.status
    stored = (status.phase, status.revision, status.promoted, status.weight) if status else ()
    return (world.routes, world.primary.template, world.canary.template, world.canary.size, stored)


def _begun(program: Program, world: World) -> list[World]:
    """Returns the worlds after a pass has begun, with good or with bad metrics, if that pass has writes."""
    begins = [step.world for step in passes.steps(program, world) if "begins" in step.action]
    return [after for after in begins[:2] if len(after.flights) > len(world.flights)]


def _quiet(program: Program, world: World, index: int) -> Iterator[passes.Step]:
    yield next(iter(passes.writes(program, world, index)))


def _prefixes(program: Program, world: World) -> Iterator[World]:
    """Yields the worlds after each write of a pass, as if it was killed there."""
    yield world
    for begun in _begun(program, world):
        now = begun
        while now.flights:
            (step,) = _quiet(program, now, 0)
            now = step.world
            yield now._replace(flights=())
