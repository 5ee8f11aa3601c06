"""Counts hostile input: how many pieces of each kind a run has tried, and how they ended.

A test with hostile input has a mark: who sends the input, and the kind of it. For each piece it calls `ended`, after
the assertion that shows how the piece ended:

    @pytest.mark.hostile("The metrics server", "redirects")
    @pytest.mark.parametrize("location", [...])
    def test_no_redirect_is_followed(location: str) -> None:
        ...
        assert answer.failure is Failure.UNREACHABLE
        ended(End.HELD)

The first argument is a table of docs/reliability.md, the second one of its kinds of input. A test with hypothesis calls
`ended` once an example, a test with a list once a piece. The calls of a failed test do not count. A marked test without
a call fails. Outside of marked tests `ended` does nothing, so helpers may call it.

For another table: mark the tests, write a line, `<!-- made by make hostile: THE FIRST ARGUMENT -->`, an empty line and
`<!-- end of what was made -->` into the page, and run `make hostile`. For another end add a member to `End`.
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
"""Number of pieces by sender, kind and end."""


class End(StrEnum):
    """How a piece of input ended. In each case there was a message for people, and nothing else was changed."""

    HELD = "no answer: the weight was held"
    HALTED = "its Rollout halted"
    REFUSED = "the command refused it"
    NOT_ADMITTED = "the API server refused it"
    UNWRITTEN = "the write was refused, its file stayed as it was"
    NOT_APPLIED = "nothing of it was applied"
    HEALED = "the next pass completed it"
    SAFE = "did no harm"
    """It was used as what it is: text stayed text, and the program did what it always does."""


class Tally:
    """The plugin of pytest that counts what a run has tried."""

    def __init__(self) -> None:
        self.tried: Tried = {}
        self.skipped: list[str] = []
        self.only: tuple[str, ...] = ()
        """The senders whose input this run tries; empty = all."""
        self._seen: Counter[str] | None = None

    def end(self, how: End) -> None:
        """Counts the end of one piece, if the running test is marked."""
        if self._seen is not None:
            self._seen[how.value] += 1

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselects the tests of other senders than `only`."""
        marks = {item: item.get_closest_marker(MARK) for item in items}
        others = [item for item, mark in marks.items() if self.only and (mark is None or mark.args[0] not in self.only)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in set(others)]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None]:
        """Adds the counts of a marked test once it has passed."""
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
        """Keeps the skipped tests: figures of a part of the tests are not recorded."""
        if report.skipped and MARK in report.keywords:
            self.skipped.append(report.nodeid)

    def _add(self, whose: str, kind: str, seen: Counter[str]) -> None:
        ends = self.tried.setdefault(whose, {}).setdefault(kind, {})
        for how, count in seen.items():
            ends[how] = ends.get(how, 0) + count


TALLY = Tally()
ended = TALLY.end


def parts(tried: Tried) -> dict[str, str]:
    """Returns the tables by name: the totals, and one for each sender."""
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
    """Returns the table of the totals."""
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
