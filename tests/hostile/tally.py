"""Hostile input, counted: how many pieces of which kind a run tried, and how each of them ended.

A test that tries some is marked with whose input it is and of which kind, and says of each piece how it ended, at the
place where it has seen that:

    @pytest.mark.hostile("The metrics server", "redirects")
    @pytest.mark.parametrize("location", [...])
    def test_no_redirect_is_followed(location: str) -> None:
        ...
        assert answer.failure is Failure.UNREACHABLE
        ended(End.HELD)

Each of the first words is a table of docs/reliability.md, each of the second one of its kinds. A test that hypothesis
drives says it once an example, one that goes through a list once a piece. What a failed test said does not count, and a
marked test that says nothing fails. Outside of marked tests `ended` does nothing, so that helpers may call it.

For a table of your own: mark your tests, write a line and `<!-- made by make hostile: THE FIRST WORDS -->`, an empty
line, and `<!-- end of what was made -->` into the page, and run `make hostile`. An end that is none of `End` is a new
member of it.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import recorded

if TYPE_CHECKING:
    from collections.abc import Generator

TOTALS = "totals"
MARK = "hostile"

Tried = dict[str, dict[str, dict[str, int]]]
"""Whose input, of which kind, how it ended -> how many pieces."""


class End(StrEnum):
    """How a piece of input ended. Whichever it is, there were words for people, and nothing else was changed."""

    HELD = "no answer: the weight was held"
    HALTED = "its Rollout halted"
    REFUSED = "the command refused it"
    NOT_ADMITTED = "the API server refused it"
    UNWRITTEN = "the write was refused, its file stayed as it was"
    NOT_APPLIED = "nothing of it was applied"
    HEALED = "the next pass completed it"
    SAFE = "did no harm"
    """Taken for what it is: text stayed text, and what else the program said or did was what it always is."""


class Tally:
    """What a run has tried: a plugin of pytest."""

    def __init__(self) -> None:
        self.tried: Tried = {}
        self.skipped: list[str] = []
        self.only: tuple[str, ...] = ()
        """Whose input is tried in this run; none = everybody's."""
        self._seen: Counter[str] | None = None

    def end(self, how: End) -> None:
        """Note how one piece of input ended, if the test under way is a marked one."""
        if self._seen is not None:
            self._seen[how.value] += 1

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what others than `only` give."""
        marks = {item: item.get_closest_marker(MARK) for item in items}
        others = [item for item, mark in marks.items() if self.only and (mark is None or mark.args[0] not in self.only)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in set(others)]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None]:
        """Count what a marked test said, once it has passed."""
        mark = item.get_closest_marker(MARK)
        self._seen = Counter() if mark else None
        try:
            yield
            if mark and not self._seen:
                pytest.fail("is marked as hostile and says of no input how it ended")
            if mark and self._seen:
                whose, kind = mark.args
                self._add(whose, kind, self._seen)
        finally:
            self._seen = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what was left out: numbers of a part of the tests are no numbers."""
        if report.skipped and MARK in report.keywords:
            self.skipped.append(report.nodeid)

    def _add(self, whose: str, kind: str, seen: Counter[str]) -> None:
        ends = self.tried.setdefault(whose, {}).setdefault(kind, {})
        for how, count in seen.items():
            ends[how] = ends.get(how, 0) + count


TALLY = Tally()
ended = TALLY.end


def parts(tried: Tried) -> dict[str, str]:
    """Write the tables: the totals, and one of each table's kinds in their order."""
    every = {whose: table(kinds) for whose, kinds in tried.items()}
    return {TOTALS: totals(tried), **every}


def table(kinds: dict[str, dict[str, int]]) -> str:
    """Returns a table of the ends, each with the kinds of input that had it and their pieces."""
    by_end: dict[str, dict[str, int]] = {}
    for kind, ends in sorted(kinds.items()):
        for how, count in ends.items():
            by_end.setdefault(how, {})[kind] = count
    rows = (
        (how, f"{sum(of.values()):,}", "; ".join(f"{kind} ({count:,})" for kind, count in of.items()))
        for how, of in sorted(by_end.items())
    )
    return recorded.table(("how it ended", "pieces", "kinds of input"), rows)


def totals(tried: Tried) -> str:
    """Write the sums."""
    rows = [
        (whose, str(len(kinds)), f"{_sum(kinds).total():,}", _ends(_sum(kinds)))
        for whose, kinds in sorted(tried.items())
    ]
    return recorded.table(("input of", "kinds", "pieces", "how they ended"), rows)


def _sum(kinds: dict[str, dict[str, int]]) -> Counter[str]:
    return sum((Counter(ends) for ends in kinds.values()), Counter())


def _ends(ends: dict[str, int]) -> str:
    if len(ends) == 1:
        return next(iter(ends))
    return "; ".join(f"{how} ({count:,})" for how, count in sorted(ends.items()))


RECORD = recorded.Record(command="make hostile", file=Path(__file__).parent / "tried.json", parts=parts)
