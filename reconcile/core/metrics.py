"""Whether the metrics of a Rollout can be asked: known, allowed here, and with bounds that mean something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.model.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.core.case import Case
    from reconcile.model.checks import Check
    from reconcile.model.measurement import Metric

PATH = "spec.canaryAnalysis.metrics"


def problems(case: Case) -> list[str]:
    """Returns what is wrong with the metrics, each with its field path."""
    checks = case.rollout.spec.checks if case.rollout.spec else ()
    known = case.settings.metrics
    unknown = [
        f"{PATH}[{index}].name: {shown(check.name)} is no metric template"
        for index, check in enumerate(checks)
        if case.metric(check) is None
    ]
    named = [f"{problem} (known: {', '.join(sorted(known)) or 'none'})" for problem in unknown[:1]]
    others = (f"{PATH}[{index}].{problem}" for index, check in enumerate(checks) for problem in _of(case, check))
    return [*named, *unknown[1:], *others]


def _of(case: Case, check: Check) -> Iterator[str]:
    metric = case.metric(check)
    if metric is None:
        return
    yield from unfit(check, metric)
    if check.query and check.name in case.settings.metrics:
        yield f"name: {check.name} is a metric template: give the query another name"
    if check.query and not case.settings.inline_queries:
        yield "query: queries in a Rollout are not allowed here (--no-inline-queries): name a metric template"


def unfit(check: Check, metric: Metric) -> Iterator[str]:
    """Yields what is asked for that the metric cannot tell, with the field."""
    if check.threshold is not None and not metric.bound:
        yield f"threshold: {check.name} has no better side: write thresholdRange"
    if check.min_requests and not metric.requests:
        yield f"minRequests: {check.name} counts no requests: its template needs requests"
    if check.is_sequential and not (metric.requests and metric.failures):
        yield f"comparison.falseAlarmRate: {check.name} counts nothing: its template needs requests and failures"
    if check.comparison and metric.bound == "minimum" and metric.unit != "percent":
        yield f"comparison: {check.name} has a minimum and is no percentage: write a thresholdRange"
