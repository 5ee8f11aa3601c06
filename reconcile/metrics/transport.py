"""HTTP: sends a form and returns the response, within bounds of time and size.

A reason for a failure is in steerer's own words or the operating system's. It is never the text of an exception, which
may quote the address with its password. What a body says is parsed in `responses`.
"""

from __future__ import annotations

import ssl
import zlib
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING

import requests
from msgspec import Struct
from urllib3.exceptions import HTTPError, ReadTimeoutError

from reconcile.metrics.address import redirect_target
from reconcile.metrics.responses import NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY = 1024 * 1024
REFUSALS: Mapping[int, str] = {
    HTTPStatus.TOO_MANY_REQUESTS: "it is asked more than it allows",
    HTTPStatus.SERVICE_UNAVAILABLE: "it cannot answer at present",
}
"""The statuses of a server that has too much to do, with words for each. They count whatever the body is."""

_REDIRECTS = range(300, 400)


class HttpResponse(Struct, frozen=True, kw_only=True):
    """A response. The names of `headers` have no case; `body` is not compressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TooLargeError(NoAnswerError):
    """A body is larger than MAX_BODY."""


class _Session(requests.Session):
    """A session that sees no redirects. `requests` reads the whole body of a redirect, however long it is."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        del resp


def session(headers: Mapping[str, str], ca_file: str | None) -> requests.Session:
    """Returns a new session. A session is for one thread.

    It ignores proxies, .netrc and REQUESTS_CA_BUNDLE of the environment: they would send queries and credentials to
    another host, or replace the credentials.
    """
    new = _Session()
    new.trust_env = False
    new.verify = ca_file or True
    # Responses are short; one without compression cannot be larger than it looks.
    new.headers.update({"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "steerer"})
    new.headers.update(headers)
    return new


def post(session: requests.Session, url: str, form: Mapping[str, str], deadline: float, timeout: float) -> HttpResponse:
    """Sends a form and reads the response until `deadline` (on the monotonic clock); messages name `timeout`, seconds.

    Raises NoAnswerError with a reason, or whatever `requests` raises: `reason` has the words for that.
    """
    remaining = max(deadline - monotonic(), 0.001)
    with session.post(url, data=form, timeout=remaining, stream=True, allow_redirects=False) as response:
        _check_status(response)
        try:
            body = _read_body(response, deadline, timeout)
        except (NoAnswerError, HTTPError, OSError):
            if response.status_code not in REFUSALS:
                raise
            body = b""
        return HttpResponse(status=response.status_code, headers=response.headers, body=body)


def _check_status(response: requests.Response) -> None:
    """Raises NoAnswerError for a status that says that Prometheus itself was not reached. No body is read."""
    if response.status_code in _REDIRECTS:
        target = redirect_target(response.url, response.headers.get("Location", ""))
        raise NoAnswerError(f"redirects to {target}, which is not followed; name the final address")
    if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise NoAnswerError(f"HTTP {response.status_code}: the credentials are missing or not accepted")


def _read_body(response: requests.Response, deadline: float, timeout: float) -> bytes:
    """Reads a body in pieces as they arrive: the timeout of `requests` is per read, and there is no bound of size."""
    pieces = bytearray()
    while piece := response.raw.read1(65536, decode_content=False):
        pieces += piece
        if len(pieces) > MAX_BODY:
            raise TooLargeError(f"the reply is larger than {MAX_BODY // 1024} KiB")
        if monotonic() > deadline:
            raise NoAnswerError(f"no whole answer within {timeout:g}s")
    return _decompressed(bytes(pieces), response.headers.get("Content-Encoding", "identity").strip().lower())


def _decompressed(body: bytes, encoding: str) -> bytes:
    """Decompresses a body up to MAX_BODY. Some proxies compress although the request says that they must not."""
    if encoding in {"", "identity"}:
        return body
    if encoding not in {"gzip", "x-gzip"}:
        raise NoAnswerError("the reply is in a content encoding that was not asked for")
    decoder = zlib.decompressobj(wbits=31)
    try:
        content = decoder.decompress(body, MAX_BODY + 1)
    except zlib.error as error:
        raise NoAnswerError("the reply says that it is gzip and is not") from error
    if not decoder.eof and len(content) <= MAX_BODY:
        raise NoAnswerError("the reply is gzip that is cut off")
    if len(content) > MAX_BODY:
        raise TooLargeError(f"the reply is larger than {MAX_BODY // 1024} KiB")
    return content


def reason(error: Exception, timeout: float) -> str:
    """Returns why there was no response, from the types of the chained errors and the operating system's words."""
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
