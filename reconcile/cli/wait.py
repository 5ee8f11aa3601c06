"""`steerer run --wait`: one pass after the other, until the Rollouts are done.

Others may make passes at the same time: what counts is what each pass sees.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from reconcile.cli import adapters, report_file
from reconcile.cli.error_output import print_error
from reconcile.cli.exit_codes import HALTED, NOTHING, WAITING
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.notices import tell_of
from reconcile.cli.result_codes import exit_code_of_wait
from reconcile.cli.schedule import pass_starts
from reconcile.cli.session import make_pass, print_pass
from reconcile.cli.signals import Stopped
from reconcile.lookback.of_passes import Collected
from reconcile.model.errors import ClusterError, ForbiddenError, MissingError, UsageError
from reconcile.report.console import console_for
from reconcile.report.progress import Progress, position_line

if TYPE_CHECKING:
    from reconcile.cli.notices import Tell
    from reconcile.cli.options import Form
    from reconcile.cli.run_options import RunOptions
    from reconcile.cli.signals import Stop
    from reconcile.engine.one_pass import Pass
    from reconcile.model.plan import Record

DEFAULT_TIMEOUT = 30 * 60.0
# The shortest time between the starts of two passes, in seconds.
MIN_INTERVAL = 1.0
_FINAL = {NOTHING, HALTED}


def wait(options: RunOptions, stop: Stop) -> int:
    """Makes passes until every Rollout is done or failed, or until the time is over. Returns the exit code."""
    _refuse_excluded(options)
    report_file.check_name(options.report)
    log_to_stderr(options.log.log_format, options.log.log_level)
    timeout = DEFAULT_TIMEOUT if options.timeout is None else options.timeout
    interval = adapters.interval_for(options.target.settings.control_loop_interval, options.every)
    every = max(options.every or interval, MIN_INTERVAL)
    with adapters.pass_of_run(options, stop.reason) as one_pass:
        collected = Collected("the passes of steerer run --wait", one_pass.settings.metrics)
        waiting = _Waiting(one_pass, stop, tell_of(options.notify), collected)
        console = console_for(sys.stdout if options.output == "text" else sys.stderr)
        try:
            with Progress(console, f"a pass every {every:g} s, for {timeout:g} s at most") as progress:
                for _ in pass_starts(every, timeout, last=True):
                    if waiting.is_over_after_pass(progress):
                        break
        finally:  # also where it is stopped: what happened until then
            if options.report is not None:
                report_file.write(options.report, collected.histories())
    with stop.deferred():
        return waiting.finish(options.output, f"not done within {timeout:g} s")


def _refuse_excluded(options: RunOptions) -> None:
    """Raises UsageError for an option that --wait excludes."""
    if options.dry_run != "none":
        raise UsageError("--wait and --dry-run exclude each other: a pass that writes nothing brings nothing to an end")
    if options.duration is not None:
        raise UsageError("--wait and --for exclude each other: --timeout says how long to wait")
    if options.target.sharding.shards is not None:
        raise UsageError(
            "--wait and --shards exclude each other: wait for the Rollouts by name, whoever else steers them"
        )
    if options.output == "patch":
        raise UsageError("--wait has no -o patch: its passes have many plans; take -o json for the last one")
    if options.detailed_exitcode:
        raise UsageError("--wait has exit codes of its own (0 done, 3 out of time, 4 failed): no --detailed-exitcode")


class _Waiting:
    """What the passes found, up to the last one."""

    def __init__(self, one_pass: Pass, stop: Stop, tell: Tell, collected: Collected) -> None:
        self._pass = one_pass
        self._stop = stop
        self._tell = tell
        self._collected = collected
        self._records: list[Record] = []
        self._error: ClusterError | None = None
        self._missing = ""

    def is_over_after_pass(self, progress: Progress) -> bool:
        """Makes one pass. Returns whether no other one is needed."""
        self._error = None
        try:
            make_pass(self._pass, "none", self._stop, lambda records: self._report(records, progress), tell=self._tell)
        except ClusterError as error:
            # A later pass may reach the server again; rights and the resource definition do not come by waiting.
            if not self._records and isinstance(error, (ForbiddenError, MissingError)):
                raise
            self._error = error
        except UsageError as error:
            if not self._records:
                raise
            self._missing = str(error)  # a Rollout that earlier passes saw
            return True
        except Stopped:
            self._stop.summary += self._unfinished()
            raise
        progress.show_error(str(self._error or ""), adapters.now())
        self._stop.summary = self._unfinished()
        return self._error is None and {exit_code_of_wait(record) for record in self._records} <= _FINAL

    def _report(self, records: list[Record], progress: Progress) -> int:
        if not records:
            raise UsageError("no Rollout is in scope: there is nothing to wait for")
        self._records = records
        self._collected.add(records)
        progress.show_pass(records)
        return NOTHING

    def _not_done(self) -> list[Record]:
        return [record for record in self._records if exit_code_of_wait(record) != NOTHING]

    def _unfinished(self) -> str:
        return "".join(f"\n  {position_line(record)}" for record in self._not_done())

    def finish(self, form: Form, late: str) -> int:
        """Prints where each Rollout stands. Returns the exit code, or raises ClusterError if no pass could be made."""
        if self._error is not None and not self._records:
            raise self._error
        left = self._not_done()
        if left or form != "text":
            print_pass(left if form == "text" else self._records, form)
        code = HALTED if self._missing else max(map(exit_code_of_wait, self._records))
        if code != NOTHING:
            reason = self._missing or (late if code == WAITING else "failed")
            error = f"\n  the last pass could not be made: {self._error}" if self._error else ""
            print_error(f"steerer: {reason}{self._unfinished()}{error}")
        return code
