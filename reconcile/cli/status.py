"""`steerer status`: where Rollouts stand, and why.

Duty: reads Rollouts and their Events, and shows them. It makes no pass.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from reconcile.cli import adapters, options
from reconcile.cli.logs import log_to_stderr
from reconcile.engine.label_selector import matches
from reconcile.engine.listing import list_manifests
from reconcile.model.errors import ClusterError, UsageError
from reconcile.model.kinds import EVENT, ROLLOUT, Scope
from reconcile.report import describe, layout, record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.model.kinds import Manifest


@click.command()
@click.argument("names", nargs=-1)
@options.CLUSTER
@options.SCOPE
@options.output("text", "json", "yaml")
@options.LOG
def status(**given: Any) -> None:
    """Say where Rollouts stand, and why: phase, weight, measurements, events."""
    log_to_stderr(given["log_format"], given["log_level"])
    with adapters.cluster_for(given, {}) as (cluster, default_namespace):
        selection = adapters.selection_for(given, default_namespace)
        manifests, unread = list_manifests(cluster, selection)
        rollouts = [
            item
            for item in manifests
            if (not given["names"] or item["metadata"]["name"] in given["names"])
            and matches(given["selector"], item["metadata"].get("labels") or {})
        ]
        missing = set(given["names"]) - {item["metadata"]["name"] for item in rollouts}
        if missing and not unread:
            raise UsageError(f"no Rollout {', '.join(sorted(missing))} in {selection}")
        told = []
        for item in rollouts:
            here = item["metadata"].get("namespace", "default")
            fields = {"involvedObject.kind": ROLLOUT.name, "involvedObject.name": item["metadata"]["name"]}
            told.append((item, cluster.list(EVENT, Scope(namespace=here, fields=fields))))
    _show(told, given)
    if unread:
        raise ClusterError("; ".join(map(str, unread))) from unread[0]


def _show(told: Sequence[tuple[Manifest, Sequence[Manifest]]], given: dict[str, Any]) -> None:
    if given["output"] != "text":
        data = {"rollouts": [describe.status_data(item, events) for item, events in told]}
        click.echo(record.dump(data, given["output"]), nl=False)
        return
    console = layout.console_for(sys.stdout)
    for index, (item, events) in enumerate(told):
        if index:
            console.print()
        describe.print_status(item, events, adapters.now(), console)
    if not told:
        click.echo("No Rollouts found.")
