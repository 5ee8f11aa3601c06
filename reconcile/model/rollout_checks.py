"""Reads `canaryAnalysis.metrics` in the manifest of a Rollout."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconcile.model import durations
from reconcile.model.checks import Check, Comparison, OnNoData
from reconcile.model.measurement import Range
from reconcile.model.text import shown

if TYPE_CHECKING:
    from reconcile.model.fields import Fields

MOST_METRICS = 32
MOST_NAME = 253
MOST_ARGS = 16
MOST_ARG = 1024
MOST_QUERY = 16 * 1024
MOST_TITLE = 128
MOST_REQUESTS = 1_000_000_000
MOST_RATIO = 1000.0
MOST_RATE = 0.5
MOST_SEQUENTIAL = 4
DEFAULT_INTERVAL = "1m"

# The fields of each mapping, as in the CustomResourceDefinition.
QUERY = ("query", "title", "unit")
COMPARISON = ("maxRatio", "ignoreBelow", "falseAlarmRate")
CHECK = (
    *("name", *QUERY, "threshold", "thresholdRange", "comparison", "interval", "args"),
    *("minRequests", "onNoData", "observe", "fromWeight"),
)
RANGE = ("min", "max")

_LINE = re.compile(r"\S(.*\S)?", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


def checks(analysis: Fields) -> tuple[Check, ...]:
    """Returns the metrics. What is wrong with one is a problem of its field."""
    found = tuple(_check(item.only(*CHECK)) for item in analysis.children("metrics", MOST_METRICS))
    if sum(check.is_sequential for check in found) > MOST_SEQUENTIAL:
        analysis.problem("metrics", f"has more than {MOST_SEQUENTIAL} with a falseAlarmRate: what is counted is stored")
    return found


def _check(check: Fields) -> Check:
    name = check.text("name")
    if len(name) > MOST_NAME:
        check.problem("name", f"is longer than {MOST_NAME} characters: no metric has such a name")
    query, title, unit = (check.text(key, "") for key in QUERY)
    _check_query(check, query)
    has_comparison = check.value.get("comparison") is not None
    has_range = check.value.get("thresholdRange") is not None
    if has_range and check.value.get("threshold") is not None:
        check.problem("thresholdRange", "excludes threshold: write one of the two")
    return Check(
        name=name,
        interval=_interval(check),
        threshold=_threshold(check, required=not has_range and not has_comparison),
        range=_range(check.child("thresholdRange").only(*RANGE)) if has_range else None,
        comparison=_comparison(check.child("comparison").only(*COMPARISON)) if has_comparison else None,
        min_requests=check.integer("minRequests", 1, MOST_REQUESTS, 0),
        on_no_data=_on_no_data(check),
        observe=check.flag("observe"),
        from_weight=check.integer("fromWeight", 1, 100, 0),
        args=_args(check),
        query=query,
        title=title,
        unit=unit,
    )


def _check_query(check: Fields, query: str) -> None:
    """Adds what is wrong with a query of the Rollout's own, and with its words."""
    if len(query) > MOST_QUERY:
        check.problem("query", f"is longer than {MOST_QUERY} characters")
    if query and check.value.get("threshold") is not None:
        check.problem("threshold", "is for a metric template, which says its better side; write thresholdRange")
    for key in ("title", "unit"):
        words = check.value.get(key)
        if words is not None and not query:
            check.problem(key, "belongs to a query, and there is none")
        if isinstance(words, str) and words and (len(words) > MOST_TITLE or not _LINE.fullmatch(words)):
            check.problem(key, f"must be one line of at most {MOST_TITLE} characters, no space around it")


def _interval(check: Fields) -> str:
    interval = check.value.get("interval")
    if interval is None:
        return DEFAULT_INTERVAL
    if not isinstance(interval, str) or not durations.seconds(interval):
        check.problem("interval", "must be a duration above zero like 30s, 1m or 1h")
        return DEFAULT_INTERVAL
    return interval


def _range(limits: Fields) -> Range:
    least, most = (limits.number(key) if limits.value.get(key) is not None else None for key in RANGE)
    if least is None and most is None:
        limits.problem("min", "is required, or max, or both")
    if least is not None and most is not None and least > most:
        limits.problem("min", f"{least:g} is above max, {most:g}: nothing is between them")
    return Range(least=least, most=most)


def _threshold(check: Fields, *, required: bool) -> float | None:
    if required or check.value.get("threshold") is not None:
        return check.number("threshold")
    return None


def _comparison(fields: Fields) -> Comparison:
    given = {key: fields.number(key) for key in COMPARISON if fields.value.get(key) is not None or key == "maxRatio"}
    ratio, ignored, rate = (given.get(key) for key in COMPARISON)
    if ratio is not None and fields.value.get("maxRatio") is not None and not 1 <= ratio <= MOST_RATIO:
        fields.problem("maxRatio", f"must be between 1 and {MOST_RATIO:g}, not {ratio:g}")
    if ignored is not None and ignored < 0:
        fields.problem("ignoreBelow", f"must not be below 0, but is {ignored:g}")
    if rate is not None and not MOST_RATE / 1000 <= rate <= MOST_RATE:
        fields.problem("falseAlarmRate", f"must be between {MOST_RATE / 1000:g} and {MOST_RATE:g}, not {rate:g}")
    return Comparison(max_ratio=ratio or 1.0, ignore_below=ignored, false_alarm_rate=rate)


def _on_no_data(check: Fields) -> OnNoData:
    wanted = check.text("onNoData", OnNoData.HALT)
    if wanted not in {*OnNoData}:
        check.problem("onNoData", f"must be one of {', '.join(OnNoData)}, not {shown(wanted)}")
        return OnNoData.HALT
    return OnNoData(wanted)


def _args(check: Fields) -> tuple[tuple[str, str], ...]:
    args = check.child("args", required=False)
    if len(args.value) > MOST_ARGS:
        check.problem("args", f"has {len(args.value)} members, at most {MOST_ARGS} are allowed")
        return ()
    for key in args.value:
        if type(key) is not str or not _VARIABLE.fullmatch(key):
            check.problem("args", f"{shown(key)} is no name of a variable (letters, digits and '_')")
            return ()
        if len(args.text(key)) > MOST_ARG:
            args.problem(key, f"is longer than {MOST_ARG} characters")
    return tuple(sorted((key, value) for key, value in args.value.items() if isinstance(value, str)))
