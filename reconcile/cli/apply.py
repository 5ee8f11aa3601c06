"""`steerer apply`: a saved plan, written where the world is still the one that it was made for.

Duty: the file of a plan, and when it is applied. What it is held against is an ordinary pass, measurements included;
what counts as the same is in `reconcile.engine.saved_plan_check`.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from reconcile import __version__, files
from reconcile.cli import adapters, exit_codes
from reconcile.cli.command import Options, argument, command, option
from reconcile.cli.logs import log_decision, log_to_stderr
from reconcile.cli.option_types import PATH, Duration
from reconcile.cli.options import ClusterOptions, DetailedExitCode, LogOptions, PassOptions, PassOutput
from reconcile.cli.session import make, show
from reconcile.engine import saved_plan, saved_plan_check
from reconcile.engine.selection import Selection
from reconcile.model.errors import UsageError
from reconcile.report import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.cli.signals import Stop
    from reconcile.model.plan import Record
    from reconcile.model.ports import Cluster

# More than any plan has: a file that is something else by mistake is not read whole.
MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplyOptions(Options):
    """The options of `steerer apply`."""

    file: Annotated[Path, argument(type=PATH)]
    cluster: ClusterOptions
    settings: PassOptions
    max_age: Annotated[
        float,
        option("--max-age", type=Duration(), default="10m", show_default=True, help="Refuse a plan that is older."),
    ]
    detailed_exitcode: DetailedExitCode
    output: PassOutput
    log: LogOptions


@command(ApplyOptions)
def apply(options: ApplyOptions, stop: Stop) -> int:
    """Write the plan that `steerer plan --out FILE` saved: for each Rollout all of it, or nothing.

    It makes a pass of its own, with the metrics asked again, and writes what that decides where it is what the plan
    says. Anything else is refused, with exit code 4.
    """
    log_to_stderr(options.log.log_format, options.log.log_level)
    plan = saved_plan.parse(_read(options.file), str(options.file))
    if why := plan.age_problem(adapters.now(), options.max_age):
        refused = plan.refused(why)
        for each in refused:
            log_decision(each)
        return _report(refused, options)
    if not plan.entries:
        return _report([], options)
    return _applied(plan, options, stop)


def _applied(plan: saved_plan.SavedPlan, options: ApplyOptions, stop: Stop) -> int:
    namespaces = tuple(sorted({ref.namespace for ref in plan.entries}))
    selection = Selection(namespaces=namespaces, refs=frozenset(plan.entries))
    with adapters.cluster_for(options.cluster) as (cluster, _):

        def choose(planned: Iterator[Record]) -> Iterator[Record]:
            return saved_plan_check.accept_or_refuse(plan, planned, cluster.fetch(plan.targets), adapters.now())

        single = adapters.pass_over(cluster, selection, options.settings, stop.why)
        return make(single, "none", stop, lambda records: _report(records, options), choose)


def _report(records: Sequence[Record], options: ApplyOptions) -> int:
    show(records, options.output)
    return exit_codes.applied(records, detailed=options.detailed_exitcode)


def _read(path: Path) -> str:
    try:
        data, _ = files.read(path, MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise UsageError(f"{path} is larger than {MOST_BYTES // 1024 // 1024} MiB: no plan is")
        return data.decode()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no plan that steerer saved") from error


def save(records: Sequence[Record], cluster: Cluster, path: Path) -> None:
    """Save a plan, whole or not at all, for its owner alone to read. Raises UsageError."""
    source = str(getattr(cluster, "server", "") or getattr(cluster, "folder", ""))
    time = records[0].at if records else adapters.now()
    content = record.dump(saved_plan.to_document(records, version=__version__, source=source, time=time), "json")
    scratch = ""
    try:
        if path.exists() and not path.is_file():  # what stands in its place would be gone: a device, a pipe
            raise UsageError(f"{path} cannot be written: it is no regular file")
        descriptor, scratch = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(scratch).replace(path)
    except OSError as error:
        with suppress(OSError):
            Path(scratch).unlink()
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
