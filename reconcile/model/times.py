"""Points in time, as Kubernetes writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def parse_time(value: object) -> datetime | None:
    """Returns the time of an RFC 3339 text, in UTC; None for anything else."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        if time is None:
            return None
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the latter at the ends of the calendar
        return None


def timestamp(at: datetime) -> str:
    """Returns the time as metav1.Time has it: RFC 3339 in UTC, whole seconds, `2024-05-01T12:00:00Z`.

    Parts of a second are dropped, not rounded: no time is later than what it is about.
    """
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return f"{utc.isoformat()[:19]}Z"
