"""One query: asked, and what its reply means for what is asked next.

Duty: queries to requests, replies to outcomes. Nothing that a server says or fails to say raises. What is asked when
is the affair of `workers`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum, auto
from http import HTTPStatus
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING

from reconcile.metrics import backoff, responses, transport
from reconcile.metrics.responses import UngroupedError, UnusableError, unreachable
from reconcile.metrics.transport import REFUSALS, TooLargeError
from reconcile.model.measurement import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import requests

    from reconcile.metrics.batching import Query
    from reconcile.metrics.transport import Received
    from reconcile.model.measurement import Answer

# Of these the query is the reason, by itself or by its length; whether as Prometheus or a proxy has it.
_OF_THE_QUERY = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.REQUEST_URI_TOO_LONG,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
# Prometheus's words for a query that it began and did not end.
_GIVEN_UP = frozenset({"timeout", "canceled"})


class End(Enum):
    """How a request ended, as far as it matters for what is asked next."""

    ANSWERED = auto()
    LOST = auto()
    REFUSED = auto()
    GIVEN_UP = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of one request: an answer for each single query behind it, which does not hold the query's text.

    LOST = there was no reply. REFUSED = the server has too much to do, in `words`, and asks for `wait` seconds if it
    names any. GIVEN_UP = it took too long over the query. UNKNOWN = nothing is known of the members of a group, and the
    reason is the query.
    """

    end: End
    answers: Mapping[str, Answer]
    words: str = ""
    wait: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """All that the requests of one pass have in common; `clean` makes the server's words fit to be shown."""

    address: str
    headers: Mapping[str, str] = field(repr=False)
    ca_file: str | None
    timeout: float
    at: datetime
    clean: Callable[[str], str]

    def connection(self) -> requests.Session:
        """Give what one worker asks over."""
        return transport.connection(self.headers, self.ca_file)

    def ask(self, session: requests.Session, query: Query, end: float) -> Outcome:
        """Ask one query, and give up at `end` (on the monotonic clock)."""
        try:
            return self._outcome(query, self._received(session, query, min(end, monotonic() + self.timeout)))
        except (TooLargeError, UngroupedError) as error:
            return self.unanswered(query, str(error), End.UNKNOWN if query.members else End.ANSWERED)
        except UnusableError as error:
            return self.unanswered(query, self.clean(str(error)))  # the target of a redirect is the server's words
        except Exception as error:  # noqa: BLE001 every question has an answer, and an error that nobody foresaw is none
            return self.unanswered(query, transport.cause(error, self.timeout))

    def unanswered(self, query: Query, words: str, end: End = End.LOST, wait: float | None = None) -> Outcome:
        """Give the outcome of a request without a usable reply; the server is named beside what went wrong."""
        answers = dict.fromkeys(query.singles, self._unreachable(words))
        return Outcome(end=end, answers=answers, words=words, wait=wait)

    def _unreachable(self, words: str) -> Answer:
        return unreachable(f"{self.address}: {words}")

    def _received(self, session: requests.Session, query: Query, end: float) -> Received:
        timeout = f"{ceil(self.timeout * 1000)}ms"
        form = {"query": query.text, "time": f"{self.at.timestamp():.3f}", "timeout": timeout}
        return transport.post(session, f"{self.address}/api/v1/query", form, end, self.timeout)

    def _outcome(self, query: Query, received: Received) -> Outcome:
        status = received.status
        reply = responses.parsed(received.body, status, self.clean)
        if status in REFUSALS and reply.error_type not in _GIVEN_UP:
            wait = backoff.retry_after(received.headers.get("Retry-After", ""), received.headers.get("Date", ""))
            refused = self.unanswered(query, f"HTTP {status}: {REFUSALS[status]}", End.REFUSED, wait)
            return replace(refused, answers=self._answers(query, reply)) if reply.told_error else refused
        late = reply.error_type in _GIVEN_UP or status == HTTPStatus.GATEWAY_TIMEOUT
        end = End.GIVEN_UP if late else End.ANSWERED
        words = reply.trouble.detail if reply.trouble else ""
        unknown = bool(query.members) and status in _OF_THE_QUERY
        return Outcome(end=End.UNKNOWN if unknown else end, answers=self._answers(query, reply), words=words)

    def _answers(self, query: Query, reply: responses.Reply) -> Mapping[str, Answer]:
        if not query.members:
            return {query.text: self._named(responses.single(reply))}
        shared = responses.shared(reply, query.members)
        return {single: self._named(shared[workload]) for workload, single in query.members.items()}

    def _named(self, answer: Answer) -> Answer:
        return answer if answer.failure is not Failure.UNREACHABLE else self._unreachable(answer.detail)
