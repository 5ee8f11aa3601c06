"""Histories as one HTML file that needs nothing else, and as one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.lookback import rendering
from reconcile.lookback.history import shown_checks, shown_happenings
from reconcile.lookback.panels import badges, metric_panel, weight_panel
from reconcile.lookback.rendering import Picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.lookback.history import History, MetricHistory

MOST_IN_PICTURE = 32


def html(histories: Sequence[History]) -> str:
    """Returns the page."""
    told = [_told(history) for history in histories]
    return rendering.page("report.html.j2", "Release", [history.name for history in histories], told)


def svg(histories: Sequence[History]) -> str:
    """Returns the picture: of each Rollout the weight, and below it each metric."""
    return rendering.picture([_picture(history) for history in histories])


def _picture(history: History) -> Picture:
    ended = outcome(history)
    metrics = history.metrics[:MOST_IN_PICTURE]
    return Picture(
        name=history.name,
        about=f"Release of {history.name}: {ended[0]}",
        outcome=ended,
        panels=((weight_panel(history), ""), *((metric_panel(history, metric), metric.bound) for metric in metrics)),
    )


def outcome(history: History) -> tuple[str, str]:
    """Returns how a release stands, in a word or two, and whether that is good, bad or still open."""
    if history.phase == "Failed":
        return "Rolled back", "bad"
    if history.phase == "RollingBack":
        return "Rolling back", "bad"
    if history.phase == "Succeeded":
        return (
            ("Promoted", "good") if any(item.kind == "Promoted" for item in history.happened) else ("At rest", "good")
        )
    if history.phase in {"", "Initialized"}:
        return "At rest", "good"
    halted = history.spans and history.spans[-1].kind == "halt" and history.spans[-1].end == history.end
    return ("Halted", "bad") if halted else ("In progress", "open")


def _told(history: History) -> dict[str, Any]:
    """Returns what the template of the page needs of one history."""
    numbered = badges(history)
    shown = shown_happenings(history.happened)
    places = {id(item): index for index, item in enumerate(history.happened)}
    return {
        "history": history,
        "outcome": outcome(history),
        "weight": weight_panel(history),
        "metrics": [_metric(history, metric) for metric in history.metrics],
        "happened": [(item, numbered.get(places[id(item)])) for item in shown],
        "left_out": len(history.happened) - len(shown),
        "who": any(act.who for act in history.acts),
    }


def _metric(history: History, metric: MetricHistory) -> dict[str, Any]:
    shown = shown_checks(metric.checks)
    return {
        "metric": metric,
        "panel": metric_panel(history, metric),
        "checks": shown,
        "left_out": len(metric.checks) - len(shown),
        "failed": sum(check.good is False for check in metric.checks),
    }
