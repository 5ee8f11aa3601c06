"""One query over a window of time: what is asked, and what the answer means. Nothing that a server answers raises."""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil, isfinite
from time import monotonic
from typing import TYPE_CHECKING

from reconcile.metrics import responses, transport
from reconcile.metrics.responses import NoAnswerError
from reconcile.model.series import Series

if TYPE_CHECKING:
    import requests

    from reconcile.metrics.query import QueryClient
    from reconcile.metrics.responses import Response
    from reconcile.model.series import Points, Window

MOST_POINTS = 11_000
"""Prometheus refuses more for one series."""
_GAP = 1.5
"""Steps between two points from which on there is a gap."""


def ask(client: QueryClient, session: requests.Session, text: str, window: Window, deadline: float) -> Series:
    """Returns the one series of a query over a window, until `deadline` (on the monotonic clock) at the latest."""
    form = {
        "query": text,
        "start": f"{window.begin.timestamp():.3f}",
        "end": f"{window.end.timestamp():.3f}",
        "step": f"{max(window.step, (window.end - window.begin).total_seconds() / MOST_POINTS):.3f}",
        "timeout": f"{ceil(client.timeout * 1000)}ms",
    }
    until = min(deadline, monotonic() + client.timeout)
    try:
        http = transport.post(session, client.server.range_url, form, until, client.timeout)
        response = client.heed_partial(responses.parse(http.body, http.status, client.mask))
        return _series(text, response, window)
    except NoAnswerError as error:
        problem = client.mask(str(error)) or "the reply is not of the shape of Prometheus's API"
    except Exception as error:  # noqa: BLE001 - whatever a server does, the others are asked
        problem = transport.reason(error, client.timeout)
    return Series(query=text, problem=f"{client.server.address}: {problem}")


def _series(text: str, response: Response, window: Window) -> Series:
    if response.failure is not None:
        return Series(query=text, problem=response.failure.detail)
    found = response.result if isinstance(response.result, list) else None
    if response.result_type != "matrix" or found is None:
        raise NoAnswerError
    if len(found) > 1:
        return Series(query=text, problem=f"the query gives {len(found)} series and must give one")
    values = found[0].get("values") if found and isinstance(found[0], dict) else []
    if not isinstance(values, list):
        raise NoAnswerError
    return Series(query=text, points=_points(values, window.step))


def _points(values: list[object], step: float) -> Points:
    """Returns the points, with a gap where there was no value, and where it was no number."""
    found: list[tuple[datetime, float | None]] = []
    last = None
    for pair in values[:MOST_POINTS]:
        match pair:
            case [int() | float() as seconds, str() as value] if isfinite(seconds):
                at = datetime.fromtimestamp(seconds, UTC)
                if last is not None and (at - last).total_seconds() > _GAP * step:
                    found.append((at, None))
                found.append((at, _number(value)))
                last = at
            case _:
                raise NoAnswerError
    return tuple(found)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        raise NoAnswerError from None
    return value if isfinite(value) else None
