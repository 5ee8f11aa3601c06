"""`steerer metrics`: the metrics that a Rollout can name, and what the metrics server says of a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import click

from reconcile.cli import adapters
from reconcile.cli.command import Options, argument, command
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.options import LogOptions, MetricsServerOptions, NamespaceOption, Output, Templates
from reconcile.metrics import templates
from reconcile.model.errors import UsageError
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Question, Roles
from reconcile.model.text import printable
from reconcile.report import plain_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconcile.cli.signals import Stop
    from reconcile.model.measurement import Answer, Metric

INTERVAL = "5m"
TIMEOUT = 50.0


class MetricsOptions(Options, frozen=True, kw_only=True):
    """The options of `steerer metrics`."""

    names: Annotated[tuple[str, ...], argument(nargs=-1, metavar="[WORKLOAD]...")]
    namespace: NamespaceOption
    server: MetricsServerOptions
    templates: Templates
    output: Output
    log: LogOptions


@command(MetricsOptions)
def metrics(options: MetricsOptions, _stop: Stop) -> int:
    """List the metrics that a Rollout can name: title, unit, side of the threshold, and what each needs.

    With names of workloads (Deployments), -n and --metrics-server: what each metric says of them over 5 minutes. The
    Service of a workload is taken to have its name.
    """
    log_to_stderr(options.log.log_format, options.log.log_level)
    loaded = templates.load(options.templates)
    answers = _ask(options, loaded)
    known = loaded.metrics.values()
    if options.output == "text":
        click.echo("\n".join(_lines(known, answers)))
    else:
        document = {"metrics": [_data(metric, answers.get(metric.name, {})) for metric in known]}
        click.echo(plain_data.dump(document, options.output), nl=False)
    return 0


def _ask(options: MetricsOptions, loaded: templates.TemplateSet) -> Mapping[str, Mapping[str, Answer]]:
    """Returns the answers by metric and workload; none where no workload is named."""
    if not options.names:
        return {}
    if not options.server.metrics_server or len(options.namespace or ()) != 1:
        raise UsageError("to ask for a workload, name its namespace (-n) and the server (--metrics-server)")
    [namespace] = options.namespace or ()
    asked = {metric: {name: _question(namespace, metric, name) for name in options.names} for metric in loaded.metrics}
    questions = [question for each in asked.values() for question in each.values()]
    answers = adapters.meter_for(options.server, loaded, TIMEOUT).measure(questions, adapters.now())
    return {metric: {name: answers[question] for name, question in each.items()} for metric, each in asked.items()}


def _question(namespace: str, metric: str, workload: str) -> Question:
    return Question(
        rollout=Ref(ROLLOUT, namespace, workload),
        metric=metric,
        workload=workload,
        interval=INTERVAL,
        weight=0,
        roles=Roles(primary=workload, canary=workload, primary_service=workload, canary_service=workload),
    )


def _lines(known: Iterable[Metric], answers: Mapping[str, Mapping[str, Answer]]) -> Sequence[str]:
    lines = []
    for metric in known:
        needs = f"; needs {metric.needs}" if metric.needs else ""
        lines.append(f"{metric.name}: {metric.title} in {metric.unit}, {metric.bound or 'a range'}{needs}")
        lines += [f"  {name}: {_told(answer, metric)}" for name, answer in answers.get(metric.name, {}).items()]
    return [printable(line) for line in lines]


def _told(answer: Answer, metric: Metric) -> str:
    if answer.failure is not None:
        return f"{answer.failure} ({answer.detail})" if not answer.is_empty else str(answer.failure)
    return f"{answer.value:.6g} {metric.unit}"


def _data(metric: Metric, answers: Mapping[str, Answer]) -> dict[str, Any]:
    return {
        "name": metric.name,
        "title": metric.title,
        "unit": metric.unit,
        "threshold": metric.bound or None,
        "needs": metric.needs or None,
        "requests": metric.requests,
        "failures": metric.failures,
        "workloads": [
            {
                "name": name,
                "value": plain_data.number(answer.value),
                "failure": str(answer.failure) if answer.failure else None,
                "detail": answer.detail,
                "query": answer.query,
            }
            for name, answer in answers.items()
        ],
    }
