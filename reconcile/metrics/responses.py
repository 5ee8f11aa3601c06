"""From the bytes of a Prometheus reply to an answer, or to the answers of several workloads.

Duty: the shape of `/api/v1/query`, and words for every reply that is no single number. It reads no network. Pure.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from reconcile.model.measurement import Answer, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_WARNINGS = 10

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_SUCCESSES = range(200, 300)


class UnusableError(Exception):
    """A reply that is no answer; where `str()` of it says something, these are words made here."""


class UngroupedError(Exception):
    """A reply that tells nothing of single workloads; `str()` goes behind "the query for several workloads"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """A reply as the API has it: a result and its kind, or what is the `trouble` with all of it.

    `error_type` is Prometheus's own word for an error that it told.
    """

    status: int
    kind: str = ""
    result: object = None
    warnings: tuple[str, ...] = ()
    trouble: Answer | None = None
    error_type: str = ""

    @property
    def told_error(self) -> bool:
        """Say whether Prometheus itself told of an error."""
        return self.trouble is not None and self.trouble.failure is Failure.QUERY_ERROR


def parsed(body: bytes, status: int, clean: Callable[[str], str]) -> Reply:
    """Take a reply apart, from its body and HTTP status; `clean` makes the server's words fit to be shown. Pure."""
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        return Reply(status=status, trouble=unreachable(_no_json(body, status)))
    try:
        return replace(_opened(envelope, status, clean), warnings=_warnings(_field(envelope, "warnings"), clean))
    except UnusableError:
        return Reply(status=status, trouble=_no_reply(status))


def single(reply: Reply) -> Answer:
    """Give the answer to a query of one workload: exactly one sample with one finite number is a value. Pure."""
    if reply.trouble is not None:
        return replace(reply.trouble, warnings=reply.warnings)
    try:
        return replace(_read_result(reply), warnings=reply.warnings)
    except UnusableError:
        return _no_reply(reply.status)


def shared(reply: Reply, workloads: Iterable[str]) -> dict[str, Answer]:
    """Give the answer of each workload from the reply to a query of them all: as if it had been asked alone. Pure.

    Series of others are left aside. Raises UngroupedError for what is no vector of series that each have one label,
    the workload: nothing can be known of anybody then.
    """
    if reply.trouble is not None:
        return dict.fromkeys(workloads, replace(reply.trouble, warnings=reply.warnings))
    found: dict[str, list[object]] = {workload: [] for workload in workloads}
    try:
        for sample in _samples(reply):
            found.get(_only_label(sample), []).append(sample)
    except UnusableError:
        return dict.fromkeys(found, _no_reply(reply.status))
    alone = replace(reply, kind="vector")
    return {workload: single(replace(alone, result=samples)) for workload, samples in found.items()}


def _samples(reply: Reply) -> list[object]:
    if reply.kind != "vector":
        raise UngroupedError(f"gives a {reply.kind} and must give a vector")
    return _list(reply.result)


def _only_label(sample: object) -> str:
    labels = _field(sample, "metric")
    if not isinstance(labels, dict):
        raise UnusableError
    if len(labels) != 1:
        raise UngroupedError(f"gives a series with {len(labels)} labels and must give each exactly one, the workload")
    return str(*labels.values())


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


def _no_reply(status: int) -> Answer:
    return unreachable(f"HTTP {status}: the reply is not of the shape of Prometheus's API")


def _opened(envelope: object, status: int, clean: Callable[[str], str]) -> Reply:
    if _field(envelope, "status") == "error":
        kind, text = (_text(_field(envelope, name)) for name in ("errorType", "error"))
        detail = clean(": ".join(filter(None, (kind, text)))) or f"HTTP {status}, without a text"
        trouble = Answer(failure=Failure.QUERY_ERROR, detail=detail)
        return Reply(status=status, trouble=trouble, error_type=kind)
    if _field(envelope, "status") != "success" or status not in _SUCCESSES:
        raise UnusableError
    data = _field(envelope, "data")
    kind = _field(data, "resultType")
    if kind not in ("vector", "scalar", "matrix", "string"):
        raise UnusableError
    return Reply(status=status, kind=kind, result=_field(data, "result"))


def _read_result(reply: Reply) -> Answer:
    if reply.kind == "vector":
        return _read_vector(_list(reply.result))
    if reply.kind == "scalar":
        return _read_value(reply.result)
    return Answer(failure=Failure.WRONG_TYPE, detail=f"the query gives a {reply.kind} and must give one number")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise UnusableError
    return value


def _field(value: object, name: str) -> Any:
    """Take a member of what must be an object; one that is absent is None."""
    if not isinstance(value, dict):
        raise UnusableError
    return value.get(name)


def _read_vector(result: list[object]) -> Answer:
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
