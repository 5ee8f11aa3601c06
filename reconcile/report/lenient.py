"""Fields of manifests that were not validated: an absent or invalid one is empty, never an error.

Where an invalid field has to be named, `model.fields` reads it instead.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from reconcile.model.times import parse_time
from reconcile.report.plain_data import number


def mapping(value: Any) -> dict[str, Any]:
    """Returns the mapping, or an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str:
    """Returns the text, or an empty one."""
    return value if isinstance(value, str) else ""


def integer(value: Any) -> int | None:
    """Returns the integer, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def finite(value: Any) -> float | None:
    """Returns the finite number, which may be stored as text, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return number(float(value))
    except (ValueError, OverflowError):
        return None


def time(value: Any) -> datetime | None:
    """Returns the time in UTC, or None. A YAML reader may have parsed it already."""
    try:
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        return parse_time(value)
    except OverflowError:  # with its offset the time is outside of the calendar
        return None
