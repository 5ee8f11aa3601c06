"""The progress of a wait: one line for each change and, on a terminal, the present state below, kept up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner

from reconcile.model.plan import Outcome, Result
from reconcile.model.times import timestamp
from reconcile.report.layout import Line
from reconcile.report.styled_text import Text, join_texts, styled
from reconcile.report.terminal import Terminal, rich_text
from reconcile.report.text import one_liners

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reconcile.model.kinds import Ref
    from reconcile.model.plan import Record
    from reconcile.report.console import Console

    State = tuple[object, ...]

_QUIET_MOVES = {"idle", "wait"}


class Progress:
    """Prints what changes from pass to pass. On a terminal `footer` says what is waited for. Use it in a `with`."""

    def __init__(self, console: Console, footer: str) -> None:
        self._console = console
        self._footer = footer
        self._states: dict[Ref, State] = {}
        self._error = ""
        self._terminal = console if isinstance(console, Terminal) and console.console.is_terminal else None
        self._live: Live | None = None
        if self._terminal is not None:
            self._live = Live(console=self._terminal.console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show_pass(self, records: Sequence[Record]) -> None:
        """Prints a line for each Rollout that changed."""
        for record in records:
            state = _state(record)
            if self._is_change(record, state):
                self._print(record.at, next(one_liners([record])))
            self._states[record.plan.rollout] = state
        if self._terminal is not None:
            self._update(Group(*self._terminal.rows(one_liners(records))))

    def show_error(self, message: str, at: datetime) -> None:
        """Prints why a pass, or a part of it, could not be made, unless the last pass had the same error; "" = none."""
        if message and message != self._error:
            self._print(at, Line(head=styled(message, "red")))
        if message:
            self._update(rich_text(styled(message, "red")))
        self._error = message

    def _is_change(self, record: Record, state: State) -> bool:
        """Returns whether this pass changed something, or saw a change. Waiting for an interval is no change."""
        before = self._states.get(record.plan.rollout)
        if before is None or (record.plan.patches and record.result is Result.APPLIED and state[-1] != "halt"):
            return True
        return state[:2] != before[:2] if record.plan.move in _QUIET_MOVES else state != before

    def _print(self, at: datetime, line: Line) -> None:
        self._console.print_lines([Line(head=join_texts(Text(timestamp(at), "dim"), line.head), body=line.body)])

    def _update(self, content: RenderableType) -> None:
        if self._live is not None:
            self._live.update(Group(content, Spinner("line", rich_text(Text(self._footer, "dim")))), refresh=True)


def _state(record: Record) -> State:
    """Returns what is compared from pass to pass; the numbers in a reason are not."""
    plan = record.plan
    position = plan.before if plan.move == "wait" else plan.after
    gate = next((gate.name for gate in plan.gates if gate.outcome is Outcome.FAILED), "")
    return (position.phase, position.weight, gate, str(record.result), plan.move)


def position_line(record: Record) -> str:
    """Returns in one line where a Rollout is, and why: `podinfo.test is Progressing at 20 %: …`."""
    plan = record.plan
    position = plan.before if record.result in {Result.LOST_RACE, Result.UNREACHED} else plan.after
    weight = "" if position.weight is None else f" at {position.weight} %"
    reason = record.error or plan.reason
    return styled(f"{plan.rollout.name}.{plan.rollout.namespace} is {position.phase or 'new'}{weight}: {reason}").plain
