"""HTTP against a real server that behaves as servers and the proxies before them sometimes do."""

from __future__ import annotations

import gzip
import json
import socket
import zlib
from typing import TYPE_CHECKING

import pytest

from reconcile.model.measurement import Failure
from tests.hostile.tally import End, ended
from tests.support.metrics_server import LONG, Handler, Server, vector
from tests.unit.metrics.meter import ask, failed, unreachable

if TYPE_CHECKING:
    from collections.abc import Callable


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
    server.respond = lambda handler: handler.send(b"no", status)
    assert unreachable(ask(server.url), server.url) == words


def test_an_error_of_prometheus_keeps_its_type_whatever_the_status(server: Server) -> None:
    body = {"status": "error", "errorType": "timeout", "error": "query timed out in\n" + "x" * 1000}
    server.respond = lambda handler: handler.send(json.dumps(body).encode(), 503)
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
    server.respond = lambda handler: handler.send(b"", status, Location=location)
    words = unreachable(ask(server.url), server.url)
    target = shown.format(url=server.url)
    assert words == f"redirects to {target}, which is not followed; name the final address"
    assert len(server.requests) == 1


@pytest.mark.hostile("The metrics server", "redirects")
def test_the_body_of_a_redirect_is_not_read(server: Server) -> None:
    def redirect(handler: Handler) -> None:
        handler.send(b"", 302, Location="/x", Content_Length="9999999")
        handler.drip(b"x")

    server.respond = redirect
    assert "redirects to" in unreachable(ask(server.url, timeout=LONG), server.url)


@pytest.mark.hostile("The metrics server", "connections that break off, lengths that are wrong, what is no HTTP")
def test_a_server_that_hangs_up(server: Server) -> None:
    def hang_up(handler: Handler) -> None:
        handler.close_connection = True

    server.respond = hang_up
    assert unreachable(ask(server.url), server.url) == "the connection broke off"


@pytest.mark.hostile("The metrics server", "connections that break off, lengths that are wrong, what is no HTTP")
def test_a_reply_that_ends_early(server: Server) -> None:
    def half(handler: Handler) -> None:
        handler.send(vector("1")[:-5], Content_Length="500")
        handler.close_connection = True

    server.respond = half
    words = unreachable(ask(server.url), server.url)
    assert words in {"the connection broke off", "HTTP 200: a reply that is cut off or otherwise no JSON"}


@pytest.mark.hostile("The metrics server", "connections that break off, lengths that are wrong, what is no HTTP")
def test_what_is_no_http(server: Server) -> None:
    def noise(handler: Handler) -> None:
        handler.wfile.write(b"\x00\x01\x02 s3cret\r\n\r\n")
        handler.close_connection = True

    server.respond = noise
    assert unreachable(ask(server.url), server.url) == "the connection broke off"


@pytest.mark.hostile("The metrics server", "huge and compressed bodies")
@pytest.mark.parametrize("chunked", [False, True])
def test_a_huge_reply(server: Server, *, chunked: bool) -> None:
    def huge(handler: Handler) -> None:
        handler.start(chunked=chunked)
        piece = b"[" * 65536
        while not handler.server.stopped.is_set():
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)

    server.respond = huge
    words = unreachable(ask(server.url, timeout=LONG), server.url)
    assert words == "the reply is larger than 1024 KiB"


def test_a_chunked_reply(server: Server) -> None:
    def chunked(handler: Handler) -> None:
        handler.start(chunked=True)
        for byte in vector("7"):
            handler.wfile.write(b"1\r\n%c\r\n" % byte)
        handler.wfile.write(b"0\r\n\r\n")

    server.respond = chunked
    assert ask(server.url).value == 7


def test_compression_that_nobody_asked_for(server: Server) -> None:
    server.respond = lambda handler: handler.send(gzip.compress(vector("8")), Content_Encoding="gzip")
    assert ask(server.url).value == 8
    assert server.requests[0][1]["Accept-Encoding"] == "identity"


@pytest.mark.hostile("The metrics server", "huge and compressed bodies")
@pytest.mark.parametrize(
    ("body", "encoding", "words"),
    [
        (gzip.compress(b"[" * 2_000_000, 1) * 100, "gzip", "the reply is larger than 1024 KiB"),
        (gzip.compress(vector("1"))[:-4], "gzip", "the reply is gzip that is cut off"),
        (vector("1"), "gzip", "the reply says that it is gzip and is not"),
        (zlib.compress(vector("1")), "deflate", "the reply is in a content encoding that was not asked for"),
        (gzip.compress(gzip.compress(vector("1"))), "gzip, gzip", "the reply is in a content encoding that was not"),
    ],
    ids=["bomb", "cut", "not gzip", "deflate", "twice"],
)
def test_compression_that_is_not_taken(server: Server, body: bytes, encoding: str, words: str) -> None:
    server.respond = lambda handler: handler.send(body, Content_Encoding=encoding)
    assert unreachable(ask(server.url), server.url).startswith(words)


def raw(head: bytes, body: bytes = b"") -> Callable[[Handler], None]:
    """Returns a response with exactly these bytes."""

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
    server.respond = raw(head, vector("1"))
    answer = ask(server.url, timeout=2.0)
    assert answer.value in {1.0, None}
    assert all(said.isprintable() for said in (answer.detail, *answer.warnings))
    ended(End.HELD if answer.value is None else End.SAFE)


@pytest.mark.hostile("The metrics server", "statuses that are no answer")
@pytest.mark.parametrize("status", [204, 206, 304, 400, 402, 418, 422, 429, 500, 501, 503, 504, 511, 599])
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"status":"success"}', b"\xff\xfe\x00", vector("1")], ids=len)
def test_a_status_that_is_no_success_is_no_answer(server: Server, status: int, body: bytes) -> None:
    server.respond = lambda handler: handler.send(body, status)
    answer = ask(server.url, budget=0.5)
    if status == 206 and answer.value is not None:
        ended(End.SAFE)  # a part of a number would be no JSON
    else:
        assert unreachable(answer, server.url)


@pytest.mark.hostile("The metrics server", "nobody there: closed ports, hosts that do not exist, other addresses")
def test_an_ipv6_address() -> None:
    url = "http://[::1]:1"
    assert unreachable(ask(url, timeout=5.0), url)
