"""The queries of the metrics, as a metrics server answers them before a release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconcile.core import analysis, series
from reconcile.core.judgement import Reading, judge
from reconcile.model.measurement import Asks, Failure
from reconcile.preflight import buckets
from reconcile.preflight.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.core.case import Case
    from reconcile.model.checks import Check
    from reconcile.model.measurement import Answer, Measurement, Question
    from reconcile.preflight.findings import Subject

# Before there is traffic, no number is no fault of the query; every other failure is one of the query or the server.
_EMPTY = {Failure.NO_DATA, Failure.NOT_A_NUMBER}
_EXPECTED = {Failure.NO_DATA.value, Failure.NOT_A_NUMBER.value, "failed"}


def questions(subject: Subject) -> tuple[Question, ...]:
    """Returns what an analysis would ask, as far as the metrics are known, and the values of the primary."""
    case = subject.case
    asked: list[Question] = []
    for check in case.spec.checks:
        asked += (analysis.value_question(case.rollout, check, 0), *_counts(case, check))
    asked += [series.sides(case.rollout, check).primary for check in case.spec.checks]
    asked += [buckets.question(case, check) for check in case.spec.checks if buckets.matter(case, check)]
    known = case.settings.metrics
    return tuple(item for item in asked if (item.query or item.metric in known) and item.workload)


def queries(subject: Subject) -> Iterator[Finding]:
    """Yields each query that has no good answer. A server that cannot be reached is reported once."""
    unreachable: set[str] = set()
    for index, answer, measured in _measurements(subject):
        if answer.failure is Failure.UNREACHABLE:
            if answer.detail not in unreachable:
                unreachable.add(answer.detail)
                yield Finding(level=Level.ERROR, object="metrics server", message=answer.detail)
        elif not measured.passed:
            yield Finding(
                level=Level.WARNING if measured.verdict in _EXPECTED else Level.ERROR,
                object=str(subject.case.rollout.ref),
                path=f"spec.canaryAnalysis.metrics[{index}]",
                message=measured.text + _beside(subject, subject.case.spec.checks[index], answer),
                advice=f"query: {' '.join(answer.query.split())}" if answer.query else "",
            )
    yield from _uncounted(subject)
    yield from buckets.buckets(subject)


def _beside(subject: Subject, check: Check, answer: Answer) -> str:
    """Returns, for a canary without a number, whether its primary has one: then it only lacks traffic so far."""
    primary = subject.answers.get(series.sides(subject.case.rollout, check).primary)
    if answer.failure not in _EMPTY or primary is None or primary.failure not in {None, *_EMPTY}:
        return ""
    if answer.query and answer.query == primary.query:  # it is not about a workload
        return ""
    name = subject.case.spec.primary
    if primary.failure is None:
        return f"; its primary {name} has a value, so the canary needs traffic alone"
    return f"; nor has its primary {name}: if that has traffic, a release would halt. {series.WHAT_TO_LOOK_AT}"


def _uncounted(subject: Subject) -> Iterator[Finding]:
    """Yields each query of a count that is wrong. That it counts nothing yet is not."""
    for index, check in enumerate(subject.case.spec.checks):
        for question in _counts(subject.case, check):
            answer = subject.answers.get(question)
            if answer is not None and answer.failure not in {None, Failure.UNREACHABLE, *_EMPTY}:
                yield Finding(
                    level=Level.ERROR,
                    object=str(subject.case.rollout.ref),
                    path=f"spec.canaryAnalysis.metrics[{index}]",
                    message=f"{check.name}: {question.asks}: {answer.failure} ({answer.detail})",
                )


def _counts(case: Case, check: Check) -> tuple[Question, ...]:
    """Returns what is counted of the canary for a metric, as far as its template can."""
    value = analysis.value_question(case.rollout, check, 0)
    requests = replace(value, asks=Asks.REQUESTS)
    failures = replace(value, asks=Asks.FAILURES, threshold=check.threshold)
    metric = case.metric(check)
    if metric is None or not metric.requests:  # a finding of its own
        return ()
    return (
        (requests, failures) if check.is_sequential and metric.failures else (requests,) if check.min_requests else ()
    )


def summary(subject: Subject) -> str:
    """Returns the measurements; without any, whether the queries can be rendered."""
    texts = [measured.text for _, _, measured in _measurements(subject)]
    return "; ".join(texts) or ("can be rendered" if subject.case.spec.checks else "none")


def _measurements(subject: Subject) -> Iterator[tuple[int, Answer, Measurement]]:
    """Yields each question that has an answer: its index in `metrics`, the answer, and the verdict on it."""
    case = subject.case
    for index, check in enumerate(case.spec.checks):
        answer = subject.answers.get(analysis.value_question(case.rollout, check, 0))
        metric = case.metric(check)
        if answer is not None and metric is not None:
            alone = replace(check, comparison=None, min_requests=0)  # before a release there is nothing to compare
            reading = Reading(check=alone, metric=metric, answer=answer, weight=case.spec.steps.maximum)
            yield index, answer, judge(reading, case.now)
