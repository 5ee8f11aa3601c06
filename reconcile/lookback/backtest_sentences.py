"""What is said of a backtest, line by line, whatever the form is."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from reconcile.lookback.judged import is_split
from reconcile.lookback.words import bound_words
from reconcile.model import durations
from reconcile.model.measurement import good_values
from reconcile.model.policy import OnFailure
from reconcile.model.times import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.lookback.backtest import Backtest, MetricTest, Proposal
    from reconcile.lookback.step_requests import StepRequests
    from reconcile.model.checks import Comparison
    from reconcile.model.policy import FailurePolicy

MOST_STEPS = 10
"""Steps of a metric that people are told of: the first have the fewest requests."""
_DIGITS = 6


def summary(test: Backtest) -> Iterator[str]:
    """Yields what was looked at, and what would have become of the releases."""
    if not test.has_values:
        found = "no metric has a value of the primary" if test.metrics else "it has no metrics"
        yield f"until {timestamp(test.end)}: {found}"
        return
    each = durations.text(test.step)
    yield f"from {timestamp(test.begin)} to {timestamp(test.end)}: {test.checks:,} checks, one each {each}"
    if test.is_short:
        yield f"before {timestamp(test.begin)} the metrics server has no value"
    if test.halted is None:
        yield f"that is less than a release of {test.length:,} checks takes"
        return
    apart = f" (one each {durations.text(test.apart * test.step)})" if test.apart > 1 else ""
    yield f"of {test.releases:,} releases of {test.length:,} checks{apart} in which nothing was wrong"
    yield f"  {percent(test.halted)} would have halted at least once"
    if test.ended is not None:
        word = "rolled back" if test.policy.on_failure is OnFailure.ROLLBACK else "paused for a person"
        late = f"; {percent(test.late)} by a deadline" if test.late else ""
        yield f"  {percent(test.ended)} would have been {word} ({', '.join(_limits(test.policy))}{late})"


def _limits(policy: FailurePolicy) -> Iterator[str]:
    counts = {"failureLimit": policy.failure_limit, "consecutiveFailureLimit": policy.consecutive_failure_limit}
    times = {"stepDeadline": policy.step_deadline, "deadline": policy.deadline}
    yield from (f"{name} {limit}" for name, limit in counts.items() if limit is not None)
    yield from (f"{name} {durations.text(limit)}" for name, limit in times.items() if limit is not None)


def told(metric: MetricTest) -> Iterator[str]:
    """Yields what became of the checks of a metric, and of releases by it, and thresholds; or why there is nothing."""
    if metric.problem:
        yield metric.problem
        return
    shares = (f"{percent(getattr(metric, name))} {name}" for name in ("good", "failed", "inconclusive"))
    yield f"checks: {', '.join(shares)}"
    if metric.halted is not None:
        yield f"releases: {percent(metric.halted)} would have halted by it"
    if metric.worse is not None:
        yield f"comparison: found a canary worse in {percent(metric.worse)} of the releases, though it was as good"
    yield from (threshold(proposal, metric) for proposal in metric.proposals)


def requests(metric: MetricTest) -> Iterator[str]:
    """Yields the requests that a canary would get at each step."""
    yield from (_step(step, metric) for step in metric.steps[:MOST_STEPS])
    if len(metric.steps) > MOST_STEPS:
        yield f"and {len(metric.steps) - MOST_STEPS} more, with more requests"


def threshold(proposal: Proposal, metric: MetricTest) -> str:
    """Returns a threshold that is proposed, in words."""
    if proposal.threshold is None or proposal.halted is None:
        few = ", or with too few requests" if metric.check.min_requests else ""
        return f"threshold for {proposal.target} %: none, more of the releases have a check without data{few}"
    value = readable(proposal.threshold, down=metric.metric.bound == "minimum")
    return f"threshold for {proposal.target} %: {value} (would have halted {percent(proposal.halted)})"


def _step(step: StepRequests, metric: MetricTest) -> str:
    interval = metric.check.interval
    words = f"at {step.weight} %: {_count(step.typical)} requests in {interval}, {_count(step.quiet)} in quiet times"
    if step.enough is None:
        return words
    words += f"; {metric.check.min_requests:,} (minRequests) in {percent(step.enough)} of the checks"
    if step.seconds is None:
        return words
    longer = step.seconds > (durations.seconds(interval) or 0.0)
    return f"{words}, they take {_time(step.seconds)}" + (", longer than the interval" if longer else "")


def readable(value: float, *, down: bool) -> str:
    """Returns a threshold in few digits, rounded to the side on which no more releases halt."""
    number = Decimal(repr(value))
    digits = max(_DIGITS - 1 - number.adjusted(), 0)
    rounded = number.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_FLOOR if down else ROUND_CEILING)
    shown = f"{rounded:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def bound(metric: MetricTest) -> str:
    """Returns what is asked of a value, in words."""
    check, unit = metric.check, metric.metric.unit
    ends = bound_words(good_values(metric.metric.bound, check.threshold, check.range))
    words = [f"{ends} {unit}".strip()] if ends else []
    if check.comparison is not None:
        words.append(_comparison(check.comparison) + ("" if is_split(metric.recorded) else " (not replayed)"))
    return "; ".join(words)


def _comparison(comparison: Comparison) -> str:
    rate = comparison.false_alarm_rate
    test = "" if rate is None else f", falseAlarmRate {rate:g}"
    return f"at most {comparison.max_ratio:g} times the primary{test}"


def percent(share: float) -> str:
    """Returns a share in percent; what is not all and not nothing never looks so."""
    percent = 100 * share
    if 0 < percent < 0.1:  # noqa: PLR2004 - the last digit
        return "under 0.1 %"
    return f"{math.floor(percent * 10) / 10 if percent > 99.9 else percent:.1f} %"  # noqa: PLR2004 - as above


def _count(requests: float) -> str:
    return f"{requests:,.1f}" if requests < 10 else f"{requests:,.0f}"  # noqa: PLR2004 - digits that tell


def _time(seconds: float) -> str:
    return durations.text(math.ceil(seconds))
