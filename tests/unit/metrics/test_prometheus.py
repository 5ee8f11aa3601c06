"""The meter against a real HTTP server that behaves as servers and what stands before them sometimes do."""

from __future__ import annotations

import gzip
import json
import logging
import math
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.metrics.backoff import MAX_CONCURRENCY
from reconcile.metrics.prometheus import Prometheus, UnconfiguredMeter
from reconcile.metrics.responses import NotABatchError, batch_answers, parse, single_answer
from reconcile.metrics.templates import MetricFile, TemplateSet, load
from reconcile.model.errors import UsageError
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Answer, Failure, Metric, Question
from tests.hostile.tally import End, ended
from tests.support.paths import ROOT
from tests.unit.metrics.loopback import LONG, Handler, Server, reply, running, silence, vector

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.model.ports import Meter

AT = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC)
TEMPLATES = TemplateSet(
    MetricFile(
        path=Path(f"{name}.yaml"), metric=Metric(name=name, title=name, unit="things", bound="minimum"), query=query
    )
    for name, query in {"m": 'q{w="{{ workload }}"}', "broken": "{{ nothing }}"}.items()
)


def question(workload: str = "c", metric: str = "m", rollout: str = "podinfo") -> Question:
    return Question(rollout=Ref(ROLLOUT, "test", rollout), metric=metric, workload=workload, interval="1m", weight=10)


def ask(url: str, **options: Any) -> Answer:
    asked = question()
    return Prometheus(url, TEMPLATES, **options).measure([asked], AT)[asked]


def failed(answer: Answer) -> tuple[Failure | None, str]:
    assert answer.value is None
    ended(End.HELD)
    return answer.failure, answer.detail


# What is sent


def test_a_value(server: Server) -> None:
    server.reply = lambda handler: handler.send(vector("99.5"))
    assert ask(server.url) == Answer(query='q{w="c"}', value=99.5)
    [(path, headers, form)] = server.seen
    assert path == "/api/v1/query"
    assert form == {"query": 'q{w="c"}', "time": "1767323045.679", "timeout": "10000ms"}
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Authorization" not in headers


@pytest.mark.parametrize("prefix", ["/prom/eu", "/prom/eu/"])
def test_a_path_prefix_is_kept(server: Server, prefix: str) -> None:
    assert ask(server.url + prefix).value == 1
    assert server.seen[0][0] == "/prom/eu/api/v1/query"


def test_equal_queries_are_asked_once(server: Server) -> None:
    questions = [question("a"), question("a", rollout="other"), question("b"), question("a")]
    server.reply = lambda handler: handler.send(vector("1" if "a" in handler.query else "2"))
    answers = Prometheus(server.url, TEMPLATES).measure(questions, AT)
    assert [answers[asked].value for asked in questions] == [1, 1, 2, 1]
    assert len(server.seen) == 2


def test_no_question_is_no_request(server: Server) -> None:
    assert Prometheus(server.url, TEMPLATES).measure([], AT) == {}
    assert server.seen == []


def test_a_template_error_is_the_answer_of_its_own_question_only(server: Server) -> None:
    good, bad, unknown = question(), question(metric="broken"), question(metric="nope")
    answers = Prometheus(server.url, TEMPLATES).measure([good, bad, unknown], AT)
    assert answers[good].value == 1
    assert failed(answers[bad]) == (Failure.TEMPLATE, "broken.yaml: query: 'nothing' is undefined")
    assert failed(answers[unknown]) == (Failure.TEMPLATE, "metric 'nope' is not known; there are: broken, m")


def test_the_built_in_queries_arrive_as_they_were_rendered(server: Server) -> None:
    templates = load()
    asked = question(workload='a"é\n', metric="istio_requests_total")
    answer = Prometheus(server.url, templates).measure([asked], AT)[asked]
    assert server.seen[0][2]["query"] == answer.query == templates.render(asked, "test")


def test_nothing_of_the_environment_is_used(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert ask(server.url).value == 1
    assert "Authorization" not in server.seen[0][1]


# What is understood


def understood(body: bytes, status: int = 200) -> Answer:
    return single_answer(parse(body, status, str.strip))


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("1.25", 1.25), ("-3", -3), ("+4", 4), ("1e+06", 1e6), ("1e-7", 1e-7), (".5", 0.5), ("5.", 5.0)],
)
def test_numbers(text: str, value: float) -> None:
    assert understood(vector(text)) == Answer(value=value)
    assert understood(reply("scalar", [1, text])) == Answer(value=value)


@settings(deadline=None)  # other tests may use the same cores
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_is_a_value(value: float) -> None:
    assert understood(vector(repr(value))).value == value


@pytest.mark.hostile("The metrics server", "no number: no data, NaN, infinite, several series, other types, errors")
@pytest.mark.parametrize(
    ("body", "failure", "words"),
    [
        (vector(), Failure.NO_DATA, "the query finds no series"),
        (vector("NaN"), Failure.NOT_A_NUMBER, "the query gives NaN, as it does without traffic"),
        (vector("+Inf"), Failure.NOT_A_NUMBER, "the query gives +Inf"),
        (vector("-Inf"), Failure.NOT_A_NUMBER, "the query gives -Inf"),
        (vector("1e999"), Failure.NOT_A_NUMBER, "too large"),
        (reply("scalar", [1, "NaN"]), Failure.NOT_A_NUMBER, "NaN"),
        (vector("1", "2", "3"), Failure.SEVERAL_SERIES, "the query gives 3 series and must give one"),
        (reply("matrix", []), Failure.WRONG_TYPE, "the query gives a matrix and must give one number"),
        (reply("string", [1, "5"]), Failure.WRONG_TYPE, "the query gives a string and must give one number"),
        (reply("vector", [{"metric": {}, "histogram": [1, {}]}]), Failure.WRONG_TYPE, "a histogram"),
        (b'{"status":"error","errorType":"bad_data","error":" x"}', Failure.QUERY_ERROR, "bad_data:  x"),
        (b'{"status":"error"}', Failure.QUERY_ERROR, "HTTP 400, without a text"),
        (b'{"status":"error","errorType":[],"error":{}}', Failure.QUERY_ERROR, "HTTP 400, without a text"),
    ],
)
def test_answers_that_are_no_number(body: bytes, failure: Failure, words: str) -> None:
    answer = understood(body, 400 if failure is Failure.QUERY_ERROR else 200)
    assert failed(answer)[0] is failure
    assert words in answer.detail


ODD: list[Any] = [None, True, 5, 1.5, "x", "", [], {}, [[]], [{}], [1], [1, 2, 3], {"a": 1}]


@pytest.mark.hostile("The metrics server", "members that are absent or of a wrong type")
@pytest.mark.parametrize("odd", ODD)
def test_no_odd_shape_is_an_answer(odd: Any) -> None:
    sample = {"metric": {}, "value": odd}
    bodies = [
        json.dumps(odd).encode(),
        json.dumps({"status": odd}).encode(),
        json.dumps({"status": "success", "data": odd}).encode(),
        reply(odd, []),
        reply("scalar", odd),
        reply("scalar", [1, odd]),
        reply("vector", [sample]),
        reply("vector", [{"metric": {}, "value": [1, odd]}]),
        *([] if isinstance(odd, list) and len(odd) != 1 else [reply("vector", odd)]),
        reply("vector", [odd]),
    ]
    for body in bodies:
        answer = understood(body)
        assert failed(answer) == (
            Failure.UNREACHABLE,
            "HTTP 200: the reply is not of the shape of Prometheus's API",
        )


@pytest.mark.hostile("The metrics server", "members that are absent or of a wrong type")
@pytest.mark.parametrize("text", ["abc", "1_000", " 1", "1\n", "٣", "0x10", "infinity", "nan", "1,5", "--1", "."])
def test_no_odd_text_is_a_number(text: str) -> None:
    assert failed(understood(vector(text)))[0] is Failure.UNREACHABLE


@pytest.mark.hostile("The metrics server", "replies that are no JSON, cut off, or nested deeply")
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "HTTP 200: an empty reply"),
        (b" <!DOCTYPE html><html>", "HTTP 200: a web page"),
        (vector("1")[:-3], "HTTP 200: a reply that is cut off"),
        (b"upstream connect error", "HTTP 200: a reply that is no JSON"),
        (b"[" * 100_000, "HTTP 200: a reply that is no JSON"),
        (b'{"status": ' + b"1" * 5000 + b"}", "HTTP 200: a reply that is cut off or otherwise no JSON"),
        (b"\xff\xfe\xfa", "HTTP 200: a reply that is no JSON"),
    ],
)
def test_replies_that_are_no_json(body: bytes, words: str) -> None:
    failure, detail = failed(understood(body))
    assert failure is Failure.UNREACHABLE
    assert detail.startswith(words)


@pytest.mark.hostile("The metrics server", "data beside a bad status")
@pytest.mark.parametrize("status", [199, 400, 404, 500, 503])
def test_data_beside_a_bad_status_is_no_answer(status: int) -> None:
    assert failed(understood(vector("1"), status))[0] is Failure.UNREACHABLE


def test_warnings_are_kept_beside_any_answer() -> None:
    warnings = ["one", 2, "three", *["more"] * 20]
    assert understood(vector("1", warnings=warnings)) == Answer(value=1, warnings=("one", "three", *["more"] * 7))
    assert understood(vector(warnings=["one"])).warnings == ("one",)
    for odd in ODD:
        assert understood(vector("1", warnings=odd)).value == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@pytest.mark.hostile("The metrics server", "any bytes and any JSON (drawn at random)")
@settings(deadline=None)  # other tests may use the same cores
@given(status=st.integers(100, 599), body=st.binary(max_size=50) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_reply_raises(status: int, body: bytes) -> None:
    assert failed(understood(body, status))


@pytest.mark.hostile("The metrics server", "any bytes and any JSON (drawn at random)")
@settings(deadline=None)  # other tests may use the same cores
@given(kind=st.sampled_from(["vector", "scalar", "matrix", "string"]) | JSON, result=JSON)
def test_no_result_raises_and_no_value_is_infinite(kind: Any, result: Any) -> None:
    answer = understood(reply(kind, result))
    assert (answer.value is None) == (answer.failure is not None)
    assert answer.value is None or math.isfinite(answer.value)
    ended(End.SAFE if answer.failure is None else End.HELD)


@pytest.mark.hostile("The metrics server", "any JSON to a query for several (drawn at random)")
@settings(deadline=None)  # other tests may use the same cores
@given(
    result=JSON
    | st.lists(
        st.fixed_dictionaries(
            {
                "metric": JSON
                | st.dictionaries(st.sampled_from(["workload"]), st.sampled_from(["a", "b", "c"]) | JSON),
                "value": JSON | st.tuples(st.just(1), st.sampled_from(["1", "NaN", "+Inf", "x"])),
            }
        ),
        max_size=4,
    ),
    status=st.sampled_from([200, 200, 200, 503]),
)
def test_nobody_gets_a_number_that_is_not_theirs(result: Any, status: int) -> None:
    read = parse(reply("vector", result), status, str.strip)
    try:
        answers = batch_answers(read, ["a", "b"])
    except NotABatchError:
        ended(End.HELD)
        return
    assert answers.keys() == {"a", "b"}
    for workload, answer in answers.items():
        assert (answer.value is None) == (answer.failure is not None)
        if answer.value is not None:
            theirs = [one for one in result if [str(label) for label in one["metric"].values()] == [workload]]
            assert [float(one["value"][1]) for one in theirs] == [answer.value]
        ended(End.HELD if answer.value is None else End.SAFE)


def test_warnings_are_logged(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    server.reply = lambda handler: handler.send(vector("1", warnings=["store eu\nis gone"]))
    with caplog.at_level(logging.WARNING):
        answer = ask(server.url)
    assert answer.warnings == ("store eu is gone",)
    assert caplog.record_tuples == [
        ("steerer.metrics", logging.WARNING, f"metric m: {server.url} warns: store eu is gone")
    ]


# What does not arrive


def unreachable(answer: Answer, url: str) -> str:
    """Give the words of an answer that was none, without the address before them."""
    failure, detail = failed(answer)
    assert failure is Failure.UNREACHABLE
    assert detail.startswith(f"{url}: ")
    assert answer.query == 'q{w="c"}'
    return detail.removeprefix(f"{url}: ")


@pytest.mark.hostile("The metrics server", "nobody there: closed ports, hosts that do not exist, other addresses")
def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert unreachable(ask(url), url) == "Connection refused"


@pytest.mark.hostile("The metrics server", "nobody there: closed ports, hosts that do not exist, other addresses")
def test_a_host_that_does_not_exist() -> None:
    url = "http://prometheus.invalid:9090"
    assert unreachable(ask(url, timeout=5.0), url)


@pytest.mark.hostile("The metrics server", "a gateway answers: 401, 403, 404, 502")
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "HTTP 401: the credentials are missing or not accepted"),
        (403, "HTTP 403: the credentials are missing or not accepted"),
        (404, "HTTP 404: a reply that is no JSON"),
        (502, "HTTP 502: a reply that is no JSON"),
    ],
)
def test_a_gateway_answers_instead(server: Server, status: int, words: str) -> None:
    server.reply = lambda handler: handler.send(b"no", status)
    assert unreachable(ask(server.url), server.url) == words


def test_an_error_of_prometheus_keeps_its_type_whatever_the_status(server: Server) -> None:
    body = {"status": "error", "errorType": "timeout", "error": "query timed out in\n" + "x" * 1000}
    server.reply = lambda handler: handler.send(json.dumps(body).encode(), 503)
    failure, detail = failed(ask(server.url))
    assert failure is Failure.QUERY_ERROR
    assert detail.startswith("timeout: query timed out in xxx")
    assert len(detail) == 300


@pytest.mark.hostile("The metrics server", "redirects")
@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://user:s3cret@login.example:8443/start?token=s3cret#x", "https://login.example:8443/start"),
        ("/elsewhere?x=s3cret", "{url}/elsewhere"),
        ("", "{url}/api/v1/query"),
        ("ftp://s3cret@host", "an address that cannot be read"),
        ("http://[", "an address that cannot be read"),
        ("http://host:port/", "an address that cannot be read"),
        ("file:///etc/passwd", "an address that cannot be read"),
        ("javascript:alert(1)", "an address that cannot be read"),
        ("//elsewhere/x", "http://elsewhere/x"),
        ("http://elsewhere/\x1b[2J\x07", "http://elsewhere/ [2J "),
        ("http://" + "h" * 9000, "http://" + "h" * 142 + "…"),
    ],
    ids=lambda value: value[:30],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(server: Server, status: int, location: str, shown: str) -> None:
    server.reply = lambda handler: handler.send(b"", status, Location=location)
    words = unreachable(ask(server.url), server.url)
    target = shown.format(url=server.url)
    assert words == f"redirects to {target}, which is not followed; name the final address"
    assert len(server.seen) == 1


@pytest.mark.hostile("The metrics server", "redirects")
def test_the_body_of_a_redirect_is_not_read(server: Server) -> None:
    def redirect(handler: Handler) -> None:
        handler.send(b"", 302, Location="/x", Content_Length="9999999")
        handler.drip(b"x")

    server.reply = redirect
    assert "redirects to" in unreachable(ask(server.url, timeout=LONG), server.url)


@pytest.mark.hostile("The metrics server", "connections that break off, lengths that are wrong, what is no HTTP")
def test_a_server_that_hangs_up(server: Server) -> None:
    def hang_up(handler: Handler) -> None:
        handler.close_connection = True

    server.reply = hang_up
    assert unreachable(ask(server.url), server.url) == "the connection broke off"


@pytest.mark.hostile("The metrics server", "connections that break off, lengths that are wrong, what is no HTTP")
def test_a_reply_that_ends_early(server: Server) -> None:
    def half(handler: Handler) -> None:
        handler.send(vector("1")[:-5], Content_Length="500")
        handler.close_connection = True

    server.reply = half
    words = unreachable(ask(server.url), server.url)
    assert words in {"the connection broke off", "HTTP 200: a reply that is cut off or otherwise no JSON"}


@pytest.mark.hostile("The metrics server", "connections that break off, lengths that are wrong, what is no HTTP")
def test_what_is_no_http(server: Server) -> None:
    def noise(handler: Handler) -> None:
        handler.wfile.write(b"\x00\x01\x02 s3cret\r\n\r\n")
        handler.close_connection = True

    server.reply = noise
    assert unreachable(ask(server.url), server.url) == "the connection broke off"


@pytest.mark.hostile("The metrics server", "huge and compressed bodies")
@pytest.mark.parametrize("chunked", [False, True])
def test_a_huge_reply(server: Server, *, chunked: bool) -> None:
    def huge(handler: Handler) -> None:
        handler.start(chunked=chunked)
        piece = b"[" * 65536
        while not handler.server.over.is_set():
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)

    server.reply = huge
    words = unreachable(ask(server.url, timeout=LONG), server.url)
    assert words == "the reply is larger than 1024 KiB"


def test_a_chunked_reply(server: Server) -> None:
    def chunked(handler: Handler) -> None:
        handler.start(chunked=True)
        for byte in vector("7"):
            handler.wfile.write(b"1\r\n%c\r\n" % byte)
        handler.wfile.write(b"0\r\n\r\n")

    server.reply = chunked
    assert ask(server.url).value == 7


def test_compression_that_nobody_asked_for(server: Server) -> None:
    server.reply = lambda handler: handler.send(gzip.compress(vector("8")), Content_Encoding="gzip")
    assert ask(server.url).value == 8
    assert server.seen[0][1]["Accept-Encoding"] == "identity"


@pytest.mark.hostile("The metrics server", "huge and compressed bodies")
@pytest.mark.parametrize(
    ("body", "encoding", "words"),
    [
        (gzip.compress(b"[" * 200_000_000, 1), "gzip", "the reply is larger than 1024 KiB"),
        (gzip.compress(vector("1"))[:-4], "gzip", "the reply is gzip that is cut off"),
        (vector("1"), "gzip", "the reply says that it is gzip and is not"),
        (zlib.compress(vector("1")), "deflate", "the reply is in a content encoding that was not asked for"),
        (gzip.compress(gzip.compress(vector("1"))), "gzip, gzip", "the reply is in a content encoding that was not"),
    ],
    ids=["bomb", "cut", "not gzip", "deflate", "twice"],
)
def test_compression_that_is_not_taken(server: Server, body: bytes, encoding: str, words: str) -> None:
    server.reply = lambda handler: handler.send(body, Content_Encoding=encoding)
    assert unreachable(ask(server.url), server.url).startswith(words)


@pytest.mark.hostile("The metrics server", "TLS: no certificate to trust, none at all")
def test_https_to_a_server_without_it(server: Server) -> None:
    url = server.url.replace("http:", "https:")
    assert unreachable(ask(url, timeout=5.0), url).startswith("TLS: ")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here to make a certificate with")
    path = tmp_path / "certificate.pem"
    options = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    subprocess.run(
        ["openssl", "req", *options.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", path],
        check=True,
        capture_output=True,
    )
    # -keyout and -out of one name: the certificate is written over the key by some versions, behind it by others.
    if "PRIVATE KEY" not in path.read_text() or "CERTIFICATE" not in path.read_text():
        pytest.skip("this openssl writes no key and certificate into one file")
    return path


def test_tls(certificate: Path) -> None:
    with running(certified(certificate)) as server:
        assert ask(server.url, ca_file=certificate).value == 1


@pytest.mark.hostile("The metrics server", "TLS: no certificate to trust, none at all")
def test_a_ca_file_without_a_certificate(server: Server, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    url = server.url.replace("http:", "https:")
    assert unreachable(ask(url, ca_file=tmp_path / "ca.pem"), url).startswith("TLS: ")


def raw(head: bytes, body: bytes = b"") -> Callable[[Handler], None]:
    """Give a reply of which every byte is the test's."""

    def send(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + body)

    return send


@pytest.mark.hostile("The metrics server", "connections that break off, lengths that are wrong, what is no HTTP")
@pytest.mark.parametrize(
    "head",
    [
        *(b"Content-Length: %s" % length for length in (b"-1", b"5", b"x", b"1e3", b"9" * 50, b"", b"5, 6", b"0")),
        b"Content-Length: 5\r\nContent-Length: 5000",
        *(b"Transfer-Encoding: %s" % coding for coding in (b"chunked", b"gzip, chunked", b"identity", b"x")),
        b"Content-Encoding: " + b"gzip, " * 1000,
        b"X: \xff\xfe\x00",
        b"no header",
        b": no name",
    ],
)
def test_what_headers_say_falsely_makes_no_number_up(server: Server, head: bytes) -> None:
    server.reply = raw(head, vector("1"))
    answer = ask(server.url, timeout=2.0)
    assert answer.value in {1.0, None}
    assert all(said.isprintable() for said in (answer.detail, *answer.warnings))
    ended(End.HELD if answer.value is None else End.SAFE)


def endless(first: bytes, then: bytes) -> Callable[[Handler], None]:
    """Give a reply that goes on as fast as it can, and never comes to its body, or to the end of it."""

    def send(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(first)
        while not handler.server.over.wait(0.001):
            handler.wfile.write(then)

    return send


@pytest.mark.hostile("The metrics server", "silence, and one byte now and then")
@pytest.mark.parametrize(
    "reply",
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
def test_a_head_that_never_ends_has_its_time_and_no_more(server: Server, reply: Callable[[Handler], None]) -> None:
    server.reply = reply
    start = time.monotonic()
    words = unreachable(ask(server.url, timeout=0.5), server.url)
    assert time.monotonic() - start < 5
    assert words


@pytest.mark.hostile("The metrics server", "statuses that are no answer")
@pytest.mark.parametrize("status", [204, 206, 304, 400, 402, 418, 422, 429, 500, 501, 503, 504, 511, 599])
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"status":"success"}', b"\xff\xfe\x00", vector("1")], ids=len)
def test_a_status_that_is_no_success_is_no_answer(server: Server, status: int, body: bytes) -> None:
    server.reply = lambda handler: handler.send(body, status)
    answer = ask(server.url, budget=0.5)
    if status == 206 and answer.value is not None:
        ended(End.SAFE)  # a part of a number would be no JSON
    else:
        assert unreachable(answer, server.url)


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
    server.reply = lambda handler: handler.send(json.dumps(body).encode(), status)
    with caplog.at_level(logging.DEBUG):
        failure, detail = failed(ask(server.url, budget=2.0))
    assert failure is Failure.QUERY_ERROR
    for said in (detail, *caplog.messages):
        assert said.isprintable()
        assert len(said) <= 400


def certified(certificate: Path) -> Server:
    """Give a server that shows a certificate."""
    server = Server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.url = server.url.replace("http:", "https:")
    return server


@pytest.mark.hostile("The metrics server", "TLS: no certificate to trust, none at all")
def test_a_certificate_that_has_expired(certificate: Path, tmp_path: Path) -> None:
    (tmp_path / "index").touch()
    (tmp_path / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=it\n[it]\ndatabase={tmp_path}/index\nrand_serial=yes\nnew_certs_dir={tmp_path}\n"
        "default_md=sha256\npolicy=any\nx509_extensions=more\n[any]\n[more]\nsubjectAltName=IP:127.0.0.1\n"
    )
    request, old = tmp_path / "request.pem", tmp_path / "old.pem"
    made: list[str | Path] = ["openssl", "req", "-new", "-key", certificate, "-subj", "/CN=localhost", "-out", request]
    signed: list[str | Path] = [
        "openssl",
        "ca",
        "-batch",
        "-selfsign",
        "-notext",
        "-config",
        tmp_path / "ca.cnf",
        "-keyfile",
        certificate,
    ]
    times = ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"]
    for command in (made, [*signed, "-keyfile", certificate, "-in", request, "-out", old, *times]):
        subprocess.run(command, check=True, capture_output=True)
    old.write_text(certificate.read_text().partition("-----BEGIN CERT")[0] + old.read_text())
    with running(certified(old)) as server:
        assert unreachable(ask(server.url, ca_file=old), server.url) == "TLS: certificate has expired"


@pytest.mark.hostile("The metrics server", "TLS: no certificate to trust, none at all")
def test_a_certificate_that_nobody_vouches_for(certificate: Path) -> None:
    with running(certified(certificate)) as server:
        assert unreachable(ask(server.url), server.url).startswith("TLS: self")


@pytest.mark.hostile("The metrics server", "TLS: no certificate to trust, none at all")
def test_a_handshake_that_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        assert unreachable(ask(url, timeout=0.3), url) == "no answer within 0.3s"


# What takes too long


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
@pytest.mark.parametrize("reply", [silence, dripping_headers, dripping_status, dripping_body, dripping_chunks])
def test_an_answer_has_its_time_and_no_more(server: Server, reply: Callable[[Handler], None]) -> None:
    server.reply = reply
    start = time.monotonic()
    words = unreachable(ask(server.url, timeout=0.5), server.url)
    assert time.monotonic() - start < 5
    assert words in {"no answer within 0.5s", "no whole answer within 0.5s"}


@pytest.mark.hostile("The metrics server", "silence, and one byte now and then")
def test_a_server_that_accepts_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert unreachable(ask(url, timeout=0.3), url) == "no answer within 0.3s"


@pytest.mark.hostile("The metrics server", "silence, and one byte now and then")
def test_one_slow_answer_delays_no_other(server: Server) -> None:
    others = [question(f"w{number}") for number in range(9)]

    def one_hangs(handler: Handler) -> None:
        if "slow" in handler.query:
            silence(handler)
        else:
            handler.send(vector("1"))

    server.reply = one_hangs
    slow = question("slow")
    answers = Prometheus(server.url, TEMPLATES, timeout=1.0).measure([slow, *others], AT)
    assert [answers[other].value for other in others] == [1.0] * 9
    assert failed(answers[slow])[0] is Failure.UNREACHABLE


def test_questions_are_asked_at_the_same_time(server: Server) -> None:
    together = threading.Barrier(MAX_CONCURRENCY)

    def all_at_once(handler: Handler) -> None:
        together.wait(LONG)
        handler.send(vector("1"))

    server.reply = all_at_once
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

    server.reply = counted
    questions = [question(f"w{number}") for number in range(5 * MAX_CONCURRENCY)]
    answers = Prometheus(server.url, TEMPLATES).measure(questions, AT)
    assert {answer.value for answer in answers.values()} == {1.0}
    assert max(most) <= MAX_CONCURRENCY


@pytest.mark.hostile("The metrics server", "silence, and one byte now and then")
@pytest.mark.parametrize("reply", [silence, dripping_headers, dripping_status, dripping_body, dripping_chunks])
def test_a_question_that_had_its_time_makes_room_for_the_next(server: Server, reply: Callable[[Handler], None]) -> None:
    server.reply = reply
    questions = [question(f"w{number}") for number in range(MAX_CONCURRENCY + 1)]
    answers = Prometheus(server.url, TEMPLATES, timeout=0.5).measure(questions, AT)
    assert {failed(answer)[0] for answer in answers.values()} == {Failure.UNREACHABLE}
    assert len(server.seen) == MAX_CONCURRENCY + 1


def test_a_measure_has_its_time_and_no_more(server: Server) -> None:
    server.reply = silence
    questions = [question(f"w{number}") for number in range(3 * MAX_CONCURRENCY)]
    start = time.monotonic()
    answers = Prometheus(server.url, TEMPLATES, timeout=LONG, budget=0.5).measure(questions, AT)
    assert time.monotonic() - start < 5
    assert {answer.failure for answer in answers.values()} == {Failure.UNREACHABLE}
    assert len(server.seen) == MAX_CONCURRENCY


def test_the_end_of_the_program_waits_for_no_server(server: Server) -> None:
    server.reply = dripping_headers
    program = (
        "import sys, test_prometheus\nanswer = test_prometheus.ask(sys.argv[1], timeout=0.5)\nprint(answer.failure)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, server.url],
        cwd=Path(__file__).parent,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=LONG,
        check=True,
    )
    assert done.stdout == "unreachable\n"


# Credentials


def test_the_user_of_the_url(server: Server) -> None:
    url = server.url.replace("http://", "http://prom:p%40ss%C3%A9:x@")
    assert ask(url).value == 1
    assert server.seen[0][1]["Authorization"] == "Basic cHJvbTpwQHNzw6k6eA=="


def test_a_token_is_read_anew_each_time(server: Server, tmp_path: Path) -> None:
    token = tmp_path / "token"
    meter = Prometheus(server.url, TEMPLATES, token_file=token)
    for text in ("first\n", "second"):
        token.write_text(text)
        meter.measure([question()], AT)
    assert [headers["Authorization"] for _, headers, _ in server.seen] == ["Bearer first", "Bearer second"]


@pytest.mark.hostile("The metrics server", "addresses and options that can never work")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file"),
        (b"", "holds no token"),
        (b"s3\r\ncret", "holds"),
        (b"s3cr\xffet", "holds"),
    ],
)
def test_a_token_that_cannot_be_used(server: Server, tmp_path: Path, content: bytes | None, words: str) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_bytes(content)
    failure, detail = failed(ask(server.url, token_file=token))
    assert failure is Failure.UNREACHABLE
    assert detail.startswith(f"the token file {token} {words}")
    assert "s3" not in detail.replace(str(token), "")
    assert server.seen == []


def test_headers(server: Server) -> None:
    assert ask(server.url, headers={"X-Scope-OrgID": "team a"}).value == 1
    assert server.seen[0][1]["X-Scope-OrgID"] == "team a"


def echoed(handler: Handler) -> None:
    """Say back all that was sent, as a debugging proxy might: in the error, in the warnings."""
    said = "\n".join(f"{name}={value}" for name, value in handler.headers.items())
    body = {
        "status": "error",
        "errorType": f"bad_data {handler.path}",
        "error": f"{said} {' '.join(handler.server.secrets)}",
        "warnings": [said, said.upper(), *handler.server.secrets],
    }
    handler.send(json.dumps(body).encode(), 400)


BASIC = "c29tZW9uZTpzM2NyZXQvcw=="


@pytest.mark.hostile("The metrics server", "credentials that are said back")
@pytest.mark.parametrize(
    ("userinfo", "options", "secrets"),
    [
        ("someone:s3cret%2Fs@", {}, ["someone", "s3cret%2Fs", "s3cret/s", BASIC]),
        ("some&one:s3cret!$@", {}, ["some&one", "some%26one", "some&amp;one", "s3cret!$", "s3cret%21%24"]),
        ("", {"headers": {"Authorization": "Bearer s3cret-token"}}, ["s3cret-token", "S3CRET-TOKEN"]),
        ("", {"headers": {"Authorization": f"basic {BASIC}"}}, [BASIC, "someone", "s3cret/s"]),
        ("", {"headers": {"X-Key": "abc s3cret"}}, ["abc", "s3cret"]),
        ("", {"headers": {"X-Key": "k"}}, ["X-Key=k"]),
        ("", {"token_file": "s3cret-token"}, ["s3cret-token"]),
    ],
)
def test_no_credential_is_ever_shown(
    server: Server,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    *,
    userinfo: str,
    options: dict[str, Any],
    secrets: list[str],
) -> None:
    if "token_file" in options:
        (tmp_path / "token").write_text(options["token_file"])
        options = {"token_file": tmp_path / "token"}
    url = server.url.replace("http://", f"http://{userinfo}")
    closed = url.rpartition(":")[0] + ":1"
    with caplog.at_level(logging.DEBUG):
        server.secrets = secrets
        server.reply = echoed
        answers = [ask(url, **options), ask(closed, **options), ask(url.replace("http:", "https:"), **options)]
        server.reply = lambda handler: handler.send(b"", 302, Location=f"http://{userinfo}host/{'/'.join(secrets)}")
        answers.append(ask(url, **options))
        server.reply = silence
        answers.append(ask(url, timeout=0.3, **options))
    assert "***" in answers[0].detail
    assert answers[0].warnings
    assert [failed(answer)[0] for answer in answers] == [Failure.QUERY_ERROR, *[Failure.UNREACHABLE] * 4]
    said = str(answers) + caplog.text
    assert [secret for secret in secrets if secret in said] == []


@pytest.mark.hostile("The metrics server", "addresses and options that can never work")
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("prometheus:9090", "no http:// or https:// address"),
        ("someone:s3cret@prometheus:9090", "no http:// or https:// address"),
        ("", "no http:// or https:// address"),
        ("ftp://prometheus", "no http:// or https:// address"),
        ("http://", "no http:// or https:// address"),
        ("http:///path", "no http:// or https:// address"),
        ("http://prometheus:port", "no http:// or https:// address"),
        ("http://[::1", "no http:// or https:// address"),
        ("http://someone:s3cret/x@prometheus", "no http:// or https:// address"),
        ("http://*.example", "no http:// or https:// address"),
        ("http://someone:12/s3cret@prometheus", "an @ behind its host"),
        ("http://someone:12#s3cret@prometheus", "an @ behind its host"),
        ("http://prometheus/?s3cret=1", "something behind its path"),
        ("http://prometheus/#", "something behind its path"),
        ("http://prometheus/s3cret\n", "spaces or other characters"),
        ("http://prometheus\\@elsewhere", "spaces or other characters"),
        ("http://prometheus/ä", "spaces or other characters"),
    ],
)
def test_addresses_that_can_never_work(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        Prometheus(url, TEMPLATES)
    assert "s3cret" not in repr(caught.value)
    assert caught.value.__cause__ is None
    ended(End.REFUSED)


@pytest.mark.hostile("The metrics server", "addresses and options that can never work")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"headers": {"Authorization": "s3cret"}, "token_file": Path("token")}, "more than one set of credentials"),
        ({"headers": {"authorization": "s3cret"}, "token_file": Path("token")}, "more than one set of credentials"),
        ({"headers": {"X Y": "s3cret"}}, "has no valid name"),
        ({"headers": {"X": "s3cret\r\nY: Z"}}, "--metrics-header X: its value must be"),
        ({"headers": {"X": ""}}, "--metrics-header X: its value must be"),
        ({"ca_file": Path("gone.pem")}, r"the CA file gone\.pem is not there"),
    ],
)
def test_options_that_can_never_work(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        Prometheus("http://prometheus", TEMPLATES, **options)
    assert "s3cret" not in str(caught.value)
    ended(End.REFUSED)


@pytest.mark.hostile("The metrics server", "nobody there: closed ports, hosts that do not exist, other addresses")
def test_an_ipv6_address() -> None:
    url = "http://[::1]:1"
    assert unreachable(ask(url, timeout=5.0), url)


def test_without_a_server() -> None:
    meter: Meter = UnconfiguredMeter()
    questions = [question(), question("b")]
    answers = meter.measure(questions, AT)
    assert list(answers) == questions
    assert failed(answers[questions[0]]) == (
        Failure.UNREACHABLE,
        "no metrics server is named; set --metrics-server to the URL of Prometheus",
    )
