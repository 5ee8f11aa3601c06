"""What may be done with a request between the program and the API server, and hooks that choose with which.

A fault gets the exchange: it may pass the request on or not, and answer it or not. `FAULTS` are those that need
nothing else; who kills or holds a process gives what is needed for that.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from typing import TYPE_CHECKING

from tests.components.gateway import Answer, Exchange, Request, passed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.components.gateway import Fault

LONGEST = 60.0
"""The seconds after which whoever waits in a fault goes on, so that no test can hang."""


# --- No answer, or not the whole of it ---


def dropped(exchange: Exchange) -> None:
    """Close the connection: the server never hears of it."""
    del exchange


def unanswered(exchange: Exchange) -> None:
    """Let the server do it, and close the connection without its answer."""
    exchange.forward()


def cut(exchange: Exchange) -> None:
    """Let the server do it, and close the connection in the middle of its answer."""
    answer = exchange.forward()
    exchange.reply(answer, cut=len(answer.body) // 2)


def hung(exchange: Exchange) -> None:
    """Say nothing until the end: the server never hears of it."""
    exchange.gateway.ended.wait(LONGEST)


def hung_when_done(exchange: Exchange) -> None:
    """Let the server do it, and say nothing until the end."""
    exchange.forward()
    exchange.gateway.ended.wait(LONGEST)


# --- Answers that the server did not give ---


def answered(status: int, *, retry_after: int | None = None, page: bool = False, done: bool = False) -> Fault:
    """Answer with a status in the server's place; `page` = as a web page, `done` = though the server did it."""

    def fault(exchange: Exchange) -> None:
        if done:
            exchange.forward()
        kind = "text/html" if page else "application/json"
        body = b"<html><body>Bad Gateway</body></html>" if page else json.dumps(said(status, exchange.request)).encode()
        headers = {"Content-Type": kind} | ({} if retry_after is None else {"Retry-After": str(retry_after)})
        exchange.reply(Answer(status=status, body=body, headers=headers))

    return fault


_REASONS = {
    400: ("BadRequest", "the server could not understand it"),
    401: ("Unauthorized", "Unauthorized"),
    403: ("Forbidden", '{resource} "{name}" is forbidden: User "somebody" cannot {method} resource "{resource}"'),
    404: ("NotFound", '{resource} "{name}" not found'),
    409: ("Conflict", 'Operation cannot be fulfilled on {resource} "{name}": the object has been modified'),
    410: ("Expired", "The provided continue parameter is too old"),
    422: ("Invalid", '{resource} "{name}" is invalid: spec: Invalid value: made up'),
    429: ("TooManyRequests", "too many requests, please try again later"),
    500: ("InternalError", "etcdserver: request timed out"),
    502: ("", "bad gateway"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: ("Timeout", "the server was unable to return a response in the time allotted"),
}


def said(status: int, request: Request) -> Mapping[str, object]:
    """Give the `Status` object that an API server answers a request with."""
    reason, message = _REASONS[status]
    named = {"resource": request.resource, "name": request.name, "method": request.method.lower()}
    details = {"name": request.name, "kind": request.resource} if status in {404, 409, 422} else {}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "message": message.format(**named),
        "code": status,
        "details": details,
    }


FAULTS: Mapping[str, Fault] = {
    "dropped": dropped,
    "stored, not answered": unanswered,
    "stored, answer cut": cut,
    "hung": hung,
    "stored, hung": hung_when_done,
    **{str(status): answered(status) for status in _REASONS if status != 502},
    "429, Retry-After": answered(429, retry_after=1),
    "503, Retry-After": answered(503, retry_after=1),
    "502 as a web page": answered(502, page=True),
    "200 as a web page": answered(200, page=True),
    "stored, 504": answered(504, done=True),
}
"""Every fault that needs neither a process nor anybody else."""


# --- What befalls the process ---


def killed(kill: Callable[[], object]) -> Fault:
    """Kill the program before its request is passed on."""

    def fault(exchange: Exchange) -> None:
        del exchange
        kill()

    return fault


def killed_when_done(kill: Callable[[], object]) -> Fault:
    """Kill the program when the server has done what it asked for, and before it hears of that."""

    def fault(exchange: Exchange) -> None:
        exchange.forward()
        kill()

    return fault


class Hold:
    """Holds a request until `let_go`. `reached` is set when it is here."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._let_go = threading.Event()

    def let_go(self) -> None:
        """Let the request go on."""
        self._let_go.set()

    def before(self, exchange: Exchange) -> None:
        """As a fault: hold the request, then pass it on."""
        self._hold()
        passed(exchange)

    def after(self, exchange: Exchange) -> None:
        """As a fault: pass the request on, and hold its answer."""
        answer = exchange.forward()
        self._hold()
        exchange.reply(answer)

    def _hold(self) -> None:
        self.reached.set()
        if not self._let_go.wait(LONGEST):
            raise TimeoutError("nobody let the request go")


# --- Hooks ---


def writes(request: Request) -> bool:
    """Say whether it changes anything."""
    return request.writes


class Once:
    """A hook with which one fault strikes at the n-th request (from 0) that matches; all others are passed on.

    `struck` is that request, once it has come.
    """

    def __init__(self, fault: Fault, matches: Callable[[Request], bool] = writes, nth: int = 0) -> None:
        self.struck: Request | None = None
        self._fault = fault
        self._matches = matches
        self._left = nth
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Fault:
        """Choose the fault (a hook)."""
        if not self._matches(request):
            return passed
        with self._lock:
            self._left -= 1
            if self._left != -1:
                return passed
            self.struck = request
        return self._fault


class Randomly:
    """A hook with which a share of the requests that match gets one of some faults: the same ones for the same seed.

    `struck` counts the faults by their names.
    """

    def __init__(
        self,
        seed: int,
        share: float,
        faults: Mapping[str, Fault] = FAULTS,
        matches: Callable[[Request], bool] = lambda _: True,
    ) -> None:
        self.struck: Counter[str] = Counter()
        self._random = random.Random(seed)  # noqa: S311 - a seed is what is wanted
        self._share = share
        self._faults = faults
        self._names: Sequence[str] = sorted(faults)
        self._matches = matches
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Fault:
        """Choose the fault (a hook)."""
        if not self._matches(request):
            return passed
        with self._lock:
            if self._random.random() >= self._share:
                return passed
            name = self._random.choice(self._names)
            self.struck[name] += 1
        return self._faults[name]
