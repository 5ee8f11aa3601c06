"""Requests and responses as bytes, on the connections of a pool.

urllib3 opens the connections, through proxies and TLS, and decides which one is used, and what is tried again. How it
spells a request and reads a response costs most of the CPU time of a write: that part is here. Only what an API server
sends is known: no streams, no trailers that mean something, no cookies.
"""

from __future__ import annotations

import io
import re
from http import HTTPStatus
from http.client import BadStatusLine, HTTPException, IncompleteRead, LineTooLong, RemoteDisconnected
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    from collections.abc import Mapping
    from socket import socket

TIMEOUTS_PER_RESPONSE = 3
"""The timeout is per read, and each byte starts it anew: a whole response may take this many timeouts."""

_TARGET = re.compile(r"[\x21-\x7e]+")
_STATUS_LINE = re.compile(r"(?P<version>HTTP/1\.[01]) (?P<code>[1-9][0-9]{2})(?: |$)")
_NUMBERS = {10: re.compile(r"[0-9]{1,15}"), 16: re.compile(r"[0-9A-Fa-f]{1,12}")}
_LONGEST_LINE = 1 << 16
_LARGEST_PIECE = 1 << 20
_KNOWN = {"content-encoding", "content-type", "location", "retry-after"}
"""The headers that somebody asks for."""

_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


class _Exchange(HTTPConnection):
    """Sends a request with one write. A response is read to its end before it is returned."""

    def request(  # type: ignore[override]
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> None:
        """Sends a request; `headers` are all but the length. Raises ValueError for what would be another request."""
        if self.sock is not None:
            self.sock.settimeout(self.timeout)
        self.send(request_head(method, url, headers or {}, body) + (body or b""))

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        """Returns the response. Raises OSError and HTTPException where none comes, or not all of it."""
        seconds = float(self.timeout or 0)
        self.sock.settimeout(seconds)
        with io.BufferedReader(_Received(self.sock, TIMEOUTS_PER_RESPONSE * seconds), 1 << 16) as stream:
            response = read_response(stream)
        if response.is_last:
            self.close()
        headers = {name: value for name, value in response.headers.items() if name in _KNOWN}
        encoded = "content-encoding" in headers
        content = io.BytesIO(response.content) if encoded else response.content
        return urllib3.HTTPResponse(content, headers, response.status, version=11, preload_content=encoded)


class PlainConnection(_Exchange):
    """A connection without TLS."""


class TlsConnection(_Exchange, HTTPSConnection):
    """A connection with TLS."""


class _Received(io.RawIOBase):
    """The bytes that come in, for so many seconds in all."""

    def __init__(self, source: socket, seconds: float) -> None:
        self._source = source
        self._deadline = monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if monotonic() > self._deadline:
            raise TimeoutError
        return self._source.recv_into(buffer)


def request_head(method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """Returns a request up to its body. Raises ValueError where a part would end its line."""
    if not _TARGET.fullmatch(target):
        raise ValueError("a request line cannot hold this URL")
    length = "" if body is None else f"Content-Length: {len(body)}\r\n"
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if not lines.count("\r") == lines.count("\n") == len(headers):
        raise ValueError("a header cannot hold the end of a line")
    return f"{method} {target} HTTP/1.1\r\n{lines}{length}\r\n".encode("latin-1")


class Response(NamedTuple):
    """A response as it came in: its headers by their names in small letters, and its content, maybe compressed.

    `is_last`: the server takes no other request on the connection.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    is_last: bool


def read_response(stream: io.BufferedReader[Any]) -> Response:
    """Returns a response with its content. Raises HTTPException where it breaks off or is none."""
    status = 0
    while status < HTTPStatus.OK:  # 1xx: the response comes later
        version, status = _status_line(stream)
        headers = _headers(stream)
    length = headers.get("content-length")
    is_last = headers.get("connection", "keep-alive" if version == "HTTP/1.1" else "").lower() != "keep-alive"
    if status in _WITHOUT_BODY:
        content = b""
    elif headers.get("transfer-encoding", "").lower() == "chunked":
        content = _chunks(stream)
    elif length is not None:
        content = _exactly(stream, _number(length, 10))
    else:
        content, is_last = stream.read(), True
    return Response(status, headers, content, is_last)


def _status_line(stream: io.BufferedReader[Any]) -> tuple[str, int]:
    if not stream.peek(1):
        raise RemoteDisconnected("the server closed the connection without an answer")
    line = _line(stream)
    if not (found := _STATUS_LINE.match(line)):
        raise BadStatusLine(line)
    return found["version"], int(found["code"])


def _headers(stream: io.BufferedReader[Any]) -> dict[str, str]:
    headers = {}
    while line := _line(stream):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return headers


def _chunks(stream: io.BufferedReader[Any]) -> bytes:
    content = bytearray()
    while size := _number(_line(stream).partition(";")[0].strip(), 16):
        content += _exactly(stream, size)
        _line(stream)
    _headers(stream)  # trailers
    return bytes(content)


def _line(stream: io.BufferedReader[Any]) -> str:
    """Returns a line without its end."""
    line = stream.readline(_LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise LineTooLong("response") if len(line) == _LONGEST_LINE else IncompleteRead(line)
    return line.rstrip(b"\r\n").decode("latin-1")


def _exactly(stream: io.BufferedReader[Any], size: int) -> bytes:
    pieces: list[bytes] = []
    while size:  # in pieces: memory for what has come, not for what a server says will come
        piece = stream.read(min(size, _LARGEST_PIECE))
        if not piece:
            raise IncompleteRead(b"".join(pieces), size)
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _number(text: str, base: int) -> int:
    if not _NUMBERS[base].fullmatch(text):
        raise HTTPException("the length of the body is no number")
    return int(text, base)
