"""Backtests as one HTML file that needs nothing else, and as one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.lookback import rendering
from reconcile.lookback.backtest_sentences import bound, percent, requests, summary, told
from reconcile.lookback.history import History, MetricHistory
from reconcile.lookback.panels import metric_panel, share_panel
from reconcile.lookback.rendering import Picture
from reconcile.lookback.scale import Times
from reconcile.model.measurement import good_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.lookback.backtest import Backtest, MetricTest
    from reconcile.lookback.panels import Panel

MOST_IN_PICTURE = 32
FEW = 0.05
"""Of the releases: so many false alarms are few."""


def html(tests: Sequence[Backtest]) -> str:
    """Returns the page."""
    return rendering.page(
        "backtest.html.j2", "Backtest", [test.rollout.full_name for test in tests], [_told(test) for test in tests]
    )


def svg(tests: Sequence[Backtest]) -> str:
    """Returns the picture: of each Rollout when releases would have halted, and below it each metric."""
    return rendering.picture([_picture(test) for test in tests])


def outcome(test: Backtest) -> tuple[str, str]:
    """Returns how often releases would have halted, and whether that is good."""
    if test.halted is None:
        return "No release", "open"
    return f"{percent(test.halted)} false alarms", "good" if test.halted <= FEW else "bad"


def _picture(test: Backtest) -> Picture:
    judged = [metric for metric in test.metrics if not metric.problem]
    return Picture(
        name=test.rollout.full_name,
        about=f"Backtest of {test.rollout.full_name}: {outcome(test)[0]}",
        outcome=outcome(test),
        panels=(
            (_alarms(test), ""),
            *((_values(test, metric), bound(metric)) for metric in judged[:MOST_IN_PICTURE]),
        ),
    )


def _told(test: Backtest) -> dict[str, Any]:
    """Returns what the template of the page needs of one backtest."""
    return {
        "test": test,
        "name": test.rollout.full_name,
        "outcome": outcome(test),
        "summary": [line.strip() for line in summary(test)],
        "alarms": _alarms(test),
        "metrics": [_metric(test, metric) for metric in test.metrics],
    }


def _metric(test: Backtest, metric: MetricTest) -> dict[str, Any]:
    return {
        "metric": metric.metric,
        "check": metric.check,
        "query": metric.recorded.query,
        "bound": bound(metric),
        "panel": None if metric.problem else _values(test, metric),
        "told": [*told(metric)],
        "requests": [*requests(metric)],
    }


def _alarms(test: Backtest) -> Panel:
    """Returns the picture of when releases would have halted."""
    highest = max((share for _, share in test.alarms), default=None)
    words = (
        "No release was replayed."
        if highest is None
        else (
            f"The share of releases that would have halted, by when they begin: {percent(test.halted or 0.0)} of all, "
            f"{percent(highest)} at most."
        )
    )
    points = [(at, 100 * share) for at, share in test.alarms]
    return share_panel("Releases that halt, by when they begin", words, Times(test.begin, test.end), points)


def _values(test: Backtest, metric: MetricTest) -> Panel:
    """Returns the picture of the primary's values, as that of a canary in a release."""
    good = good_values(metric.metric.bound, metric.check.threshold, metric.check.range)
    time = History(rollout=test.rollout, begin=test.begin, end=test.end, source="", phase="", reason="")
    values = MetricHistory(
        name=metric.check.name,
        title=metric.metric.title,
        unit=metric.metric.unit,
        bound=bound(metric),
        least=good.least,
        most=good.most,
        canary=test.points(metric),
    )
    return metric_panel(time, values)
