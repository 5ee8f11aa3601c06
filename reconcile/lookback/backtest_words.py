"""A backtest as text, as Markdown for a comment, and as plain data."""

from __future__ import annotations

import math
from dataclasses import asdict
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any

from reconcile.lookback.judged import is_split
from reconcile.lookback.words import bound_words
from reconcile.model import durations
from reconcile.model.measurement import good_values
from reconcile.model.policy import OnFailure
from reconcile.model.text import printable
from reconcile.model.times import timestamp
from reconcile.report.markdown.escaping import code, escape
from reconcile.report.markdown.layout import bullets, document, folded, row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.lookback.backtest import Backtest, MetricTest, Proposal
    from reconcile.lookback.step_requests import StepRequests
    from reconcile.model.checks import Comparison
    from reconcile.model.policy import FailurePolicy

MOST_STEPS = 10
"""Steps of a metric that people are told of: the first have the fewest requests."""
_DIGITS = 6
_TITLES = ("Rollout", "metric", "bound", "checks failed", "inconclusive", "releases halted", "thresholds")


def text(tests: Sequence[Backtest]) -> str:
    """Returns the backtests for a terminal."""
    return "\n".join("".join(f"{printable(line)}\n" for line in _lines(test)) for test in tests)


def markdown(tests: Sequence[Backtest]) -> str:
    """Returns the document for a comment."""
    rows = [_row(test, metric) for test in tests for metric in test.metrics]
    parts = [_part(test) for test in tests]
    heading = f"Backtest of {code(tests[0].rollout.full_name) if len(tests) == 1 else f'{len(tests)} Rollouts'}"
    return document(heading, _TITLES, rows, parts, "metrics")


def data(tests: Sequence[Backtest]) -> dict[str, Any]:
    """Returns the backtests for programs. Shares are from 0 to 1, times in seconds."""
    return {"rollouts": [_data(test) for test in tests]}


def _data(test: Backtest) -> dict[str, Any]:
    return {
        "rollout": {"namespace": test.rollout.namespace, "name": test.rollout.name},
        "begin": timestamp(test.begin),
        "end": timestamp(test.end),
        "step": test.step,
        "checks": test.checks,
        "checksOfARelease": test.length,
        "releases": test.releases,
        "checksApart": test.apart,
        "halted": test.halted,
        "onFailure": str(test.policy.on_failure),
        "ended": test.ended,
        "endedByDeadline": test.late,
        "metrics": [_metric_data(metric) for metric in test.metrics],
    }


def _metric_data(metric: MetricTest) -> dict[str, Any]:
    has_values = not metric.problem
    return {
        "name": metric.check.name,
        "title": metric.metric.title,
        "unit": metric.metric.unit,
        "bound": _bound(metric),
        "observed": metric.check.observe,
        "query": metric.recorded.query,
        "problem": metric.problem,
        "checks": {name: getattr(metric, name) if has_values else None for name in ("failed", "inconclusive", "good")},
        "halted": metric.halted,
        "worse": metric.worse,
        "proposals": [asdict(proposal) for proposal in metric.proposals],
        "minRequests": metric.check.min_requests,
        "steps": [asdict(step) for step in metric.steps],
    }


def _lines(test: Backtest) -> Iterator[str]:
    yield test.rollout.full_name
    yield from (f"  {line}" for line in _summary(test))
    for metric in test.metrics:
        observed = ", observed only" if metric.check.observe else ""
        yield f"  {metric.metric.title} ({metric.check.name}){observed}: {_bound(metric)}"
        yield from (f"    {line}" for line in _told(metric))


def _summary(test: Backtest) -> Iterator[str]:
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
    yield f"  {_percent(test.halted)} would have halted at least once"
    if test.ended is not None:
        word = "rolled back" if test.policy.on_failure is OnFailure.ROLLBACK else "paused for a person"
        late = f"; {_percent(test.late)} by a deadline" if test.late else ""
        yield f"  {_percent(test.ended)} would have been {word} ({', '.join(_limits(test.policy))}{late})"


def _limits(policy: FailurePolicy) -> Iterator[str]:
    counts = {"failureLimit": policy.failure_limit, "consecutiveFailureLimit": policy.consecutive_failure_limit}
    times = {"stepDeadline": policy.step_deadline, "deadline": policy.deadline}
    yield from (f"{name} {limit}" for name, limit in counts.items() if limit is not None)
    yield from (f"{name} {durations.text(limit)}" for name, limit in times.items() if limit is not None)


def _told(metric: MetricTest) -> Iterator[str]:
    if metric.problem:
        yield metric.problem
        return
    shares = (f"{_percent(getattr(metric, name))} {name}" for name in ("good", "failed", "inconclusive"))
    yield f"checks: {', '.join(shares)}"
    if metric.halted is not None:
        yield f"releases: {_percent(metric.halted)} would have halted by it"
    if metric.worse is not None:
        yield f"comparison: found a canary worse in {_percent(metric.worse)} of the releases, though it was as good"
    yield from (_proposal(proposal, metric) for proposal in metric.proposals)
    for step in metric.steps[:MOST_STEPS]:
        yield _step(step, metric)
    if len(metric.steps) > MOST_STEPS:
        yield f"and {len(metric.steps) - MOST_STEPS} more, with more requests"


def _proposal(proposal: Proposal, metric: MetricTest) -> str:
    if proposal.threshold is None or proposal.halted is None:
        return f"threshold for {proposal.target} %: none, more of the releases have a check without data"
    value = readable(proposal.threshold, down=metric.metric.bound == "minimum")
    return f"threshold for {proposal.target} %: {value} (would have halted {_percent(proposal.halted)})"


def _step(step: StepRequests, metric: MetricTest) -> str:
    interval = metric.check.interval
    words = f"at {step.weight} %: {_count(step.typical)} requests in {interval}, {_count(step.quiet)} in quiet times"
    if step.enough is None:
        return words
    words += f"; {metric.check.min_requests:,} (minRequests) in {_percent(step.enough)} of the checks"
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


def _bound(metric: MetricTest) -> str:
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


def _row(test: Backtest, metric: MetricTest) -> str:
    name = (code(test.rollout.full_name), f"{escape(metric.metric.title)} ({code(metric.check.name)})")
    if metric.problem:
        return row(*name, escape(_bound(metric)), escape(metric.problem), "", "", "")
    proposed = "<br>".join(escape(_proposal(proposal, metric)) for proposal in metric.proposals)
    halted = "" if metric.halted is None else _percent(metric.halted)
    shares = (_percent(metric.failed), _percent(metric.inconclusive), halted)
    return row(*name, escape(_bound(metric)), *shares, proposed)


def _part(test: Backtest) -> str:
    requests = [
        f"{escape(metric.metric.title)} {escape(_step(step, metric))}"
        for metric in test.metrics
        for step in metric.steps[:MOST_STEPS]
    ]
    summary = bullets(escape(line.strip()) for line in _summary(test))
    return folded(code(test.rollout.full_name), [summary, bullets(requests)], is_open=True)


def _percent(share: float) -> str:
    """Returns a share in percent; what is not all and not nothing never looks so."""
    percent = 100 * share
    if 0 < percent < 0.1:  # noqa: PLR2004 - the last digit
        return "under 0.1 %"
    return f"{math.floor(percent * 10) / 10 if percent > 99.9 else percent:.1f} %"  # noqa: PLR2004 - as above


def _count(requests: float) -> str:
    return f"{requests:,.1f}" if requests < 10 else f"{requests:,.0f}"  # noqa: PLR2004 - digits that tell


def _time(seconds: float) -> str:
    return durations.text(math.ceil(seconds))
