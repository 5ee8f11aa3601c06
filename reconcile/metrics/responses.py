"""Parses a response of Prometheus's `/api/v1/query` into an answer, or into the answers of a batch.

Everything that is not one finite number per workload becomes a failure in words. Nothing here is sent or received.
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from reconcile.metrics import partial_answers
from reconcile.model.measurement import Answer, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_WARNINGS = 10
MAX_LABELS = 200

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_SUCCESSES = range(200, 300)


class NoAnswerError(Exception):
    """There is no usable response. `str()` is the reason, or empty where the caller has the words."""


class NotABatchError(Exception):
    """The response to a batch does not say which value belongs to which workload. `str()` is the reason."""


class Response(Struct, frozen=True, kw_only=True):
    """A response of the API: `result` and its `result_type`, or the `failure` of all of it.

    `status` is the HTTP status. `error_type` is Prometheus's own word for an error. `partial` are the words in which
    the server says that data are missing.
    """

    status: int
    result_type: str = ""
    result: object = None
    warnings: tuple[str, ...] = ()
    failure: Answer | None = None
    error_type: str = ""
    partial: str = ""

    @property
    def is_prometheus_error(self) -> bool:
        """Whether Prometheus itself reports an error, and not a proxy before it."""
        return self.failure is not None and self.failure.failure is Failure.QUERY_ERROR


def parse(body: bytes, status: int, mask: Callable[[str], str]) -> Response:
    """Returns the response with this body and HTTP status. `mask` removes secrets from a text of the server."""
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        return Response(status=status, failure=unreachable(_not_json(body, status)))
    try:
        response = _parse_envelope(envelope, status, mask)
    except NoAnswerError:
        return Response(status=status, failure=_wrong_shape(status))
    partial = mask(partial_answers.reason(envelope))
    return replace(response, warnings=_warnings(envelope.get("warnings"), mask), partial=partial)


def refuse_partial(response: Response) -> Response:
    """Returns the response; one that is partial as a failure, as what is missing may be the errors."""
    if response.failure is not None or not response.partial:
        return response
    detail = f"the server says that data are missing: {response.partial}"
    return replace(response, failure=Answer(failure=Failure.PARTIAL, detail=detail))


def accept_partial(response: Response) -> Response:
    """Returns the response; where it is partial by something else than a warning, with that as a warning."""
    if not response.partial or response.partial in response.warnings:
        return response
    return replace(response, warnings=(f"data are missing: {response.partial}", *response.warnings[: MAX_WARNINGS - 1]))


def single_answer(response: Response) -> Answer:
    """Returns the answer to a single query: it has a value if there is exactly one sample with one finite number."""
    if response.failure is not None:
        return replace(response.failure, warnings=response.warnings)
    try:
        return replace(_parse_result(response), warnings=response.warnings)
    except NoAnswerError:
        return _wrong_shape(response.status)


def batch_answers(response: Response, workloads: Iterable[str]) -> dict[str, Answer]:
    """Returns the answer of each workload of a batch, the same as its single query would have.

    Series of other workloads are ignored. Raises NotABatchError unless the result is a vector of series that each have
    exactly one label, the workload.
    """
    if response.failure is not None:
        return dict.fromkeys(workloads, replace(response.failure, warnings=response.warnings))
    samples: dict[str, list[object]] = {workload: [] for workload in workloads}
    try:
        for sample in _samples(response):
            samples.get(_only_label(sample), []).append(sample)
    except NoAnswerError:
        return dict.fromkeys(samples, _wrong_shape(response.status))
    return {workload: single_answer(replace(response, result=own)) for workload, own in samples.items()}


def _samples(response: Response) -> list[object]:
    if response.result_type != "vector":
        raise NotABatchError(f"gives a {response.result_type} and must give a vector")
    return _list(response.result)


def _only_label(sample: object) -> str:
    labels = _field(sample, "metric")
    if not isinstance(labels, dict):
        raise NoAnswerError
    if len(labels) != 1:
        raise NotABatchError(f"gives a series with {len(labels)} labels and must give each exactly one, the workload")
    return str(*labels.values())


def _not_json(body: bytes, status: int) -> str:
    """Returns what the body is instead. A web page with status 200 is what most wrong addresses have."""
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


def _wrong_shape(status: int) -> Answer:
    return unreachable(f"HTTP {status}: the reply is not of the shape of Prometheus's API")


def _parse_envelope(envelope: object, status: int, mask: Callable[[str], str]) -> Response:
    if _field(envelope, "status") == "error":
        error_type, text = (_text(_field(envelope, name)) for name in ("errorType", "error"))
        detail = mask(": ".join(filter(None, (error_type, text)))) or f"HTTP {status}, without a text"
        failure = Answer(failure=Failure.QUERY_ERROR, detail=detail)
        return Response(status=status, failure=failure, error_type=error_type)
    if _field(envelope, "status") != "success" or status not in _SUCCESSES:
        raise NoAnswerError
    data = _field(envelope, "data")
    result_type = _field(data, "resultType")
    if result_type not in ("vector", "scalar", "matrix", "string"):
        raise NoAnswerError
    return Response(status=status, result_type=result_type, result=_field(data, "result"))


def _parse_result(response: Response) -> Answer:
    if response.result_type == "vector":
        return _parse_vector(_list(response.result))
    if response.result_type == "scalar":
        return _parse_value(response.result)
    detail = f"the query gives a {response.result_type} and must give one number"
    return Answer(failure=Failure.WRONG_TYPE, detail=detail)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise NoAnswerError
    return value


def _field(value: object, name: str) -> Any:
    """Returns a member of a JSON object, or None if it is absent. Raises NoAnswerError for another type."""
    if not isinstance(value, dict):
        raise NoAnswerError
    return value.get(name)


def _parse_vector(result: list[object]) -> Answer:
    if not result:
        detail = "the query finds no series; is there traffic, and is it scraped?"
        return Answer(failure=Failure.NO_DATA, detail=detail, is_empty=True)
    if len(result) > 1:
        detail = f"the query gives {len(result)} series and must give one"
        return Answer(failure=Failure.SEVERAL_SERIES, detail=detail, labels=_labels(result))
    if _field(result[0], "histogram") is not None:
        return Answer(failure=Failure.WRONG_TYPE, detail="the query gives a histogram and must give one number")
    return _parse_value(_field(result[0], "value"))


def _labels(result: list[object]) -> tuple[tuple[str, str], ...]:
    """Returns the label of each series; none where one has none or several, or where there are too many series."""
    found: list[tuple[str, str]] = []
    for sample in result:
        labels = sample.get("metric") if isinstance(sample, dict) else None
        if not isinstance(labels, dict) or len(labels) != 1 or len(found) == MAX_LABELS:
            return ()
        found += [(name, str(value)) for name, value in labels.items()]
    return tuple(found)


def _parse_value(pair: object) -> Answer:
    """Parses `[time, "value"]`. The text is matched first: `float()` accepts more than Prometheus writes."""
    match pair:
        case [_, "NaN"]:
            detail = "the query gives NaN, as it does without traffic"
            return Answer(failure=Failure.NOT_A_NUMBER, detail=detail, is_empty=True)
        case [_, ("Inf" | "+Inf" | "-Inf") as text]:
            return Answer(failure=Failure.NOT_A_NUMBER, detail=f"the query gives {text}")
        case [_, str(text)] if _NUMBER.fullmatch(text):
            value = float(text)
            if isfinite(value):
                return Answer(value=value)
            return Answer(failure=Failure.NOT_A_NUMBER, detail="the query gives a number that is too large")
    raise NoAnswerError


def _warnings(value: object, mask: Callable[[str], str]) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(mask(text) for text in value[:MAX_WARNINGS] if isinstance(text, str))


def unreachable(detail: str) -> Answer:
    """Returns the answer for a server without a usable response; `detail` is the reason."""
    return Answer(failure=Failure.UNREACHABLE, detail=detail)
