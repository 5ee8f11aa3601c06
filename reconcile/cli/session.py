"""What the commands that make passes share: a pass under a signal handler, and its report.

`run`, `wait` and `apply` differ in how often they make a pass and in what they write of it.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING

import click

from reconcile.cli import adapters, exit_codes
from reconcile.cli.logs import log_decision
from reconcile.model.errors import ClusterError
from reconcile.model.plan import Record, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconcile.cli.options import DryRun, Form
    from reconcile.cli.signals import Stop
    from reconcile.engine.one_pass import Pass

MOST_NAMED = 20


def make(
    single: Pass,
    dry_run: DryRun,
    stop: Stop,
    tell: Callable[[list[Record]], int],
    choose: Callable[[Iterator[Record]], Iterator[Record]] = iter,
) -> int:
    """Make one pass and tell of it. Until it writes it may end at any time, from then on between two Rollouts.

    `choose` looks at what is decided, and says what of it is to be written. Raises the ClusterError of what kept the
    pass, or a part of it, from being made, after the rest was told.
    """
    client = dry_run == "client"
    stop.stands = "; this pass has written nothing"
    code, trouble, records = exit_codes.NOTHING, None, list[Record]()
    with nullcontext() if client else adapters.lock(single.cluster):
        plans = single.plans()
        first = [*islice(plans, 1)]  # with the first all is read and measured; each is decided when it is its turn
        chosen = choose(chain(first, plans))
        with stop.held():
            try:
                records.extend(chosen if client else single.write(chosen))  # what came before an error stays
            except ClusterError as error:
                trouble = error
            records.sort(key=lambda record: record.plan.rollout)  # in whichever order they were written
            stop.stands = unreached(records)
            made = [_not_stored(record) for record in records] if dry_run == "server" else records
            for record in made:
                log_decision(record)
            code = tell(made)
    if trouble is not None:
        raise trouble
    return code


def unreached(records: Sequence[Record]) -> str:
    """Name the Rollouts that a pass did not reach; "" where there is none."""
    names = [str(record.plan.rollout) for record in records if record.result is Result.UNREACHED]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"; not reached: {', '.join(names[:MOST_NAMED])}{more}" if names else ""


def _not_stored(record: Record) -> Record:
    return replace(record, result=Result.PLANNED) if record.result is Result.APPLIED else record


def show(records: Sequence[Record], form: Form) -> None:
    """Print one pass."""
    if form == "text":
        from reconcile.report import layout, text  # noqa: PLC0415 - only this form needs a terminal library

        text.print_records(records, layout.console_for(sys.stdout))
    elif form == "patch":
        from reconcile.report import patches  # noqa: PLC0415 - as above

        click.echo(patches.render(records), nl=False)
    else:
        from reconcile.report import record  # noqa: PLC0415 - as above

        click.echo(record.render(records, form), nl=False)
    sys.stdout.flush()
