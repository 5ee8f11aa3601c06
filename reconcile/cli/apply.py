"""`steerer apply`: writes a saved plan where a new pass, with new measurements, decides the same.

`reconcile.engine.saved_plan_check` defines what counts as the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from reconcile.cli import adapters, plan_file
from reconcile.cli.command import Options, argument, command, option
from reconcile.cli.logs import log_decision, log_to_stderr
from reconcile.cli.notices import NotifyOptions, tell_of
from reconcile.cli.option_types import PATH, Duration
from reconcile.cli.options import ClusterOptions, DetailedExitCode, LogOptions, PassOptions, PassOutput
from reconcile.cli.result_codes import exit_code_of_saved_plan
from reconcile.cli.session import make_pass, print_pass
from reconcile.engine import saved_plan, saved_plan_check
from reconcile.engine.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.cli.signals import Stop
    from reconcile.model.plan import Record


class ApplyOptions(Options, frozen=True, kw_only=True):
    """The options of `steerer apply`."""

    file: Annotated[Path, argument(type=PATH)]
    cluster: ClusterOptions
    settings: PassOptions
    max_age: Annotated[
        float,
        option("--max-age", type=Duration(), default="10m", show_default=True, help="Refuse a plan that is older."),
    ]
    notify: NotifyOptions
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
    plan = saved_plan.parse(plan_file.read(options.file), str(options.file))
    if problem := plan.age_problem(adapters.now(), options.max_age):
        refused = plan.refused(problem)
        for record in refused:
            log_decision(record)
        return _report(refused, options)
    if not plan.entries:
        return _report([], options)
    return _apply(plan, options, stop)


def _apply(plan: saved_plan.SavedPlan, options: ApplyOptions, stop: Stop) -> int:
    namespaces = tuple(sorted({ref.namespace for ref in plan.entries}))
    tell = tell_of(options.notify)
    selection = Selection(namespaces=namespaces, refs=frozenset(plan.entries))
    adapters.refuse_stdin(options.cluster, written=True)
    with adapters.cluster_for(options.cluster, namespaces, required=False) as (cluster, _):

        def select(planned: Iterator[Record]) -> Iterator[Record]:
            return saved_plan_check.accept_or_refuse(plan, planned, cluster.fetch(plan.targets), adapters.now())

        one_pass = adapters.pass_over(cluster, selection, options.settings, stop.reason)
        return make_pass(one_pass, "none", stop, lambda records: _report(records, options), select, tell=tell)


def _report(records: Sequence[Record], options: ApplyOptions) -> int:
    print_pass(records, options.output)
    return exit_code_of_saved_plan(records, detailed=options.detailed_exitcode)
