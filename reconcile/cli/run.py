"""`steerer run` and `steerer plan`: one pass, or one after the other, written or only printed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from reconcile.cli import adapters
from reconcile.cli.command import Options, command, option
from reconcile.cli.error_output import print_error
from reconcile.cli.exit_codes import FAILED, NOTHING
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.notices import NotifyOptions, tell_of
from reconcile.cli.option_types import PATH
from reconcile.cli.options import LogOptions, PassOutput
from reconcile.cli.result_codes import exit_code_of_pass
from reconcile.cli.run_options import RunOptions, TargetOptions
from reconcile.cli.schedule import pass_starts
from reconcile.cli.session import make_pass, print_pass
from reconcile.model.errors import ClusterError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.cli.signals import Stop
    from reconcile.model.plan import Record
    from reconcile.model.ports import Cluster


class PlanOptions(Options, frozen=True, kw_only=True):
    """The options of `steerer plan`."""

    target: TargetOptions
    out: Annotated[Path | None, option("--out", type=PATH, help="Save the plan in this file, for `steerer apply`.")]
    detailed_exitcode: Annotated[
        bool,
        option("--detailed-exitcode", is_flag=True, help="0 nothing to do, 2 changes pending, 3 waiting, 4 halted."),
    ]
    output: PassOutput
    log: LogOptions


@command(RunOptions)
def run(options: RunOptions, stop: Stop) -> int:
    """Make one pass over the Rollouts in scope, or over those of these NAMES."""
    if options.timeout is not None and not options.wait:
        raise UsageError("--timeout needs --wait: it says how long")
    if options.report is not None and not options.wait:
        raise UsageError("--report needs --wait: of one pass there is a report anyway (-o); or see steerer report")
    if not options.wait:
        return _make_passes(options, stop)
    from reconcile.cli.wait import wait  # noqa: PLC0415 - a pass that does not wait pays for none of it

    return wait(options, stop)


@command(PlanOptions)
def plan(options: PlanOptions, stop: Stop) -> int:
    """Print what a pass would do, and write nothing: `run --dry-run=client`."""
    if options.out is not None and options.target.write_to is not None:
        raise UsageError("--out and --write-to exclude each other: what is to be looked at there is the commit")
    as_run = RunOptions(
        target=options.target,
        dry_run="client",
        every=None,
        duration=None,
        wait=False,
        timeout=None,
        report=None,
        notify=NotifyOptions(),
        detailed_exitcode=options.detailed_exitcode,
        output=options.output,
        log=options.log,
    )
    return _make_passes(as_run, stop, options.out)


def _make_passes(options: RunOptions, stop: Stop, out: Path | None = None) -> int:
    """Makes one pass, or one after the other, and reports each. Returns the exit code of the last one."""
    log_to_stderr(options.log.log_format, options.log.log_level, dry_run=options.dry_run != "none")
    if options.duration is not None and not options.every:
        raise UsageError("--for needs --every above zero: how long it is from one pass to the next")
    code, tell = NOTHING, tell_of(options.notify)
    with adapters.pass_of_run(options, stop.reason) as one_pass:
        report = partial(_report, options=options, cluster=one_pass.cluster, out=out)
        for _ in pass_starts(options.every, options.duration):
            try:
                code = make_pass(one_pass, options.dry_run, stop, report, tell=tell)
            except ClusterError as error:
                if options.every is None:
                    raise
                print_error(f"steerer: {error}")  # the next pass may reach the server again
                code = FAILED
    return code


def _report(records: Sequence[Record], *, options: RunOptions, cluster: Cluster, out: Path | None) -> int:
    """Prints one pass, saves its plan where that is asked for, and returns its exit code."""
    if out is not None:
        from reconcile.cli import plan_file  # noqa: PLC0415 - only for a plan that is saved

        plan_file.write(out, records, cluster)
    print_pass(records, options.output)
    return exit_code_of_pass(records, detailed=options.detailed_exitcode)
