"""Instants, as Kubernetes writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def parse_time(value: object) -> datetime | None:
    """Read an RFC 3339 time; None if it is none."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        if time is None:
            return None
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the latter at the ends of the calendar
        return None


def timestamp(at: datetime) -> str:
    """Write an instant as metav1.Time does: RFC 3339 in UTC, whole seconds, `2024-05-01T12:00:00Z`.

    Parts of a second are dropped, not rounded: nothing is stamped later than it happened.
    """
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
