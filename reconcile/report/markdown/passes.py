"""A pass as Markdown: a table of the Rollouts, and below it what was found, decided and written for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.model.plan import Outcome
from reconcile.report.markdown.escaping import code, escape
from reconcile.report.markdown.layout import bullets, document, folded, row, table, titled
from reconcile.report.patch_summary import summarize
from reconcile.report.plain_data import number
from reconcile.report.text import totals
from reconcile.report.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.model.measurement import Measurement
    from reconcile.model.plan import Plan, Position, Record

_MARKS = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.WAITING: "…"}
_QUIET = {"idle", "wait"}
_MOST_CHANGES = 10
_MOST_QUERY = 200
"""Characters: with 32 metrics there is room for the rest."""


def render(records: Sequence[Record]) -> str:
    """Returns the document for a comment."""
    if not records:
        return document("No Rollouts found.", (), (), (), "")
    heading = _title(records[0]) if len(records) == 1 else escape(totals(records))
    rows = [_row(record) for record in records]
    told = [record for record in records if record.plan.move not in _QUIET or record.error or record.plan.patches]
    parts = [_part(record, is_open=len(records) == 1) for record in told]
    return document(heading, ("Rollout", "verdict", "phase", "weight", "why"), rows, parts, "Rollouts")


def _name(plan: Plan) -> str:
    return code(f"{plan.rollout.name}.{plan.rollout.namespace}")


def _title(record: Record) -> str:
    return f"{_name(record.plan)} {escape(verdict(record).plain)}"


def _row(record: Record) -> str:
    plan = record.plan
    why = [plan.reason, "" if record.error == plan.reason else record.error]
    return row(
        _name(plan),
        f"**{escape(verdict(record).plain)}**",
        _change(plan.before.phase or "new", plan.after.phase or "new"),
        _change(_weight(plan.before), _weight(plan.after)),
        "; ".join(escape(text) for text in why if text),
    )


def _change(before: str, after: str) -> str:
    return escape(after) if before == after else f"{escape(before)} → {escape(after)}"


def _weight(position: Position) -> str:
    return "" if position.weight is None else f"{position.weight} %"


def _part(record: Record, *, is_open: bool) -> str:
    plan = record.plan
    gates = [gate for gate in plan.gates if gate.outcome in _MARKS]
    others = [escape(gate.name) for gate in plan.gates if gate.outcome not in _MARKS]
    measured = table(("", "metric", "measured", "query"), [_measurement(item) for item in plan.measurements])
    walked = table(
        ("", "gate", "saw"), [(_MARKS[gate.outcome], escape(gate.name), escape(gate.reason)) for gate in gates]
    )
    parts = (
        titled("Analysis", measured),
        titled("Gates", walked),
        f"Not reached: {', '.join(others)}" if others else "",
        titled("Asked for", bullets(escape(f"{a.action} {a.value}: {a.outcome}") for a in plan.actions)),
        titled("Patches", bullets(f"{code(patch.target)} {escape(summarize(patch))}" for patch in plan.patches)),
        titled("The promotion also changes", _promotion(plan)),
        titled("Events", bullets(f"{escape(event.type)}: {escape(event.message)}" for event in plan.events)),
    )
    return folded(_title(record), parts, is_open=is_open)


def _measurement(measurement: Measurement) -> tuple[str, ...]:
    mark = ("✓" if measurement.passed else "✗") if measurement.gates else "·"
    value = number(measurement.value)
    text = measurement.text or ("no value" if value is None else f"{value:.12g}")
    return mark, escape(measurement.metric), escape(text), code(" ".join(measurement.query.split()), _MOST_QUERY)


def _promotion(plan: Plan) -> str:
    told = [
        f"{code(item.path)} {_change(item.before, item.after) if item.after else ''}".rstrip()
        for item in plan.promotion[:_MOST_CHANGES]
    ]
    more = len(plan.promotion) - len(told)
    return bullets([*told, f"and {more} more"] if more else told)
