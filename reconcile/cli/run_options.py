"""The options of a pass that writes: those of `steerer run`, which `plan`, `wait` and `adapters` read as well."""

from __future__ import annotations

from typing import Annotated

from reconcile.cli.command import Options, option
from reconcile.cli.notices import NotifyOptions
from reconcile.cli.option_types import Duration
from reconcile.cli.options import (
    ClusterOptions,
    DetailedExitCode,
    DryRunOption,
    LogOptions,
    PassOptions,
    PassOutput,
    ScopeOptions,
    ShardOptions,
    TimeoutOption,
    WaitOption,
    WriteTo,
)
from reconcile.cli.report_file import ReportFile


class TargetOptions(Options, frozen=True, kw_only=True):
    """What `run` and `plan` share: which Rollouts, what their pass decides by, and where its writes go."""

    cluster: ClusterOptions
    scope: ScopeOptions
    sharding: ShardOptions
    settings: PassOptions
    write_to: WriteTo


class RunOptions(Options, frozen=True, kw_only=True):
    """The options of `steerer run`, which `wait` and `adapters` read as well."""

    target: TargetOptions
    dry_run: DryRunOption
    every: Annotated[
        float | None,
        option("--every", type=Duration(), help="Make a pass each time this long has passed. [default: one]"),
    ]
    duration: Annotated[
        float | None,
        option("--for", type=Duration(), help="With --every: begin no pass after this long. [default: never end]"),
    ]
    wait: WaitOption
    timeout: TimeoutOption
    report: ReportFile
    notify: NotifyOptions
    detailed_exitcode: DetailedExitCode
    output: PassOutput
    log: LogOptions
