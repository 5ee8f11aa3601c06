"""The text report of a pass: one block or one line for each Rollout, and the totals."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconcile.model.plan import Result
from reconcile.report.layout import Line, weight_bar
from reconcile.report.styled_text import Text, join_texts, pad_to_widest, styled
from reconcile.report.verdict import order_of, phase_transition, rollout_name, verdict, verdict_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconcile.model.plan import Record
    from reconcile.report.console import Console


def print_records(records: Sequence[Record], console: Console, *, brief: bool = False) -> None:
    """Prints one pass: a block for each Rollout, a line for one that is idle or waiting (`brief`: for every one)."""
    short = {index for index, record in enumerate(records) if brief or _is_uneventful(record)}
    if not records:
        console.print_lines([Line(head=Text("No Rollouts found."))])
    short_lines = iter(one_liners([records[index] for index in sorted(short)]))
    for index, record in enumerate(records):
        if index and not {index - 1, index} <= short:
            console.print_lines([Line()])
        console.print_lines([next(short_lines)] if index in short else _block(record))
    if len(records) > 1:
        console.print_lines([Line()])
        console.print_lines([Line(head=Text(totals(records), "bold"))])


def totals(records: Sequence[Record]) -> str:
    """Counts the Rollouts by verdict: `12 Rollouts: 9 idle, 2 advanced, 1 halted`."""
    counts = Counter(map(verdict_word, records))
    ordered = sorted(counts.items(), key=lambda item: order_of(item[0]))
    return f"{len(records)} Rollouts: {', '.join(styled(f'{count} {word}').plain for word, count in ordered)}"


def one_liners(records: Sequence[Record]) -> Iterator[Line]:
    """Yields one line for each Rollout, in columns."""
    plans = [record.plan for record in records]
    columns = (
        pad_to_widest([rollout_name(plan) for plan in plans]),
        pad_to_widest([weight_bar(plan.before.weight, plan.after.weight, cells=10) for plan in plans]),
        pad_to_widest([phase_transition(plan) for plan in plans]),
        pad_to_widest([verdict(record) for record in records]),
    )
    for record, *cells in zip(records, *columns, strict=True):
        reason = join_texts(styled(record.plan.reason), styled(record.error, "red"))
        yield Line(head=join_texts(*cells), body=reason)


def _block(record: Record) -> Iterable[Line]:
    from reconcile.report.block import block_lines  # noqa: PLC0415 - only where something happened

    return block_lines(record)


def _is_uneventful(record: Record) -> bool:
    plan = record.plan
    quiet = plan.move in {"idle", "wait"} or record.result is Result.UNREACHED
    return quiet and not (plan.patches or plan.events or record.result is Result.FAILED)
