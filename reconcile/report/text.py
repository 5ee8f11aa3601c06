"""The text report: what a pass found, why, what it wrote or would write, and what comes next.

Duty: Records -> lines on a console. Every word that is not from the plan is in the tables at the top.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from reconcile.model.plan import Outcome, Result
from reconcile.report.layout import (
    CROSS,
    EVENT_STYLES,
    PENDING,
    SKIPPED,
    TICK,
    Line,
    bar,
    change,
    column,
    console_for,
    joined,
    say,
    show,
)
from reconcile.report.measurements import Row, measured
from reconcile.report.next_step import coming
from reconcile.report.summary import summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from reconcile.model.plan import Gate, Plan, Position, Record

__all__ = ["console_for", "print_records"]

NEW = "new"
# A move, when it was made; the order is that of the last line.
DONE = {
    "idle": "idle",
    "wait": "waiting",
    "initialize": "initialized",
    "scale up": "scaled up",
    "start": "started",
    "advance": "advanced",
    "restore": "restored",
    "reset": "reset",
    "return": "gone back",
    "promote": "promoting",
    "copy": "copied",
    "conclude": "routed to the primary",
    "retire": "finished",
    "halt": "halted",
}
# These change no traffic and no pods: a dry run makes them just as much as a pass that writes.
_VERDICTS = {"idle", "wait", "halt"}
_MOVE_STYLES = {"idle": "dim", "wait": "cyan", "halt": "bold yellow"}
_MARKS = {
    Outcome.PASSED: (TICK, "green"),
    Outcome.FAILED: (CROSS, "bold red"),
    Outcome.WAITING: (PENDING, "cyan"),
    Outcome.UNREACHED: (SKIPPED, "dim"),
}
_TROUBLE = {
    Result.LOST_RACE: ("Lost race", "yellow", "somebody else was faster; the rest of this plan was dropped"),
    Result.FAILED: ("Failed", "bold red", "the plan was not written in full"),
    Result.REFUSED: ("Refused", "bold red", "the world is not the one of this plan any more"),
    Result.UNREACHED: ("Not reached", "yellow", "the pass ended before this plan could be written"),
}
_WRITES = {Result.PLANNED: "Would write", Result.APPLIED: "Wrote"}
_EVENTS = {Result.PLANNED: "Would record", Result.APPLIED: "Events"}
_AGAIN = {
    Result.LOST_RACE: "the next pass looks again",
    Result.FAILED: "the next pass tries again",
    Result.REFUSED: "nothing of it was written; make a new plan, and look at it",
    Result.UNREACHED: "first in the next pass",
}


def print_records(records: Sequence[Record], console: Console, *, brief: bool = False) -> None:
    """Print one pass: a block for each Rollout, a line for one that is idle or waiting (`brief`: for every one)."""
    short = {index for index, record in enumerate(records) if brief or _uneventful(record)}
    if not records:
        show([Line(head=Text("No Rollouts found."))], console)
    rows = iter(one_liners([records[index] for index in sorted(short)]))
    for index, record in enumerate(records):
        if index and not {index - 1, index} <= short:
            console.print()
        show([next(rows)] if index in short else _block(record), console)
    if len(records) > 1:
        console.print()
        show([Line(head=Text(totals(records), "bold"))], console)


def totals(records: Sequence[Record]) -> str:
    """Count what became of the Rollouts: `12 Rollouts: 9 idle, 2 advanced, 1 halted`."""
    order = [*DONE.values(), *(f"would {move}" for move in DONE), *(str(result) for result in _TROUBLE)]
    counts = Counter(_became(record) for record in records)
    ranked = sorted(counts.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order))
    return f"{len(records)} Rollouts: {', '.join(say(f'{count} {what}').plain for what, count in ranked)}"


def _uneventful(record: Record) -> bool:
    plan = record.plan
    quiet = plan.move in {"idle", "wait"} or record.result is Result.UNREACHED
    return quiet and not (plan.patches or plan.events or record.result is Result.FAILED)


def _became(record: Record) -> str:
    move = record.plan.move
    if record.result in _TROUBLE:
        return str(record.result)
    if record.result is Result.PLANNED and move not in _VERDICTS:
        return f"would {move}"
    return DONE.get(move, move)


def _name(plan: Plan) -> Text:
    return say(f"{plan.rollout.name}.{plan.rollout.namespace}", "bold")


def _verdict(record: Record) -> Text:
    """Say what became of the Rollout in this pass; the move that was meant stands beside trouble."""
    word = _became(record)
    if record.result not in _TROUBLE:
        return say(word, _MOVE_STYLES.get(record.plan.move, "bold green"))
    meant = "" if record.result is Result.UNREACHED else f"{record.plan.move}: "
    return say(f"{meant}{word}", _TROUBLE[record.result][1])


def _standing(plan: Plan) -> Text:
    return joined(bar(plan.before.weight, plan.after.weight), change(plan.before.phase, plan.after.phase, NEW))


def one_liners(records: Sequence[Record]) -> Iterator[Line]:
    """Give one line for each Rollout, in columns."""
    plans = [record.plan for record in records]
    columns = (
        column([_name(plan) for plan in plans]),
        column([bar(plan.before.weight, plan.after.weight, cells=10) for plan in plans]),
        column([change(plan.before.phase, plan.after.phase, NEW) for plan in plans]),
        column([_verdict(record) for record in records]),
    )
    for record, *cells in zip(records, *columns, strict=True):
        why = joined(say(record.plan.reason), say(record.error, "red"))
        yield Line(head=joined(*cells), body=why)


def _block(record: Record) -> Iterator[Line]:
    plan = record.plan
    yield Line(head=joined(_name(plan), _verdict(record)))
    yield Line(indent=2, head=_standing(plan))
    if plan.reason != record.error:  # an internal error is both; once is enough
        yield Line(indent=2, head=say(plan.reason, "yellow" if plan.move == "halt" else ""))
    yield from _trouble(record)
    yield from _titled("Gates", _gates(plan.gates))
    yield from _titled(_analysis(plan.before), _measurements(plan))
    yield from _titled(_WRITES.get(record.result, "Was to write"), _writes(plan))
    yield from _titled(_EVENTS.get(record.result, "Was to record"), _events(plan))
    if coming := _coming(record):
        yield Line(indent=2, head=Text("Next", "bold"), body=say(coming))


def _titled(title: str, lines: Iterator[Line]) -> Iterator[Line]:
    items = list(lines)
    if items:
        yield Line(indent=2, head=Text(title, "bold"))
        yield from items


def _trouble(record: Record) -> Iterator[Line]:
    if record.result in _TROUBLE:
        title, style, words = _TROUBLE[record.result]
        yield Line(indent=2, head=Text(title, style), body=say(record.error or words, style))
    elif record.error:
        yield Line(indent=2, head=Text("Error", "bold red"), body=say(record.error, "red"))


def _gates(gates: Sequence[Gate]) -> Iterator[Line]:
    """Show every gate that was looked at, and in one line the names of those that were not."""
    looked = [gate for gate in gates if gate.outcome is not Outcome.UNREACHED or gate.reason]
    others = [gate.name for gate in gates if gate not in looked]
    names = column([say(gate.name) for gate in looked])
    for gate, name in zip(looked, names, strict=True):
        mark, style = _MARKS[gate.outcome]
        dim = "dim" if gate.outcome is Outcome.UNREACHED else ""
        head = joined(Text(mark, style), Text.assemble(name, style=style if style.startswith("bold") else dim), gap=" ")
        yield Line(indent=4, head=head, body=say(gate.reason, dim))
    if others:
        yield Line(indent=4, head=Text(f"{SKIPPED} not reached", "dim"), body=say(", ".join(others), "dim"))


def _analysis(position: Position) -> str:
    return "Analysis" if position.weight is None else f"Analysis at {position.weight} %"


def _measurements(plan: Plan) -> Iterator[Line]:
    return measured(
        [
            Row(
                name=m.metric,
                value=m.value,
                threshold=m.threshold,
                bound=m.bound,
                verdict=m.verdict,
                text=m.text,
                query=m.query,
            )
            for m in plan.measurements
        ]
    )


def _writes(plan: Plan) -> Iterator[Line]:
    targets = column([say(patch.target) for patch in plan.patches])
    for patch, target in zip(plan.patches, targets, strict=True):
        yield Line(indent=4, head=target, body=say(summary(patch)))


def _events(plan: Plan) -> Iterator[Line]:
    types = column([say(event.type, EVENT_STYLES.get(event.type, "")) for event in plan.events])
    for event, kind in zip(plan.events, types, strict=True):
        yield Line(indent=4, head=kind, body=say(event.message))


def _coming(record: Record) -> str:
    """Say what the next pass does, as far as this one knows."""
    after = record.plan.after
    if record.result in _AGAIN:
        return _AGAIN[record.result]
    if record.plan.move == "wait":
        return "the next pass looks again"
    return coming(after.phase, after.weight, halted=record.plan.move == "halt")
