"""`steerer status`: where a Rollout stands, from what is stored in it and in its Events.

Duty: raw manifests -> lines, text, data. Whoever may write a Rollout wrote them, so nothing is taken for granted: what
is absent or odd is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from reconcile.model.times import timestamp
from reconcile.report import lenient
from reconcile.report.events import event_lines, events_table, in_order, since
from reconcile.report.layout import Line, as_text, bar, column, joined, say, show
from reconcile.report.measurements import Row, measured
from reconcile.report.next_step import coming
from reconcile.report.record import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from rich.console import Console

    from reconcile.model.kinds import Manifest
    from reconcile.report.events import Happening

__all__ = ["events_table", "print_status", "status_data", "status_text"]

UNSEEN = "no pass has seen it yet"
UNSTARTED = "not started"
_CONDITION_STYLES = {("Ready", "True"): "green", ("Stalled", "True"): "bold red"}


def status_text(rollout: Manifest, events: Sequence[Manifest], now: datetime) -> str:
    """Say in plain text where a Rollout stands and why: shorter than `kubectl describe`."""
    return as_text(_status(rollout, events, now))


def print_status(rollout: Manifest, events: Sequence[Manifest], now: datetime, console: Console) -> None:
    """Print what `status_text` gives, with the colours and the width of the console."""
    show(_status(rollout, events, now), console)


def status_data(rollout: Manifest, events: Sequence[Manifest]) -> dict[str, Any]:
    """Give the same as plain data for `-o json` and `-o yaml`; keys in the order in which they are written here."""
    status, metadata = lenient.mapping(rollout.get("status")), lenient.mapping(rollout.get("metadata"))
    return {
        "rollout": {"namespace": lenient.text(metadata.get("namespace")), "name": lenient.text(metadata.get("name"))},
        "phase": lenient.text(status.get("phase")),
        "weight": _weight(status),
        "maxWeight": _most(rollout),
        "canaryRevision": lenient.text(status.get("canaryRevision")),
        "promotedRevision": lenient.text(status.get("promotedRevision")),
        "lastAdvanceTime": _moment(lenient.moment(status.get("lastAdvanceTime"))),
        "conditions": [plain(condition) for condition in lenient.mappings(status.get("conditions"))],
        "measurements": [plain(measurement) for measurement in lenient.mappings(status.get("measurements"))],
        "events": [_event(event) for event in in_order(events)],
    }


def _event(event: Happening) -> dict[str, Any]:
    return {
        "type": event.type,
        "reason": event.reason,
        "message": event.message,
        "count": event.count,
        "firstTime": _moment(event.first),
        "lastTime": _moment(event.last),
    }


def _status(rollout: Manifest, events: Sequence[Manifest], now: datetime) -> Iterator[Line]:
    status, metadata = lenient.mapping(rollout.get("status")), lenient.mapping(rollout.get("metadata"))
    name = ".".join(filter(None, (lenient.text(metadata.get("name")), lenient.text(metadata.get("namespace")))))
    phase = lenient.text(status.get("phase")) or (UNSTARTED if status.get("conditions") else UNSEEN)
    yield Line(head=joined(say(name, "bold"), say(phase, "bold cyan")))
    if drawn := bar(_weight(status), _weight(status)):
        most = _most(rollout)
        yield Line(indent=2, head=joined(drawn, Text("" if most is None else f"of at most {most} %", "dim")))
    yield from _facts(status, now)
    rows = [_row(measurement) for measurement in lenient.mappings(status.get("measurements"))]
    if rows:
        yield Line(indent=2, head=Text("Last analysis", "bold"), body=say(_last_analysis(status, now)))
        yield from measured(rows)
    yield Line(indent=2, head=Text("Events", "bold"))
    yield from event_lines(events, now, indent=4)


def _facts(status: Mapping[str, Any], now: datetime) -> Iterator[Line]:
    facts = [*_conditions(status, now), *_revisions(status)]
    advanced = lenient.moment(status.get("lastAdvanceTime"))
    if advanced is not None:
        facts.append(("Weight", say(f"last moved {since(advanced, now)} ago")))
    if expected := _coming(status):
        facts.append(("Next", say(expected)))
    heads = column([Text(title, "bold") for title, _ in facts])
    for head, (_, words) in zip(heads, facts, strict=True):
        yield Line(indent=2, head=head, body=words)


def _coming(status: Mapping[str, Any]) -> str:
    """Say why nothing moves right now: a wait is not stored, but it follows from where the Rollout stands."""
    ready = next((item for item in lenient.mappings(status.get("conditions")) if item.get("type") == "Ready"), None)
    if ready is None:
        return ""
    return coming(lenient.text(status.get("phase")), _weight(status), halted=ready.get("status") == "False")


def _conditions(status: Mapping[str, Any], now: datetime) -> Iterator[tuple[str, Text]]:
    """Give Ready, and of the two that are abnormal when they are true the one that asks for somebody."""
    for condition in lenient.mappings(status.get("conditions")):
        kind, state = lenient.text(condition.get("type")), lenient.text(condition.get("status"))
        if kind == "Ready" or (kind == "Stalled" and state == "True"):
            moved = lenient.moment(condition.get("lastTransitionTime"))
            standing = say(state or "Unknown", _CONDITION_STYLES.get((kind, state), "yellow"))
            lasting = say(f"for {since(moved, now)}" if moved else "")
            message = lenient.text(condition.get("message")) or lenient.text(condition.get("reason"))
            yield kind, joined(joined(standing, lasting, gap=" "), say(message), gap=": ")


def _revisions(status: Mapping[str, Any]) -> Iterator[tuple[str, Text]]:
    canary, promoted = lenient.text(status.get("canaryRevision")), lenient.text(status.get("promotedRevision"))
    if canary or promoted:
        under_way = f"{canary} under way" if canary and canary != promoted else ""
        yield "Revision", joined(say(under_way), say(f"{promoted} promoted last" if promoted else ""), gap=", ")


def _last_analysis(status: Mapping[str, Any], now: datetime) -> str:
    times = [lenient.moment(measurement.get("time")) for measurement in lenient.mappings(status.get("measurements"))]
    latest = max((time for time in times if time is not None), default=None)
    return "" if latest is None else f"{since(latest, now)} ago"


def _row(measurement: Mapping[str, Any]) -> Row:
    return Row(
        name=lenient.text(measurement.get("name")),
        value=lenient.figure(measurement.get("value")),
        threshold=lenient.figure(measurement.get("threshold")),
        bound=lenient.text(measurement.get("bound")),
        verdict=lenient.text(measurement.get("verdict")),
        text=lenient.text(measurement.get("text")),
        query=lenient.text(measurement.get("query")),
    )


def _weight(status: Mapping[str, Any]) -> int | None:
    return lenient.integer(status.get("canaryWeight"))


def _most(rollout: Manifest) -> int | None:
    return lenient.integer(lenient.mapping(lenient.mapping(rollout.get("spec")).get("canaryAnalysis")).get("maxWeight"))


def _moment(time: datetime | None) -> str | None:
    return None if time is None else timestamp(time)
