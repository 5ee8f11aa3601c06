"""All queries of a pass asked at the same time, as far as the server bears it, within one budget of time.

Duty: who asks what when. What a reply means is in `asking`, how it changes the pace in `pacing`.

Daemon threads and not an executor: a server that never ends its headers holds its thread for longer than any time out
between two reads, and neither this pass nor the end of the program waits for that thread. Everything but the requests
is done by the thread that calls, so nothing here is locked.
"""

from __future__ import annotations

import heapq
import logging
from dataclasses import dataclass, field
from itertools import count
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from reconcile.metrics.backoff import Pace
from reconcile.metrics.query import End

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.metrics.batching import Query
    from reconcile.metrics.query import Asking, Outcome
    from reconcile.model.measurement import Answer

MOST_TRIES = 2
GRACE = 0.2
"""Seconds for a worker to say itself that its time is over, before somebody else takes its place."""

_log = logging.getLogger("steerer.metrics")


def ask_all(queries: Iterable[Query], asking: Asking, budget: float) -> dict[str, Answer]:
    """Give an answer for every single query behind these, after `budget` seconds at the latest. Raises nothing."""
    return _Round(asking, budget).run(queries)


@dataclass(frozen=True, order=True, slots=True)
class _Turn:
    """A query that waits for its turn, and how often it had one. In the order in which they come."""

    round: int
    order: int
    number: int
    tries: int = field(compare=False)
    query: Query = field(compare=False)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A query under way: who asks it, in which wave it was sent, and when nobody waits for it any more."""

    turn: _Turn
    worker: _Worker
    wave: int
    late: float


class _Worker:
    """A thread with a connection of its own, which it closes when it is dismissed."""

    def __init__(self, asking: Asking, end: float, done: SimpleQueue[tuple[int, Outcome]]) -> None:
        self._inbox: SimpleQueue[tuple[int, Query] | None] = SimpleQueue()
        Thread(target=self._work, args=(asking, end, done), name="metrics-worker", daemon=True).start()

    def send(self, ticket: int, query: Query) -> None:
        self._inbox.put((ticket, query))

    def dismiss(self) -> None:
        self._inbox.put(None)

    def _work(self, asking: Asking, end: float, done: SimpleQueue[tuple[int, Outcome]]) -> None:
        with asking.connection() as session:
            while (work := self._inbox.get()) is not None:
                ticket, query = work
                done.put((ticket, asking.ask(session, query, end)))


class _Round:
    """What waits, what is under way and what was answered, until nothing is left or the time is over."""

    def __init__(self, asking: Asking, budget: float) -> None:
        self._asking, self._budget = asking, budget
        self._end = monotonic() + budget
        self._pace = Pace()
        self._numbers = count()
        self._turns: list[_Turn] = []
        self._sent: dict[int, _Sent] = {}
        self._idle: list[_Worker] = []
        self._done: SimpleQueue[tuple[int, Outcome]] = SimpleQueue()
        self._answers: dict[str, Answer] = {}

    def run(self, queries: Iterable[Query]) -> dict[str, Answer]:
        for query in queries:
            self._queue(query)
        while monotonic() < self._end and (self._sent or self._may_ask()):
            self._send()
            self._hear()
        for worker in (*self._idle, *(sent.worker for sent in self._sent.values())):
            worker.dismiss()
        self._answer_the_rest()
        return self._answers

    def _queue(self, query: Query, tries: int = 0) -> None:
        heapq.heappush(self._turns, _Turn(query.round, query.order, next(self._numbers), tries, query))

    def _may_ask(self) -> bool:
        return bool(self._turns) and not self._pace.why

    def _send(self) -> None:
        """Send as many as the pace allows."""
        while self._may_ask() and len(self._sent) < self._pace.most and self._pace.after <= monotonic():
            turn = heapq.heappop(self._turns)
            worker = self._idle.pop() if self._idle else _Worker(self._asking, self._end, self._done)
            ticket = next(self._numbers)
            self._sent[ticket] = _Sent(turn, worker, self._pace.wave, monotonic() + self._asking.timeout + GRACE)
            worker.send(ticket, turn.query)

    def _hear(self) -> None:
        """Take one reply, or wait until there is something else to do."""
        until = min([self._end, *(sent.late for sent in self._sent.values())])
        if self._may_ask() and len(self._sent) < self._pace.most:
            until = min(until, self._pace.after)
        try:
            ticket, outcome = self._done.get(timeout=max(until - monotonic(), 0.0))
        except Empty:
            self._give_up()
            return
        if ticket in self._sent:  # else nobody waited for it any more
            sent = self._sent.pop(ticket)
            self._idle.append(sent.worker)
            self._answers.update(outcome.answers)
            self._follow(sent, outcome)

    def _follow(self, sent: _Sent, outcome: Outcome) -> None:
        """Let a reply have its effect on what is asked next."""
        query = sent.turn.query
        if outcome.end is End.REFUSED:
            self._pace = self._pace.refused(sent.wave, outcome.words, monotonic(), outcome.wait, self._end)
            if sent.turn.tries + 1 < MOST_TRIES:
                self._queue(query, sent.turn.tries + 1)
        elif outcome.end is End.GIVEN_UP:
            self._pace = self._pace.strained()
        elif outcome.end is not End.LOST:
            self._pace = self._pace.answered(sent.wave)
        if outcome.end is End.UNKNOWN:
            told = f"metric {query.metric}: the query for {len(query.members)} workloads tells nothing of them"
            _log.warning("%s: %s; each is asked for alone", told, outcome.words)
            for alone in query.apart():
                self._queue(alone)

    def _give_up(self) -> None:
        """Wait no longer for those whose time is over: their workers hang in a reply that never ends."""
        now = monotonic()
        for ticket, sent in [*self._sent.items()]:
            if sent.late <= now:
                del self._sent[ticket]
                sent.worker.dismiss()
                self._leave(sent.turn, f"no answer within {self._asking.timeout:g}s")

    def _answer_the_rest(self) -> None:
        """Say why there is no answer to what is under way still, and to what was never asked."""
        for sent in self._sent.values():
            self._leave(sent.turn, f"no answer within the {self._budget:g}s that all questions have together")
        why = self._pace.why or f"the {self._budget:g}s that all questions have together were over before"
        for turn in self._turns:
            if not turn.tries:  # what was refused says so itself
                self._leave(turn, f"not asked: {why}")

    def _leave(self, turn: _Turn, words: str) -> None:
        self._answers.update(self._asking.unanswered(turn.query, words).answers)
