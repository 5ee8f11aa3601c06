"""The analysis: what is asked at a weight, and what the answers come to. The verdict on each is in `judgement`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core import messages
from reconcile.core.judgement import Reading, judge
from reconcile.core.stops import GateError
from reconcile.model.measurement import Answer, Failure, Measurement, Question, Roles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconcile.core.case import Case
    from reconcile.model.checks import Check

UNANSWERED = Answer(failure=Failure.UNREACHABLE, detail="the metric was not measured")


def questions(case: Case, weight: int) -> tuple[Question, ...]:
    """Returns one question for each metric of the Rollout, as they are asked at this weight, in percent."""
    spec = case.spec
    roles = Roles(
        primary=spec.primary,
        canary=spec.canary,
        primary_service=spec.primary_host,
        canary_service=spec.canary_host,
    )
    return tuple(
        Question(
            rollout=case.rollout.ref,
            metric=check.name,
            workload=case.spec.canary,
            interval=check.interval,
            weight=weight,
            args=check.args,
            roles=roles,
            query=check.query,
        )
        for check in case.spec.checks
    )


def measurements(
    case: Case, asked: tuple[Question, ...], answers: Mapping[Question, Answer]
) -> tuple[Measurement, ...]:
    """Returns the verdict on each answer. A missing answer is a failure."""
    return tuple(
        judge(_reading(case, check, answers.get(question, UNANSWERED)), case.now)
        for check, question in zip(case.spec.checks, asked, strict=True)
    )


def _reading(case: Case, check: Check, answer: Answer) -> Reading:
    metric = case.metric(check)
    if metric is None:
        raise GateError(f"{check.name} is no metric template")
    return Reading(check=check, metric=metric, answer=answer, weight=case.weights.reached)


def verdict(case: Case, measured: tuple[Measurement, ...]) -> str:
    """9. Every metric passed. The Event names the first that did not, the reason all of them."""
    failed = [measurement.text for measurement in measured if not measurement.passed]
    if failed:
        raise GateError("; ".join(failed), event=messages.halt(case.rollout.full_name, failed[0]))
    return "; ".join(measurement.text for measurement in measured) or "no metric is asked for"
