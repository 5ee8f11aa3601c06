"""A backtest as text, as Markdown for a comment, and as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from reconcile.lookback.backtest_sentences import bound, percent, requests, summary, threshold, told
from reconcile.lookback.words import COLUMNS, curve
from reconcile.model.text import printable
from reconcile.model.times import timestamp
from reconcile.report.markdown.escaping import code, escape
from reconcile.report.markdown.layout import bullets, document, folded, row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.lookback.backtest import Backtest, MetricTest

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
        "haltedByBegin": [{"time": timestamp(at), "share": share} for at, share in test.alarms],
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
        "bound": bound(metric),
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
    yield from (f"  {line}" for line in summary(test))
    if test.alarms:
        drawn = curve(test.alarms, test.begin, test.end, 0.0, 1.0).rstrip()
        yield f"    halted by when they begin  {drawn}  {percent(max(share for _, share in test.alarms))} at most"
    for metric in test.metrics:
        observed = ", observed only" if metric.check.observe else ""
        yield f"  {metric.metric.title} ({metric.check.name}){observed}: {bound(metric)}"
        if not metric.problem:
            yield f"    {_curve(test, metric)}"
        yield from (f"    {line}" for line in (*told(metric), *requests(metric)))


def _curve(test: Backtest, metric: MetricTest) -> str:
    """Returns the values in one line; of each part of the time the worst, where one side is the better one."""
    worst = min if metric.metric.bound == "minimum" else max
    points = [(at, value) for at, value in test.points(metric) if value is not None]
    size = -(-len(points) // COLUMNS)
    chosen = [
        (part[0][0], worst(value for _, value in part))
        for part in (points[begin : begin + size] for begin in range(0, len(points), size))
    ]
    low, high = min(value for _, value in points), max(value for _, value in points)
    return f"{curve(chosen, test.begin, test.end, low, high).rstrip()}  {low:.6g} to {high:.6g}"


def _row(test: Backtest, metric: MetricTest) -> str:
    name = (code(test.rollout.full_name), f"{escape(metric.metric.title)} ({code(metric.check.name)})")
    if metric.problem:
        return row(*name, escape(bound(metric)), escape(metric.problem), "", "", "")
    proposed = "<br>".join(escape(threshold(proposal, metric)) for proposal in metric.proposals)
    halted = "" if metric.halted is None else percent(metric.halted)
    shares = (percent(metric.failed), percent(metric.inconclusive), halted)
    return row(*name, escape(bound(metric)), *shares, proposed)


def _part(test: Backtest) -> str:
    served = [f"{escape(metric.metric.title)} {escape(line)}" for metric in test.metrics for line in requests(metric)]
    lines = bullets(escape(line.strip()) for line in summary(test))
    return folded(code(test.rollout.full_name), [lines, bullets(served)], is_open=True)
