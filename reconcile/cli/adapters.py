"""The adapters of a command, made from its options: the cluster, the meter, the settings, the clock.

Duty: with its siblings the only place that builds adapters and reads the clock. `given` is what click parsed, by the
names of the options.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconcile.engine.label_selector import matches
from reconcile.engine.one_pass import Pass, as_decided
from reconcile.engine.selection import Selection
from reconcile.engine.shards import UNSHARDED, Shard
from reconcile.metrics import templates
from reconcile.model.errors import UsageError
from reconcile.model.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from reconcile.model.ports import Cluster, Meter

# Kubernetes numbers the pods of an Indexed Job by it, of whatever Job: alone it says nothing about shards.
COMPLETION_INDEX = "JOB_COMPLETION_INDEX"


def pass_for(given: dict[str, Any], cluster: Cluster, selection: Selection, stop_reason: Callable[[], str]) -> Pass:
    """Returns a pass over what is selected; `stop_reason` returns why it has to end early, or ""."""
    loaded = templates.load(given["templates"])
    return Pass(
        cluster=cluster,
        meter=meter_for(given, loaded),
        settings=settings_for(given, interval=interval_for(given), metrics=loaded.metrics),
        selection=selection,
        now=now,
        budget=given["pass_timeout"],
        stop_reason=stop_reason,
        adapt=getattr(cluster, "adapt", as_decided),
    )


def interval_for(given: dict[str, Any]) -> float:
    """Give the control-loop interval, in seconds."""
    named = (given["control_loop_interval"], given.get("every"), 60.0)
    return next(seconds for seconds in named if seconds is not None)


def settings_for(given: dict[str, Any], **settings: Any) -> Settings:
    """Give the settings of a pass: `settings` as they are, and the field managers that the options name."""
    managers = tuple(name.strip() for name in given["gitops_managers"].split(",") if name.strip())
    built = Settings(**settings)
    managers = managers or built.gitops_managers
    if given.get("write_to"):  # then these bring about what steerer wants, and put nothing back
        return replace(built, gitops_managers=(), appliers=managers)
    return replace(built, gitops_managers=managers)


def selection_for(given: dict[str, Any], default_namespace: str | None) -> Selection:
    """Give what is in scope. Raises UsageError for a label selector that is none, and for -n beside -A."""
    matches(given["selector"], {})  # a selector that is none is told before anything is read
    if given["all_namespaces"] and given["namespace"]:
        raise UsageError("-n and -A exclude each other")
    return Selection(
        namespaces=_namespaces(given, default_namespace),
        names=given["names"],
        labels=given["selector"],
        shard=_shard(given.get("shards"), given.get("shard")),
    )


def _shard(count: int | None, index: int | None) -> Shard:
    """Give the shard whose Rollouts are meant. Raises UsageError where none is named, or one that is none."""
    if count is None and index is not None:
        raise UsageError("--shard needs --shards: it says how many there are")
    if count is None or (count == 1 and index is None):
        return UNSHARDED
    name, text = (COMPLETION_INDEX, os.environ.get(COMPLETION_INDEX, "")) if index is None else ("--shard", str(index))
    if not text:
        raise UsageError(f"--shards needs --shard, which of the {count} this is; in an Indexed Job {name} says it")
    if not text.isdecimal() or int(text) >= count:
        raise UsageError(f"{name} is {text}: with {count} shards it must be a number from 0 to {count - 1}")
    return Shard(index=int(text), count=count)


def _namespaces(given: dict[str, Any], default: str | None) -> tuple[str, ...]:
    """Give the namespaces in scope; none = all."""
    named: tuple[str, ...] = given["namespace"] or ((default,) if default else ())
    return () if given["all_namespaces"] else named


def meter_for(given: dict[str, Any], loaded: templates.TemplateSet) -> Meter:
    """Give what answers questions; without a server, one that says so."""
    from reconcile.metrics import prometheus  # noqa: PLC0415 - a simulation asks no server

    if not given["metrics_server"]:
        return prometheus.Unconfigured()
    return prometheus.Prometheus(
        given["metrics_server"],
        loaded,
        token_file=given["metrics_token_file"],
        ca_file=given["metrics_ca_file"],
        headers=dict(given["metrics_header"]),
        budget=given["pass_timeout"] * 0.6,
    )


@contextmanager
def cluster_for(given: dict[str, Any], write_params: dict[str, str]) -> Iterator[tuple[Cluster, str | None]]:
    """Give the cluster, and the namespace that is looked at if none is named (None = all)."""
    write_to = given.get("write_to")
    if write_to and (given["filename"] or write_params or given.get("wait")):
        raise UsageError(
            "--write-to takes one step of a live cluster into files, which somebody has to commit: -f, --wait "
            "and --dry-run=server are of no use with it; to look first, use --dry-run=client"
        )
    if given["filename"] is not None:
        if given["kubeconfig"] or given["context"] or write_params:
            raise UsageError("-f reads a folder: --kubeconfig, --context and --dry-run=server need an API server")
        from reconcile.clusters.folder.cluster import FolderCluster  # noqa: PLC0415 - only the cluster that is used

        yield FolderCluster(given["filename"]), None
        return

    from reconcile.clusters.kube.cluster import connect  # noqa: PLC0415 - only the cluster that is used

    with connect(given["kubeconfig"], given["context"], write_params=write_params) as cluster:
        default = cluster.default_namespace
        yield (_written_to(given, cluster, default) if write_to else cluster), default


def _written_to(given: dict[str, Any], live: Cluster, default: str | None) -> Cluster:
    from reconcile.clusters.folder.cluster import FolderCluster  # noqa: PLC0415 - as above
    from reconcile.clusters.git.cluster import Checkout  # noqa: PLC0415 - only the cluster that is used

    folder, scope = given["write_to"], _namespaces(given, default)
    # A kustomization may be what names the namespace: it is the one in scope, if that is one.
    manifests = FolderCluster(folder, *scope) if len(scope) == 1 else FolderCluster(folder)
    return Checkout(live, manifests, str(folder))


def lock(cluster: Cluster) -> AbstractContextManager[None]:
    """Keep two passes over one folder apart; an API server does that by resource versions."""
    lock: Callable[[], AbstractContextManager[None]] = getattr(cluster, "lock", nullcontext)
    return lock()


def now() -> datetime:
    """Read the clock, in UTC."""
    return datetime.now(UTC)
