"""The history of a Rollout as a cluster remembers it: status, Events and annotations, and the series of its metrics.

Events are kept for an hour by default, and counted where they repeat; whoever wrote them, the texts are those of
`core.messages`. What is absent or invalid is left out.
"""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from reconcile.lookback.history import Act, CheckMade, Happening, History, MetricHistory, Span
from reconcile.lookback.words import bound_words
from reconcile.model.actions import Action
from reconcile.model.field_managers import writers
from reconcile.model.fields import mappings
from reconcile.model.measurement import good_values
from reconcile.model.plan import Transition
from reconcile.report import lenient
from reconcile.report.events import read_events

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from reconcile.model.checks import Check
    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.measurement import Metric
    from reconcile.model.series import Series, Window
    from reconcile.report.events import EventRow

# Of two weights in one second, which is all that a stored time says, the later stands later.
_BY_TIME = itemgetter(0)
# By the first words of a message: the transition, and the weight from then on (None = as it was).
_MESSAGES: tuple[tuple[str, Transition | None, int | None], ...] = (
    ("Starting rollout for ", Transition.STARTED, None),
    ("Advance rollout ", Transition.ADVANCED, None),
    ("Halt rollout ", Transition.HALTED, None),
    ("Waiting for ", Transition.HALTED, None),
    ("Rolling back ", Transition.ROLLING_BACK, 0),
    ("Rolled back ", Transition.FAILED, 0),
    ("Promotion complete!", Transition.PROMOTED, 0),
    ("New revision detected! Scaling up", None, 0),
)
_HOLD, _APPROVAL = "Hold rollout ", "waiting for an approval"
_WEIGHT = re.compile(r"Advance rollout \S+ weight (\d{1,3})")
_FACTS = (("attempt", "attempt"), ("checks", "checks"), ("failed checks", "failedChecks"))


class Found(Struct, frozen=True, kw_only=True):
    """What was read. `series` are those of each metric for canary and primary, `weight` that of the canary's weight."""

    rollout: Ref
    manifest: Manifest
    events: Sequence[Manifest]
    window: Window
    checks: tuple[Check, ...] = ()
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    series: Mapping[str, tuple[Series, Series]] = field(default_factory=dict)
    weight: Series | None = None
    notes: tuple[str, ...] = ()


def history(found: Found) -> History:
    """Returns the history of the window."""
    status = lenient.mapping(found.manifest.get("status"))
    rows = [row for row in read_events(found.events) if row.last is not None and row.last >= found.window.begin]
    told = [row for row in rows if row.last is not None and row.last <= found.window.end]
    weights = tuple(_weights(found, told, status))
    ready = next((item for item in mappings(status.get("conditions")) if item.get("type") == "Ready"), {})
    return History(
        rollout=found.rollout,
        begin=found.window.begin,
        end=found.window.end,
        source="status, Events and metrics" if found.series else "status and Events",
        phase=lenient.text(status.get("phase")),
        reason=lenient.text(ready.get("message")),
        revision=lenient.text(status.get("canaryRevision")),
        weights=weights,
        spans=tuple(_spans(told, found.window, lenient.text(ready.get("reason")))),
        happened=tuple(_happened(told)),
        metrics=tuple(_metric(found, check, status) for check in found.checks),
        acts=tuple(_acts(found.manifest)),
        facts=tuple(_facts(status)),
        notes=found.notes,
    )


def _kind(row: EventRow) -> tuple[Transition | None, int | None]:
    found = _WEIGHT.match(row.message)
    if found:
        return Transition.ADVANCED, min(int(found[1]), 100)
    if row.message.startswith(_HOLD):
        return (Transition.WAITING_FOR_APPROVAL if _APPROVAL in row.message else None), None
    return next(((kind, weight) for start, kind, weight in _MESSAGES if row.message.startswith(start)), (None, None))


def _weights(found: Found, rows: Sequence[EventRow], status: Manifest) -> Iterator[tuple[datetime, int]]:
    """Yields the weights: by their own series where there is one, else by the Events, and what the status says now."""
    last: int | None = None
    points = [(at, round(value)) for at, value in found.weight.points if value is not None] if found.weight else []
    if not points:
        stored = [(lenient.time(item.get("time")), item.get("weight")) for item in mappings(status.get("history"))]
        kept = [(at, weight) for at, weight in stored if at is not None and isinstance(weight, int)]
        first = min((at for at, _ in kept), default=found.window.end)
        told = [(row.last, weight) for row in rows if row.last and (weight := _kind(row)[1]) is not None]
        points = sorted([*((at, weight) for at, weight in told if at < first), *kept], key=_BY_TIME)
        moved, now = lenient.time(status.get("lastAdvanceTime")), lenient.integer(status.get("canaryWeight"))
        if now is not None:
            at = found.window.begin if moved is None or moved < found.window.begin else moved
            points = sorted([*(point for point in points if point[0] <= at), (at, now)], key=_BY_TIME)
    for at, weight in points:
        if weight != last and 0 <= weight <= 100:  # noqa: PLR2004 - percent
            yield max(at, found.window.begin), weight
        last = weight


def _happened(rows: Sequence[EventRow]) -> Iterator[Happening]:
    """Yields what was told. A halt that goes on is no transition again."""
    halted = False
    for row in rows:
        kind = _kind(row)[0]
        goes_on = kind is Transition.HALTED and halted
        halted = kind is Transition.HALTED or (halted and kind is None)
        at = row.first if row.count > 1 and row.first is not None else row.last
        if at is not None:
            yield Happening(
                at=at,
                text=row.message,
                kind="" if goes_on or kind is None else str(kind),
                is_warning=row.type == "Warning",
                count=row.count,
            )


def _spans(rows: Sequence[EventRow], window: Window, reason: str) -> Iterator[Span]:
    """Yields the times of halts and holds: each lasts until something else is told, or until now if it still does."""
    span: Span | None = None
    for row in rows:
        kind = _kind(row)[0]
        look = "halt" if kind is Transition.HALTED else "hold" if row.message.startswith(_HOLD) else None
        first, last = max(row.first or row.last or window.begin, window.begin), row.last or window.begin
        if span is not None and look == span.kind:
            span = replace(span, end=max(span.end, last))
        elif kind is not None or look:
            if span is not None:
                yield replace(span, end=max(span.end, first))
            span = Span(begin=first, end=last, kind=look, text=row.message) if look else None
    if span is not None:
        still = {
            "halt": reason in {"Halted", "Paused", "WriteFailed"},
            "hold": reason in {"WaitingForApproval", "Held"},
        }
        yield replace(span, end=window.end) if still[span.kind] else span


def _metric(found: Found, check: Check, status: Manifest) -> MetricHistory:
    known = found.metrics.get(check.name) or check.own_metric
    good = good_values(known.bound if known else "", check.threshold, check.range)
    canary, primary = found.series.get(check.name, (None, None))
    problems = dict.fromkeys(side.problem for side in (canary, primary) if side and side.problem)
    stored = [item for item in mappings(status.get("measurements")) if item.get("name") == check.name]
    made = [_check_made(item, status) for item in stored]
    return MetricHistory(
        name=check.name,
        title=known.title if known else check.name,
        unit=known.unit if known else "",
        bound=bound_words(good),
        least=good.least,
        most=good.most,
        query=(canary.query if canary else "") or next((lenient.text(item.get("query")) for item in stored), ""),
        canary=canary.points if canary else (),
        primary=primary.points if primary else (),
        checks=tuple(item for item in made if item is not None and item.at >= found.window.begin),
        problem="; ".join(problems),
    )


def _check_made(item: Manifest, status: Manifest) -> CheckMade | None:
    at = lenient.time(item.get("time"))
    if at is None:
        return None
    verdict = lenient.text(item.get("verdict"))
    return CheckMade(
        at=at,
        weight=lenient.integer(status.get("canaryWeight")),
        value=lenient.finite(item.get("value")),
        verdict=verdict,
        text=lenient.text(item.get("message")),
        good=None if item.get("gate") is False else verdict in {"passed", "skipped"},
    )


def _acts(manifest: Manifest) -> Iterator[Act]:
    """Yields the actions that are annotated now, with the field manager that wrote each."""
    annotations = lenient.mapping(lenient.mapping(manifest.get("metadata")).get("annotations"))
    for action in Action:
        value = annotations.get(action.annotation)
        if isinstance(value, str):
            writer = next(iter(writers(manifest, "metadata", "annotations", action.annotation)), None)
            known = writer is not None and writer.at.year > 1
            yield Act(
                at=writer.at if writer and known else None,
                action=action.value,
                value=value,
                who=writer.manager if writer else "",
            )


def _facts(status: Manifest) -> Iterator[tuple[str, str]]:
    analysis = lenient.mapping(status.get("analysis"))
    for title, name in _FACTS:
        value = lenient.integer(analysis.get(name))
        if value is not None:
            yield title, str(value)
    if ended := lenient.text(analysis.get("message")):
        yield "ended by", ended
