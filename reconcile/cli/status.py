"""`steerer status`: reads Rollouts and their Events, and prints them. It makes no pass."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from reconcile.cli import adapters
from reconcile.cli.command import Options, command
from reconcile.cli.exit_codes import NOTHING
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.options import ClusterOptions, LogOptions, Output, ScopeOptions
from reconcile.cli.scope import namespaces_for, selection_for
from reconcile.engine.label_selector import matches
from reconcile.engine.listing import list_manifests
from reconcile.model.errors import ClusterError, UsageError
from reconcile.model.kinds import EVENT, ROLLOUT, Scope
from reconcile.report import describe, layout, plain_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.cli.options import Form
    from reconcile.cli.signals import Stop
    from reconcile.model.kinds import Manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusOptions(Options):
    """The options of `steerer status`."""

    cluster: ClusterOptions
    scope: ScopeOptions
    output: Output
    log: LogOptions


@command(StatusOptions)
def status(options: StatusOptions, _stop: Stop) -> int:
    """Say where Rollouts stand, and why: phase, weight, measurements, events."""
    log_to_stderr(options.log.log_format, options.log.log_level)
    names, selector = options.scope.names, options.scope.selector
    with adapters.cluster_for(options.cluster, namespaces_for(options.scope, None)) as (cluster, default_namespace):
        selection = selection_for(options.scope, default_namespace)
        manifests, unread = list_manifests(cluster, selection)
        rollouts = [
            item
            for item in manifests
            if (not names or item["metadata"]["name"] in names)
            and matches(selector, item["metadata"].get("labels") or {})
        ]
        missing = set(names) - {item["metadata"]["name"] for item in rollouts}
        if missing and not unread:
            raise UsageError(f"no Rollout {', '.join(sorted(missing))} in {selection}")
        found = [(item, cluster.list(EVENT, _events_of(item))) for item in rollouts]
    _print(found, options.output)
    if unread:
        raise ClusterError("; ".join(map(str, unread))) from unread[0]
    return NOTHING


def _events_of(rollout: Manifest) -> Scope:
    metadata = rollout["metadata"]
    fields = {"involvedObject.kind": ROLLOUT.name, "involvedObject.name": metadata["name"]}
    return Scope(namespace=metadata.get("namespace", "default"), fields=fields)


def _print(found: Sequence[tuple[Manifest, Sequence[Manifest]]], form: Form) -> None:
    if form != "text":
        data = {"rollouts": [describe.status_data(item, events) for item, events in found]}
        click.echo(plain_data.dump(data, form), nl=False)
        return
    console = layout.console_for(sys.stdout)
    for index, (item, events) in enumerate(found):
        if index:
            console.print()
        describe.print_status(item, events, adapters.now(), console)
    if not found:
        click.echo("No Rollouts found.")
