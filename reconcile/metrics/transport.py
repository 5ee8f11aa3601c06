"""A form sent to an address and the reply to it, within bounds of time and size.

Duty: HTTP, and words for what goes wrong with it. What a reply says is not looked at.

The words are own ones and the operating system's; never an exception's own text, which may hold the address with its
password.
"""

from __future__ import annotations

import ssl
import zlib
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from reconcile.metrics import credentials
from reconcile.metrics.responses import UnusableError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY = 1024 * 1024
REFUSALS: Mapping[int, str] = {
    HTTPStatus.TOO_MANY_REQUESTS: "it is asked more than it allows",
    HTTPStatus.SERVICE_UNAVAILABLE: "it cannot answer at present",
}
"""Of a server that has too much to do, in words: the status says it, whatever the body is."""

_REDIRECTS = range(300, 400)


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """A reply: its status, its headers (under any case) and its body, not compressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TooLargeError(UnusableError):
    """A reply that is longer than there is to be."""


class _Session(requests.Session):
    """A session that sees no redirects. The original reads the whole body of one, however long, to prepare the next."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        del resp


def connection(headers: Mapping[str, str], ca_file: str | None) -> requests.Session:
    """Give a connection of its own for each that sends.

    Proxies, .netrc and REQUESTS_CA_BUNDLE of the environment are left aside: they would send what is asked, and
    credentials that were given for one host, somewhere else, or replace them.
    """
    session = _Session()
    session.trust_env = False
    session.verify = ca_file or True
    # The answers are short; what is not compressed cannot be larger than it looks.
    session.headers.update({"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "steerer"})
    session.headers.update(headers)
    return session


def post(session: requests.Session, url: str, form: Mapping[str, str], end: float, timeout: float) -> Received:
    """Send a form, and read the reply until `end` (on the monotonic clock), which is `timeout` seconds away in words.

    Raises UnusableError with words, or anything that `requests` does, for which `cause` has words.
    """
    left = max(end - monotonic(), 0.001)
    with session.post(url, data=form, timeout=left, stream=True, allow_redirects=False) as response:
        _check_status(response)
        try:
            body = _body(response, end, timeout)
        except (UnusableError, HTTPError, OSError):
            if response.status_code not in REFUSALS:
                raise
            body = b""
        return Received(status=response.status_code, headers=response.headers, body=body)


def _check_status(response: requests.Response) -> None:
    """Refuse a reply whose status says that Prometheus itself was never asked; its body is not looked at."""
    if response.status_code in _REDIRECTS:
        target = credentials.shown(response.url, response.headers.get("Location", ""))
        raise UnusableError(f"redirects to {target}, which is not followed; name the final address")
    if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise UnusableError(f"HTTP {response.status_code}: the credentials are missing or not accepted")


def _body(response: requests.Response, end: float, timeout: float) -> bytes:
    """Read a body piece by piece, as it arrives, and never more of it or longer than there is to be."""
    pieces = bytearray()
    while piece := response.raw.read1(65536, decode_content=False):
        pieces += piece
        if len(pieces) > MAX_BODY:
            raise TooLargeError(f"the reply is larger than {MAX_BODY // 1024} KiB")
        if monotonic() > end:
            raise UnusableError(f"no whole answer within {timeout:g}s")
    return _decoded(bytes(pieces), response.headers.get("Content-Encoding", "identity").strip().lower())


def _decoded(body: bytes, encoding: str) -> bytes:
    """Undo the compression of a proxy that compresses without being asked, as far as the bound."""
    if encoding in {"", "identity"}:
        return body
    if encoding not in {"gzip", "x-gzip"}:
        raise UnusableError("the reply is in a content encoding that was not asked for")
    decoder = zlib.decompressobj(wbits=31)
    try:
        content = decoder.decompress(body, MAX_BODY + 1)
    except zlib.error as error:
        raise UnusableError("the reply says that it is gzip and is not") from error
    if not decoder.eof and len(content) <= MAX_BODY:
        raise UnusableError("the reply is gzip that is cut off")
    if len(content) > MAX_BODY:
        raise TooLargeError(f"the reply is larger than {MAX_BODY // 1024} KiB")
    return content


def cause(error: Exception, timeout: float) -> str:
    """Say why there was no reply, from the kind of the error and the operating system's words for it."""
    known = isinstance(error, (requests.RequestException, HTTPError, OSError))
    words = "the connection broke off" if known else f"the reply cannot be read ({type(error).__name__})"
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, (requests.Timeout, ReadTimeoutError, TimeoutError)):
            return f"no answer within {timeout:g}s"
        if isinstance(link, ssl.SSLError):
            return f"TLS: {getattr(link, 'verify_message', '') or link.reason or 'the handshake failed'}"
        if isinstance(link, OSError) and link.strerror:
            words = link.strerror
        link = link.__cause__ or link.__context__
    return words
