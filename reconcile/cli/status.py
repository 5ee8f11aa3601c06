"""`steerer status`: where Rollouts stand, and why.

Duty: reads Rollouts and their Events, and shows them. It makes no pass.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from reconcile.cli import adapters, options
from reconcile.cli.logs import log_to_stderr
from reconcile.errors import UsageError
from reconcile.observe import matches
from reconcile.ports import EVENT, ROLLOUT, Scope
from reconcile.report import describe, lines, record


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
        namespace = adapters.namespace_for(given, default_namespace)
        rollouts = [
            item
            for item in cluster.list(ROLLOUT, Scope(namespace=namespace))
            if (not given["names"] or item["metadata"]["name"] in given["names"])
            and matches(given["selector"], item["metadata"].get("labels") or {})
        ]
        if missing := set(given["names"]) - {item["metadata"]["name"] for item in rollouts}:
            raise UsageError(f"no Rollout {', '.join(sorted(missing))} in {namespace or 'any namespace'}")
        told = []
        for item in rollouts:
            here = item["metadata"].get("namespace", "default")
            fields = {"involvedObject.kind": ROLLOUT.name, "involvedObject.name": item["metadata"]["name"]}
            told.append((item, cluster.list(EVENT, Scope(namespace=here, fields=fields))))
    if given["output"] != "text":
        data = {"rollouts": [describe.status_data(item, events) for item, events in told]}
        click.echo(record.dump(data, given["output"]), nl=False)
        return
    console = lines.console_for(sys.stdout)
    for index, (item, events) in enumerate(told):
        if index:
            console.print()
        describe.print_status(item, events, adapters.now(), console)
    if not told:
        click.echo("No Rollouts found.")
