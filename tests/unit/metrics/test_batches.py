"""Batches against a real server: one query for several workloads, and single queries where it fails."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.metrics import batching
from reconcile.metrics.prometheus import Prometheus
from reconcile.metrics.templates import load
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Asks, Failure, Question
from tests.support.metrics_server import FOR_EVER, Handler, Server, no_response, result_body, vector
from tests.unit.metrics.many import AT, by_workload, error, measured, names, queried, question, questions
from tests.unit.metrics.metric_folder import BUILTIN, SUCCESS

if TYPE_CHECKING:
    from collections.abc import Callable


def test_one_query_answers_many(server: Server) -> None:
    server.respond = lambda handler: handler.send(result_body("vector", by_workload(w2="3", w0="1", w1="2")))
    answers = measured(server, questions(3, "first"))
    assert queried(server) == ['first by w{w=~"(?:w0|w1|w2)"}']
    assert [answer.value for answer in answers.values()] == [1, 2, 3]


def test_one_alone_is_asked_as_ever(server: Server) -> None:
    assert measured(server, questions(1, "first", "second"))['first{w="w0"}'].value == 1
    assert sorted(queried(server)) == ['first{w="w0"}', 'second{w="w0"}']


def test_each_member_of_a_group_has_its_own_answer(server: Server) -> None:
    series = [
        *by_workload(good="1", nan="NaN", infinite="+Inf", odd=5, stranger="9", good2="2"),
        {"metric": {"w": "twice"}, "value": [1, "1"]},
        {"metric": {"v": "twice"}, "value": [1, "1"]},
        {"metric": {"w": "histogram"}, "histogram": [1, {}]},
    ]
    server.respond = lambda handler: handler.send(result_body("vector", series))
    members = ["good", "nan", "infinite", "odd", "twice", "histogram", "nothing", "goo", "good2"]
    answers = measured(server, [question(name, "first") for name in members])
    assert len(server.requests) == 1
    assert [answer.value or answer.failure for answer in answers.values()] == [
        1,
        Failure.NOT_A_NUMBER,
        Failure.NOT_A_NUMBER,
        Failure.UNREACHABLE,
        Failure.SEVERAL_SERIES,
        Failure.WRONG_TYPE,
        Failure.NO_DATA,
        Failure.NO_DATA,
        2,
    ]


def test_what_single_queries_answer_a_group_answers_in_the_same_words(server: Server) -> None:
    samples: dict[str, list[dict[str, Any]]] = {
        "good": by_workload(good="1.5"),
        "nan": by_workload(nan="NaN"),
        "huge": by_workload(huge="1e999"),
        "odd": by_workload(odd=[]),
        "twice": [{"metric": {label: "twice"}, "value": [1, "1"]} for label in "vw"],
        "histogram": [{"metric": {"w": "histogram"}, "histogram": [1, {}]}],
        "nothing": [],
    }

    def told(handler: Handler) -> None:
        asked = names(handler.query) or re.findall('w="(.*)"', handler.query)
        result = [sample for name in asked for sample in samples[name]]
        handler.send(result_body("vector", result, warnings=["slow"]))

    server.respond = told
    members = list(samples)
    apart = [measured(server, [question(name, "first")]) for name in members]
    assert len(server.requests) == len(members)
    together = measured(server, [question(name, "first") for name in members])
    assert len(server.requests) == len(members) + 1
    assert together == {text: answer for answers in apart for text, answer in answers.items()}


def test_the_log_tells_the_query_of_a_group_and_a_warning_once(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.respond = lambda handler: handler.send(result_body("vector", by_workload(w0="1", w1="2"), warnings=["slow"]))
    with caplog.at_level(logging.DEBUG, "steerer.metrics"):
        measured(server, questions(2, "first"))
    assert [record.message for record in caplog.records] == [
        'metric first of 2 workloads in one query: first by w{w=~"(?:w0|w1)"}',
        f"metric first: {server.url} warns: slow",
    ]


def large(handler: Handler) -> None:
    handler.send(b"[" * 2 * 1024 * 1024)


UNKNOWN: dict[str, Callable[[Handler], None]] = {
    "bad data": lambda handler: error(handler, 400, "bad_data"),
    "too many samples": lambda handler: error(handler, 422, "execution"),
    "another name for it": lambda handler: error(handler, 422, "422"),
    "a page": lambda handler: handler.send(b"<html>", 413),
    "a matrix": lambda handler: handler.send(result_body("matrix", [])),
    "a number": lambda handler: handler.send(result_body("scalar", [1, "1"])),
    "two labels": lambda handler: handler.send(
        result_body("vector", [{"metric": {"w": "w0", "code": "5"}, "value": 1}])
    ),
    "no label": lambda handler: handler.send(vector("1").replace(b'"n": "0"', b"")),
    "too large": large,
}


@pytest.mark.parametrize("group", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_a_group_cannot_tell_is_asked_for_alone(
    server: Server, caplog: pytest.LogCaptureFixture, group: Callable[[Handler], None]
) -> None:
    def told(handler: Handler) -> None:
        if names(handler.query):
            group(handler)
        elif "w1" in handler.query:  # the one that is to blame
            error(handler, 422, "execution")
        else:
            handler.send(vector("1"))

    server.respond = told
    answers = list(measured(server, questions(4, "first")).values())
    assert [answer.value for answer in answers] == [1, None, 1, 1]
    assert (answers[1].failure, answers[1].detail) == (Failure.QUERY_ERROR, "execution: no")
    assert len(server.requests) == 5
    assert "metric first: the query for 4 workloads tells nothing of them: " in caplog.text


def test_a_group_whose_query_cannot_be_rendered_is_asked_for_alone(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    members = [question(f"w{number}-" + "x" * 200, "sly") for number in range(40)]
    answers = measured(server, members)
    assert {answer.value for answer in answers.values()} == {1}
    assert len(server.requests) == 40
    told = "sly.yaml: grouped: renders to more than 16384 characters; each of 20 workloads is asked for alone"
    assert [record.message for record in caplog.records] == [told, told]


def hang_up(handler: Handler) -> None:
    handler.close_connection = True


KNOWN: dict[str, Callable[[Handler], None]] = {
    "silence": no_response,
    "hangs up": hang_up,
    "given up": lambda handler: error(handler, 503, "timeout"),
    "given up by a proxy": lambda handler: handler.send(b"", 504),
    "broken": lambda handler: error(handler, 500, "internal"),
    "somebody else": lambda handler: handler.send(b"<html>"),
    "not let in": lambda handler: handler.send(b"", 403),
    "moved": lambda handler: handler.send(b"", 302, Location="/x"),
    "no labels at all": lambda handler: handler.send(result_body("vector", [{"value": [1, "1"]}])),
    "nothing": lambda handler: handler.send(result_body("vector", None)),
}


@pytest.mark.parametrize("group", KNOWN.values(), ids=KNOWN.keys())
def test_a_server_in_trouble_is_not_asked_more_by_taking_groups_apart(
    server: Server, group: Callable[[Handler], None]
) -> None:
    server.respond = group
    answers = list(measured(server, questions(4, "first"), timeout=0.2).values())
    assert server.arrived(1) == 1
    assert {answer.failure for answer in answers} <= {Failure.UNREACHABLE, Failure.QUERY_ERROR}
    assert len(set(answers)) == len({answer.query for answer in answers})


def slow(handler: Handler) -> None:
    """Hangs up once the server has the other queries as well."""
    handler.close_connection = True
    if handler.server.arrived(4) < 4:
        no_response(handler)


@pytest.mark.parametrize("trouble", [slow, large])
def test_one_slow_or_huge_group_delays_no_other(server: Server, trouble: Callable[[Handler], None]) -> None:
    def told(handler: Handler) -> None:
        if "first by" in handler.query:
            trouble(handler)
        else:
            handler.send(result_body("vector", by_workload(w0="1", w1="2")) if names(handler.query) else vector("3"))

    server.respond = told
    answers = measured(server, questions(2, "first", "second", "alone"), timeout=FOR_EVER, budget=FOR_EVER)
    assert [answers[f'second{{w="w{number}"}}'].value for number in (0, 1)] == [1, 2]
    assert [answers[f'alone{{w="w{number}"}}'].value for number in (0, 1)] == [3, 3]


def test_a_thousand_canaries_in_twenty_namespaces_are_forty_requests(server: Server) -> None:
    def told(handler: Handler) -> None:
        result = [{"metric": {"destination_workload": name}, "value": [1, "100"]} for name in names(handler.query)]
        handler.send(result_body("vector", result))

    server.respond = told
    asked = [
        Question(
            rollout=Ref(ROLLOUT, f"team-{number % 20}", f"podinfo-{number}"),
            metric=metric,
            workload=f"podinfo-{number}-canary",
            interval="1m",
            weight=10,
        )
        for number in range(1000)
        for metric in ("istio_requests_total", "istio_request_duration_seconds_bucket")
    ]
    answers = Prometheus(server.url, load()).measure(asked, AT)
    assert {answer.value for answer in answers.values()} == {100}
    assert len(server.requests) == 40


def test_comparisons_and_counts_of_a_thousand_rollouts_are_few_queries() -> None:
    """Two metrics with `minRequests` and a comparison: at most 160; without both, the 40 that there were."""
    durations = "istio_request_duration_milliseconds_bucket"

    def asked(number: int, metric: str, workload: str, asks: Asks) -> Question:
        rollout = Ref(ROLLOUT, f"team-{number % 20}", f"app-{number}")
        return Question(rollout=rollout, metric=metric, workload=workload, interval="1m", weight=10, asks=asks)

    def sent(*wanted: tuple[str, Asks]) -> int:
        every = [
            asked(number, metric, f"app-{number}{side}", asks)
            for number in range(1000)
            for metric in (SUCCESS, durations)
            for side, asks in wanted
        ]
        singles = {question: BUILTIN.render(question, question.rollout.namespace) for question in every}
        return len(
            batching.queries(
                singles,
                lambda question, workloads: BUILTIN.render_batch(question, question.rollout.namespace, workloads),
            )
        )

    assert sent(("-canary", Asks.VALUE)) == 40
    assert sent(("-canary", Asks.VALUE), ("", Asks.VALUE)) == 80  # where all of them are about to make the first step
    assert sent(("-canary", Asks.VALUE), ("", Asks.VALUE), ("-canary", Asks.REQUESTS)) <= 160
