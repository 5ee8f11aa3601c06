"""Events as `kubectl describe` shows them.

Duty: Event manifests -> an ordered table, with kubectl's ages. Pure, but for the styles.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.text import Text

from reconcile.report import lenient
from reconcile.report.layout import EVENT_STYLES, Line, as_text, column, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.model.kinds import Manifest

NONE = "<none>"
_TITLES = ("Type", "Reason", "Age", "From", "Message")
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86_400, 31_536_000
# Up to how long (exclusive) a length of time is written in which unit, and with which smaller one beside it.
_AGES = (
    (10 * _MINUTE, (_MINUTE, "m"), (1, "s")),
    (3 * _HOUR, (_MINUTE, "m"), None),
    (8 * _HOUR, (_HOUR, "h"), (_MINUTE, "m")),
    (2 * _DAY, (_HOUR, "h"), None),
    (8 * _DAY, (_DAY, "d"), (_HOUR, "h")),
    (2 * _YEAR, (_DAY, "d"), None),
    (8 * _YEAR, (_YEAR, "y"), (_DAY, "d")),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """One Event, read: `first` and `last` are when its message was said, `count` how often."""

    type: str
    reason: str
    source: str
    message: str
    first: datetime | None
    last: datetime | None
    count: int

    def age(self, now: datetime) -> str:
        """Write `3m`, or `3m (x4 over 5m)` for a message that was repeated."""
        if self.count > 1:
            return f"{since(self.last, now)} (x{self.count} over {since(self.first, now)})"
        return since(self.first, now)


def events_table(events: Sequence[Manifest], now: datetime) -> str:
    """Give Events as `kubectl describe` prints them, by lastTimestamp and then as given; `<none>` if there are none."""
    return as_text(event_lines(events, now, indent=0))


def event_lines(events: Sequence[Manifest], now: datetime, *, indent: int) -> Iterator[Line]:
    """Give the table line by line; the message is what may be wrapped."""
    found = in_order(events)
    if not found:
        yield Line(indent=indent, head=Text(NONE))
        return
    rows = [tuple(say(title) for title in _TITLES), tuple(say("-" * len(title), "dim") for title in _TITLES)]
    for event in found:
        style = EVENT_STYLES.get(event.type, "")
        cells = (event.reason, event.age(now), event.source, event.message)
        rows.append((say(event.type, style), *(say(cell) for cell in cells)))
    heads = zip(*(column([row[index] for row in rows]) for index in range(len(_TITLES) - 1)), strict=True)
    for head, row in zip(heads, rows, strict=True):
        yield Line(indent=indent, head=Text("  ").join(head), body=row[-1])


def in_order(events: Sequence[Manifest]) -> list[Happening]:
    """Read Events, the oldest first; those of one time stay as they were given."""
    return sorted((_read(event) for event in events), key=lambda event: event.last or _BEGINNING)


def since(moment: datetime | None, now: datetime) -> str:
    """Write how long ago a moment was."""
    return "<unknown>" if moment is None else age((now - moment).total_seconds())


def age(seconds: float) -> str:
    """Write a length of time as kubectl does: `45s`, `3m`, `3m20s`, `5h10m`, `2d`; `<invalid>` if it is negative."""
    whole = int(seconds)
    if whole < 0:  # a second is what clocks may differ by
        return "<invalid>" if whole < -1 else "0s"
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    for most, (unit, letter), smaller in _AGES:
        if whole < most:
            rest = whole % unit // smaller[0] if smaller else 0
            return f"{whole // unit}{letter}" + (f"{rest}{smaller[1]}" if smaller and rest else "")
    return f"{whole // _YEAR}y"


def _read(event: Manifest) -> Happening:
    series, source = lenient.mapping(event.get("series")), lenient.mapping(event.get("source"))
    created = lenient.moment(event.get("eventTime")) or lenient.moment(
        lenient.mapping(event.get("metadata")).get("creationTimestamp")
    )
    last = lenient.moment(series.get("lastObservedTime")) or lenient.moment(event.get("lastTimestamp"))
    first = lenient.moment(event.get("firstTimestamp")) or created or last
    component = lenient.text(source.get("component")) or lenient.text(event.get("reportingComponent"))
    return Happening(
        type=lenient.text(event.get("type")),
        reason=lenient.text(event.get("reason")),
        source=", ".join(filter(None, (component, lenient.text(source.get("host"))))),
        message=lenient.text(event.get("message")).strip(),
        first=first,
        last=last or first,
        count=lenient.integer(series.get("count")) or lenient.integer(event.get("count")) or 1,
    )
