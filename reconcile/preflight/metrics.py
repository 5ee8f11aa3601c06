"""The metrics of a Rollout, as they are written: thresholds, intervals, and a canary whose requests are measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.model import durations
from reconcile.preflight.findings import Finding, Level
from reconcile.preflight.steps import time_at
from reconcile.preflight.telemetry import INJECT, telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.core.case import Case
    from reconcile.model.checks import Check
    from reconcile.model.measurement import Metric
    from reconcile.model.objects import Deployment
    from reconcile.preflight.findings import Subject

# A rate needs two samples in its window; fifteen seconds are the shortest usual time between two scrapes.
LEAST_INTERVAL = 30.0
MOST_PERCENT = 100.0
ALL_TRAFFIC = 100


def metrics(subject: Subject) -> Iterator[Finding]:
    """Yields thresholds that cannot pass or have the wrong unit, short intervals, and a canary without a proxy."""
    case, ref = subject.case, subject.case.rollout.ref
    for index, check in enumerate(case.spec.checks):
        path = f"spec.canaryAnalysis.metrics[{index}]"
        metric = case.metric(check)
        for level, message in _threshold(check.threshold, metric) if metric and check.threshold is not None else ():
            yield Finding(level=level, object=str(ref), path=f"{path}.threshold", message=message)
        for level, field, message, advice in _gating(case, check):
            yield Finding(level=level, object=str(ref), path=f"{path}.{field}", message=message, advice=advice)
        if (durations.seconds(check.interval) or 0.0) < LEAST_INTERVAL:
            message = f"{check.interval} holds less than two samples where Prometheus scrapes every 15s or less often"
            advice = "write four times the scrape interval, such as 1m"
            path += ".interval"
            yield Finding(level=Level.WARNING, object=str(ref), path=path, message=message, advice=advice)
    yield from telemetry(subject)
    if case.spec.checks and _without_proxy(case.objects.canary):
        message = f'has {INJECT}: "false": without a proxy nobody reports its requests'
        canary = str(case.rollout.canary)
        yield Finding(level=Level.WARNING, object=canary, path="spec.template.metadata", message=message)


def _threshold(threshold: float, metric: Metric) -> Iterator[tuple[Level, str]]:
    """Yields the problem of a threshold that can never pass, or that seems to be in another unit."""
    if metric.bound == "minimum" and metric.unit == "percent" and threshold > MOST_PERCENT:
        yield Level.ERROR, f"{threshold:g} % can never be reached"
    if metric.bound == "minimum" and metric.unit == "percent" and 0 < threshold <= 1:
        percent = threshold * 100
        yield Level.WARNING, f"is {threshold:g} percent: if {percent:g} percent are meant, write {percent:g}"
    if metric.bound == "maximum" and metric.unit in {"percent", "milliseconds"} and threshold < 0:
        yield Level.ERROR, f"{threshold:g} {metric.unit}: nothing is that little"
    if metric.bound == "maximum" and metric.unit == "milliseconds" and 0 < threshold < 1:
        yield Level.WARNING, f"is {threshold:g} milliseconds: if seconds are meant, write {threshold * 1000:g}"


def _gating(case: Case, check: Check) -> Iterator[tuple[Level, str, str, str]]:
    """Yields where a metric holds up no release, and where its first answers at a weight are about another."""
    spec, window = case.spec, durations.seconds(check.interval) or 0.0
    if not check.observe and check.from_weight > spec.steps.maximum:
        message = f"{check.from_weight} is above the maximum weight of {spec.steps.maximum}: it never holds anything up"
        yield Level.WARNING, "fromWeight", message, "write observe: true if that is meant"
    if check.comparison is not None and check.gates_at(spec.steps.maximum) and spec.steps.maximum == ALL_TRAFFIC:
        message = "the primary has no requests to compare with once the canary has all: the release would be held there"
        yield Level.WARNING, "comparison", message, "let the last weight be less than 100, such as 50"
    interval = max(case.settings.interval, spec.interval)
    shortest = min(time_at(spec, weight, interval) for weight in spec.steps.weights)
    if window > shortest:
        message = (
            f"{check.interval} is longer than the {durations.text(shortest)} at a step: the first checks at a weight "
            "see what was before, and those of a new revision the one before it"
        )
        yield Level.WARNING, "interval", message, f"write warmUp: {check.interval}, or a shorter interval"


def _without_proxy(deployment: Deployment) -> bool:
    metadata = deployment.template.get("metadata") or {}
    return any(str((metadata.get(part) or {}).get(INJECT)) == "false" for part in ("labels", "annotations"))


def summary(subject: Subject) -> str:
    """Returns the names of the metrics."""
    return ", ".join(check.name for check in subject.case.spec.checks) or "none: health alone decides"
