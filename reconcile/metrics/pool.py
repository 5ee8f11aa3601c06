"""A worker pool that sends all queries of a pass, within the rate limit and within one deadline.

The workers are daemon threads and no executor: a server that never ends its headers holds its worker for longer than
any timeout between two reads, and neither the pass nor the end of the program waits for that worker. The workers only
send: everything else is done by the caller's thread, so there is no lock.
"""

from __future__ import annotations

import heapq
import logging
from itertools import count
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from msgspec import Struct

from reconcile.metrics.backoff import Backoff
from reconcile.metrics.query import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.metrics.batching import Query
    from reconcile.metrics.query import QueryClient, QueryResult
    from reconcile.model.measurement import Answer

MAX_ATTEMPTS = 2
GRACE = 0.2
"""Seconds after the timeout in which a worker may still report it, before the pool gives the worker up."""

_log = logging.getLogger("steerer.metrics")


def send_all(queries: Iterable[Query], client: QueryClient, budget: float) -> dict[str, Answer]:
    """Returns an answer for every single query of these, after `budget` seconds at the latest. Raises nothing."""
    return _Pool(client, budget).run(queries)


class _Pending(Struct, frozen=True, order=True):
    """A query that waits to be sent. They are sorted by round, position and number."""

    round: int
    position: int
    number: int
    attempts: int
    query: Query


class _InFlight(Struct, frozen=True):
    """A query that a worker has sent: in which epoch of the back-off, and until when the pool waits for it."""

    pending: _Pending
    worker: _Worker
    epoch: int
    deadline: float


class _Worker:
    """A thread with an HTTP session of its own. It ends when it is stopped."""

    def __init__(self, client: QueryClient, deadline: float, results: SimpleQueue[tuple[int, QueryResult]]) -> None:
        self._inbox: SimpleQueue[tuple[int, Query] | None] = SimpleQueue()
        Thread(target=self._run, args=(client, deadline, results), name="metrics-worker", daemon=True).start()

    def send(self, ticket: int, query: Query) -> None:
        self._inbox.put((ticket, query))

    def stop(self) -> None:
        self._inbox.put(None)

    def _run(self, client: QueryClient, deadline: float, results: SimpleQueue[tuple[int, QueryResult]]) -> None:
        with client.session() as session:
            while (work := self._inbox.get()) is not None:
                ticket, query = work
                results.put((ticket, client.send(session, query, deadline)))


class _Pool:
    """Pending queries, queries in flight and answers, until nothing is left or the time is over."""

    def __init__(self, client: QueryClient, budget: float) -> None:
        self._client, self._budget = client, budget
        self._deadline = monotonic() + budget
        self._backoff = Backoff()
        self._numbers = count()
        self._pending: list[_Pending] = []
        self._in_flight: dict[int, _InFlight] = {}
        self._idle: list[_Worker] = []
        self._results: SimpleQueue[tuple[int, QueryResult]] = SimpleQueue()
        self._answers: dict[str, Answer] = {}

    def run(self, queries: Iterable[Query]) -> dict[str, Answer]:
        for query in queries:
            self._enqueue(query)
        while monotonic() < self._deadline and (self._in_flight or self._may_send()):
            self._send_pending()
            self._receive()
        for worker in (*self._idle, *(sent.worker for sent in self._in_flight.values())):
            worker.stop()
        self._answer_unfinished()
        return self._answers

    def _enqueue(self, query: Query, attempts: int = 0) -> None:
        heapq.heappush(self._pending, _Pending(query.round, query.position, next(self._numbers), attempts, query))

    def _may_send(self) -> bool:
        return bool(self._pending) and not self._backoff.stopped

    def _send_pending(self) -> None:
        """Sends as many pending queries as the rate limit allows."""
        limit = self._backoff
        while self._may_send() and len(self._in_flight) < limit.concurrency and limit.not_before <= monotonic():
            pending = heapq.heappop(self._pending)
            worker = self._idle.pop() if self._idle else _Worker(self._client, self._deadline, self._results)
            ticket = next(self._numbers)
            deadline = monotonic() + self._client.timeout + GRACE
            self._in_flight[ticket] = _InFlight(pending, worker, limit.epoch, deadline)
            worker.send(ticket, pending.query)

    def _receive(self) -> None:
        """Waits for one result, or until there is something else to do."""
        until = min([self._deadline, *(sent.deadline for sent in self._in_flight.values())])
        if self._may_send() and len(self._in_flight) < self._backoff.concurrency:
            until = min(until, self._backoff.not_before)
        try:
            ticket, result = self._results.get(timeout=max(until - monotonic(), 0.0))
        except Empty:
            self._give_up_overdue()
            return
        if ticket in self._in_flight:  # else the pool gave it up before
            sent = self._in_flight.pop(ticket)
            self._idle.append(sent.worker)
            self._answers.update(result.answers)
            self._back_off(sent, result)
            self._enqueue_again(sent.pending, result)

    def _back_off(self, sent: _InFlight, result: QueryResult) -> None:
        """Adapts the rate limit to a result."""
        if result.outcome is Outcome.REFUSED:
            self._backoff = self._backoff.after_refusal(
                sent.epoch, result.reason, monotonic(), result.retry_after, self._deadline
            )
        elif result.outcome is Outcome.QUERY_TIMEOUT:
            self._backoff = self._backoff.after_query_timeout()
        elif result.outcome is not Outcome.NO_RESPONSE:
            self._backoff = self._backoff.after_response(sent.epoch)

    def _enqueue_again(self, pending: _Pending, result: QueryResult) -> None:
        """Retries a query that was refused, and splits a batch that failed."""
        query, attempts = pending.query, pending.attempts + 1
        if result.outcome is Outcome.REFUSED and attempts < MAX_ATTEMPTS:
            self._enqueue(query, attempts)
        if result.outcome is Outcome.BATCH_FAILED:
            subject = f"metric {query.metric}: the query for {len(query.batch)} workloads tells nothing of them"
            _log.warning("%s: %s; each is asked for alone", subject, result.reason)
            for single in query.split():
                self._enqueue(single)

    def _give_up_overdue(self) -> None:
        """Gives up the queries whose time is over: their workers hang in a response that never ends."""
        now = monotonic()
        for ticket, sent in [*self._in_flight.items()]:
            if sent.deadline <= now:
                del self._in_flight[ticket]
                sent.worker.stop()
                self._no_answer(sent.pending, f"no answer within {self._client.timeout:g}s")

    def _answer_unfinished(self) -> None:
        """Answers the queries that are in flight or pending at the end with the reason."""
        for sent in self._in_flight.values():
            self._no_answer(sent.pending, f"no answer within the {self._budget:g}s that all questions have together")
        reason = self._backoff.stopped or f"the {self._budget:g}s that all questions have together were over before"
        for pending in self._pending:
            if not pending.attempts:  # one that was refused has that as its answer
                self._no_answer(pending, f"not asked: {reason}")

    def _no_answer(self, pending: _Pending, reason: str) -> None:
        self._answers.update(self._client.no_answer(pending.query, reason).answers)
