"""The block of one Rollout in the text report: gates, analysis, writes, Events, and the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.model.plan import Outcome, Result
from reconcile.report.layout import EVENT_STYLES, Line, weight_bar
from reconcile.report.measurements import Row, measurement_lines
from reconcile.report.next_step import next_step
from reconcile.report.patch_summary import summarize
from reconcile.report.promotion import promotion_lines
from reconcile.report.styled_text import CROSS, PENDING, SKIPPED, TICK, Text, join_texts, pad_to_widest, styled
from reconcile.report.verdict import UNWRITTEN, phase_transition, rollout_name, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.model.plan import AskedAction, Gate, Plan, Position, Record

_MARKS = {
    Outcome.PASSED: (TICK, "green"),
    Outcome.FAILED: (CROSS, "bold red"),
    Outcome.WAITING: (PENDING, "cyan"),
    Outcome.UNREACHED: (SKIPPED, "dim"),
}
_WRITES = {Result.PLANNED: "Would write", Result.APPLIED: "Wrote"}
_EVENTS = {Result.PLANNED: "Would record", Result.APPLIED: "Events"}


def block_lines(record: Record) -> Iterator[Line]:
    """Yields all that is reported of one Rollout."""
    plan = record.plan
    yield Line(head=join_texts(rollout_name(plan), verdict(record)))
    yield Line(indent=2, head=join_texts(weight_bar(plan.before.weight, plan.after.weight), phase_transition(plan)))
    if plan.reason != record.error:  # an internal error is both
        yield Line(indent=2, head=styled(plan.reason, "yellow" if plan.move == "halt" else ""))
    yield from _error(record)
    yield from _titled("Gates", _gates(plan.gates))
    yield from _titled("Asked for", _asked(plan.actions))
    yield from _titled(_analysis_title(plan.before), _measurements(plan))
    yield from _titled(_WRITES.get(record.result, "Was to write"), _writes(plan))
    yield from promotion_lines(plan.promotion)
    yield from _titled(_EVENTS.get(record.result, "Was to record"), _events(plan))
    if next_words := _next_step(record):
        yield Line(indent=2, head=Text("Next", "bold"), body=styled(next_words))


def _titled(title: str, lines: Iterator[Line]) -> Iterator[Line]:
    items = list(lines)
    if items:
        yield Line(indent=2, head=Text(title, "bold"))
        yield from items


def _error(record: Record) -> Iterator[Line]:
    if words := UNWRITTEN.get(record.result):
        message = styled(record.error or words.message, words.style)
        yield Line(indent=2, head=Text(words.title, words.style), body=message)
    elif record.error:
        yield Line(indent=2, head=Text("Error", "bold red"), body=styled(record.error, "red"))


def _gates(gates: Sequence[Gate]) -> Iterator[Line]:
    """Yields a line for each gate with a result or a reason, and one for the names of the others."""
    reached = [gate for gate in gates if gate.outcome is not Outcome.UNREACHED or gate.reason]
    others = [gate.name for gate in gates if gate not in reached]
    names = pad_to_widest([styled(gate.name) for gate in reached])
    for gate, name in zip(reached, names, strict=True):
        mark, style = _MARKS[gate.outcome]
        dim = "dim" if gate.outcome is Outcome.UNREACHED else ""
        name_text = Text(name.plain, style if style.startswith("bold") else dim)
        yield Line(indent=4, head=join_texts(Text(mark, style), name_text, gap=" "), body=styled(gate.reason, dim))
    if others:
        yield Line(indent=4, head=Text(f"{SKIPPED} not reached", "dim"), body=styled(", ".join(others), "dim"))


def _asked(actions: Sequence[AskedAction]) -> Iterator[Line]:
    """Yields a line for each action that a person asked for, with what the pass made of it."""
    names = pad_to_widest([styled(f"{item.action} {item.value}") for item in actions])
    for item, name in zip(actions, names, strict=True):
        yield Line(indent=4, head=name, body=styled(item.outcome, "bold red" if item.refused else ""))


def _analysis_title(position: Position) -> str:
    return "Analysis" if position.weight is None else f"Analysis at {position.weight} %"


def _measurements(plan: Plan) -> Iterator[Line]:
    return measurement_lines(
        [
            Row(
                name=m.metric,
                value=m.value,
                threshold=m.threshold,
                bound=m.bound,
                verdict=m.verdict,
                text=m.text,
                query=m.query,
                gates=m.gates,
            )
            for m in plan.measurements
        ]
    )


def _writes(plan: Plan) -> Iterator[Line]:
    targets = pad_to_widest([styled(patch.target) for patch in plan.patches])
    for patch, target in zip(plan.patches, targets, strict=True):
        yield Line(indent=4, head=target, body=styled(summarize(patch)))


def _events(plan: Plan) -> Iterator[Line]:
    types = pad_to_widest([styled(event.type, EVENT_STYLES.get(event.type, "")) for event in plan.events])
    for event, kind in zip(plan.events, types, strict=True):
        yield Line(indent=4, head=kind, body=styled(event.message))


def _next_step(record: Record) -> str:
    """Returns what the next pass does, as far as this one knows."""
    after = record.plan.after
    if record.result in UNWRITTEN:
        return UNWRITTEN[record.result].next_step
    if record.plan.move == "wait":
        return "the next pass looks again"
    if record.plan.move == "hold":
        return "every pass measures and looks again"
    if any(gate.name == "limits" and gate.outcome is Outcome.FAILED for gate in record.plan.gates):
        return "nothing until a person says how it goes on"
    return next_step(after.phase, after.weight, halted=record.plan.move == "halt")
