"""Whether a metric has series at all, before a release gives the canary its first traffic.

The primary has all of it then. A metric that has no series for the primary either looks at the wrong labels, or at
something that is not scraped: at the first step it would have no data for the canary, and hold it there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from reconcile.core.analysis import UNANSWERED, value_question
from reconcile.core.stops import GateError
from reconcile.model.checks import OnNoData
from reconcile.model.measurement import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconcile.core.case import Case
    from reconcile.model.checks import Check
    from reconcile.model.measurement import Answer, Question
    from reconcile.model.rollout import Rollout, Spec

WHAT_TO_LOOK_AT = "Look at the labels in the query, at what Prometheus scrapes, and at the proxies"


class Sides(NamedTuple):
    """The questions for the values of both workloads."""

    canary: Question
    primary: Question


def needed(spec: Spec) -> tuple[Check, ...]:
    """Returns the metrics that hold the canary at its first weight where they have no data."""
    first = spec.steps.first
    return tuple(check for check in spec.checks if check.gates_at(first) and check.on_no_data is OnNoData.HALT)


def sides(rollout: Rollout, check: Check) -> Sides:
    """Returns what is asked for a metric of both workloads, whatever the weight is."""
    canary = value_question(rollout, check, 0)
    return Sides(canary=canary, primary=replace(canary, workload=rollout.draft.primary))


def questions(case: Case) -> tuple[Question, ...]:
    """Returns what is asked before the first step."""
    return tuple(question for check in needed(case.spec) for question in sides(case.rollout, check))


def are_missing(canary: Answer | None, primary: Answer | None) -> bool:
    """Returns whether a metric has no series for either workload.

    A server that gives an error, or none for now, tells nothing of that; nor does a query that asks the same for both.
    """
    if canary is None or primary is None or canary.query == primary.query:
        return False
    return all(answer.failure is Failure.NO_DATA and answer.is_empty for answer in (canary, primary))


def verdict(case: Case, answers: Mapping[Question, Answer]) -> str:
    """8. Each metric that the first step needs has series for one of the workloads, as far as Prometheus tells."""
    missing, unknown = [], []
    for check in needed(case.spec):
        found = [answers.get(question, UNANSWERED) for question in sides(case.rollout, check)]
        metric = case.metric(check)
        title = metric.title if metric else check.name
        if are_missing(*found):
            missing.append(title)
        elif failure := next((one for one in found if one.failure is not None and not one.is_empty), None):
            unknown.append(f"{title}: {failure.failure}" + (f" ({failure.detail})" if failure.detail else ""))
    if missing:
        raise GateError(_words(case, missing))
    return f"whether there are series is not known: {'; '.join(unknown)}" if unknown else "each metric has series"


def _words(case: Case, titles: list[str]) -> str:
    """Returns which metrics have no series, and what to do."""
    spec, first = case.spec, case.spec.steps.first
    return (
        f"{', '.join(titles)}: no series for {spec.canary}, nor for its primary {spec.primary}, so that the canary "
        f"would be held without data at {first} %. {WHAT_TO_LOOK_AT}; steerer check shows the query. A metric that is "
        f"new with this version takes a fromWeight above {first}, or onNoData: Pass"
    )
