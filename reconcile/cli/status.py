"""`steerer status`: where Rollouts stand, and why.

Duty: reads Rollouts and their Events, and shows them. It makes no pass.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from reconcile.cli import adapters, exit_codes
from reconcile.cli.command import Options, command
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.options import ClusterOptions, LogOptions, Output, ScopeOptions
from reconcile.engine.label_selector import matches
from reconcile.engine.listing import list_manifests
from reconcile.model.errors import ClusterError, UsageError
from reconcile.model.kinds import EVENT, ROLLOUT, Scope
from reconcile.report import describe, layout, record

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
    with adapters.cluster_for(options.cluster) as (cluster, default_namespace):
        selection = adapters.selection_for(options.scope, default_namespace)
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
        told = []
        for item in rollouts:
            here = item["metadata"].get("namespace", "default")
            fields = {"involvedObject.kind": ROLLOUT.name, "involvedObject.name": item["metadata"]["name"]}
            told.append((item, cluster.list(EVENT, Scope(namespace=here, fields=fields))))
    _show(told, options.output)
    if unread:
        raise ClusterError("; ".join(map(str, unread))) from unread[0]
    return exit_codes.NOTHING


def _show(told: Sequence[tuple[Manifest, Sequence[Manifest]]], form: Form) -> None:
    if form != "text":
        data = {"rollouts": [describe.status_data(item, events) for item, events in told]}
        click.echo(record.dump(data, form), nl=False)
        return
    console = layout.console_for(sys.stdout)
    for index, (item, events) in enumerate(told):
        if index:
            console.print()
        describe.print_status(item, events, adapters.now(), console)
    if not told:
        click.echo("No Rollouts found.")
