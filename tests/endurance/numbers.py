"""The numbers of a play: counted, kept in `endured.json`, and drawn into docs/reliability.md between their markers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.endurance.loops import quarters
from tests.support import recorded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.endurance.loops import Held
    from tests.endurance.play import Play

MOST_GROWTH = 1.1
"""By how much the last quarter of a life may hold more memory than the first."""
LONG = 200
"""The passes of a life that can be judged: before, caches still fill, and threads open their first connections."""
_SLACK = 1
_UNITS = {"memory": 2**20}
_NAMES = {
    "memory": "resident memory, MiB",
    "files": "open files",
    "sockets": "of these sockets",
    "locks": "locks on files",
    "threads": "threads",
}

Numbers = dict[str, Any]


def counted(play: Play) -> Numbers:
    """Count what a play was, and what came of it."""
    longest = max(play.loops, key=lambda loop: len(loop.samples))
    return {
        "seed": play.script.seed,
        "rollouts": len(play.apps),
        "passes": play.passes,
        "passes with an unread namespace": sum(loop.unread for loop in play.loops),
        "minutes": round(play.minutes, 1),
        "processes": len(play.loops),
        "killed": play.kills,
        "deeds": dict(play.people.done.most_common()),
        "faults of the API server": dict(play.weather.struck.most_common()),
        "faults of Prometheus": dict(play.moods.struck.most_common()),
        "moves": _sum(loop.moves for loop in play.loops),
        "results": _sum(loop.results for loop in play.loops),
        "writes": play.writes,
        "laws broken": len(play.broken),
        "not ended": len(play.unended),
        "passes to the end": play.passes_to_the_end,
        "longest life": longest.passes,
        "held": quarters(longest.samples),
    }


def _sum(counters: Iterable[Counter[str]]) -> dict[str, int]:
    return dict(sum(counters, Counter[str]()).most_common())


def wrong(play: Play) -> list[str]:
    """Say what a play has shown that must not be."""
    longest = max(play.loops, key=lambda loop: len(loop.samples))
    return [
        *play.broken,
        *play.unclean,
        *(f"not ended: {one}" for one in play.unended),
        *(line for loop in play.loops for line in loop.defects),
        *(f"one process holds more and more of: {_NAMES[name]}" for name in grown(longest.samples)),
    ]


def grown(samples: Sequence[Held]) -> list[str]:
    """Name what a process held more of in the end than at first."""
    judged = _NAMES if len(samples) >= LONG else ("locks",)
    growth = dict.fromkeys(_NAMES, 1.0) | {"memory": MOST_GROWTH}
    held = {name: both for name, both in quarters(samples).items() if name in judged}
    return [name for name, (first, last) in held.items() if last > first * growth[name] + _SLACK]


def table(found: Numbers) -> str:
    """Write what was done, and what came of it."""
    moves = {name: count for name, count in found["moves"].items() if name not in {"idle", "wait", "halt"}}
    rows = [
        ("passes", f"{found['passes']:,}"),
        ("of these with a namespace that could not be read", str(found["passes with an unread namespace"])),
        ("Rollouts", str(found["rollouts"])),
        ("processes that made them, and how many of them were killed", f"{found['processes']}, {found['killed']}"),
        ("edits by people and tools", _told(found["deeds"])),
        ("faults of the API server", _told(found["faults of the API server"])),
        ("faults of Prometheus", _told(found["faults of Prometheus"])),
        ("moves", _told(moves)),
        ("releases that were promoted to their end", f"{found['moves'].get('retire', 0):,}"),
        ("writes checked against the laws", f"{found['writes']:,}"),
        ("laws broken", str(found["laws broken"])),
        ("releases that did not end after the disturbances", str(found["not ended"])),
        ("passes until the last release had ended", str(found["passes to the end"])),
        ("minutes", str(found["minutes"])),
    ]
    return recorded.table(("what", "how many"), rows)


def held(found: Numbers) -> str:
    """Write what the process held that lived longest."""
    rows = [
        (_NAMES[name], *(f"{value / _UNITS.get(name, 1):,.0f}" for value in pair))
        for name, pair in found["held"].items()
    ]
    return recorded.table(
        (f"held by one process in {found['longest life']:,} passes", "first quarter", "last quarter"), rows
    )


def _told(counts: dict[str, int]) -> str:
    each = "; ".join(f"{name} {count:,}" for name, count in counts.items())
    return f"{sum(counts.values()):,}: {each}" if counts else "0"


def _parts(kept: Numbers) -> dict[str, str]:
    return {"table": table(kept), "held": held(kept)}


RECORD = recorded.Record(command="make endure", file=Path(__file__).parent / "endured.json", parts=_parts)
