"""Histories as one HTML file that needs nothing else, and as one picture, by the templates in `templates/report`.

All text of others is escaped by the templates. It has no character that a page or a picture cannot have.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from reconcile import __version__
from reconcile.lookback.history import shown_checks, shown_happenings
from reconcile.lookback.panels import Panel, badges, metric_panel, weight_panel
from reconcile.model.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.lookback.history import History, MetricHistory

_PACKAGE = Path(__file__).resolve().parents[1]
SVG_WIDTH, SVG_LEFT, SVG_RIGHT = 960, 64, 24
SVG_HEAD, SVG_WEIGHT, SVG_METRIC, SVG_GAP = 96, 200, 110, 60
MOST_IN_PICTURE = 32
MOST_NAMES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class _Placed:
    """A panel in a picture: where it begins from the top, and how high it is."""

    panel: Panel
    top: int
    height: int
    bound: str = ""


def html(histories: Sequence[History]) -> str:
    """Returns the page. It runs no script and asks for nothing."""
    told = [_told(history) for history in histories]
    names = [history.name for history in histories]
    title = ", ".join(names[:MOST_NAMES]) + (" and more" if names[MOST_NAMES:] else "")
    return _environment().get_template("report.html.j2").render(told=told, title=title, version=__version__)


def svg(histories: Sequence[History]) -> str:
    """Returns the picture: of each Rollout the weight, and below it each metric."""
    top, parts = 0, []
    for history in histories:
        placed = [_Placed(panel=weight_panel(history), top=top + SVG_HEAD, height=SVG_WEIGHT)]
        for metric in history.metrics[:MOST_IN_PICTURE]:
            last = placed[-1]
            begin = last.top + last.height + SVG_GAP
            placed.append(
                _Placed(panel=metric_panel(history, metric), top=begin, height=SVG_METRIC, bound=metric.bound)
            )
        parts.append({"history": history, "top": top, "placed": placed, "outcome": outcome(history)})
        top = placed[-1].top + placed[-1].height + SVG_GAP
    return (
        _environment()
        .get_template("report.svg.j2")
        .render(parts=parts, width=SVG_WIDTH, left=SVG_LEFT, right=SVG_RIGHT, height=max(top - SVG_GAP // 2, SVG_HEAD))
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


@cache
def _environment() -> jinja2.Environment:
    """Returns the templates, which are inside of an installed package, or at the top of the checkout."""
    installed = _PACKAGE / "builtin_templates"
    folder = installed if installed.is_dir() else _PACKAGE.parent / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder / "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    environment.filters["clock"] = lambda at: f"{at:%H:%M:%S}"
    environment.filters["day"] = lambda at: f"{at:%Y-%m-%d %H:%M:%S}"
    environment.filters["figure"] = lambda value: "" if value is None else f"{value:.6g}"
    return environment


def _shown(value: Any) -> Any:
    """Returns a value as it is put into a page: without characters that are not for showing."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
