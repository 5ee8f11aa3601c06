"""The numbers of a run: counted, kept in `tried.json`, and drawn into docs/reliability.md between their markers."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support import recorded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.faults.points import Point
    from tests.faults.trials import Ended

# What the trials of a kind are about, in words.
KINDS = {
    "write": "a write of a pass meets a fault",
    "read": "all reads of one kind in a pass meet a fault",
    "race": "a write of a pass is held, and another pass is made meanwhile",
    "hand": "somebody edits something between the reads and a write of a pass",
}
# What became of the pass.
HOW = {
    "applied": "was made",
    "lost race": "dropped its plan",
    "failed": "reported the failed write",
    "halt": "held the weight",
    "raised": "reported what it cannot read",
    "killed": "was killed",
}

Numbers = dict[str, Any]


def counted(ended: Iterable[Ended], planned: int, seconds: float) -> Numbers:
    """Count how trials ended, by their kind and by what was done."""
    by_kind: dict[str, dict[str, list[Ended]]] = defaultdict(lambda: defaultdict(list))
    points: dict[str, set[Point]] = defaultdict(set)
    broken = 0
    for one in ended:
        by_kind[one.trial.kind][one.trial.what].append(one)
        points[one.trial.kind].add(one.trial.point)
        broken += bool(one.broken)
    return {
        "kinds": {
            kind: {"points": len(points[kind]), "tried": {what: _counted(group) for what, group in tried.items()}}
            for kind, tried in by_kind.items()
        },
        "planned": planned,
        "broken": broken,
        "minutes": round(seconds / 60, 1),
    }


def _counted(group: list[Ended]) -> Numbers:
    how = Counter(one.how for one in group)
    return {"times": len(group), "how": dict(how.most_common()), "more": max(one.more for one in group)}


def totals(found: Numbers) -> str:
    """Write what was tried, in all."""
    rows = [
        (KINDS[kind], str(one["points"]), str(len(one["tried"])), f"{_times(one['tried']):,}")
        for kind, one in found["kinds"].items()
    ]
    every = sum(_times(one["tried"]) for one in found["kinds"].values())
    rows += [
        (f"all, of {found['planned']:,} possible trials", "", "", f"{every:,}"),
        ("of these with a broken law, or with another end than undisturbed", "", "", str(found["broken"])),
        ("minutes", "", "", str(found["minutes"])),
    ]
    return recorded.table(("what", "places", "kinds", "trials"), rows)


def _times(tried: Mapping[str, Numbers]) -> int:
    return sum(int(one["times"]) for one in tried.values())


def kind(tried: Mapping[str, Numbers], *, ends: bool) -> str:
    """Returns a table of what became of the pass, with the disturbances; `ends`: and how many extra passes it took."""
    by_end: dict[str, dict[str, int]] = defaultdict(dict)
    for what, one in tried.items():
        for how, times in one["how"].items():
            by_end[how][what] = times
    rows = (
        (HOW[how], str(sum(of.values())), "; ".join(f"{what} ({times})" for what, times in of.items()))
        for how, of in sorted(by_end.items(), key=lambda item: -sum(item[1].values()))
    )
    return recorded.table(("the pass", "times", "disturbances"), rows) + (_extra(tried) if ends else "")


def _extra(tried: Mapping[str, Numbers]) -> str:
    by_number: dict[int, list[str]] = defaultdict(list)
    for what, one in tried.items():
        by_number[one["more"]].append(what)
    most = max(by_number)
    less = "".join(f"; at most {more} after {', '.join(by_number[more])}" for more in sorted(by_number) if more < most)
    return f"\nIt took at most {most} extra pass{'' if most == 1 else 'es'}{less}.\n"


def _parts(kept: Numbers) -> dict[str, str]:
    every = {name: kind(one["tried"], ends=name != "hand") for name, one in kept["kinds"].items()}
    return {"totals": totals(kept), **every}


RECORD = recorded.Record(command="make faults", file=Path(__file__).parent / "tried.json", parts=_parts)
