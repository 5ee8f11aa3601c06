"""The numbers of a run: counted, kept in `explored.json`, and drawn into docs/reliability.md between their markers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support import recorded

if TYPE_CHECKING:
    from tests.explorer.search import Search

KEPT = Path(__file__).parent / "explored.json"
COMMAND = "make explore"

Numbers = dict[str, Any]


def counted(search: Search, seconds: float) -> Numbers:
    """Count what a search has covered."""
    return {
        "states": len(search.worlds),
        "looked at": search.levels,
        "transitions": search.transitions,
        "complete to": search.complete,
        "decisions": search.program.decisions,
        "plans": len(search.program.plots),
        "longest way": search.longest,
        "waiting for people": dict(sorted(search.calm.people.items())),
        "violations": len(search.violations),
        "minutes": round(seconds / 60, 1),
    }


def table(found: Numbers) -> str:
    """Write the numbers as a table."""
    looked = found["looked at"]
    levels = ", ".join(f"{count:,} with {level}" for level, count in enumerate(looked))
    rows = [
        ("distinct states found, each shown to end well", f"{found['states']:,}"),
        ("of these looked at with every way on, by the number of disturbances", levels),
        ("every way on was tried of all states with at most so many disturbances", str(found["complete to"])),
        ("transitions, each held against the laws", f"{found['transitions']:,}"),
        ("most steps on the shortest way to a state", str(found["longest way"])),
        ("different decisions of the real program", f"{found['decisions']:,}"),
        ("different plans, each held against the laws of a whole pass", f"{found['plans']:,}"),
        ("laws broken", str(found["violations"])),
        ("minutes", str(found["minutes"])),
    ]
    return recorded.table(("what", "how many"), rows)


def people(found: Numbers) -> str:
    """Write why worlds wait for people, as a table."""
    return recorded.table(
        ("waits for a human because", "states"), [(why, f"{n:,}") for why, n in found["waiting for people"].items()]
    )


def mutants(laws: dict[str, str]) -> str:
    """Write which law caught which broken program."""
    return recorded.table(("what was broken", "the law that noticed"), list(laws.items()))


def write(found: Numbers, laws: dict[str, str]) -> None:
    """Keep the numbers, and draw them into the page."""
    KEPT.write_text(json.dumps({"numbers": found, "mutants": laws}, indent=2) + "\n", encoding="utf-8")
    recorded.PAGE.write_text(drawn(recorded.PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def drawn(page: str) -> str:
    """Give the page with its parts made anew from what is kept."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    parts = {"table": table(kept["numbers"]), "people": people(kept["numbers"]), "mutants": mutants(kept["mutants"])}
    return recorded.drawn(page, COMMAND, parts)
