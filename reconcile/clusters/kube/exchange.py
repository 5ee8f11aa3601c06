"""Requests and responses on the connections of a pool: sent in one piece, and read by httptools.

urllib3 opens the connections, through proxies and TLS, and decides which one is used, and what is tried again. How
the standard library spells a request and reads a response costs more CPU time than all else of a write.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from time import monotonic
from typing import TYPE_CHECKING, Any

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUTS_PER_RESPONSE = 3
"""The timeout is per read, and each byte starts it anew: a whole response may take this many timeouts."""

_TARGET = re.compile(r"[\x21-\x7e]+")
_PIECE = 1 << 16
_LARGEST_HEAD = 1 << 17
_KNOWN = {name.lower().encode(): name for name in ("Content-Encoding", "Content-Type", "Retry-After")}
"""The headers that somebody asks for, in small letters, and as they are asked for."""


class _Exchange(HTTPConnection):
    """Sends a request with one write. A response is read to its end before it is returned."""

    def request(  # type: ignore[override]
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> None:
        """Sends a request; `headers` are all but the length. Raises ValueError for what would be another request."""
        if self.sock is not None:
            self.sock.settimeout(self.timeout)
        self.send(request_head(method, url, headers or {}, body) + (body or b""))

    def getresponse(self) -> Response:  # type: ignore[override]
        """Returns the response. Raises OSError and HTTPException where none comes, or not all of it."""
        seconds = float(self.timeout or 0)
        self.sock.settimeout(seconds)
        response, deadline = Response(), monotonic() + TIMEOUTS_PER_RESPONSE * seconds
        while not response.is_complete:
            if monotonic() > deadline:
                raise TimeoutError
            response.take(self.sock.recv(_PIECE))
        if response.is_last:
            self.close()
        return response


class PlainConnection(_Exchange):
    """A connection without TLS."""


class TlsConnection(_Exchange, HTTPSConnection):
    """A connection with TLS."""


def request_head(method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """Returns a request up to its body. Raises ValueError where a part would end its line."""
    if not _TARGET.fullmatch(target):
        raise ValueError("a request line cannot hold this URL")
    length = "" if body is None else f"Content-Length: {len(body)}\r\n"
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if not lines.count("\r") == lines.count("\n") == len(headers):
        raise ValueError("a header cannot hold the end of a line")
    return f"{method} {target} HTTP/1.1\r\n{lines}{length}\r\n".encode("latin-1")


class Response:
    """A response as it comes in, with what urllib3's pool asks of it: one of its own takes longer than the parser.

    `headers` are those that somebody asks for, `content` may be compressed. `is_last`: the server takes no other
    request on the connection.
    """

    version_string = "HTTP/1.1"
    length_remaining = 0

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.content = bytearray()
        self.is_complete = self.is_last = False
        self._parser = HttpResponseParser(self)
        self._head_size = 0
        self._in_body = self._says_where_it_ends = False

    def drain_conn(self) -> None:
        """Does nothing: it has been read to its end."""

    def get_redirect_location(self) -> bool:
        """Returns no place: no redirect is followed."""
        return False

    def take(self, received: bytes) -> None:
        """Reads what came in; b"" ends the connection. Raises HTTPException where it is no HTTP, or breaks off."""
        if received:
            self._feed(received)
        else:
            self._take_end()
        if self.is_complete:
            del self._parser  # the two refer to each other, which is garbage that a pass does not collect

    def _feed(self, received: bytes) -> None:
        try:
            self._parser.feed_data(received)
        except (HttpParserError, HttpParserUpgrade) as error:
            raise HTTPException(f"the response is no HTTP: {error}") from error
        if not self._in_body:
            self._head_size += len(received)
            if self._head_size > _LARGEST_HEAD:
                raise HTTPException("the headers of the response have no end")

    def _take_end(self) -> None:
        if self._in_body and not self._says_where_it_ends:
            self.is_complete = self.is_last = True
        elif self._head_size or self._in_body:
            raise IncompleteRead(bytes(self.content))
        else:
            raise RemoteDisconnected("the server closed the connection without an answer")

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes a header."""
        name = name.lower()
        if known := _KNOWN.get(name):
            self.headers[known] = value.decode("latin-1")
        self._says_where_it_ends |= name in {b"content-length", b"transfer-encoding"}

    def on_headers_complete(self) -> None:
        """Takes the status."""
        self.status, self._in_body = self._parser.get_status_code(), True

    def on_body(self, body: bytes) -> None:
        """Takes a part of the content."""
        self.content += body

    def on_message_complete(self) -> None:
        """Ends the response, unless it was only told that the response comes later (1xx)."""
        if self.status < HTTPStatus.OK:
            self.headers.clear()
            self._in_body = False
            return
        self.is_complete, self.is_last = True, not self._parser.should_keep_alive()
