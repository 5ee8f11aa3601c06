"""Many queries at once: servers that have too much to do, and time that ends early."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from email.utils import format_datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from msgspec.structs import replace

from reconcile.metrics import address, backoff
from reconcile.metrics.backoff import MAX_CONCURRENCY, MAX_REFUSALS
from reconcile.metrics.batching import Query
from reconcile.metrics.pool import send_all
from reconcile.metrics.prometheus import Prometheus
from reconcile.metrics.query import Outcome, QueryClient, QueryResult
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Answer, Failure
from tests.support.metrics_server import FOR_EVER, LONG, Handler, Server, no_response, result_body, vector
from tests.unit.metrics.many import AT, TEMPLATES, by_workload, error, measured, names, queried, question, questions
from tests.unit.metrics.test_batches import KNOWN, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests


def refusing(status: int, **headers: str) -> Callable[[Handler], None]:
    return lambda handler: handler.send(b"too much", status, **headers)


@pytest.mark.parametrize(
    ("status", "words"), [(429, "is asked more than it allows"), (503, "cannot answer at present")]
)
@pytest.mark.parametrize("metric", ["alone", "first"])
def test_a_server_that_refuses_is_soon_left_alone(server: Server, status: int, words: str, metric: str) -> None:
    server.respond = refusing(status, Retry_After="0")
    asked = [
        replace(question(f"w{number}", metric), rollout=Ref(ROLLOUT, f"team-{number // 2}", "podinfo"))
        for number in range(200)
    ]
    answers = list(Prometheus(server.url, TEMPLATES).measure(asked, AT).values())
    assert len(server.requests) <= MAX_CONCURRENCY + MAX_REFUSALS - 1
    assert {answer.failure for answer in answers} == {Failure.UNREACHABLE}
    refused = f"{server.url}: HTTP {status}: it {words}"
    never = f"{server.url}: not asked: HTTP {status}: it {words}, 3 times in a row; nothing more is asked in this pass"
    assert {answer.detail for answer in answers} == {refused, never}
    assert answers[0].detail == refused
    assert answers[-1].detail == never


def test_a_server_that_refuses_is_asked_one_at_a_time_until_it_answers(server: Server) -> None:
    first, lock = threading.Barrier(MAX_CONCURRENCY), threading.Lock()
    under_way: list[int] = []
    most: list[int] = []

    def at_first(handler: Handler) -> None:
        with lock:
            number = len(most)
            under_way.append(number)
            most.append(len(under_way))
        if number < MAX_CONCURRENCY:
            first.wait(LONG)
        with lock:
            under_way.remove(number)
        handler.send(*(b"", 429) if number < MAX_CONCURRENCY else (vector("1"),), Retry_After="0")

    server.respond = at_first
    answers = measured(server, questions(3 * MAX_CONCURRENCY))
    assert {answer.value for answer in answers.values()} == {1}
    assert len(server.requests) == 4 * MAX_CONCURRENCY
    assert max(most[:MAX_CONCURRENCY]) == MAX_CONCURRENCY
    for after, together in enumerate(most[MAX_CONCURRENCY:]):
        assert together <= after + 1


def test_a_refusal_is_tried_again_once(server: Server) -> None:
    def every_other(handler: Handler) -> None:
        handler.send(*(b"", 503) if "w0" in handler.query else (vector("1"),), Retry_After="0")

    server.respond = every_other
    answers = list(measured(server, questions(3)).values())
    assert [answer.value for answer in answers] == [None, 1, 1]
    assert len(server.requests) == 4
    assert answers[0].detail == f"{server.url}: HTTP 503: it cannot answer at present"


def test_the_seconds_that_it_asks_for_are_waited(server: Server) -> None:
    times: list[float] = []

    def once(handler: Handler) -> None:
        times.append(time.monotonic())
        handler.send(b"", 429, Retry_After="1") if len(times) == 1 else handler.send(vector("1"))

    server.respond = once
    assert measured(server, questions(1))['alone{w="w0"}'].value == 1
    assert times[1] - times[0] >= 1


@pytest.mark.parametrize("header", [f"{FOR_EVER:.0f}", format_datetime(datetime(2100, 1, 1, tzinfo=UTC), usegmt=True)])
def test_nobody_waits_for_longer_than_the_pass_has(server: Server, header: str) -> None:
    server.respond = refusing(429, Retry_After=header)
    answers = list(measured(server, questions(2 * MAX_CONCURRENCY), budget=FOR_EVER - 1).values())
    assert len(server.requests) <= MAX_CONCURRENCY
    assert "not asked: HTTP 429: it is asked more than it allows, and is to be left alone" in answers[-1].detail


def test_a_date_in_the_past_is_not_waited_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_DELAY", FOR_EVER)  # what is waited without a date

    def once(handler: Handler) -> None:
        past = format_datetime(datetime(2000, 1, 1, tzinfo=UTC), usegmt=True)
        handler.send(b"", 503, Retry_After=past) if len(server.requests) == 1 else handler.send(vector("1"))

    server.respond = once
    assert measured(server, questions(1))['alone{w="w0"}'].value == 1


def test_a_refusal_counts_whatever_its_body_is(server: Server) -> None:
    server.respond = lambda handler: handler.send(b"x" * 2 * 1024 * 1024, 503, Retry_After="0")
    answers = measured(server, questions(3 * MAX_CONCURRENCY))
    assert len(server.requests) <= MAX_CONCURRENCY + MAX_REFUSALS - 1
    assert {answer.failure for answer in answers.values()} == {Failure.UNREACHABLE}


def test_the_error_of_a_refusal_is_told_as_prometheus_has_it(server: Server) -> None:
    server.respond = lambda handler: error(handler, 429, "too_many_requests")
    [answer] = measured(server, questions(1), budget=0.5).values()
    assert (answer.failure, answer.detail) == (Failure.QUERY_ERROR, "too_many_requests: no")


def test_a_query_that_was_given_up_is_not_tried_again_and_stops_no_other(server: Server) -> None:
    def some_heavy(handler: Handler) -> None:
        number = int(re.findall(r"\d+", handler.query)[0])
        error(handler, 503, "timeout") if number < 2 * MAX_CONCURRENCY else handler.send(vector("1"))

    server.respond = some_heavy
    answers = list(measured(server, questions(3 * MAX_CONCURRENCY)).values())
    assert len(server.requests) == 3 * MAX_CONCURRENCY
    assert {answer.detail for answer in answers[: 2 * MAX_CONCURRENCY]} == {"timeout: no"}
    assert {answer.value for answer in answers[2 * MAX_CONCURRENCY :]} == {1}


@pytest.mark.parametrize("seed", range(8))
def test_whatever_a_server_answers_each_query_is_sent_twice_at_most_and_each_question_answered(
    server: Server, seed: int
) -> None:
    chance, lock = random.Random(seed), threading.Lock()  # noqa: S311 no secret is made of it
    whims = [
        lambda handler: handler.send(vector("1")),
        lambda handler: handler.send(result_body("vector", by_workload(**dict.fromkeys(names(handler.query), "1")))),
        refusing(429, Retry_After="0"),
        refusing(503, Retry_After="0"),
        *(group for name, group in (UNKNOWN | KNOWN).items() if name not in {"silence", "too large"}),
    ]

    def any_of_them(handler: Handler) -> None:
        with lock:
            whim = chance.choice(whims)
        whim(handler)

    server.respond = any_of_them
    asked = [
        replace(one, rollout=Ref(ROLLOUT, f"team-{number % 5}", one.rollout.name))
        for number, one in enumerate(questions(30, "first", "second", "alone"))
    ]
    answers = Prometheus(server.url, TEMPLATES).measure(asked, AT)
    assert list(answers) == asked
    assert all((answer.value is None) == (answer.failure is not None) for answer in answers.values())
    assert max(Counter(queried(server)).values()) <= 2


def test_where_the_time_ends_the_first_were_asked_in_full(server: Server) -> None:
    server.respond = no_response
    asked = questions(MAX_CONCURRENCY, "alone", "first", "second")
    half = [one for one in asked if one.metric != "first"][: 2 * MAX_CONCURRENCY]
    answers = measured(server, half, timeout=LONG, budget=0.3)
    assert server.arrived(MAX_CONCURRENCY) == MAX_CONCURRENCY
    seen = queried(server)
    assert [names(text) for text in seen if names(text)] == [[f"w{number}" for number in range(MAX_CONCURRENCY)]]
    assert {text for text in seen if not names(text)} == {
        f'alone{{w="w{number}"}}' for number in range(MAX_CONCURRENCY - 1)
    }
    last = answers[f'alone{{w="w{MAX_CONCURRENCY - 1}"}}']
    assert last.detail == f"{server.url}: not asked: the 0.3s that all questions have together were over before"
    first = answers['alone{w="w0"}']
    assert first.detail == f"{server.url}: no answer within the 0.3s that all questions have together"


class LateClient(QueryClient, frozen=True):
    """A client whose query `slow` is answered as soon as the pool has given it up, and before `other` is answered."""

    slow: ClassVar[SimpleQueue[threading.Thread]] = SimpleQueue()
    given_up = threading.Event()

    def send(self, session: requests.Session, query: Query, deadline: float) -> QueryResult:
        """Answers both queries. The first attempt of `other` is refused, so that it is sent again."""
        del session, deadline
        if query.text == "slow":
            self.slow.put(threading.current_thread())
            assert self.given_up.wait(LONG)
            return QueryResult(outcome=Outcome.ANSWERED, answers={"slow": Answer(value=1)})
        if not self.given_up.is_set():
            return QueryResult(outcome=Outcome.REFUSED, answers={}, retry_after=0)
        self.slow.get(timeout=LONG).join(LONG)  # its late result is in the queue before that of `other`
        return QueryResult(outcome=Outcome.ANSWERED, answers={"other": Answer(value=2)})

    def no_answer(self, query: Query, reason: str, *rest: Any) -> QueryResult:
        """Lets `slow` go on: the pool calls this when it gives it up."""
        self.given_up.set()
        return super().no_answer(query, reason, *rest)


def test_a_response_that_comes_after_its_query_was_given_up_is_ignored() -> None:
    client = LateClient(
        server=address.Server(address="http://x"), headers={}, ca_file=None, timeout=0.01, at=AT, mask=str
    )
    queries = [Query(text=text, metric="m", position=number) for number, text in enumerate(["slow", "other"])]
    answers = send_all(queries, client, LONG)
    assert answers["slow"].detail == "http://x: no answer within 0.01s"
    assert answers["other"] == Answer(value=2)
