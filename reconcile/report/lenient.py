"""Reading manifests of which nothing is known: what is absent or odd is empty, and never an error.

Duty: one field -> one plain value. Where a wrong field has to be named, `fields` reads instead. Pure.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from reconcile.model.times import parse_time
from reconcile.report.record import number


def mapping(value: Any) -> dict[str, Any]:
    """Give a mapping."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[dict[str, Any]]:
    """Give the mappings of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """Give a text."""
    return value if isinstance(value, str) else ""


def integer(value: Any) -> int | None:
    """Give an integer."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def figure(value: Any) -> float | None:
    """Give a finite number, also one that is stored as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return number(float(value))
    except (ValueError, OverflowError):
        return None


def moment(value: Any) -> datetime | None:
    """Give a time, also one that a YAML reader has already made of it."""
    try:
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        return parse_time(value)
    except OverflowError:  # an offset that leads out of the calendar
        return None
