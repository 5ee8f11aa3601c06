"""`steerer status`: reads Rollouts and their Events, and prints them. It makes no pass."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from reconcile.cli import adapters
from reconcile.cli.command import Options, command
from reconcile.cli.exit_codes import NOTHING
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.options import ClusterOptions, LogOptions, Output, ScopeOptions
from reconcile.cli.scope import namespaces_for, selection_for
from reconcile.core.case import Case
from reconcile.core.preview import promotion_changes
from reconcile.core.state_machine import RESTING
from reconcile.engine.label_selector import matches
from reconcile.engine.listing import list_manifests
from reconcile.engine.observe import observe_templates
from reconcile.model import rollout_manifest
from reconcile.model.errors import ClusterError, UsageError
from reconcile.model.kinds import EVENT, ROLLOUT, Scope
from reconcile.model.settings import Settings
from reconcile.report import describe, layout, plain_data
from reconcile.report.console import console_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.cli.options import Form
    from reconcile.cli.signals import Stop
    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.plan import Change
    from reconcile.model.ports import Cluster
    from reconcile.model.rollout import Rollout


class StatusOptions(Options, frozen=True, kw_only=True):
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
        parsed = [rollout_manifest.parse(item) for item in rollouts]
        changes = _promotion_changes(cluster, parsed)
        found = [
            Found(item, cluster.list(EVENT, _events_of(item)), changes.get(rollout.ref, ()))
            for item, rollout in zip(rollouts, parsed, strict=True)
        ]
    _print(found, options.output)
    if unread:
        raise ClusterError("; ".join(map(str, unread))) from unread[0]
    return NOTHING


class Found(NamedTuple):
    """What is shown of one Rollout: its manifest, its Events, and what its promotion will change."""

    rollout: Manifest
    events: Sequence[Manifest]
    promotion: tuple[Change, ...]


def _promotion_changes(cluster: Cluster, rollouts: Sequence[Rollout]) -> dict[Ref, tuple[Change, ...]]:
    """Returns what the promotions under way will change; nothing for one whose objects cannot be read or used."""
    under_way = [item for item in rollouts if item.state.phase not in RESTING]
    cases = [Case(item, Settings(), adapters.now()) for item in observe_templates(cluster, under_way)]
    return {case.rollout.ref: promotion_changes(case) for case in cases}


def _events_of(rollout: Manifest) -> Scope:
    metadata = rollout["metadata"]
    fields = {"involvedObject.kind": ROLLOUT.name, "involvedObject.name": metadata["name"]}
    return Scope(namespace=metadata.get("namespace", "default"), fields=fields)


def _print(found: Sequence[Found], form: Form) -> None:
    if form != "text":
        data = {"rollouts": [describe.status_data(*item) for item in found]}
        click.echo(plain_data.dump(data, form), nl=False)
        return
    console = console_for(sys.stdout)
    for index, item in enumerate(found):
        if index:
            console.print_lines([layout.Line()])
        describe.print_status(*item, adapters.now(), console)
    if not found:
        click.echo("No Rollouts found.")
