"""Sends one query, and reads from the response its answers and what they mean for the queries that follow.

Nothing that a server answers raises: every failure is an answer.
"""

from __future__ import annotations

from enum import Enum, auto
from http import HTTPStatus
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconcile.metrics import backoff, responses, transport
from reconcile.metrics.responses import NoAnswerError, NotABatchError, unreachable
from reconcile.metrics.transport import REFUSALS, TooLargeError
from reconcile.model.measurement import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import requests

    from reconcile.metrics.address import Server
    from reconcile.metrics.batching import Query
    from reconcile.metrics.transport import HttpResponse
    from reconcile.model.measurement import Answer

# The query is the reason for these, by what it says or by its length. Prometheus and proxies send them.
_QUERY_ERRORS = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.REQUEST_URI_TOO_LONG,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
# Prometheus's `errorType` for a query that it began and gave up.
_TIMEOUT_ERRORS = frozenset({"timeout", "canceled"})


class Outcome(Enum):
    """How a request ended, as far as it matters for the queries that follow."""

    ANSWERED = auto()
    """There was a response, be it an error."""
    NO_RESPONSE = auto()
    """There was no response, or no usable one."""
    REFUSED = auto()
    """The server has too much to do."""
    QUERY_TIMEOUT = auto()
    """The server gave the query up because it took too long."""
    BATCH_FAILED = auto()
    """The response answers nothing for the workloads of a batch, and the query is the reason."""


class QueryResult(Struct, frozen=True, kw_only=True):
    """The result of one request: an answer for each single query. `Answer.query` is empty in these.

    `reason` is what went wrong, in words. `retry_after` are the seconds that a refusing server names.
    """

    outcome: Outcome
    answers: Mapping[str, Answer]
    reason: str = ""
    retry_after: float | None = None


class QueryClient(Struct, frozen=True, kw_only=True):
    """What all requests of a pass have in common. `mask` removes secrets from a text of the server.

    With `accept_partial` an answer counts although the server says that data are missing.
    """

    server: Server
    headers: Mapping[str, str]
    ca_file: str | None
    timeout: float
    at: datetime
    mask: Callable[[str], str]
    accept_partial: bool = False

    def __repr__(self) -> str:
        return f"QueryClient({self.server!r})"  # never the headers, which may have credentials

    def session(self) -> requests.Session:
        """Returns an HTTP session for one worker."""
        return transport.session(self.headers, self.ca_file)

    def send(self, session: requests.Session, query: Query, deadline: float) -> QueryResult:
        """Sends a query and waits for the response until `deadline` (on the monotonic clock) at the latest."""
        try:
            return self._result(query, self._post(session, query, min(deadline, monotonic() + self.timeout)))
        except (TooLargeError, NotABatchError) as error:
            return self.no_answer(query, str(error), Outcome.BATCH_FAILED if query.batch else Outcome.ANSWERED)
        except NoAnswerError as error:
            return self.no_answer(query, self.mask(str(error)))  # it may quote the target of a redirect
        except Exception as error:  # noqa: BLE001 every question has an answer, also after an unforeseen error
            return self.no_answer(query, transport.reason(error, self.timeout))

    def no_answer(
        self,
        query: Query,
        reason: str,
        outcome: Outcome = Outcome.NO_RESPONSE,
        retry_after: float | None = None,
    ) -> QueryResult:
        """Returns the result of a request without a usable response. The answers name the server and the reason."""
        answers = dict.fromkeys(query.single_queries, self._unreachable(reason))
        return QueryResult(outcome=outcome, answers=answers, reason=reason, retry_after=retry_after)

    def _unreachable(self, reason: str) -> Answer:
        return unreachable(f"{self.server.address}: {reason}")

    def _post(self, session: requests.Session, query: Query, deadline: float) -> HttpResponse:
        timeout = f"{ceil(self.timeout * 1000)}ms"
        form = {"query": query.text, "time": f"{self.at.timestamp():.3f}", "timeout": timeout}
        return transport.post(session, self.server.query_url, form, deadline, self.timeout)

    def _result(self, query: Query, http: HttpResponse) -> QueryResult:
        response = self.heed_partial(responses.parse(http.body, http.status, self.mask))
        if http.status in REFUSALS and response.error_type not in _TIMEOUT_ERRORS:
            return self._refused(query, http, response)
        gave_up = response.error_type in _TIMEOUT_ERRORS or http.status == HTTPStatus.GATEWAY_TIMEOUT
        outcome = Outcome.QUERY_TIMEOUT if gave_up else Outcome.ANSWERED
        if query.batch and http.status in _QUERY_ERRORS:
            outcome = Outcome.BATCH_FAILED
        reason = response.failure.detail if response.failure else ""
        return QueryResult(outcome=outcome, answers=self._answers(query, response), reason=reason)

    def heed_partial(self, response: responses.Response) -> responses.Response:
        """Returns the response; one that says that data are missing is a failure, unless those are accepted."""
        return responses.accept_partial(response) if self.accept_partial else responses.refuse_partial(response)

    def _refused(self, query: Query, http: HttpResponse, response: responses.Response) -> QueryResult:
        seconds = backoff.retry_after(http.headers.get("Retry-After", ""), http.headers.get("Date", ""))
        reason = f"HTTP {http.status}: {REFUSALS[http.status]}"
        refused = self.no_answer(query, reason, Outcome.REFUSED, seconds)
        if response.is_prometheus_error:
            return replace(refused, answers=self._answers(query, response))
        return refused

    def _answers(self, query: Query, response: responses.Response) -> Mapping[str, Answer]:
        if not query.batch:
            return {query.text: self._with_address(responses.single_answer(response))}
        by_workload = responses.batch_answers(response, query.batch)
        return {single: self._with_address(by_workload[workload]) for workload, single in query.batch.items()}

    def _with_address(self, answer: Answer) -> Answer:
        return answer if answer.failure is not Failure.UNREACHABLE else self._unreachable(answer.detail)
