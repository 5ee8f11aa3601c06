"""What changes from pass to pass, told while somebody waits for the end.

Duty: Records of one pass after the other -> a line for each change, and on a terminal what stands, kept up to date.
When to wait, and for what, is decided elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from reconcile.model.plan import Outcome, Result
from reconcile.model.times import timestamp
from reconcile.report.layout import Line, joined, rows, say, show
from reconcile.report.text import one_liners

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rich.console import Console

    from reconcile.model.kinds import Ref
    from reconcile.model.plan import Record

    Sight = tuple[object, ...]

_QUIET = {"idle", "wait"}


class Progress:
    """Tells of passes as they are made. To be used in a `with`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen: dict[Ref, Sight] = {}
        self._trouble = ""
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def passed(self, records: Sequence[Record], then: str) -> None:
        """Tell what is new, and on a terminal also what is not, and what is waited for: `then`."""
        for record in records:
            sight = seen(record)
            if self._is_news(record, sight):
                self._print(record.at, next(one_liners([record])))
            self._seen[record.plan.rollout] = sight
        self._show(Group(*rows(one_liners(records), self._console)), then)

    def failed(self, words: str, at: datetime, then: str) -> None:
        """Tell once what keeps a pass, or a part of it, from being made; "" = nothing does any more."""
        if words and words != self._trouble:
            self._print(at, Line(head=say(words, "red")))
        if words:
            self._show(say(words, "red"), then)
        self._trouble = words

    def _is_news(self, record: Record, sight: Sight) -> bool:
        """Say whether something happened: a change made, or one seen. That an interval has not passed is none."""
        before = self._seen.get(record.plan.rollout)
        if before is None or (record.plan.patches and record.result is Result.APPLIED and sight[-1] != "halt"):
            return True
        return sight[:2] != before[:2] if record.plan.move in _QUIET else sight != before

    def _print(self, at: datetime, line: Line) -> None:
        show([Line(head=joined(Text(timestamp(at), "dim"), line.head), body=line.body)], self._console)

    def _show(self, what: Group | Text, then: str) -> None:
        if self._live is not None:
            self._live.update(Group(what, Spinner("line", Text(then, "dim"))), refresh=True)


def seen(record: Record) -> Sight:
    """Give what makes one sight of a Rollout another one; the numbers in its reason do not."""
    plan = record.plan
    place = plan.before if plan.move == "wait" else plan.after
    gate = next((gate.name for gate in plan.gates if gate.outcome is Outcome.FAILED), "")
    return (place.phase, place.weight, gate, str(record.result), plan.move)


def standing(record: Record) -> str:
    """Say in one line where a Rollout stands, and why: `podinfo.test is Progressing at 20 %: …`."""
    plan = record.plan
    place = plan.before if record.result in {Result.LOST_RACE, Result.UNREACHED} else plan.after
    weight = "" if place.weight is None else f" at {place.weight} %"
    why = record.error or plan.reason
    return say(f"{plan.rollout.name}.{plan.rollout.namespace} is {place.phase or 'new'}{weight}: {why}").plain
