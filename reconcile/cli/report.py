"""`steerer report`: what happened in a release, by what the cluster and the metrics server remember. It only reads."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import click

from reconcile.cli import adapters
from reconcile.cli.command import Options, argument, command, option
from reconcile.cli.exit_codes import NOTHING
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.option_types import Duration
from reconcile.cli.options import (
    ClusterOptions,
    LogOptions,
    MetricsServerOptions,
    NamespaceOption,
    ScopeOptions,
    Templates,
    output,
)
from reconcile.cli.scope import selection_for
from reconcile.core.series import sides
from reconcile.engine.action_request import find
from reconcile.lookback import of_cluster, page, words
from reconcile.metrics import templates
from reconcile.model.errors import UsageError
from reconcile.model.kinds import EVENT, ROLLOUT, Scope
from reconcile.model.series import Window
from reconcile.report import plain_data

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.cli.signals import Stop
    from reconcile.engine.action_request import Found
    from reconcile.lookback.history import History
    from reconcile.metrics.templates import TemplateSet
    from reconcile.model.rollout import Rollout
    from reconcile.model.series import Series

LONGEST = 31 * 86_400.0
POINTS = 240
"""Values of a metric in a picture; less where the window is short."""
SHORTEST_STEP = 15.0
BUDGET = 60.0


class ReportOptions(Options, frozen=True, kw_only=True):
    """The options of `steerer report`."""

    name: Annotated[str, argument()]
    namespace: NamespaceOption
    since: Annotated[
        float,
        option(
            "--since", type=Duration(), default="2h", show_default=True, help="How far to look back; 31 days at most."
        ),
    ]
    cluster: ClusterOptions
    server: MetricsServerOptions
    templates: Templates
    output: Annotated[Literal["text", "json", "html", "svg"], output("text", "json", "html", "svg")]
    log: LogOptions


@command(ReportOptions)
def report(options: ReportOptions, _stop: Stop) -> int:
    """Tell what happened in a release: weights, checks, halts, actions, and each metric of canary and primary.

    It is made of the status, the Events (which a cluster keeps for an hour by default) and, with --metrics-server, of
    the series of the metrics. -o html is one file that needs nothing else, -o svg one picture.
    """
    log_to_stderr(options.log.log_format, options.log.log_level)
    if not 0 < options.since <= LONGEST:
        raise UsageError("--since is more than 0s, and 31 days (744h) at most")
    loaded = templates.load(options.templates)
    scope = ScopeOptions(names=(options.name,), namespace=options.namespace, all_namespaces=False, selector="")
    with adapters.cluster_for(options.cluster, options.namespace or ()) as (cluster, default_namespace):
        found = find(cluster, selection_for(scope, default_namespace))
        events = cluster.list(EVENT, _events_of(found))
    window = _window(options.since, adapters.now())
    series, weight, notes = _series(options, found.rollout, loaded, window)
    history = of_cluster.history(
        of_cluster.Found(
            rollout=found.rollout.ref,
            manifest=found.manifest,
            events=events,
            window=window,
            checks=found.rollout.draft.checks,
            metrics=loaded.metrics,
            series=series,
            weight=weight,
            notes=notes,
        )
    )
    click.echo(_form(history, options.output), nl=False)
    return NOTHING


def _window(since: float, now: datetime) -> Window:
    return Window(begin=now - timedelta(seconds=since), end=now, step=max(SHORTEST_STEP, round(since / POINTS)))


def _events_of(found: Found) -> Scope:
    ref = found.rollout.ref
    return Scope(namespace=ref.namespace, fields={"involvedObject.kind": ROLLOUT.name, "involvedObject.name": ref.name})


def _series(
    options: ReportOptions, rollout: Rollout, loaded: TemplateSet, window: Window
) -> tuple[dict[str, tuple[Series, Series]], Series | None, tuple[str, ...]]:
    """Returns what the metrics server remembers of each metric and of the weight, and notes about it."""
    if not options.server.metrics_server:
        return {}, None, ("Without --metrics-server there are no curves of the metrics.",)
    asked = {check.name: sides(rollout, check) for check in rollout.draft.checks}
    name, namespace = (json.dumps(text) for text in (rollout.ref.name, rollout.ref.namespace))
    of_weight = " or ".join(
        f"steerer_rollout_canary_weight{{{label}={namespace}, name={name}}}"
        for label in ("exported_namespace", "namespace")
    )
    weight = f"max({of_weight})"
    found = adapters.prometheus_for(options.server, loaded, BUDGET).series(
        [weight, *(question for both in asked.values() for question in both)], window
    )
    problem = found[weight].problem
    notes = (f"The weight over time is by Events alone: {problem}",) if problem else ()
    return {name: (found[canary], found[primary]) for name, (canary, primary) in asked.items()}, found[weight], notes


def _form(history: History, form: str) -> str:
    if form == "text":
        return words.text(history)
    if form == "json":
        return plain_data.dump(words.data(history), "json")
    return page.html([history]) if form == "html" else page.svg([history])
