"""`steerer run` and `steerer plan`: one pass, or one after the other, written or printed.

Duty: when a pass is made, and what is shown of it.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from reconcile.cli import adapters, exits, options
from reconcile.cli.logs import log_to_stderr
from reconcile.errors import ClusterError, UsageError
from reconcile.plan import Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.engine import Pass
    from reconcile.plan import Record


@click.command()
@click.argument("names", nargs=-1)
@options.CLUSTER
@options.SCOPE
@options.PASS
@options.option(
    "--dry-run",
    type=click.Choice(["none", "client", "server"]),
    default="none",
    show_default=True,
    help="client: print the plan and write nothing; server: send each patch to be checked, and store nothing.",
)
@options.option("--every", type=options.Duration(), help="Make a pass each time this long has passed. [default: one]")
@options.option(
    "--for",
    "duration",
    type=options.Duration(),
    help="With --every: begin no pass after this long. [default: never end]",
)
@options.option("--detailed-exitcode", is_flag=True, help="0 nothing to do, 2 changed, 3 waiting, 4 halted or failed.")
@options.output("text", "json", "yaml", "patch")
@options.LOG
@click.pass_context
def run(context: click.Context, /, **given: Any) -> None:
    """Make one pass over the Rollouts in scope, or over those of these NAMES."""
    context.exit(_passes(given))


@click.command()
@click.argument("names", nargs=-1)
@options.CLUSTER
@options.SCOPE
@options.PASS
@options.option("--detailed-exitcode", is_flag=True, help="0 nothing to do, 2 changes pending, 3 waiting, 4 halted.")
@options.output("text", "json", "yaml", "patch")
@options.LOG
@click.pass_context
def plan(context: click.Context, /, **given: Any) -> None:
    """Print what a pass would do, and write nothing: `run --dry-run=client`."""
    context.exit(_passes({"dry_run": "client", "every": None, "duration": None} | given))


def _passes(given: dict[str, Any]) -> int:
    """Make one pass, or one after the other, and report each. Gives the exit code."""
    log_to_stderr(given["log_format"], given["log_level"], dry_run=given["dry_run"] != "none")
    if given["duration"] is not None and not given["every"]:
        raise UsageError("--for needs --every above zero: how long it is from one pass to the next")
    write_params = {"dryRun": "All"} if given["dry_run"] == "server" else {}
    code = exits.NOTHING
    with adapters.cluster_for(given, write_params) as (cluster, default_namespace):
        single = adapters.pass_for(given, cluster, default_namespace)
        for _ in _ticks(given["every"], given["duration"]):
            records, trouble = _records(single, given)
            if records or not trouble:
                code = _report(records, given)
            if trouble:
                click.echo(f"steerer: {trouble}", err=True)  # the next tick may find the server again
                code = exits.FAILED
    return code


def _ticks(every: float | None, duration: float | None) -> Iterator[None]:
    """Let one pass begin now, and, with `every`, one at each multiple of it until `duration` has passed (None: ever).

    Ticks count from the first, however long the passes take; one that a long pass missed is left out.
    """
    begun = time.monotonic()
    yield
    while every:
        passed = time.monotonic() - begun
        offset = (passed // every + 1) * every
        if duration is not None and offset > duration:
            return
        time.sleep(offset - passed)
        yield


def _records(single: Pass, given: dict[str, Any]) -> tuple[list[Record], ClusterError | None]:
    """Make one pass. What kept it, or a part of it, from being made comes beside the Records of the rest."""
    records: list[Record] = []
    trouble = None
    try:
        # What came before an error stays in the list.
        if given["dry_run"] == "client":
            records.extend(single.plans())
        else:
            with adapters.lock(single.cluster):
                records.extend(single.run())
    except ClusterError as error:
        trouble = error
    return [_not_stored(record) for record in records] if given["dry_run"] == "server" else records, trouble


def _not_stored(record: Record) -> Record:

    return replace(record, result=Result.PLANNED) if record.result is Result.APPLIED else record


def _report(records: Sequence[Record], given: dict[str, Any]) -> int:
    """Print one pass and give its exit code."""
    form = given["output"]
    if form == "text":
        from reconcile.report import lines, text  # noqa: PLC0415 - only this form needs a terminal library

        text.print_records(records, lines.console_for(sys.stdout))
    elif form == "patch":
        from reconcile.report import patches  # noqa: PLC0415 - as above

        click.echo(patches.render(records), nl=False)
    else:
        from reconcile.report import record  # noqa: PLC0415 - as above

        click.echo(record.render(records, form), nl=False)
    sys.stdout.flush()
    return exits.exit_code(records, detailed=given["detailed_exitcode"])
