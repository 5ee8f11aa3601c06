"""`steerer abort`, `pause`, `resume`, `promote`, `approve`, `retry`: what a person asks of one release; and `revision`.

Each writes an annotation that names the revision which is meant. The passes act on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import click

from reconcile.cli import adapters
from reconcile.cli.command import Options, argument, command, option
from reconcile.cli.error_output import print_error
from reconcile.cli.exit_codes import HALTED, NOTHING
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.notices import NotifyOptions
from reconcile.cli.options import (
    ClusterOptions,
    DryRunOption,
    LogOptions,
    NamespaceOption,
    Output,
    PassOptions,
    ScopeOptions,
    ShardOptions,
    TimeoutOption,
    WaitOption,
)
from reconcile.cli.report_file import ReportFile
from reconcile.cli.run_options import RunOptions, TargetOptions
from reconcile.cli.scope import namespaces_for, selection_for
from reconcile.engine.action_request import Found, annotate, find, revision_meant
from reconcile.model.actions import ANY_REVISION, Action, Verb
from reconcile.model.actions import parse as actions_of
from reconcile.model.errors import LostRaceError, RefusedError, UsageError
from reconcile.report import plain_data

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from reconcile.cli.signals import Stop
    from reconcile.model.ports import Cluster

    Wanted = Mapping[Action, str | None]

MOST_WAITED = 30.0
"""Seconds that an action waits for a pass over the same folder to end."""


class OneRollout(Options, frozen=True, kw_only=True):
    """The Rollout that is meant."""

    cluster: ClusterOptions
    name: Annotated[str, argument()]
    namespace: NamespaceOption

    @property
    def scope(self) -> ScopeOptions:
        """The same as the scope of a pass."""
        return ScopeOptions(names=(self.name,), namespace=self.namespace, all_namespaces=False, selector="")


class ActionOptions(Options, frozen=True, kw_only=True):
    """The options of all actions."""

    target: OneRollout
    revision: Annotated[
        str,
        option("--revision", default="", metavar="R", help="Write nothing (exit code 4) where the canary has another."),
    ]
    unchecked: Annotated[
        bool,
        option(
            "--unchecked",
            is_flag=True,
            help="With --revision: whatever the canary has now. For one that is applied later, and for manifests "
            "without the default values of the server.",
        ),
    ]
    dry_run: DryRunOption
    output: Output
    log: LogOptions


class FollowOptions(Options, frozen=True, kw_only=True):
    """How to follow the release to its end, by passes as those of `steerer run --wait`."""

    wait: WaitOption
    timeout: TimeoutOption
    report: ReportFile
    notify: NotifyOptions
    settings: PassOptions


class FollowedOptions(Options, frozen=True, kw_only=True):
    """The options of an action after which the release comes to an end."""

    action: ActionOptions
    follow: FollowOptions


class ApproveOptions(Options, frozen=True, kw_only=True):
    """The options of `steerer approve`."""

    action: ActionOptions
    weight: Annotated[
        int | None,
        option(
            "--weight", type=click.IntRange(1, 100), metavar="W", help="Only the step of this weight. [default: all]"
        ),
    ]
    follow: FollowOptions


class RevisionOptions(Options, frozen=True, kw_only=True):
    """The options of `steerer revision`."""

    target: OneRollout
    log: LogOptions


@command(FollowedOptions)
def abort(options: FollowedOptions, stop: Stop) -> int:
    """Take all traffic off the canary of a Rollout, and end this revision."""
    return _ask(Verb.ABORT, options.action, stop, follow=options.follow)


@command(ActionOptions)
def pause(options: ActionOptions, stop: Stop) -> int:
    """Hold a Rollout where it is; --revision '*' holds any revision."""
    return _ask(Verb.PAUSE, options, stop)


@command(FollowedOptions)
def resume(options: FollowedOptions, stop: Stop) -> int:
    """Let a Rollout that is paused go on."""
    return _ask(Verb.RESUME, options.action, stop, follow=options.follow)


@command(FollowedOptions)
def promote(options: FollowedOptions, stop: Stop) -> int:
    """Promote the canary of a Rollout without further steps and metrics; health still counts."""
    return _ask(Verb.PROMOTE, options.action, stop, follow=options.follow)


@command(ApproveOptions)
def approve(options: ApproveOptions, stop: Stop) -> int:
    """Let a Rollout leave its steps with `approval: true`, or only the one of --weight."""
    weight = "" if options.weight is None else str(options.weight)
    return _ask(Verb.APPROVE, options.action, stop, weight, options.follow)


@command(FollowedOptions)
def retry(options: FollowedOptions, stop: Stop) -> int:
    """Start a revision that has failed, or is held by a limit, again from weight 0."""
    token = adapters.now().strftime("%Y%m%dT%H%M%SZ")
    return _ask(Verb.RETRY, options.action, stop, token, options.follow)


@command(RevisionOptions)
def revision(options: RevisionOptions, _stop: Stop) -> int:
    """Print the revision of a Rollout's canary, which actions name, and nothing else."""
    log_to_stderr(options.log.log_format, options.log.log_level)
    with _opened(options.target, {}) as (cluster, default_namespace):
        found = find(cluster, selection_for(options.target.scope, default_namespace))
        click.echo(revision_meant(cluster, found.rollout))
    return NOTHING


def _ask(
    verb: Verb, options: ActionOptions, stop: Stop, argument: str = "", follow: FollowOptions | None = None
) -> int:
    """Writes the annotations of one action, and follows the release where that is asked for. Returns the exit code."""
    log_to_stderr(options.log.log_format, options.log.log_level, dry_run=options.dry_run != "none")
    _refuse_excluded(verb, options, follow)
    waits = follow is not None and follow.wait
    try:
        _write(verb, options, argument, printed=not waits or options.output == "text")
    except LostRaceError:
        print_error(f"steerer: Rollout {options.target.name} was changed meanwhile, nothing was written: run it again")
        return HALTED
    except RefusedError as error:
        print_error(f"steerer: {error}")
        return HALTED
    if follow is None or not follow.wait:
        return NOTHING
    from reconcile.cli.wait import wait  # noqa: PLC0415 - only what follows a release pays for it

    return wait(_run_of(options, follow), stop)


def _refuse_excluded(verb: Verb, options: ActionOptions, follow: FollowOptions | None) -> None:
    """Raises UsageError for options that exclude each other."""
    adapters.refuse_stdin(options.target.cluster, written=options.dry_run != "client")
    if options.revision == ANY_REVISION and verb is not Verb.PAUSE:
        raise UsageError(f"--revision '{ANY_REVISION}' is for pause alone: {verb} is about one revision")
    if options.unchecked and not options.revision:
        raise UsageError("--unchecked needs --revision: without it the revision is the one that the canary has now")
    if follow is None:
        return
    if follow.timeout is not None and not follow.wait:
        raise UsageError("--timeout needs --wait: it says how long")
    if follow.wait and options.dry_run != "none":
        raise UsageError("--wait and --dry-run exclude each other: what is not written brings nothing to an end")


def _opened(target: OneRollout, write_params: dict[str, str]) -> AbstractContextManager[tuple[Cluster, str | None]]:
    return adapters.cluster_for(target.cluster, namespaces_for(target.scope, None), write_params)


def _write(verb: Verb, options: ActionOptions, argument: str, *, printed: bool) -> None:
    params = {"dryRun": "All"} if options.dry_run == "server" else {}
    with _opened(options.target, params) as (cluster, default_namespace), adapters.lock(cluster, MOST_WAITED):
        found = find(cluster, selection_for(options.target.scope, default_namespace))
        meant = _revision(verb, cluster, found, options)
        changes = verb.annotations(meant, argument)
        patch = annotate(found, changes)
        if patch is not None and options.dry_run != "client":
            cluster.patch(patch)
    if printed:
        _print(verb, found, meant, changes, options, changed=patch is not None)


def _revision(verb: Verb, cluster: Cluster, found: Found, options: ActionOptions) -> str:
    """Returns the revision that an action names; "" where it names none."""
    if options.revision == ANY_REVISION or options.unchecked:
        return options.revision
    if verb is Verb.RESUME and not options.revision:
        return ""  # what is paused goes on, whatever the canary is by now
    return revision_meant(cluster, found.rollout, options.revision)


def _print(verb: Verb, found: Found, meant: str, changes: Wanted, options: ActionOptions, *, changed: bool) -> None:
    result = "unchanged" if not changed else "annotated" if options.dry_run == "none" else "annotated (dry run)"
    if options.output != "text":
        ref = found.rollout.ref
        annotations = {key.annotation: value for key, value in changes.items()}
        named = {"rollout": ref.name, "namespace": ref.namespace, "action": verb, "revision": meant or None}
        document = {**named, "annotations": annotations, "result": result.partition(" ")[0], "dryRun": options.dry_run}
        click.echo(plain_data.dump(document, options.output), nl=False)
        return
    of = {"": "", ANY_REVISION: " of any revision"}.get(meant, f" of revision {meant}")
    click.echo(f"{found.rollout.full_name}  {verb}{of}: {result}")
    if meant and (first := _in_the_way(found, meant, changes)):
        click.echo(f"  {first} is asked for as well, and goes first")


def _in_the_way(found: Found, meant: str, changes: Wanted) -> Action | None:
    """Returns an action that holds for the same revision, and that a pass obeys before the one that is asked for."""
    asked = actions_of(found.annotations)
    for action in (Action.ABORT, Action.PAUSE):
        if changes.get(action) is not None:
            return None
        if action not in changes and asked.revision(action) in {meant, ANY_REVISION}:
            return action
    return None


def _run_of(options: ActionOptions, follow: FollowOptions) -> RunOptions:
    """Returns the options of the `steerer run --wait` that follows the release."""
    return RunOptions(
        target=TargetOptions(
            cluster=options.target.cluster,
            scope=options.target.scope,
            sharding=ShardOptions(shards=None, shard=None),
            settings=follow.settings,
            write_to=None,
        ),
        dry_run="none",
        every=None,
        duration=None,
        wait=True,
        timeout=follow.timeout,
        report=follow.report,
        notify=follow.notify,
        detailed_exitcode=False,
        output=options.output,
        log=options.log,
    )
