"""Requests as bytes, and bytes as responses."""

from __future__ import annotations

import gc
import gzip
import io
import socket
from http.client import HTTPException, RemoteDisconnected
from typing import TYPE_CHECKING

import pytest

from reconcile.clusters.kube.exchange import PlainConnection, Response, request_head
from reconcile.model.errors import UnreachableError
from reconcile.model.kinds import DEPLOYMENT, Scope
from tests.unit.clusters.kube.api_server import ApiServer, Reply

if TYPE_CHECKING:
    from reconcile.clusters.kube.cluster import KubeCluster


def test_a_request() -> None:
    head = request_head("PATCH", "/api/v1?dryRun=All", {"Host": "kubernetes", "Accept": "application/json"}, b"[]")

    assert head == (
        b"PATCH /api/v1?dryRun=All HTTP/1.1\r\n"
        b"Host: kubernetes\r\nAccept: application/json\r\nContent-Length: 2\r\n\r\n"
    )


def test_a_request_without_a_body_has_no_length() -> None:
    assert request_head("GET", "/", {}, None) == b"GET / HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize("target", ["/a b", "/a\r\nHost: other", "/a\n", "/ä", ""])
def test_no_url_ends_the_request_line(target: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        request_head("GET", target, {}, None)


@pytest.mark.parametrize("value", ["a\r\nHost: other", "a\nb", "a\r", "a\r\n b"])
def test_no_header_begins_another_one(value: str) -> None:
    with pytest.raises(ValueError, match="header"):
        request_head("GET", "/", {"Impersonate-User": value}, None)


@pytest.mark.parametrize(
    ("received", "content", "is_last"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}", False),
        (b"HTTP/1.1 200\r\ncontent-length:2 \r\n\r\n{}", b"{}", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: Close\r\n\r\n{}", b"{}", True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}", True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}", b"{}", False),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", b"{}", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1;a=b\r\n{\r\n01\r\n}\r\n0\r\n\r\n", b"{}", False),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\nA: b\r\n\r\n",
            b"0123456789",
            False,
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}", False),
    ],
)
@pytest.mark.parametrize("at_once", [1, 1 << 16])
def test_a_response_ends_where_it_says(received: bytes, content: bytes, at_once: int, *, is_last: bool) -> None:
    response = _read(received, at_once)

    assert (response.status, bytes(response.content), response.is_last) == (200, content, is_last)


def test_a_response_without_a_body_ends_with_its_headers() -> None:
    response = _read(b"HTTP/1.1 204 No Content\r\n\r\n")

    assert (response.status, response.headers, response.is_last) == (204, {}, False)


def test_headers_have_the_name_that_they_are_asked_by_and_others_are_left_out() -> None:
    assert _read(b"HTTP/1.1 204 No\r\nretry-AFTER:  1\r\nX: a:b\r\n\r\n").headers == {"Retry-After": "1"}


@pytest.mark.parametrize(
    "received",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1A\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}rest",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * (1 << 18),
    ],
)
def test_what_breaks_off_or_is_no_response(received: bytes) -> None:
    with pytest.raises(HTTPException):
        _read(received)


def test_a_connection_that_the_server_closed() -> None:
    with pytest.raises(RemoteDisconnected):
        _read(b"")


def test_a_compressed_response(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda _: Reply(body=gzip.compress(b'{"items": []}'), headers={"Content-Encoding": "gzip"})

    assert cluster.list(DEPLOYMENT, Scope()) == []


@pytest.mark.parametrize(
    ("encoding", "body"), [("gzip", b"{}"), ("gzip", gzip.compress(b'{"items": []}')[:-9]), ("br", b"{}")]
)
def test_a_response_that_is_not_compressed_as_it_says(
    api: ApiServer, cluster: KubeCluster, encoding: str, body: bytes
) -> None:
    api.answer = lambda _: Reply(body=body, headers={"Content-Encoding": encoding})

    with pytest.raises(UnreachableError, match=r"cannot list deployments.* is not compressed as it says"):
        cluster.list(DEPLOYMENT, Scope())


def test_a_response_that_says_it_is_not_compressed(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda _: Reply(body={"items": []}, headers={"Content-Encoding": "identity"})

    assert cluster.list(DEPLOYMENT, Scope()) == []


def test_a_connection_that_ends_with_a_response_is_opened_anew(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda _: Reply(body={"items": []}, headers={"Connection": "close"})

    assert [cluster.list(DEPLOYMENT, Scope()) for _ in range(3)] == [[], [], []]


def test_a_read_that_breaks_off_is_tried_again(api: ApiServer, cluster: KubeCluster) -> None:
    replies = iter([Reply(body=b'{"items"', length=100), Reply(body={"items": []})])
    api.answer = lambda _: next(replies)

    assert cluster.list(DEPLOYMENT, Scope()) == []


def test_a_pass_that_collects_no_garbage_keeps_no_response(cluster: KubeCluster) -> None:
    cluster.list(DEPLOYMENT, Scope())
    gc.collect()
    gc.disable()
    try:
        cluster.list(DEPLOYMENT, Scope())
        assert not [item for item in gc.get_objects() if isinstance(item, Response)]
    finally:
        gc.enable()


def test_a_request_leaves_in_one_piece() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = PlainConnection("kubernetes", timeout=5)
        connection.sock = ours
        connection.request("POST", "/", b"{}", {"Host": "kubernetes"})
        assert theirs.recv(1 << 16) == b"POST / HTTP/1.1\r\nHost: kubernetes\r\nContent-Length: 2\r\n\r\n{}"


def _read(received: bytes, at_once: int = 1 << 16) -> Response:
    """Returns the response in these bytes, which come so many at once, until the server closes the connection."""
    response, stream = Response(), io.BytesIO(received)
    while not response.is_complete:
        response.take(stream.read(at_once))
    return response
