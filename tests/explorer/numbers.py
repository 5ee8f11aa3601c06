"""The figures of a run: counted, kept in `explored.json`, and drawn into docs/reliability.md between their markers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support import recorded

if TYPE_CHECKING:
    from tests.explorer.search import Search

# The laws in words, by number.
LAWS = {
    "1": "weights are percentages that add up to 100",
    "2": "a weight is at most the next step, or one that the canary had",
    "3": "a weight rises only beside healthy Deployments, after every metric passed",
    "4": "a revision that went through all steps is copied once, by a pass that sees it pass at the maximum",
    "6": "traffic goes back only to a healthy primary",
    "7": "a canary is not scaled down under traffic, nor up again after somebody scaled it down",
    "8": "`Succeeded` is stored only at the end",
    "9": "a finished release gets no more traffic without a new template",
    "10": "of each object only the fields of a release are written",
    "11": "nothing is written over what somebody else wrote",
    "12": "nothing follows a failed write, and no Event is about what is not stored",
    "13": "a pass without a move writes only the status",
    "14": "a pass that waits writes nothing and records no Event",
    "15": "every release ends well, also after a killed pass",
    "16": "no value that somebody gave the primary since the release started is lost",
    "17": "a second Rollout on the same Deployments moves nothing",
    "18": "a rollback takes all traffic off, and raises no weight",
    "19": "a revision that failed gets no traffic until its template or its retry changes",
    "20": "under `suspend` only the status is written, under `pause` only an abort moves anything",
    "21": "an abort takes all traffic off in the pass that sees it, and asks no metric",
    "22": "a check is counted at most once an interval, and failed only where the metrics say so",
    "23": "a step is left only after its hold and its approval",
    "24": "after the copy the traffic goes back in its steps, and the canary drains before it goes",
    "25": "an attempt ends by a person, a deadline, or more failed checks than are forgiven",
    "26": "a metric that is only observed changes no weight",
    "interval": "two steps are not within one interval",
}

Numbers = dict[str, Any]


def counted(search: Search, seconds: float) -> Numbers:
    """Returns the figures of a search."""
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
    """Returns the figures as a table."""
    looked = found["looked at"]
    levels = ", ".join(f"{count:,} with {level}" for level, count in enumerate(looked))
    rows = [
        ("distinct states found, each shown to end well", f"{found['states']:,}"),
        ("of these with every next step tried, by the number of disturbances", levels),
        ("every next step was tried of all states with at most so many disturbances", str(found["complete to"])),
        ("transitions, each checked against the laws", f"{found['transitions']:,}"),
        ("most steps on the shortest path to a state", str(found["longest way"])),
        ("different decisions of the real program", f"{found['decisions']:,}"),
        ("different plans, each checked against the laws of a whole pass", f"{found['plans']:,}"),
        ("laws broken", str(found["violations"])),
        ("minutes", str(found["minutes"])),
    ]
    return recorded.table(("what", "how many"), rows)


def people(found: Numbers) -> str:
    """Returns the reasons why worlds wait for people, as a table."""
    return recorded.table(
        ("waits for a person because", "states"), [(why, f"{n:,}") for why, n in found["waiting for people"].items()]
    )


def mutants(caught: dict[str, str]) -> str:
    """Returns a table of the laws, each with the broken programs that it caught."""
    by_law: dict[str, list[str]] = {}
    for defect, text in caught.items():
        by_law.setdefault(LAWS.get(text.partition(":")[0], text), []).append(defect)
    return recorded.table(
        ("law", "broken programs that it caught", "how many"),
        ((law, "; ".join(defects), str(len(defects))) for law, defects in by_law.items()),
    )


def _parts(kept: dict[str, Any]) -> dict[str, str]:
    return {"table": table(kept["numbers"]), "people": people(kept["numbers"]), "mutants": mutants(kept["mutants"])}


RECORD = recorded.Record(command="make explore", file=Path(__file__).parent / "explored.json", parts=_parts)
