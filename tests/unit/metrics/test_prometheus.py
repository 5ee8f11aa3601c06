"""The meter as a whole: what is sent for which questions, and what is said of the answers."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest

from reconcile.metrics.prometheus import Prometheus, UnconfiguredMeter
from reconcile.metrics.templates import load
from reconcile.model.measurement import Answer, Failure
from tests.support.metrics_server import Server, vector
from tests.unit.metrics.meter import AT, TEMPLATES, ask, failed, question

if TYPE_CHECKING:
    from pathlib import Path

    from reconcile.model.ports import Meter


def test_a_value(server: Server) -> None:
    server.respond = lambda handler: handler.send(vector("99.5"))
    assert ask(server.url) == Answer(query='q{w="c"}', value=99.5)
    [(path, headers, form)] = server.requests
    assert path == "/api/v1/query"
    assert form == {"query": 'q{w="c"}', "time": "1767323045.679", "timeout": "10000ms"}
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Authorization" not in headers


@pytest.mark.parametrize("prefix", ["/prom/eu", "/prom/eu/"])
def test_a_path_prefix_is_kept(server: Server, prefix: str) -> None:
    assert ask(server.url + prefix).value == 1
    assert server.requests[0][0] == "/prom/eu/api/v1/query"


def test_equal_queries_are_asked_once(server: Server) -> None:
    questions = [question("a"), question("a", rollout="other"), question("b"), question("a")]
    server.respond = lambda handler: handler.send(vector("1" if "a" in handler.query else "2"))
    answers = Prometheus(server.url, TEMPLATES).measure(questions, AT)
    assert [answers[asked].value for asked in questions] == [1, 1, 2, 1]
    assert len(server.requests) == 2


def test_no_question_is_no_request(server: Server) -> None:
    assert Prometheus(server.url, TEMPLATES).measure([], AT) == {}
    assert server.requests == []


def test_a_template_error_is_the_answer_of_its_own_question_only(server: Server) -> None:
    good, bad, unknown = question(), question(metric="broken"), question(metric="nope")
    answers = Prometheus(server.url, TEMPLATES).measure([good, bad, unknown], AT)
    assert answers[good].value == 1
    assert failed(answers[bad]) == (
        Failure.TEMPLATE,
        "broken.yaml: query: 'nothing' is undefined; there are args, interval, namespace, rollout, workload",
    )
    assert failed(answers[unknown]) == (Failure.TEMPLATE, "metric 'nope' is not known; there are: broken, m")


def test_the_built_in_queries_arrive_as_they_were_rendered(server: Server) -> None:
    templates = load()
    asked = question(workload='a"é\n', metric="istio_requests_total")
    answer = Prometheus(server.url, templates).measure([asked], AT)[asked]
    assert server.requests[0][2]["query"] == answer.query == templates.render(asked, "test")


def test_nothing_of_the_environment_is_used(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert ask(server.url).value == 1
    assert "Authorization" not in server.requests[0][1]


def test_warnings_are_logged(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    server.respond = lambda handler: handler.send(vector("1", warnings=["store eu\nis gone"]))
    with caplog.at_level(logging.WARNING):
        answer = ask(server.url)
    assert answer.warnings == ("store eu is gone",)
    assert caplog.record_tuples == [
        ("steerer.metrics", logging.WARNING, f"metric m: {server.url} warns: store eu is gone")
    ]


ODD_WORDS = [
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m\x00\x7f",
    "a\n2026-01-31T12:00:00 INFO all is well\r\n\t",
    "\u202eevil\u202c zero\u200bwidth\ufeff",
    "\ud800 lone",
    "[bold red]markup[/] %s {0} {{ 1 }}",
    "é\u0301" * 100,
    "x" * 900_000,
    "\x1b" * 100_000,
]


@pytest.mark.hostile("The metrics server", "texts that act on terminals, forge lines, or are huge")
@pytest.mark.parametrize("text", ODD_WORDS, ids=lambda text: ascii(text)[:20])
@pytest.mark.parametrize("status", [200, 400, 503])
def test_no_text_of_the_server_is_shown_raw(
    server: Server, caplog: pytest.LogCaptureFixture, text: str, status: int
) -> None:
    body = {"status": "error", "errorType": text[:100], "error": text, "warnings": [text[:5000]] * 3}
    server.respond = lambda handler: handler.send(json.dumps(body).encode(), status, Retry_After="0")
    with caplog.at_level(logging.DEBUG):
        failure, detail = failed(ask(server.url))
    assert failure is Failure.QUERY_ERROR
    for said in (detail, *caplog.messages):
        assert said.isprintable()
        assert len(said) <= 400


def test_without_a_server() -> None:
    meter: Meter = UnconfiguredMeter()
    questions = [question(), question("b")]
    answers = meter.measure(questions, AT)
    assert list(answers) == questions
    assert failed(answers[questions[0]]) == (
        Failure.UNREACHABLE,
        "no metrics server is named; set --metrics-server to the URL of Prometheus",
    )
