"""Servers that take too long: timeouts of one query and of all, and queries that run concurrently."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from reconcile.metrics.backoff import MAX_CONCURRENCY
from reconcile.metrics.prometheus import Prometheus
from reconcile.model.measurement import Failure
from tests.support.metrics_server import FOR_EVER, LONG, Handler, Server, no_response, vector
from tests.support.paths import ROOT
from tests.unit.metrics.meter import AT, TEMPLATES, ask, failed, question, unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

SHORT = 0.1
"""A timeout in seconds that a silent server lets pass."""


def endless(first: bytes, then: bytes) -> Callable[[Handler], None]:
    """Returns a response that goes on as fast as it can, and never comes to its end."""

    def send(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(first)
        while not handler.server.stopped.wait(0.001):
            handler.wfile.write(then)

    return send


@pytest.mark.hostile("The metrics server", "silence, and one byte now and then")
@pytest.mark.parametrize(
    "respond",
    [
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 100),
        endless(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 1000),
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0" * 1000),
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 1000 + b"\r\n \r\n"),
    ],
    ids=["continue", "headers", "header", "chunk size", "trailers", "chunk extensions"],
)
def test_a_head_that_never_ends_has_its_time_and_no_more(server: Server, respond: Callable[[Handler], None]) -> None:
    server.respond = respond
    words = unreachable(ask(server.url, timeout=SHORT), server.url)  # it ends, and the response never does
    assert words


def dripping_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    handler.drip(b"X: y\r\n")


def dripping_status(handler: Handler) -> None:
    handler.drip(b"H")


def dripping_body(handler: Handler) -> None:
    handler.start(chunked=False)
    handler.drip(b" ")


def dripping_chunks(handler: Handler) -> None:
    handler.start(chunked=True)
    handler.drip(b"1\r\n \r\n")


@pytest.mark.hostile("The metrics server", "silence, and one byte now and then")
@pytest.mark.parametrize("respond", [no_response, dripping_headers, dripping_status, dripping_body, dripping_chunks])
def test_an_answer_has_its_time_and_no_more(server: Server, respond: Callable[[Handler], None]) -> None:
    server.respond = respond
    words = unreachable(ask(server.url, timeout=SHORT), server.url)  # it ends, and the response never does
    assert words in {f"no answer within {SHORT}s", f"no whole answer within {SHORT}s"}


@pytest.mark.hostile("The metrics server", "silence, and one byte now and then")
def test_a_server_that_accepts_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert unreachable(ask(url, timeout=SHORT), url) == f"no answer within {SHORT}s"


@pytest.mark.hostile("The metrics server", "silence, and one byte now and then")
def test_one_slow_answer_delays_no_other(server: Server) -> None:
    others = [question(f"w{number}") for number in range(9)]

    answered = threading.Semaphore(0)

    def one_hangs(handler: Handler) -> None:
        if "slow" in handler.query:
            handler.close_connection = True
            assert all(answered.acquire(timeout=LONG) for _ in others)
        else:
            handler.send(vector("1"))
            answered.release()

    server.respond = one_hangs
    slow = question("slow")
    answers = Prometheus(server.url, TEMPLATES, timeout=LONG).measure([slow, *others], AT)
    assert [answers[other].value for other in others] == [1.0] * 9
    assert failed(answers[slow])[0] is Failure.UNREACHABLE


def test_questions_are_asked_at_the_same_time(server: Server) -> None:
    together = threading.Barrier(MAX_CONCURRENCY)

    def all_at_once(handler: Handler) -> None:
        together.wait(LONG)
        handler.send(vector("1"))

    server.respond = all_at_once
    questions = [question(f"w{number}") for number in range(MAX_CONCURRENCY)]
    answers = Prometheus(server.url, TEMPLATES, timeout=LONG).measure(questions, AT)
    assert {answer.value for answer in answers.values()} == {1.0}


def test_no_more_are_asked_at_once_than_a_server_can_bear(server: Server) -> None:
    under_way: list[int] = []
    most: list[int] = []

    def counted(handler: Handler) -> None:
        under_way.append(1)
        most.append(len(under_way))
        time.sleep(0.01)
        under_way.pop()
        handler.send(vector("1"))

    server.respond = counted
    questions = [question(f"w{number}") for number in range(5 * MAX_CONCURRENCY)]
    answers = Prometheus(server.url, TEMPLATES).measure(questions, AT)
    assert {answer.value for answer in answers.values()} == {1.0}
    assert max(most) <= MAX_CONCURRENCY


@pytest.mark.hostile("The metrics server", "silence, and one byte now and then")
@pytest.mark.parametrize("respond", [no_response, dripping_headers, dripping_status, dripping_body, dripping_chunks])
def test_a_question_that_had_its_time_makes_room_for_the_next(
    server: Server, respond: Callable[[Handler], None]
) -> None:
    server.respond = respond
    questions = [question(f"w{number}") for number in range(MAX_CONCURRENCY + 1)]
    answers = Prometheus(server.url, TEMPLATES, timeout=SHORT).measure(questions, AT)
    assert {failed(answer)[0] for answer in answers.values()} == {Failure.UNREACHABLE}
    assert server.arrived(MAX_CONCURRENCY + 1) == MAX_CONCURRENCY + 1


def test_a_measure_has_its_time_and_no_more(server: Server) -> None:
    server.respond = no_response
    questions = [question(f"w{number}") for number in range(3 * MAX_CONCURRENCY)]
    answers = Prometheus(server.url, TEMPLATES, timeout=FOR_EVER, budget=0.2).measure(questions, AT)
    assert {answer.failure for answer in answers.values()} == {Failure.UNREACHABLE}
    assert server.arrived(MAX_CONCURRENCY) == MAX_CONCURRENCY


def test_the_end_of_the_program_waits_for_no_server(server: Server) -> None:
    server.respond = dripping_headers
    program = "import sys\nfrom tests.unit.metrics.meter import ask\nprint(ask(sys.argv[1], timeout=0.1).failure)\n"
    done = subprocess.run(
        [sys.executable, "-c", program, server.url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONG,
        check=True,
    )
    assert done.stdout == "unreachable\n"
