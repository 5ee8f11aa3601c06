"""From the bytes of a Prometheus reply to an answer.

Duty: the shape of `/api/v1/query`, and words for every reply that is no single number. It reads no network. Pure.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from reconcile.plan import Answer, Failure

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_WARNINGS = 10

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_SUCCESSES = range(200, 300)


class UnusableError(Exception):
    """A reply that is no answer; where `str()` of it says something, these are words made here."""


def read_reply(body: bytes, status: int, clean: Callable[[str], str]) -> Answer:
    """Make an answer of a reply's body and HTTP status; `clean` makes the server's words fit to be shown. Pure."""
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        return unreachable(_no_json(body, status))
    try:
        warnings = _warnings(_field(reply, "warnings"), clean)
        return replace(_read_envelope(reply, status, clean), warnings=warnings)
    except UnusableError:
        return unreachable(f"HTTP {status}: the reply is not of the shape of Prometheus's API")


def _no_json(body: bytes, status: int) -> str:
    """Say what was there instead; that status 200 with a page is the commonest of wrong addresses."""
    start = body[:256].lstrip()
    if start.startswith(b"<"):
        found = "a web page and not an answer; is this the address of Prometheus, with its path prefix?"
    elif not start:
        found = "an empty reply"
    elif start.startswith(b"{"):
        found = "a reply that is cut off or otherwise no JSON"
    else:
        found = "a reply that is no JSON"
    return f"HTTP {status}: {found}"


def _read_envelope(reply: object, status: int, clean: Callable[[str], str]) -> Answer:
    if _field(reply, "status") == "error":
        parts = (_field(reply, "errorType"), _field(reply, "error"))
        text = clean(": ".join(part for part in parts if isinstance(part, str) and part))
        return Answer(failure=Failure.QUERY_ERROR, detail=text or f"HTTP {status}, without a text")
    if _field(reply, "status") != "success" or status not in _SUCCESSES:
        raise UnusableError
    data = _field(reply, "data")
    kind, result = _field(data, "resultType"), _field(data, "result")
    if kind == "vector":
        return _read_vector(result)
    if kind == "scalar":
        return _read_value(result)
    if kind in ("matrix", "string"):
        return Answer(failure=Failure.WRONG_TYPE, detail=f"the query gives a {kind} and must give one number")
    raise UnusableError


def _field(value: object, name: str) -> Any:
    """Take a member of what must be an object; one that is absent is None."""
    if not isinstance(value, dict):
        raise UnusableError
    return value.get(name)


def _read_vector(result: object) -> Answer:
    if not isinstance(result, list):
        raise UnusableError
    if not result:
        return Answer(failure=Failure.NO_DATA, detail="the query finds no series; is there traffic, and is it scraped?")
    if len(result) > 1:
        detail = f"the query gives {len(result)} series and must give one"
        return Answer(failure=Failure.SEVERAL_SERIES, detail=detail)
    if _field(result[0], "histogram") is not None:
        return Answer(failure=Failure.WRONG_TYPE, detail="the query gives a histogram and must give one number")
    return _read_value(_field(result[0], "value"))


def _read_value(pair: object) -> Answer:
    """Read `[time, "value"]`; the text is looked at first, as float() takes more than Prometheus writes."""
    match pair:
        case [_, "NaN"]:
            return Answer(failure=Failure.NOT_A_NUMBER, detail="the query gives NaN, as it does without traffic")
        case [_, ("Inf" | "+Inf" | "-Inf") as text]:
            return Answer(failure=Failure.NOT_A_NUMBER, detail=f"the query gives {text}")
        case [_, str(text)] if _NUMBER.fullmatch(text):
            value = float(text)
            if isfinite(value):
                return Answer(value=value)
            return Answer(failure=Failure.NOT_A_NUMBER, detail="the query gives a number that is too large")
    raise UnusableError


def _warnings(value: object, clean: Callable[[str], str]) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(clean(text) for text in value[:MAX_WARNINGS] if isinstance(text, str))


def unreachable(detail: str) -> Answer:
    """Give the answer for a server that said nothing usable; `detail` in words."""
    return Answer(failure=Failure.UNREACHABLE, detail=detail)
