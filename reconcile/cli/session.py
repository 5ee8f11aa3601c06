"""What the commands that make passes share: one pass under the signal handlers, and its report.

`run`, `wait` and `apply` differ in how often they make a pass, and in which of its plans they write.
"""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager, nullcontext
from itertools import chain, islice
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from reconcile.cli import adapters
from reconcile.cli.logs import log_decision
from reconcile.cli.notices import tell_nobody
from reconcile.model.errors import ClusterError
from reconcile.model.plan import Record, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconcile.cli.notices import Tell
    from reconcile.cli.options import DryRun, Form
    from reconcile.cli.signals import Stop
    from reconcile.engine.one_pass import Pass

MOST_NAMED = 20


def make_pass(
    one_pass: Pass,
    dry_run: DryRun,
    stop: Stop,
    report: Callable[[list[Record]], int],
    select: Callable[[Iterator[Record]], Iterator[Record]] = iter,
    *,
    tell: Tell = tell_nobody,
) -> int:
    """Makes one pass, and returns what `report` returns for its records.

    A signal ends it at any time before the first write, and between two Rollouts from then on. `select` yields those
    of the planned records that are to be written; `tell` gets what was stored. Raises ClusterError, after the report,
    if the pass or a part of it could not be made.
    """
    client = dry_run == "client"
    stop.summary = "; this pass has written nothing"
    with _no_collection(), nullcontext() if client else adapters.lock(one_pass.cluster):
        plans = one_pass.plans()
        first = [*islice(plans, 1)]  # reads and measures everything; each of the others is decided when it is written
        selected = select(chain(first, plans))
        with stop.deferred():
            records, error = _collect(selected if client else one_pass.write(selected))
            stop.summary = name_unreached(records)
            reported = [_not_stored(record) for record in records] if dry_run == "server" else records
            if dry_run == "none":
                tell(records)
            for record in reported:
                log_decision(record)
            code = report(reported)
    if error is not None:
        raise error
    return code


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keeps the garbage collector from looking through what a pass has read: it stays until the end of the pass.

    It would do so again and again, for a tenth of the time of a pass over a thousand Rollouts, and more over more.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _collect(source: Iterable[Record]) -> tuple[list[Record], ClusterError | None]:
    """Returns the records ordered by Rollout, and the error that came after them."""
    records, end = list[Record](), None
    try:
        records.extend(source)  # keeps the records that come before an error
    except ClusterError as error:
        end = error
    return sorted(records, key=lambda record: record.plan.rollout), end


def name_unreached(records: Sequence[Record]) -> str:
    """Names the Rollouts that a pass did not reach; "" where there is none."""
    names = [str(record.plan.rollout) for record in records if record.result is Result.UNREACHED]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"; not reached: {', '.join(names[:MOST_NAMED])}{more}" if names else ""


def _not_stored(record: Record) -> Record:
    return replace(record, result=Result.PLANNED) if record.result is Result.APPLIED else record


def print_pass(records: Sequence[Record], form: Form) -> None:
    """Prints the report of one pass."""
    if form == "text":
        from reconcile.report import text  # noqa: PLC0415 - only the form that is asked for
        from reconcile.report.console import console_for  # noqa: PLC0415 - as above

        text.print_records(records, console_for(sys.stdout))
    elif form == "patch":
        from reconcile.report import patches  # noqa: PLC0415 - as above

        click.echo(patches.render(records), nl=False)
    elif form == "markdown":
        from reconcile.report.markdown import passes  # noqa: PLC0415 - as above

        click.echo(passes.render(records), nl=False)
    else:
        from reconcile.report import record  # noqa: PLC0415 - as above

        click.echo(record.render(records, form), nl=False)
    sys.stdout.flush()
