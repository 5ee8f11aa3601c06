"""Ways through the worlds: replayed, printed, kept as regression cases.

A way is a seed and the names of actions. The name does not contain what the program does, so a case stays valid after
the program is fixed; an action that is no longer possible is left out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from tests.explorer.manifests import TEMPLATES, template_named
from tests.explorer.search import EVERYWHERE, Search
from tests.explorer.state import ANY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.explorer.search import Violation
    from tests.explorer.state import Asked, World


class Scene(NamedTuple):
    """One world on a way: the action, the world after it, and the violations."""

    action: str
    effect: str
    world: World
    broken: tuple[str, ...]


def follow(search: Search, seed: str, way: Iterable[str]) -> Iterator[Scene]:
    """Yields the worlds on a way."""
    world = EVERYWHERE[seed]
    yield Scene(seed, "", world, search.calm.broken(world))
    for action in way:
        step = next((one for one in search.steps(world) if one.action == action), None)
        if step is not None:
            world = step.world
            yield Scene(action, step.effect, world, (*step.broken, *search.calm.broken(world)))


def tell(violation: Violation, search: Search) -> str:
    """Returns the story of a violation, and its regression case."""
    lines = [f"Broken law {violation.law}", f"It begins with: {violation.seed}", ""]
    for number, scene in enumerate(follow(search, violation.seed, violation.way)):
        effect = f" ({scene.effect})" if scene.effect else ""
        lines += [f"{number:3}. {scene.action}{effect}", f"     {seen(scene.world)}"]
        lines += [f"     BROKEN {law}" for law in scene.broken]
    case = json.dumps({"law": violation.law, "seed": violation.seed, "way": violation.way}, indent=2)
    return "\n".join([*lines, "", "To be kept in tests/explorer/regressions/:", case, ""])


def seen(world: World) -> str:
    """Returns a world as one line of text."""
    primary, canary, status = world.primary, world.canary, world.status
    parts = [
        f"primary {TEMPLATES[primary.template][0]} {primary.health}",
        f"canary {TEMPLATES[canary.template][0]} x{canary.size} {canary.health}",
        "weights " + ", ".join("unmanaged" if weight < 0 else str(weight) for weight in world.routes),
    ]
    if world.http.weight >= 0:
        parts.append(f"in the HTTPRoute {world.http.weight}")
    if world.elsewhere >= 0:
        parts.append(f"elsewhere {world.elsewhere}")
    if world.asked:
        parts.append("asked " + ", ".join(_asked(one) for one in world.asked))
    if status is not None:
        recorded = template_named(status.revision)
        name = TEMPLATES[recorded][0] if recorded >= 0 else "nothing"
        parts.append(f"status {status.phase or 'new'} at {status.weight} with {name}")
        if status.attempt is not None:
            found = status.attempt
            parts.append(f"attempt {found.number}, {found.failed} failed {found.failure}".rstrip())
    return "; ".join(parts)


def _asked(one: Asked) -> str:
    about = "anything" if one.template == ANY else TEMPLATES[one.template][0]
    return f"{one.action} {about} {one.argument}".rstrip()
