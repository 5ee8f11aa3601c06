"""The queries of the metrics, as a metrics server answers them before a release."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconcile.core import analysis
from reconcile.core.judgement import Reading, judge
from reconcile.model.measurement import Failure
from reconcile.preflight.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.measurement import Answer, Measurement, Question
    from reconcile.preflight.findings import Subject

# Before there is traffic, no number is no fault of the query; every other failure is one of the query or the server.
_EXPECTED = {Failure.NO_DATA.value, Failure.NOT_A_NUMBER.value, "failed"}


def questions(subject: Subject) -> tuple[Question, ...]:
    """Returns what an analysis would ask, as far as the metrics are known."""
    known = subject.case.settings.metrics
    asked = (analysis.value_question(subject.case, check, 0) for check in subject.case.spec.checks)
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
                message=measured.text,
                advice=f"query: {' '.join(answer.query.split())}" if answer.query else "",
            )


def summary(subject: Subject) -> str:
    """Returns the measurements; without any, whether the queries can be rendered."""
    texts = [measured.text for _, _, measured in _measurements(subject)]
    return "; ".join(texts) or ("can be rendered" if subject.case.spec.checks else "none")


def _measurements(subject: Subject) -> Iterator[tuple[int, Answer, Measurement]]:
    """Yields each question that has an answer: its index in `metrics`, the answer, and the verdict on it."""
    case = subject.case
    for index, check in enumerate(case.spec.checks):
        answer = subject.answers.get(analysis.value_question(case, check, 0))
        metric = case.metric(check)
        if answer is not None and metric is not None:
            alone = replace(check, comparison=None, min_requests=0)  # before a release there is nothing to compare
            reading = Reading(check=alone, metric=metric, answer=answer, weight=case.spec.steps.maximum)
            yield index, answer, judge(reading, case.now)
