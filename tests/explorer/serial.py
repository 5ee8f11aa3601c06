"""Two passes at once: whatever way their writes interleave, the world ends as after some serial order of them, or less.

Law 17. "Less" is a pass that was killed between two of its writes, which is what a lost race looks like.
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
    """Give how a world may look in the end where a second pass begins anywhere in the course of a first."""
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
    """Give how a world may look after a pass, whole or killed anywhere, and then a second one, whole or killed."""
    return {look(two) for one in _prefixes(program, world) for two in (one, *_prefixes(program, one))}


def look(world: World) -> Look:
    """Give what counts of a world: what was written, but for words and times."""
    status = world.status
    stored = (status.phase, status.revision, status.promoted, status.weight) if status else ()
    return (world.routes, world.primary.template, world.canary.template, world.canary.size, stored)


def _begun(program: Program, world: World) -> list[World]:
    """Let a pass begin, with good metrics or with bad ones; nothing where it has nothing to write."""
    begins = [step.world for step in passes.steps(program, world) if "begins" in step.action]
    return [after for after in begins[:2] if len(after.flights) > len(world.flights)]


def _quiet(program: Program, world: World, index: int) -> Iterator[passes.Step]:
    yield next(iter(passes.writes(program, world, index)))


def _prefixes(program: Program, world: World) -> Iterator[World]:
    """Give the worlds that a pass leaves behind when it is killed after any of its writes, and when it is not."""
    yield world
    for begun in _begun(program, world):
        now = begun
        while now.flights:
            (step,) = _quiet(program, now, 0)
            now = step.world
            yield now._replace(flights=())
