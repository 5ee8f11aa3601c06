"""`steerer run --wait`: one pass after the other, until the Rollouts are done.

Duty: when the waiting ends, and with which exit code. Who else makes passes meanwhile does not matter: what counts is
what each pass sees.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from reconcile.cli import adapters, exit_codes
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.schedule import ticks
from reconcile.cli.session import make, show
from reconcile.cli.signals import Stopped
from reconcile.model.errors import ClusterError, ForbiddenError, MissingError, UsageError
from reconcile.report import layout
from reconcile.report.progress import Progress, standing

if TYPE_CHECKING:
    from reconcile.cli.options import Form, RunOptions
    from reconcile.cli.signals import Stop
    from reconcile.engine.one_pass import Pass
    from reconcile.model.plan import Record

TIMEOUT = 30 * 60.0
# Passes that may follow each other at once need not do so faster than this, in seconds.
LEAST = 1.0
_SETTLED = {exit_codes.NOTHING, exit_codes.HALTED}


def wait(options: RunOptions, stop: Stop) -> int:
    """Makes passes until every Rollout is done or failed, or until the time is over. Returns the exit code."""
    _refuse(options)
    log_to_stderr(options.log.log_format, options.log.log_level)
    timeout = TIMEOUT if options.timeout is None else options.timeout
    interval = adapters.interval_for(options.target.settings.control_loop_interval, options.every)
    every = max(options.every or interval, LEAST)
    with adapters.pass_of_run(options, stop.why) as single:
        waiting = _Waiting(single, stop, f"a pass every {every:g} s, for {timeout:g} s at most")
        console = layout.console_for(sys.stdout if options.output == "text" else sys.stderr)
        with Progress(console) as progress:
            for _ in ticks(every, timeout, last=True):
                if waiting.settled(progress):
                    break
    with stop.held():
        return waiting.end(options.output, f"not done within {timeout:g} s")


def _refuse(options: RunOptions) -> None:
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

    def __init__(self, single: Pass, stop: Stop, then: str) -> None:
        self._single = single
        self._stop = stop
        self._then = then
        self._records: list[Record] = []
        self._trouble: ClusterError | None = None
        self._gone = ""

    def settled(self, progress: Progress) -> bool:
        """Make one pass; say whether no other one is needed."""
        self._trouble = None
        try:
            make(self._single, "none", self._stop, lambda records: self._look(records, progress))
        except ClusterError as error:
            # Another pass may find the server again; rights and the resource itself do not come by waiting.
            if not self._records and isinstance(error, (ForbiddenError, MissingError)):
                raise
            self._trouble = error
        except UsageError as error:
            if not self._records:
                raise
            self._gone = str(error)  # it was there, and is no more
            return True
        except Stopped:
            self._stop.stands += self._stands()
            raise
        progress.failed(str(self._trouble or ""), adapters.now(), self._then)
        self._stop.stands = self._stands()
        return self._trouble is None and {exit_codes.waited(record) for record in self._records} <= _SETTLED

    def _look(self, records: list[Record], progress: Progress) -> int:
        if not records:
            raise UsageError("no Rollout is in scope: there is nothing to wait for")
        self._records = records
        progress.passed(records, self._then)
        return exit_codes.NOTHING

    def _stands(self) -> str:
        left = [standing(record) for record in self._records if exit_codes.waited(record) != exit_codes.NOTHING]
        return "".join(f"\n  {words}" for words in left)

    def end(self, form: Form, late: str) -> int:
        """Print where everything stands, and give the exit code. Raises where no pass could ever be made."""
        if self._trouble is not None and not self._records:
            raise self._trouble
        left = [record for record in self._records if exit_codes.waited(record) != exit_codes.NOTHING]
        if left or form != "text":
            show(left if form == "text" else self._records, form)
        code = exit_codes.HALTED if self._gone else max(map(exit_codes.waited, self._records))
        if code != exit_codes.NOTHING:
            words = self._gone or (late if code == exit_codes.WAITING else "failed")
            trouble = f"\n  the last pass could not be made: {self._trouble}" if self._trouble else ""
            exit_codes.complain(f"steerer: {words}{self._stands()}{trouble}")
        return code
