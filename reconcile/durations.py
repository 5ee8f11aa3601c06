"""Durations as Prometheus writes them (`1m`, `1h30m`, `500ms`) and as Go prints them (`2.525s`, `823ms`).

Duty: text to seconds and milliseconds to text. Pure.
"""

from __future__ import annotations

import re

_UNITS = {"y": 31_536_000.0, "w": 604_800.0, "d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PATTERN = re.compile("".join(rf"(?:(?P<{unit}>[0-9]{{1,9}}){unit})?" for unit in _UNITS))


def seconds(text: str) -> float | None:
    """Give the seconds of a PromQL duration, units in falling order and each once; None if it is none."""
    match = _PATTERN.fullmatch(text) if text else None
    if match is None:
        return None
    return sum(int(count) * _UNITS[unit] for unit, count in match.groupdict().items() if count is not None)


def go_text(milliseconds: float, digits: int = 0) -> str:
    """Print a duration like Go's `time.Duration`: `0s`, `823ms`, `2.525s`, `1m0.5s`; `digits` after the millisecond."""
    value = round(milliseconds, digits)
    if value < 0:
        return f"-{go_text(-value, digits)}"
    if value == 0:
        return "0s"
    if value < 1:
        return f"{_plain(value * 1000, digits - 3)}µs"
    if value < _UNITS["s"] * 1000:
        return f"{_plain(value, digits)}ms"
    hours, rest = divmod(value, _UNITS["h"] * 1000)
    minutes, rest = divmod(rest, _UNITS["m"] * 1000)
    text = f"{_plain(rest / 1000, digits + 3)}s"
    if hours:
        return f"{hours:.0f}h{minutes:.0f}m{text}"
    return f"{minutes:.0f}m{text}" if minutes else text


def _plain(value: float, digits: int) -> str:
    """Print without an exponent and without trailing zeros."""
    text = f"{value:.{max(digits, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
