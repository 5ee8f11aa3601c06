"""Many queries at once: groups, servers that have too much to do, and time that ends early."""

from __future__ import annotations

import json
import logging
import random
import re
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.metrics.backoff import MAX_CONCURRENCY, MAX_REFUSALS
from reconcile.metrics.prometheus import Prometheus
from reconcile.metrics.templates import MetricFile, TemplateSet, load
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Answer, Failure, Metric, Question
from tests.unit.metrics.loopback import LONG, Handler, Server, reply, silence, vector

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def file(name: str, query: str, grouped: str = "") -> MetricFile:
    metric = Metric(name=name, title=name, unit="things", bound="minimum")
    return MetricFile(path=Path(f"{name}.yaml"), metric=metric, query=query, grouped=grouped)


TEMPLATES = TemplateSet(
    [
        file("alone", 'alone{w="{{ workload }}"}'),
        file("first", 'first{w="{{ workload }}"}', 'first by w{w=~"{{ workloads }}"}'),
        file("second", 'second{w="{{ workload }}"}', 'second by w{w=~"{{ workloads }}"}'),
        file(
            "sly",
            'sly{w="{{ workload }}"}',
            "sly by w{w=~{% for a in ['b', 'c', 'd', 'e', 'f'] %}{{ workloads }}{% endfor %}}",
        ),
    ]
)


def question(workload: str, metric: str = "alone") -> Question:
    rollout = Ref(ROLLOUT, "test", workload)
    return Question(rollout=rollout, metric=metric, workload=workload, interval="1m", weight=10)


def questions(count: int, *metrics: str) -> list[Question]:
    return [question(f"w{number}", metric) for number in range(count) for metric in metrics or ("alone",)]


def measured(server: Server, asked: list[Question], **options: Any) -> dict[str, Answer]:
    """Give the answers, by the query that each names."""
    answers = Prometheus(server.url, TEMPLATES, **options).measure(asked, AT)
    assert list(answers) == asked
    for one, answer in answers.items():
        assert answer.query == TEMPLATES.render(one, "test")
    return {answer.query: answer for answer in answers.values()}


def queried(server: Server) -> list[str]:
    return [form["query"] for _, _, form in server.seen]


def by_workload(**values: Any) -> list[dict[str, Any]]:
    return [{"metric": {"w": workload}, "value": [1, value]} for workload, value in values.items()]


def names(text: str) -> list[str]:
    """Give the workloads that a query of a group asks for; none = it is no group's."""
    found = re.search(r"\(\?:([^)]*)\)", text)
    return found[1].split("|") if found else []


def error(handler: Handler, status: int, kind: str) -> None:
    handler.send(json.dumps({"status": "error", "errorType": kind, "error": "no"}).encode(), status)


# Groups


def test_one_query_answers_many(server: Server) -> None:
    server.reply = lambda handler: handler.send(reply("vector", by_workload(w2="3", w0="1", w1="2")))
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
    server.reply = lambda handler: handler.send(reply("vector", series))
    members = ["good", "nan", "infinite", "odd", "twice", "histogram", "nothing", "goo", "good2"]
    answers = measured(server, [question(name, "first") for name in members])
    assert len(server.seen) == 1
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
        handler.send(reply("vector", result, warnings=["slow"]))

    server.reply = told
    members = list(samples)
    apart = [measured(server, [question(name, "first")]) for name in members]
    assert len(server.seen) == len(members)
    together = measured(server, [question(name, "first") for name in members])
    assert len(server.seen) == len(members) + 1
    assert together == {text: answer for answers in apart for text, answer in answers.items()}


def test_the_log_tells_the_query_of_a_group_and_a_warning_once(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.reply = lambda handler: handler.send(reply("vector", by_workload(w0="1", w1="2"), warnings=["slow"]))
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
    "a matrix": lambda handler: handler.send(reply("matrix", [])),
    "a number": lambda handler: handler.send(reply("scalar", [1, "1"])),
    "two labels": lambda handler: handler.send(reply("vector", [{"metric": {"w": "w0", "code": "5"}, "value": 1}])),
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

    server.reply = told
    answers = list(measured(server, questions(4, "first")).values())
    assert [answer.value for answer in answers] == [1, None, 1, 1]
    assert (answers[1].failure, answers[1].detail) == (Failure.QUERY_ERROR, "execution: no")
    assert len(server.seen) == 5
    assert "metric first: the query for 4 workloads tells nothing of them: " in caplog.text


def test_a_group_whose_query_cannot_be_rendered_is_asked_for_alone(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    members = [question(f"w{number}-" + "x" * 200, "sly") for number in range(40)]
    answers = measured(server, members)
    assert {answer.value for answer in answers.values()} == {1}
    assert len(server.seen) == 40
    told = "sly.yaml: grouped: renders to more than 16384 characters; each of 20 workloads is asked for alone"
    assert [record.message for record in caplog.records] == [told, told]


def hang_up(handler: Handler) -> None:
    handler.close_connection = True


KNOWN: dict[str, Callable[[Handler], None]] = {
    "silence": silence,
    "hangs up": hang_up,
    "given up": lambda handler: error(handler, 503, "timeout"),
    "given up by a proxy": lambda handler: handler.send(b"", 504),
    "broken": lambda handler: error(handler, 500, "internal"),
    "somebody else": lambda handler: handler.send(b"<html>"),
    "not let in": lambda handler: handler.send(b"", 403),
    "moved": lambda handler: handler.send(b"", 302, Location="/x"),
    "no labels at all": lambda handler: handler.send(reply("vector", [{"value": [1, "1"]}])),
    "nothing": lambda handler: handler.send(reply("vector", None)),
}


@pytest.mark.parametrize("group", KNOWN.values(), ids=KNOWN.keys())
def test_a_server_in_trouble_is_not_asked_more_by_taking_groups_apart(
    server: Server, group: Callable[[Handler], None]
) -> None:
    server.reply = group
    answers = list(measured(server, questions(4, "first"), timeout=0.5).values())
    assert len(server.seen) == 1
    assert {answer.failure for answer in answers} <= {Failure.UNREACHABLE, Failure.QUERY_ERROR}
    assert len(set(answers)) == len({answer.query for answer in answers})


@pytest.mark.parametrize("trouble", [silence, large])
def test_one_slow_or_huge_group_delays_no_other(server: Server, trouble: Callable[[Handler], None]) -> None:
    def told(handler: Handler) -> None:
        if "first by" in handler.query:
            trouble(handler)
        else:
            handler.send(reply("vector", by_workload(w0="1", w1="2")) if names(handler.query) else vector("3"))

    server.reply = told
    start = time.monotonic()
    answers = measured(server, questions(2, "first", "second", "alone"), timeout=1.0)
    assert time.monotonic() - start < 5
    assert [answers[f'second{{w="w{number}"}}'].value for number in (0, 1)] == [1, 2]
    assert [answers[f'alone{{w="w{number}"}}'].value for number in (0, 1)] == [3, 3]


def test_a_thousand_canaries_in_twenty_namespaces_are_forty_requests(server: Server) -> None:
    def told(handler: Handler) -> None:
        result = [{"metric": {"destination_workload": name}, "value": [1, "100"]} for name in names(handler.query)]
        handler.send(reply("vector", result))

    server.reply = told
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
    assert len(server.seen) == 40


# A server that has too much to do


def refusing(status: int, **headers: str) -> Callable[[Handler], None]:
    return lambda handler: handler.send(b"too much", status, **headers)


@pytest.mark.parametrize(
    ("status", "words"), [(429, "is asked more than it allows"), (503, "cannot answer at present")]
)
@pytest.mark.parametrize("metric", ["alone", "first"])
def test_a_server_that_refuses_is_soon_left_alone(server: Server, status: int, words: str, metric: str) -> None:
    server.reply = refusing(status, Retry_After="0")
    asked = [
        replace(question(f"w{number}", metric), rollout=Ref(ROLLOUT, f"team-{number // 2}", "podinfo"))
        for number in range(200)
    ]
    answers = list(Prometheus(server.url, TEMPLATES).measure(asked, AT).values())
    assert len(server.seen) <= MAX_CONCURRENCY + MAX_REFUSALS - 1
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

    server.reply = at_first
    answers = measured(server, questions(3 * MAX_CONCURRENCY))
    assert {answer.value for answer in answers.values()} == {1}
    assert len(server.seen) == 4 * MAX_CONCURRENCY
    assert max(most[:MAX_CONCURRENCY]) == MAX_CONCURRENCY
    for after, together in enumerate(most[MAX_CONCURRENCY:]):
        assert together <= after + 1


def test_a_refusal_is_tried_again_once(server: Server) -> None:
    def every_other(handler: Handler) -> None:
        handler.send(*(b"", 503) if "w0" in handler.query else (vector("1"),), Retry_After="0")

    server.reply = every_other
    answers = list(measured(server, questions(3)).values())
    assert [answer.value for answer in answers] == [None, 1, 1]
    assert len(server.seen) == 4
    assert answers[0].detail == f"{server.url}: HTTP 503: it cannot answer at present"


def test_the_seconds_that_it_asks_for_are_waited(server: Server) -> None:
    times: list[float] = []

    def once(handler: Handler) -> None:
        times.append(time.monotonic())
        handler.send(b"", 429, Retry_After="1") if len(times) == 1 else handler.send(vector("1"))

    server.reply = once
    assert measured(server, questions(1))['alone{w="w0"}'].value == 1
    assert times[1] - times[0] >= 1


@pytest.mark.parametrize("header", ["3600", format_datetime(datetime(2100, 1, 1, tzinfo=UTC), usegmt=True)])
def test_nobody_waits_for_longer_than_the_pass_has(server: Server, header: str) -> None:
    server.reply = refusing(429, Retry_After=header)
    start = time.monotonic()
    answers = list(measured(server, questions(2 * MAX_CONCURRENCY)).values())
    assert time.monotonic() - start < 5
    assert len(server.seen) <= MAX_CONCURRENCY
    assert "not asked: HTTP 429: it is asked more than it allows, and is to be left alone" in answers[-1].detail


def test_a_date_in_the_past_is_not_waited_for(server: Server) -> None:
    def once(handler: Handler) -> None:
        past = format_datetime(datetime(2000, 1, 1, tzinfo=UTC), usegmt=True)
        handler.send(b"", 503, Retry_After=past) if len(server.seen) == 1 else handler.send(vector("1"))

    server.reply = once
    start = time.monotonic()
    assert measured(server, questions(1))['alone{w="w0"}'].value == 1
    assert time.monotonic() - start < 1


def test_a_refusal_counts_whatever_its_body_is(server: Server) -> None:
    server.reply = lambda handler: handler.send(b"x" * 2 * 1024 * 1024, 503, Retry_After="0")
    answers = measured(server, questions(3 * MAX_CONCURRENCY))
    assert len(server.seen) <= MAX_CONCURRENCY + MAX_REFUSALS - 1
    assert {answer.failure for answer in answers.values()} == {Failure.UNREACHABLE}


def test_the_error_of_a_refusal_is_told_as_prometheus_has_it(server: Server) -> None:
    server.reply = lambda handler: error(handler, 429, "too_many_requests")
    [answer] = measured(server, questions(1), budget=0.5).values()
    assert (answer.failure, answer.detail) == (Failure.QUERY_ERROR, "too_many_requests: no")


def test_a_query_that_was_given_up_is_not_tried_again_and_stops_no_other(server: Server) -> None:
    def some_heavy(handler: Handler) -> None:
        number = int(re.findall(r"\d+", handler.query)[0])
        error(handler, 503, "timeout") if number < 2 * MAX_CONCURRENCY else handler.send(vector("1"))

    server.reply = some_heavy
    answers = list(measured(server, questions(3 * MAX_CONCURRENCY)).values())
    assert len(server.seen) == 3 * MAX_CONCURRENCY
    assert {answer.detail for answer in answers[: 2 * MAX_CONCURRENCY]} == {"timeout: no"}
    assert {answer.value for answer in answers[2 * MAX_CONCURRENCY :]} == {1}


@pytest.mark.parametrize("seed", range(8))
def test_whatever_a_server_answers_each_query_is_sent_twice_at_most_and_each_question_answered(
    server: Server, seed: int
) -> None:
    chance, lock = random.Random(seed), threading.Lock()  # noqa: S311 no secret is made of it
    whims = [
        lambda handler: handler.send(vector("1")),
        lambda handler: handler.send(reply("vector", by_workload(**dict.fromkeys(names(handler.query), "1")))),
        refusing(429, Retry_After="0"),
        refusing(503, Retry_After="0"),
        *(group for name, group in (UNKNOWN | KNOWN).items() if name not in {"silence", "too large"}),
    ]

    def any_of_them(handler: Handler) -> None:
        with lock:
            whim = chance.choice(whims)
        whim(handler)

    server.reply = any_of_them
    asked = [
        replace(one, rollout=Ref(ROLLOUT, f"team-{number % 5}", one.rollout.name))
        for number, one in enumerate(questions(30, "first", "second", "alone"))
    ]
    answers = Prometheus(server.url, TEMPLATES).measure(asked, AT)
    assert list(answers) == asked
    assert all((answer.value is None) == (answer.failure is not None) for answer in answers.values())
    assert max(Counter(queried(server)).values()) <= 2


# Time that ends early


def test_where_the_time_ends_the_first_were_asked_in_full(server: Server) -> None:
    server.reply = silence
    asked = questions(MAX_CONCURRENCY, "alone", "first", "second")
    half = [one for one in asked if one.metric != "first"][: 2 * MAX_CONCURRENCY]
    answers = measured(server, half, timeout=LONG, budget=2.0)
    assert len(server.seen) == MAX_CONCURRENCY
    seen = queried(server)
    assert [names(text) for text in seen if names(text)] == [[f"w{number}" for number in range(MAX_CONCURRENCY)]]
    assert {text for text in seen if not names(text)} == {
        f'alone{{w="w{number}"}}' for number in range(MAX_CONCURRENCY - 1)
    }
    last = answers[f'alone{{w="w{MAX_CONCURRENCY - 1}"}}']
    assert last.detail == f"{server.url}: not asked: the 2s that all questions have together were over before"
    first = answers['alone{w="w0"}']
    assert first.detail == f"{server.url}: no answer within the 2s that all questions have together"
