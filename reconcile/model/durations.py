"""Durations as Prometheus writes them (`1m`, `1h30m`, `500ms`) and as Go prints them (`2.525s`, `823ms`)."""

from __future__ import annotations

import re
from decimal import Context, Decimal, localcontext

_UNITS = {"y": 31_536_000.0, "w": 604_800.0, "d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_MILLISECONDS = {unit: Decimal(_UNITS[unit]) * 1000 for unit in ("h", "m", "s")}
# Enough for every digit of any float.
EXACT = Context(prec=1200)
_PATTERN = re.compile("".join(rf"(?:(?P<{unit}>[0-9]{{1,9}}){unit})?" for unit in _UNITS))


def seconds(text: str) -> float | None:
    """Returns the seconds of a PromQL duration, whose units fall and occur once; None for any other text."""
    match = _PATTERN.fullmatch(text) if text else None
    if match is None:
        return None
    return sum(int(count) * _UNITS[unit] for unit, count in match.groupdict().items() if count is not None)


def text(seconds: float) -> str:
    """Returns a number of seconds in words of people, such as `1m30s`; parts of a second are left out."""
    rest, parts = int(seconds), []
    for unit in ("h", "m", "s"):
        count, rest = divmod(rest, int(_UNITS[unit]))
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


def go_text(milliseconds: Decimal) -> str:
    """Returns a duration like Go's `time.Duration`, with all its digits: `0s`, `823ms`, `2.525s`, `1m0.5s`."""
    value = milliseconds
    if value < 0:
        return f"-{go_text(value.copy_negate())}"
    if value == 0:
        return "0s"
    with localcontext(EXACT):
        if value < 1:
            return f"{_plain(value * 1000)}µs"
        if value < _MILLISECONDS["s"]:
            return f"{_plain(value)}ms"
        hours, rest = divmod(value, _MILLISECONDS["h"])
        minutes, rest = divmod(rest, _MILLISECONDS["m"])
        text = f"{_plain(rest / _MILLISECONDS['s'])}s"
    if hours:
        return f"{hours:f}h{minutes:f}m{text}"
    return f"{minutes:f}m{text}" if minutes else text


def _plain(value: Decimal) -> str:
    """Returns the number without an exponent and without trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
