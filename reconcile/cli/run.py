"""`steerer run` and `steerer plan`: one pass, or one after the other, written or printed.

Duty: when a pass is made, and what is shown of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconcile.cli import adapters, exit_codes, options
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.schedule import ticks
from reconcile.cli.session import make, show
from reconcile.cli.signals import Stop
from reconcile.model.errors import ClusterError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.model.plan import Record
    from reconcile.model.ports import Cluster


@click.command()
@click.argument("names", nargs=-1)
@options.CLUSTER
@options.SCOPE
@options.SHARD
@options.PASS
@options.WRITE_TO
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
@options.option(
    "--wait",
    is_flag=True,
    help="Make passes until the Rollouts are done, one each control-loop interval or --every: 0 done, 3 out of time, "
    "4 failed.",
)
@options.option("--timeout", type=options.Duration(), help="With --wait: how long to wait. [default: 30m]")
@options.option("--detailed-exitcode", is_flag=True, help="0 nothing to do, 2 changed, 3 waiting, 4 halted or failed.")
@options.output("text", "json", "yaml", "patch")
@options.LOG
@click.pass_context
def run(context: click.Context, /, **given: Any) -> None:
    """Make one pass over the Rollouts in scope, or over those of these NAMES."""
    stop = context.ensure_object(Stop)
    if given["timeout"] is not None and not given["wait"]:
        raise UsageError("--timeout needs --wait: it says how long")
    if not given["wait"]:
        context.exit(_passes(given, stop))
    from reconcile.cli.wait import wait  # noqa: PLC0415 - a pass that does not wait pays for none of it

    context.exit(wait(given, stop))


@click.command()
@click.argument("names", nargs=-1)
@options.CLUSTER
@options.SCOPE
@options.SHARD
@options.PASS
@options.WRITE_TO
@options.option("--out", type=options.FOLDER, help="Save the plan in this file, for `steerer apply`.")
@options.option("--detailed-exitcode", is_flag=True, help="0 nothing to do, 2 changes pending, 3 waiting, 4 halted.")
@options.output("text", "json", "yaml", "patch")
@options.LOG
@click.pass_context
def plan(context: click.Context, /, **given: Any) -> None:
    """Print what a pass would do, and write nothing: `run --dry-run=client`."""
    if given["out"] is not None and given["write_to"] is not None:
        raise UsageError("--out and --write-to exclude each other: what is to be looked at there is the commit")
    given = {"dry_run": "client", "every": None, "duration": None} | given
    context.exit(_passes(given, context.ensure_object(Stop)))


def _passes(given: dict[str, Any], stop: Stop) -> int:
    """Make one pass, or one after the other, and report each. Gives the exit code."""
    log_to_stderr(given["log_format"], given["log_level"], dry_run=given["dry_run"] != "none")
    if given["duration"] is not None and not given["every"]:
        raise UsageError("--for needs --every above zero: how long it is from one pass to the next")
    write_params = {"dryRun": "All"} if given["dry_run"] == "server" else {}
    code = exit_codes.NOTHING
    with adapters.cluster_for(given, write_params) as (cluster, default_namespace):
        single = adapters.pass_for(given, cluster, adapters.selection_for(given, default_namespace), stop.why)
        for _ in ticks(given["every"], given["duration"]):
            try:
                code = make(single, given["dry_run"], stop, lambda records: _report(records, given, cluster))
            except ClusterError as error:
                if given["every"] is None:
                    raise
                exit_codes.complain(f"steerer: {error}")  # the next tick may find the server again
                code = exit_codes.FAILED
    return code


def _report(records: Sequence[Record], given: dict[str, Any], cluster: Cluster) -> int:
    """Print one pass, save it if it is to be saved, and give its exit code."""
    if given.get("out") is not None:
        from reconcile.cli.apply import save  # noqa: PLC0415 - only for those who save

        save(records, cluster, given["out"])
    show(records, given["output"])
    return exit_codes.exit_code(records, detailed=given["detailed_exitcode"])
