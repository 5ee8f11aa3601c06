"""Plain data (dict, list, str, int, float, bool, None) as JSON or YAML."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from reconcile.model.errors import UsageError
from reconcile.model.times import timestamp

_EXACT = 2**53
"""Up to here a float holds every integer exactly."""


def dump(document: Mapping[str, Any], form: str) -> str:
    """Returns a mapping as a `json` or `yaml` document with its keys in order. Raises UsageError for another form."""
    if form == "json":
        return _json(plain(document))
    if form == "yaml":
        # Loading PyYAML takes longer than loading this whole package.
        from reconcile.report.yaml_text import to_yaml  # noqa: PLC0415 - loaded only when YAML is asked for

        return to_yaml(plain(document))
    raise UsageError(f"-o {form}: the decision record comes as json or yaml")


def number(value: float | None) -> float | None:
    """Returns a number that JSON has: None for NaN and infinities, and 99 instead of 99.0."""
    if value is None or not math.isfinite(value):
        return None
    return int(value) if float(value).is_integer() and abs(value) < _EXACT else value


def plain(value: Any) -> Any:
    """Returns a copy of dict, list, str, int, finite float, bool and None only; a value is a dict of its fields."""
    if isinstance(value, Struct):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return timestamp(value)
    # PyYAML makes a date of an unquoted 2026-01-31.
    return value.isoformat() if isinstance(value, date) else str(value)


def _json(document: Any) -> str:
    """Returns JSON with readable letters, and with control and invisible characters escaped."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    return "\n".join(map(escape_unprintable, text.split("\n"))) + "\n"


def escape_unprintable(line: str) -> str:
    """Returns a line of JSON with what is not printable escaped: only its strings have such characters."""
    if line.isprintable():
        return line
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in line)
