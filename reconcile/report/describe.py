"""`steerer status`: the state of a Rollout, from its manifest and its Events.

Anybody with the right may have written these manifests: what is absent or invalid is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.model.fields import mappings
from reconcile.model.times import timestamp
from reconcile.report import lenient
from reconcile.report.events import event_lines, read_events, since
from reconcile.report.layout import Line, as_text, weight_bar
from reconcile.report.measurements import Row, measurement_lines
from reconcile.report.next_step import next_step
from reconcile.report.plain_data import plain
from reconcile.report.promotion import promotion_lines
from reconcile.report.record import changes_data
from reconcile.report.styled_text import Text, join_texts, pad_to_widest, styled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Change
    from reconcile.report.console import Console
    from reconcile.report.events import EventRow

UNSEEN = "no pass has seen it yet"
UNSTARTED = "not started"
_CONDITION_STYLES = {("Ready", "True"): "green", ("Stalled", "True"): "bold red"}


def status_text(rollout: Manifest, events: Sequence[Manifest], now: datetime, promotion: Sequence[Change] = ()) -> str:
    """Returns the state of a Rollout as plain text: shorter than `kubectl describe`.

    `promotion` is what its promotion will change beside the images.
    """
    return as_text(_status_lines(rollout, events, promotion, now))


def print_status(
    rollout: Manifest, events: Sequence[Manifest], promotion: Sequence[Change], now: datetime, console: Console
) -> None:
    """Prints the same, with the colours and the width of the console."""
    console.print_lines(_status_lines(rollout, events, promotion, now))


def status_data(rollout: Manifest, events: Sequence[Manifest], promotion: Sequence[Change] = ()) -> dict[str, Any]:
    """Returns the same as plain data for `-o json` and `-o yaml`, with its keys in this order."""
    status, metadata = lenient.mapping(rollout.get("status")), lenient.mapping(rollout.get("metadata"))
    return {
        "rollout": {"namespace": lenient.text(metadata.get("namespace")), "name": lenient.text(metadata.get("name"))},
        "phase": lenient.text(status.get("phase")),
        "weight": _weight(status),
        "maxWeight": _max_weight(rollout),
        "canaryRevision": lenient.text(status.get("canaryRevision")),
        "promotedRevision": lenient.text(status.get("promotedRevision")),
        "lastAdvanceTime": _timestamp(lenient.time(status.get("lastAdvanceTime"))),
        "conditions": [plain(condition) for condition in mappings(status.get("conditions"))],
        "measurements": [plain(measurement) for measurement in mappings(status.get("measurements"))],
        "promotion": changes_data(promotion),
        "events": [_event(event) for event in read_events(events)],
    }


def _event(event: EventRow) -> dict[str, Any]:
    return {
        "type": event.type,
        "reason": event.reason,
        "message": event.message,
        "count": event.count,
        "firstTime": _timestamp(event.first),
        "lastTime": _timestamp(event.last),
    }


def _status_lines(
    rollout: Manifest, events: Sequence[Manifest], promotion: Sequence[Change], now: datetime
) -> Iterator[Line]:
    status, metadata = lenient.mapping(rollout.get("status")), lenient.mapping(rollout.get("metadata"))
    name = ".".join(filter(None, (lenient.text(metadata.get("name")), lenient.text(metadata.get("namespace")))))
    phase = lenient.text(status.get("phase")) or (UNSTARTED if status.get("conditions") else UNSEEN)
    yield Line(head=join_texts(styled(name, "bold"), styled(phase, "bold cyan")))
    if weight := weight_bar(_weight(status), _weight(status)):
        most = _max_weight(rollout)
        yield Line(indent=2, head=join_texts(weight, Text("" if most is None else f"of at most {most} %", "dim")))
    yield from _facts(status, now)
    rows = [_row(measurement) for measurement in mappings(status.get("measurements"))]
    if rows:
        yield Line(indent=2, head=Text("Last analysis", "bold"), body=styled(_last_analysis(status, now)))
        yield from measurement_lines(rows)
    yield from promotion_lines(promotion)
    yield Line(indent=2, head=Text("Events", "bold"))
    yield from event_lines(events, now, indent=4)


def _facts(status: Mapping[str, Any], now: datetime) -> Iterator[Line]:
    facts = [*_conditions(status, now), *_revisions(status)]
    advanced = lenient.time(status.get("lastAdvanceTime"))
    if advanced is not None:
        facts.append(("Weight", styled(f"last moved {since(advanced, now)} ago")))
    if next_words := _next_step(status):
        facts.append(("Next", styled(next_words)))
    heads = pad_to_widest([Text(title, "bold") for title, _ in facts])
    for head, (_, words) in zip(heads, facts, strict=True):
        yield Line(indent=2, head=head, body=words)


def _next_step(status: Mapping[str, Any]) -> str:
    """Returns what a later pass does: it is not stored, but follows from phase and weight."""
    ready = next((item for item in mappings(status.get("conditions")) if item.get("type") == "Ready"), None)
    if ready is None:
        return ""
    return next_step(lenient.text(status.get("phase")), _weight(status), halted=ready.get("status") == "False")


def _conditions(status: Mapping[str, Any], now: datetime) -> Iterator[tuple[str, Text]]:
    """Yields Ready, and where they are true Stalled, which asks for somebody, and Pending, which says since when."""
    for condition in mappings(status.get("conditions")):
        kind, state = lenient.text(condition.get("type")), lenient.text(condition.get("status"))
        if kind == "Ready" or (kind in {"Stalled", "Pending"} and state == "True"):
            changed = lenient.time(condition.get("lastTransitionTime"))
            value = styled(state or "Unknown", _CONDITION_STYLES.get((kind, state), "yellow"))
            duration = styled(f"for {since(changed, now)}" if changed else "")
            message = lenient.text(condition.get("message")) or lenient.text(condition.get("reason"))
            yield kind, join_texts(join_texts(value, duration, gap=" "), styled(message), gap=": ")


def _revisions(status: Mapping[str, Any]) -> Iterator[tuple[str, Text]]:
    canary, promoted = lenient.text(status.get("canaryRevision")), lenient.text(status.get("promotedRevision"))
    if canary or promoted:
        in_progress = styled(f"{canary} under way" if canary and canary != promoted else "")
        last = styled(f"{promoted} promoted last" if promoted else "")
        yield "Revision", join_texts(in_progress, last, gap=", ")


def _last_analysis(status: Mapping[str, Any], now: datetime) -> str:
    times = [lenient.time(measurement.get("time")) for measurement in mappings(status.get("measurements"))]
    latest = max((time for time in times if time is not None), default=None)
    return "" if latest is None else f"{since(latest, now)} ago"


def _row(measurement: Mapping[str, Any]) -> Row:
    return Row(
        name=lenient.text(measurement.get("name")),
        value=lenient.finite(measurement.get("value")),
        threshold=lenient.finite(measurement.get("threshold")),
        bound=lenient.text(measurement.get("bound")),
        verdict=lenient.text(measurement.get("verdict")),
        text=lenient.text(measurement.get("message")),
        query=lenient.text(measurement.get("query")),
        gates=measurement.get("gate") is not False,
    )


def _weight(status: Mapping[str, Any]) -> int | None:
    return lenient.integer(status.get("canaryWeight"))


def _max_weight(rollout: Manifest) -> int | None:
    return lenient.integer(lenient.mapping(lenient.mapping(rollout.get("spec")).get("canaryAnalysis")).get("maxWeight"))


def _timestamp(time: datetime | None) -> str | None:
    return None if time is None else timestamp(time)
