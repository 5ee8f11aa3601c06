"""The adapters of a command, built from its options: the cluster, the meter, the settings, the clock.

Only the command line builds adapters and reads the clock.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconcile.cli.scope import namespaces_for, selection_for
from reconcile.engine.one_pass import Pass, as_decided
from reconcile.metrics import templates
from reconcile.model.errors import UsageError
from reconcile.model.kinds import ROLLOUT, Scope
from reconcile.model.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from reconcile.cli.options import ClusterOptions, ManifestOptions, MetricsServerOptions, PassOptions
    from reconcile.cli.run_options import RunOptions, TargetOptions
    from reconcile.clusters.folder.cluster import FolderCluster
    from reconcile.clusters.folder.sources import Sources
    from reconcile.engine.selection import Selection
    from reconcile.metrics.prometheus import Prometheus
    from reconcile.model.measurement import Metric
    from reconcile.model.ports import Cluster, Meter

STDIN = "-"
MOST_READ = 16 * 1024 * 1024
"""Bytes of the standard input; more than a file may have, so that it is refused like one."""
METRICS_SHARE = 0.6
"""The part of a pass's time budget that its metric queries may take."""


@contextmanager
def pass_of_run(options: RunOptions, stop_reason: Callable[[], str]) -> Iterator[Pass]:
    """Yields the pass that `run` makes. Raises UsageError for options that exclude each other."""
    target = options.target
    write_params = {"dryRun": "All"} if options.dry_run == "server" else {}
    refuse_stdin(target.cluster, written=options.dry_run != "client")
    if target.write_to and (target.cluster.filename or write_params or options.wait):
        raise UsageError(
            "--write-to takes one step of a live cluster into files, which somebody has to commit: -f, --wait "
            "and --dry-run=server are of no use with it; to look first, use --dry-run=client"
        )
    scope = namespaces_for(target.scope, None)
    found = cluster_for(
        target.cluster, scope, write_params, checkout=target.write_to, readers=target.sharding.shards or 1
    )
    with found as (live, default_namespace):
        cluster = _checkout_of(target, live, default_namespace)
        selection = selection_for(target.scope, default_namespace, target.sharding)
        yield pass_over(
            cluster,
            selection,
            target.settings,
            stop_reason,
            every=options.every,
            through_git=target.write_to is not None,
        )


def refuse_stdin(options: ClusterOptions, *, written: bool) -> None:
    """Raises UsageError for a pass that would write to the standard input."""
    if written and STDIN in map(str, options.filename):
        raise UsageError("-f - can only be read: lint, plan, status and simulate take it; to write, name a folder")


def pass_over(
    cluster: Cluster,
    selection: Selection,
    options: PassOptions,
    stop_reason: Callable[[], str],
    *,
    every: float | None = None,
    through_git: bool = False,
) -> Pass:
    """Returns a pass over the selected Rollouts; `stop_reason` says why it has to end early ("" = it has not)."""
    loaded = templates.load(options.templates)
    return Pass(
        cluster=cluster,
        meter=meter_for(options, loaded, options.pass_timeout),
        settings=settings_for(options, loaded.metrics, every=every, through_git=through_git),
        selection=selection,
        now=now,
        budget=options.pass_timeout,
        stop_reason=stop_reason,
        adapt=getattr(cluster, "adapt", as_decided),
    )


def interval_for(interval: float | None, every: float | None = None) -> float:
    """Returns the control-loop interval in seconds: the first that is given, else that of the settings."""
    return next(seconds for seconds in (interval, every, Settings().interval) if seconds is not None)


def settings_for(
    options: PassOptions, metrics: Mapping[str, Metric], *, every: float | None = None, through_git: bool = False
) -> Settings:
    """Returns the settings of a pass. With `through_git` the GitOps tools apply what it writes, and revert nothing."""
    named = options.gitops_managers or Settings().gitops_managers
    return Settings(
        interval=interval_for(options.control_loop_interval, every),
        metrics=metrics,
        gitops_managers=() if through_git else named,
        appliers=named if through_git else (),
        common_cause=options.common_cause == "hold",
        inline_queries=not options.no_inline_queries,
    )


def meter_for(options: MetricsServerOptions, loaded: templates.TemplateSet, pass_timeout: float) -> Meter:
    """Returns the client of the metrics server; without a server, a meter whose every answer says so.

    It may take its part of `pass_timeout` seconds.
    """
    from reconcile.metrics import prometheus  # noqa: PLC0415 - a simulation asks no server

    if not options.metrics_server:
        return prometheus.UnconfiguredMeter()
    return prometheus_for(options, loaded, pass_timeout * METRICS_SHARE)


def prometheus_for(options: MetricsServerOptions, loaded: templates.TemplateSet, budget: float) -> Prometheus:
    """Returns the client of the metrics server that is named, for `budget` seconds in all."""
    from reconcile.metrics import prometheus  # noqa: PLC0415 - as above

    return prometheus.Prometheus(
        options.metrics_server or "",
        loaded,
        token_file=options.metrics_token_file,
        ca_file=options.metrics_ca_file,
        headers=dict(options.metrics_header),
        accept_partial=options.partial_answers == "accept",
        budget=budget,
    )


@contextmanager
def cluster_for(
    options: ClusterOptions,
    namespaces: tuple[str, ...] = (),
    write_params: dict[str, str] | None = None,
    *,
    required: bool = True,
    checkout: Path | None = None,
    readers: int = 1,
) -> Iterator[tuple[Cluster, str | None]]:
    """Yields the cluster, and the namespace that is in scope if none is named (None = all).

    `namespaces` are those that are asked for, `checkout` is what is written instead. So many `readers` read the same at
    a time. Raises UsageError for a folder that has no Rollout in any of the namespaces, if one is `required`.
    """
    kubeconfig, context = options.api.kubeconfig, options.api.context
    if options.filename:
        if kubeconfig or context or write_params:
            raise UsageError("-f reads a folder: --kubeconfig, --context and --dry-run=server need an API server")
        yield folder_for(sources_for(options), namespaces, required=required), None
        return
    if options.exclude and checkout is None:
        raise UsageError("--exclude leaves out what is in a folder: name the folder with -f")

    from reconcile.clusters.kube.cluster import connect, page_size_for  # noqa: PLC0415 - only the cluster that is used

    with connect(kubeconfig, context, write_params=write_params, page_size=page_size_for(readers)) as cluster:
        yield cluster, cluster.default_namespace


def sources_for(options: ClusterOptions | ManifestOptions) -> Sources:
    """Returns what -f and --exclude name. Raises UsageError for a path that is neither a folder nor a file."""
    from reconcile.clusters.folder.sources import Sources  # noqa: PLC0415 - only the cluster that is used

    paths = tuple(path for path in options.filename if str(path) != STDIN)
    stdin = sys.stdin.buffer.read(MOST_READ) if len(paths) < len(options.filename) else None
    return Sources(paths, options.exclude, stdin)


def folder_for(sources: Sources, namespaces: tuple[str, ...], *, required: bool = True) -> FolderCluster:
    """Returns the cluster of manifests. One namespace that is asked for is that of the manifests that name none.

    Raises UsageError for manifests that have no Rollout in any of the namespaces, if one is `required`.
    """
    from reconcile.clusters.folder.cluster import FolderCluster  # noqa: PLC0415 - only the cluster that is used

    folder = FolderCluster(sources, *namespaces) if len(namespaces) == 1 else FolderCluster(sources)
    if not (namespaces and required):
        return folder
    found = {item["metadata"]["namespace"] for item in folder.list(ROLLOUT, Scope())}
    if not found & {*namespaces}:
        others = f"it has those of namespace {', '.join(sorted(found))}" if found else "it has none at all"
        raise UsageError(f"{sources} has no Rollout of namespace {', '.join(namespaces)}: {others}")
    return folder


def _checkout_of(options: TargetOptions, live: Cluster, default_namespace: str | None) -> Cluster:
    """Returns the cluster that is written: the live one, or the Git checkout of --write-to."""
    folder = options.write_to
    if folder is None:
        return live
    from reconcile.clusters.folder.cluster import FolderCluster  # noqa: PLC0415 - only the cluster that is used
    from reconcile.clusters.folder.sources import Sources  # noqa: PLC0415 - as above
    from reconcile.clusters.git.cluster import Checkout  # noqa: PLC0415 - as above

    scope = namespaces_for(options.scope, default_namespace)
    sources = Sources((folder,), options.cluster.exclude)
    # A kustomization may be what sets the namespace: with one namespace in scope, it is that one.
    manifests = FolderCluster(sources, *scope) if len(scope) == 1 else FolderCluster(sources)
    return Checkout(live, manifests, str(folder))


def lock(cluster: Cluster, wait: float = 0.0) -> AbstractContextManager[object]:
    """Keeps two passes over one folder apart; an API server does that by resource versions.

    Waits for another one to end, at most `wait` seconds.
    """
    lock: Callable[[float], AbstractContextManager[object]] = getattr(cluster, "lock", nullcontext)
    return lock(wait)


def now() -> datetime:
    """Reads the clock, in UTC."""
    return datetime.now(UTC)
