"""Events as `kubectl describe` prints them: an ordered table, with kubectl's ages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from reconcile.report import lenient
from reconcile.report.layout import EVENT_STYLES, Line, as_text
from reconcile.report.styled_text import Text, join_texts, pad_to_widest, styled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.model.kinds import Manifest

NONE = "<none>"
_TITLES = ("Type", "Reason", "Age", "From", "Message")
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86_400, 31_536_000
# A duration below the first number of seconds is written in this unit, with the smaller one after it.
_AGES = (
    (10 * _MINUTE, (_MINUTE, "m"), (1, "s")),
    (3 * _HOUR, (_MINUTE, "m"), None),
    (8 * _HOUR, (_HOUR, "h"), (_MINUTE, "m")),
    (2 * _DAY, (_HOUR, "h"), None),
    (8 * _DAY, (_DAY, "d"), (_HOUR, "h")),
    (2 * _YEAR, (_DAY, "d"), None),
    (8 * _YEAR, (_YEAR, "y"), (_DAY, "d")),
)


class EventRow(Struct, frozen=True, kw_only=True):
    """One Event. It was recorded `count` times between `first` and `last`."""

    type: str
    reason: str
    source: str
    message: str
    first: datetime | None
    last: datetime | None
    count: int

    def age(self, now: datetime) -> str:
        """Returns `3m`, or `3m (x4 over 5m)` for a repeated Event."""
        if self.count > 1:
            return f"{since(self.last, now)} (x{self.count} over {since(self.first, now)})"
        return since(self.first, now)


def events_table(events: Sequence[Manifest], now: datetime) -> str:
    """Returns Events as `kubectl describe` prints them, by lastTimestamp and then as given; `<none>` without any."""
    return as_text(event_lines(events, now, indent=0))


def event_lines(events: Sequence[Manifest], now: datetime, *, indent: int) -> Iterator[Line]:
    """Yields the table line by line; only the message may be wrapped."""
    sorted_events = read_events(events)
    if not sorted_events:
        yield Line(indent=indent, head=Text(NONE))
        return
    rows = [tuple(styled(title) for title in _TITLES), tuple(styled("-" * len(title), "dim") for title in _TITLES)]
    for event in sorted_events:
        style = EVENT_STYLES.get(event.type, "")
        cells = (event.reason, event.age(now), event.source, event.message)
        rows.append((styled(event.type, style), *(styled(cell) for cell in cells)))
    heads = zip(*(pad_to_widest([row[index] for row in rows]) for index in range(len(_TITLES) - 1)), strict=True)
    for head, row in zip(heads, rows, strict=True):
        yield Line(indent=indent, head=join_texts(*head), body=row[-1])


def read_events(events: Sequence[Manifest]) -> list[EventRow]:
    """Returns Events, the oldest first; those of the same time keep their order."""
    return sorted((_read(event) for event in events), key=lambda event: event.last or _BEGINNING)


def since(time: datetime | None, now: datetime) -> str:
    """Returns how long ago a time was."""
    return "<unknown>" if time is None else age((now - time).total_seconds())


def age(seconds: float) -> str:
    """Returns a duration as kubectl prints it: `45s`, `3m`, `3m20s`, `5h10m`, `2d`; `<invalid>` if it is negative."""
    whole = int(seconds)
    if whole < 0:  # clocks may differ by a second
        return "<invalid>" if whole < -1 else "0s"
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    for most, (unit, letter), smaller in _AGES:
        if whole < most:
            rest = whole % unit // smaller[0] if smaller else 0
            return f"{whole // unit}{letter}" + (f"{rest}{smaller[1]}" if smaller and rest else "")
    return f"{whole // _YEAR}y"


def _read(event: Manifest) -> EventRow:
    series, source = lenient.mapping(event.get("series")), lenient.mapping(event.get("source"))
    created = lenient.time(event.get("eventTime")) or lenient.time(
        lenient.mapping(event.get("metadata")).get("creationTimestamp")
    )
    last = lenient.time(series.get("lastObservedTime")) or lenient.time(event.get("lastTimestamp"))
    first = lenient.time(event.get("firstTimestamp")) or created or last
    component = lenient.text(source.get("component")) or lenient.text(event.get("reportingComponent"))
    return EventRow(
        type=lenient.text(event.get("type")),
        reason=lenient.text(event.get("reason")),
        source=", ".join(filter(None, (component, lenient.text(source.get("host"))))),
        message=lenient.text(event.get("message")).strip(),
        first=first,
        last=last or first,
        count=lenient.integer(series.get("count")) or lenient.integer(event.get("count")) or 1,
    )
