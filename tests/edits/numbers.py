"""The figures of the edits, and the tables that they make."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.edits.trials import NEW, SEED, End
from tests.support import recorded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.edits.sources import Source
    from tests.edits.trials import Tried

LEAST = 99
"""Percent of the edits that touch only the lines of their value."""
MOST_EXAMPLES = 10


def counted(sources: Sequence[Source], found: Iterable[Tried]) -> dict[str, Any]:
    """Returns the figures of a run."""
    found = list(found)
    ends = Counter((tried.trial.kind, tried.end) for tried in found)
    return {
        "seed": SEED,
        "repositories": len({tried.trial.source.partition("@")[0] for tried in found}),
        "files": len({str(tried.trial.file.path) for tried in found}),
        "edits": {kind: {end.value: ends[kind, end] for end in End} for kind in NEW},
        "examples": examples(sources, found),
    }


def examples(sources: Sequence[Source], found: Iterable[Tried]) -> list[str]:
    """Returns where edits ended in another way than they should, a few of each."""
    folders = {source.name: str(source.folder) for source in sources}
    told: dict[End, list[str]] = {end: [] for end in End if end != End.EXACT}
    for tried in found:
        if tried.end != End.EXACT:
            where = tried.trial.where.replace(folders[tried.trial.source], tried.trial.source)
            told[tried.end].append(f"{tried.end}: {where}{f': {tried.words}' if tried.words else ''}")
    return [line for lines in told.values() for line in lines[:MOST_EXAMPLES]]


def share(figures: Mapping[str, Any]) -> float:
    """Returns the percentage of edits that touch only the lines of their value."""
    return 100 * _sum(figures, End.EXACT) / max(1, sum(_sum(figures, end) for end in End))


def parts(figures: Mapping[str, Any]) -> dict[str, str]:
    """Returns the table of the edits."""
    rows = [(kind, *_cells(ends)) for kind, ends in figures["edits"].items()]
    total = {end.value: _sum(figures, end) for end in End}
    head = ("what was changed", "edits", *(end.value for end in End))
    found = [f"- {line}\n" for line in figures["examples"]]
    text = recorded.table(head, [*rows, ("all", *_cells(total))]) + "".join(["\n", *found][: bool(found) + len(found)])
    return {"table": text}


def _cells(ends: Mapping[str, int]) -> Iterable[str]:
    return (f"{number:,}" for number in (sum(ends.values()), *(ends[end.value] for end in End)))


def _sum(figures: Mapping[str, Any], end: End) -> int:
    return sum(ends[end.value] for ends in figures["edits"].values())


RECORD = recorded.Record(command="make edits", file=Path(__file__).parent / "edited.json", parts=parts)
