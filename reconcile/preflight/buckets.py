"""The edges of the buckets of a histogram: what is slower than a threshold is counted where that is an edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconcile.core import series
from reconcile.model.measurement import Failure
from reconcile.preflight.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.core.case import Case
    from reconcile.model.checks import Check
    from reconcile.model.measurement import Answer, Question
    from reconcile.preflight.findings import Subject

MILLISECONDS = {"le": 1.0, "seconds": 1000.0}
"""The labels that an edge is in, by what makes the unit of the metric of it."""


def matter(case: Case, check: Check) -> bool:
    """Returns whether a metric counts by a threshold that has to be an edge."""
    metric = case.metric(check)
    return check.is_sequential and check.threshold is not None and metric is not None and metric.edges != ""


def question(case: Case, check: Check) -> Question:
    """Returns the question for the edges in the series of the primary, which has traffic before a release too."""
    metric = case.metric(check)
    return replace(series.sides(case.rollout, check).primary, query=metric.edges if metric else "")


def buckets(subject: Subject) -> Iterator[Finding]:
    """Yields each threshold that is no edge, with those that there are."""
    case = subject.case
    for index, check in enumerate(case.spec.checks):
        metric, answer = case.metric(check), None
        if metric is not None and matter(case, check):
            answer = subject.answers.get(question(case, check))
        if metric is None or answer is None or check.threshold is None:
            continue
        edges = _edges(answer)
        where = {"object": str(case.rollout.ref), "path": f"spec.canaryAnalysis.metrics[{index}]"}
        if edges and check.threshold not in edges:
            yield Finding(
                level=Level.ERROR,
                message=f"{metric.title}: {check.threshold:.12g} {metric.unit} is no edge of a bucket, so that what is "
                "slower cannot be counted, and the comparison would have no data",
                advice=f"take an edge as the threshold: {', '.join(f'{edge:.12g}' for edge in edges)}",
                **where,
            )
        elif answer.failure in {Failure.TEMPLATE, Failure.QUERY_ERROR}:
            message = f"{check.name}: edges: {answer.failure} ({answer.detail})"
            yield Finding(level=Level.ERROR, message=message, **where)


def _edges(answer: Answer) -> list[float]:
    """Returns the edges in the unit of the metric, in order; none where the answer has none.

    One in the notation with an exponent is left out: no threshold is written so in a query.
    """
    found = {
        round(float(text) * MILLISECONDS[label], 9)
        for label, text in answer.labels
        if label in MILLISECONDS and text.replace(".", "", 1).isdecimal()
    }
    return sorted(found)
