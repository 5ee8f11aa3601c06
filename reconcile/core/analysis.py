"""The analysis: what is asked at a weight, and what the answers come to. The verdict on each is in `judgement`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconcile.core import messages
from reconcile.core.case import attempts
from reconcile.core.judgement import Reading, judge
from reconcile.core.stops import GateError
from reconcile.model import durations
from reconcile.model.measurement import Answer, Asks, Failure, Measurement, Question, Roles

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconcile.core.case import Case
    from reconcile.model.checks import Check
    from reconcile.model.rollout import Rollout

UNANSWERED = Answer(failure=Failure.UNREACHABLE, detail="the metric was not measured")
SCRAPE = 30.0
"""Seconds after a move in which what is scraped may still be of the weight before."""


class Asked(Struct, frozen=True, kw_only=True):
    """What is asked for one metric. `counts` are four: requests and bad ones of the canary, then of the primary."""

    check: Check
    value: Question
    primary: Question | None = None
    requests: Question | None = None
    counts: tuple[Question, ...] = ()

    def __iter__(self) -> Iterator[Question]:
        """Yields all of them."""
        yield from (one for one in (self.value, self.primary, self.requests, *self.counts) if one is not None)


def asked(case: Case, weight: int) -> tuple[Asked, ...]:
    """Returns what is asked for each metric of the Rollout at this weight, in percent."""
    return tuple(_asked(case, check, weight) for check in case.spec.checks)


def _asked(case: Case, check: Check, weight: int) -> Asked:
    value = value_question(case.rollout, check, weight)
    beside = replace(value, workload=case.spec.primary)
    is_ratio = check.comparison is not None and not check.is_sequential
    return Asked(
        check=check,
        value=value,
        primary=beside if is_ratio else None,
        requests=replace(value, asks=Asks.REQUESTS) if check.min_requests else None,
        counts=tuple(_counts(case, check, (value, beside))) if check.is_sequential else (),
    )


def value_question(rollout: Rollout, check: Check, weight: int) -> Question:
    """Returns the question for the canary's value."""
    spec = rollout.draft
    return Question(
        rollout=rollout.ref,
        metric=check.name,
        workload=spec.canary,
        interval=check.interval,
        weight=weight,
        args=check.args,
        roles=Roles(
            primary=spec.primary,
            canary=spec.canary,
            primary_service=spec.primary_host,
            canary_service=spec.canary_host,
        ),
        query=check.query,
    )


def _counts(case: Case, check: Check, sides: tuple[Question, ...]) -> Iterator[Question]:
    """Yields the questions for what both served since the step began; none while the weight is not that on record.

    The test needs one share of the requests for the canary in all of that time.
    """
    split = case.weights.split
    if not split.lowest == split.highest == case.state.canary_weight:
        return
    window = _window(case, durations.seconds(check.interval) or 0.0)
    for side in sides:
        yield replace(side, asks=Asks.REQUESTS, interval=window)
        yield replace(side, asks=Asks.FAILURES, interval=window, threshold=check.threshold)


def _window(case: Case, interval: float) -> str:
    """Returns the time since the step began, less a scrape where it is long enough without, as a PromQL duration."""
    since = case.weights.since
    elapsed = interval if since is None else case.seconds_since(since)
    return f"{max(int(max(elapsed - SCRAPE, min(interval, elapsed))), 1)}s"


def measurements(case: Case, wanted: Iterable[Asked], answers: Mapping[Question, Answer]) -> tuple[Measurement, ...]:
    """Returns the verdict on each metric of which something was asked. A missing answer is a failure."""
    return tuple(judge(_reading(case, one, answers), case.now) for one in wanted)


def _reading(case: Case, wanted: Asked, answers: Mapping[Question, Answer]) -> Reading:
    check, metric = wanted.check, case.metric(wanted.check)
    if metric is None:
        raise GateError(f"{check.name} is no metric template")
    found = {question: answers.get(question, UNANSWERED) for question in wanted}
    return Reading(
        check=check,
        metric=metric,
        answer=found[wanted.value],
        weight=case.weights.reached,
        primary=found[wanted.primary] if wanted.primary else None,
        requests=found[wanted.requests] if wanted.requests else None,
        counts=tuple(found[question] for question in wanted.counts),
        finished=attempts.finished(case.attempt, check.name),
        sharing=sharing(case.spec.checks),
    )


def sharing(checks: Iterable[Check]) -> int:
    """Returns how many metrics share the rate of false alarms."""
    return max(sum(check.is_sequential and not check.observe for check in checks), 1)


def verdict(case: Case, measured: tuple[Measurement, ...]) -> str:
    """9. Every metric passed. The Event names the first that did not, the reason all of them."""
    failed = [measurement.text for measurement in measured if not measurement.passed]
    if failed:
        raise GateError("; ".join(failed), event=messages.halt(case.rollout.full_name, failed[0]))
    return "; ".join(measurement.text for measurement in measured) or "no metric is asked for"
