"""The attempt at a revision: what is counted of its checks, and which limit of the failure policy it has passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconcile.core.orders import retry_due
from reconcile.core.state_machine import RESTING, Standing
from reconcile.model import durations
from reconcile.model.actions import Action
from reconcile.model.measurement import Counts, Slice
from reconcile.model.policy import OnFailure
from reconcile.model.rollout import MOST_TOKENS, Attempt, Evidence, Phase

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from reconcile.core.case import Case
    from reconcile.model.measurement import Measurement
    from reconcile.model.policy import FailurePolicy


def attempt(case: Case) -> Attempt:
    """Returns the attempt at the canary's present revision: the stored one, or a new one.

    Nothing is on record of a Rollout without a limit or a sequential test, until a person's word ends or begins an
    attempt.
    """
    stored, revision, actions = case.state.attempt, case.record.revision, case.rollout.actions
    token = actions.argument(Action.RETRY)
    if retry_due(case.rollout):
        number = stored.number + 1 if stored.revision == revision else 2
        used = stored.tokens if stored.revision == revision else ()
        return Attempt(revision=revision, number=number, tokens=(*used, token)[-MOST_TOKENS:], started=case.now)
    if stored.revision == revision:
        return stored
    rests = case.state.phase in RESTING and case.record.standing is Standing.SAME
    if rests or not _is_recorded(case) or case.record.standing is Standing.ON_PRIMARY:
        return Attempt()
    # A retry that was asked for before is not about this attempt.
    asked = token and actions.revision(Action.RETRY) == revision
    return Attempt(revision=revision, tokens=(token,) if asked else (), started=case.now)


def checked(case: Case, measured: Iterable[Measurement]) -> Attempt:
    """Returns the attempt with one more check counted, where one is due. A paused one counts nothing."""
    so_far = case.attempt
    if not case.spec.failure.has_limits or case.record.orders.is_paused:
        return so_far
    if so_far.last_check is not None and case.seconds_since(so_far.last_check) < case.least_interval:
        return so_far
    return counted(so_far, measured, case.now)


def counted(so_far: Attempt, measured: Iterable[Measurement], at: datetime) -> Attempt:
    """Returns the attempt with one more check counted, which was made at this time."""
    every = list(measured)
    failed = any(item.fails for item in every)
    good = all(item.passed for item in every)
    return replace(
        so_far,
        checks=so_far.checks + 1,
        failed=so_far.failed + failed,
        consecutive=so_far.consecutive + 1 if failed else 0 if good else so_far.consecutive,
        last_check=at,
    )


def _is_recorded(case: Case) -> bool:
    """Returns whether anything of an attempt has to be on record: a limit, or a sequential test."""
    return case.spec.failure.has_limits or any(check.is_sequential for check in case.spec.checks)


def with_step(so_far: Attempt, weight: int, measured: Iterable[Measurement]) -> Attempt:
    """Returns the attempt with what was counted at a weight that is left now. Of one weight there is one sum."""
    kept = {(item.metric, item.weight): item for item in so_far.evidence}
    for found in measured:
        if found.counts is not None:
            before = kept.get((found.metric, weight))
            counts = found.counts if before is None else _sum(before.counts, found.counts)
            kept[found.metric, weight] = Evidence(metric=found.metric, weight=weight, counts=counts)
    return replace(so_far, evidence=tuple(kept.values()))


def finished(so_far: Attempt, metric: str) -> tuple[Slice, ...]:
    """Returns what was counted for a metric in the steps that are over."""
    return tuple(item.counts for item in so_far.evidence if item.metric == metric)


def _sum(one: Slice, other: Slice) -> Slice:
    canary, primary = (
        Counts(
            total=round(getattr(one, side).total + getattr(other, side).total, 2),
            bad=round(getattr(one, side).bad + getattr(other, side).bad, 2),
        )
        for side in ("canary", "primary")
    )
    return Slice(canary=canary, primary=primary)


def used_up(case: Case, so_far: Attempt) -> str:
    """Returns which limit of failed checks was passed, in words; "" where none was. A paused one has none."""
    return "" if case.record.orders.is_paused else passed_limit(case.spec.failure, so_far)


def passed_limit(policy: FailurePolicy, so_far: Attempt) -> str:
    """Returns which limit of failed checks was passed, in words; "" where none was, or nothing follows from it."""
    if policy.on_failure is OnFailure.HALT:
        return ""
    if policy.failure_limit is not None and so_far.failed > policy.failure_limit:
        return f"{_checks(so_far.failed)} failed, {policy.failure_limit} forgiven (failureLimit)"
    limit = policy.consecutive_failure_limit
    if limit is not None and so_far.consecutive > limit:
        return f"{_checks(so_far.consecutive)} failed in a row, {limit} forgiven (consecutiveFailureLimit)"
    return ""


def overdue(case: Case) -> str:
    """Returns which deadline was passed, in words; "" where none was. A paused attempt is held to none."""
    if case.record.orders.is_paused:
        return ""
    since, weight = _since_at_step(case), case.state.canary_weight
    return passed_deadline(case.spec.failure, case.attempt.started, since, weight, case.now)


def passed_deadline(
    policy: FailurePolicy, started: datetime | None, since: datetime | None, weight: int, now: datetime
) -> str:
    """Returns which deadline was passed, in words; "" where none was, or nothing follows from it.

    The attempt was `started`, and the canary has its weight `since` then; None where that is not known, or not counted.
    """
    if policy.on_failure is OnFailure.HALT:
        return ""
    if policy.deadline is not None and started is not None:
        seconds = (now - started).total_seconds()
        if seconds > policy.deadline:
            allowed = durations.text(policy.deadline)
            return f"not done {durations.text(seconds)} after it was first seen (deadline {allowed})"
    if policy.step_deadline is not None and since is not None:
        seconds = (now - since).total_seconds()
        if seconds > policy.step_deadline:
            return f"{durations.text(seconds)} at {weight} % (stepDeadline {durations.text(policy.step_deadline)})"
    return ""


def promotion_overdue(case: Case) -> str:
    """Returns that the primary did not roll out the promoted template in time, in words; "" where that is not so."""
    deadline, since = case.spec.promotion.deadline, case.state.last_transition
    if case.state.phase is not Phase.PROMOTING or deadline is None or since is None:
        return ""
    elapsed = case.seconds_since(since)
    if elapsed <= deadline:
        return ""
    return (
        f"{durations.text(elapsed)} after the promotion was decided (deadline {durations.text(deadline)}): the canary "
        "keeps the traffic"
    )


def _since_at_step(case: Case) -> datetime | None:
    """Returns since when the canary has its weight, or when a pass last waited for a person there."""
    if not case.record.under_analysis and not case.record.copy_due:
        return None
    times = (case.state.last_advance, case.attempt.last_hold)
    return max((time for time in times if time is not None), default=case.attempt.started)


def _checks(count: int) -> str:
    return f"{count} check{'' if count == 1 else 's'}"
