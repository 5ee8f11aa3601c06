"""The meter that asks a Prometheus, or anything that answers `POST /api/v1/query` as Prometheus does.

Duty: questions to requests, replies to answers. Whether a value is good enough is not known here, and nothing that
a server says or fails to say raises.

Words for people are made of own parts and of what the server said, masked and shortened; never of an exception's own
text, which may hold the address with its password.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import ssl
import zlib
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from math import ceil, isfinite
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from reconcile.errors import TemplateError, UsageError
from reconcile.plan import Answer, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from reconcile.metrics.templates import TemplateSet
    from reconcile.plan import Question

WORKERS = 16
MAX_BODY = 1024 * 1024
MAX_WORDS = 300
MAX_WARNINGS = 10

_log = logging.getLogger("steerer.metrics")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_SUCCESSES = range(200, 300)
_REDIRECTS = range(300, 400)
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_URL = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
_NO_SECRETS = frozenset({"basic", "bearer"})
_SECRET_ANYWHERE = 4


class Unconfigured:
    """The meter of somebody who named no server: no question has an answer, and each says what to do."""

    def measure(self, questions: Collection[Question], at: datetime) -> Mapping[Question, Answer]:
        """Answer every question with the same failure."""
        del at
        answer = _unreachable("no metrics server is named; set --metrics-server to the URL of Prometheus")
        return dict.fromkeys(questions, answer)


class Prometheus:
    """Asks every question at the same time and answers all of them, within bounds of time and size.

    `timeout` is the seconds that one answer may take in all, `budget` those that a `measure` may take when there are
    more questions than can be asked at once. Raises UsageError for options that can never work.
    """

    def __init__(
        self,
        url: str,
        templates: TemplateSet,
        *,
        token_file: Path | None = None,
        ca_file: Path | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        budget: float = 30.0,
    ) -> None:
        self._address, userinfo = _parse_url(url)
        self._templates = templates
        self._token_file = token_file
        self._ca_file = _existing(ca_file)
        self._headers = _parse_headers(headers or {})
        self._timeout = timeout
        self._budget = budget
        given = (bool(userinfo), token_file is not None, any(name.lower() == "authorization" for name in self._headers))
        if sum(given) > 1:
            raise UsageError(
                "the metrics server has more than one set of credentials; keep one of: the user in its URL, "
                "--metrics-token-file, an Authorization header"
            )
        self._secrets = {*_userinfo_secrets(userinfo), *_header_secrets(self._headers.values())}
        if userinfo:
            self._headers["Authorization"] = _basic(userinfo)

    def measure(self, questions: Collection[Question], at: datetime) -> Mapping[Question, Answer]:
        """Answer every question for the instant `at`; equal queries are asked once. Raises nothing."""
        rendered = {question: self._render(question) for question in questions}
        texts = {answer.query: question.metric for question, answer in rendered.items() if answer.failure is None}
        answers = self._answers(list(texts), at)
        for text, metric in texts.items():
            for warning in answers[text].warnings:
                _log.warning("metric %s: %s warns: %s", metric, self._address, warning)
        return {question: answers.get(answer.query, answer) for question, answer in rendered.items()}

    def _render(self, question: Question) -> Answer:
        """Give an answer that holds the query and nothing else yet, or why there is no query."""
        try:
            return Answer(query=self._templates.render(question, question.rollout.namespace))
        except TemplateError as error:
            return Answer(failure=Failure.TEMPLATE, detail=_one_line(str(error)))

    def _answers(self, texts: list[str], at: datetime) -> dict[str, Answer]:
        if not texts:
            return {}
        try:
            token = self._token()
        except _UnusableError as error:
            return {text: replace(_unreachable(str(error)), query=text) for text in texts}
        asking = _Asking(
            address=self._address,
            headers={**self._headers, "Authorization": f"Bearer {token}"} if token else self._headers,
            ca_file=self._ca_file,
            timeout=self._timeout,
            at=at,
            clean=_mask({*self._secrets, token}),
        )
        limit = min(self._timeout * ceil(len(texts) / WORKERS), self._budget)
        answers = _at_once(texts, asking, limit)
        late = asking.unreachable(f"no answer within {limit:g}s")
        return {text: replace(answers.get(text, late), query=text) for text in texts}

    def _token(self) -> str:
        """Read the token anew: it is replaced every hour or so where it is a projected one."""
        if self._token_file is None:
            return ""
        try:
            with self._token_file.open("rb") as stream:
                token = stream.read(MAX_BODY).decode("ascii", "replace").strip()
        except OSError as error:
            raise _UnusableError(f"the token file {self._token_file} cannot be read: {error.strerror}") from error
        if not _VISIBLE.fullmatch(token):
            raise _UnusableError(f"the token file {self._token_file} holds no token: one line of visible ASCII")
        return token


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asking:
    """All that the requests of one pass have in common; `clean` makes the server's words fit to be shown."""

    address: str
    headers: Mapping[str, str] = field(repr=False)
    ca_file: str | None
    timeout: float
    at: datetime
    clean: Callable[[str], str]

    def ask(self, session: requests.Session, text: str, end: float) -> Answer:
        """Ask one query, and give up at `end` (on the monotonic clock)."""
        try:
            answer = self._request(session, text, min(end, monotonic() + self.timeout))
        except _UnusableError as error:
            return self.unreachable(str(error))
        except Exception as error:  # noqa: BLE001 every question has an answer, and an error that nobody foresaw is none
            return self.unreachable(_cause(error, self.timeout))
        return answer if answer.failure is not Failure.UNREACHABLE else self.unreachable(answer.detail)

    def unreachable(self, words: str) -> Answer:
        """Name the server beside what went wrong with it."""
        return _unreachable(f"{self.address}: {words}")

    def _request(self, session: requests.Session, text: str, end: float) -> Answer:
        form = {"query": text, "time": f"{self.at.timestamp():.3f}", "timeout": f"{ceil(self.timeout * 1000)}ms"}
        left = max(end - monotonic(), 0.001)
        url = f"{self.address}/api/v1/query"
        with session.post(url, data=form, timeout=left, stream=True, allow_redirects=False) as response:
            _check_status(response)
            return read_reply(_body(response, end, self.timeout), response.status_code, self.clean)

    def session(self) -> requests.Session:
        """Give the connection of one worker.

        Proxies, .netrc and REQUESTS_CA_BUNDLE of the environment are left aside: they would send what is asked, and
        credentials that were given for one host, somewhere else, or replace them.
        """
        session = _Session()
        session.trust_env = False
        session.verify = self.ca_file or True
        # The answers are short; what is not compressed cannot be larger than it looks.
        session.headers.update({"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "steerer"})
        session.headers.update(self.headers)
        return session


class _Session(requests.Session):
    """A session that sees no redirects. The original reads the whole body of one, however long, to prepare the next."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        del resp


class _UnusableError(Exception):
    """A reply that is no answer; where `str()` of it says something, these are words made here."""


def _at_once(texts: list[str], asking: _Asking, limit: float) -> dict[str, Answer]:
    """Ask all, WORKERS at a time, and be back after `limit` seconds with what there is.

    Daemon threads and not an executor: a server that never ends its headers holds its thread for longer than any
    time out between two reads, and neither this pass nor the end of the program waits for that thread.
    """
    end = monotonic() + limit
    waiting: SimpleQueue[str] = SimpleQueue()
    done: SimpleQueue[tuple[str, Answer]] = SimpleQueue()
    for text in texts:
        waiting.put(text)

    def work() -> None:
        with asking.session() as session:
            while monotonic() < end:
                try:
                    text = waiting.get_nowait()
                except Empty:
                    return
                done.put((text, asking.ask(session, text, end)))

    for number in range(min(WORKERS, len(texts))):
        Thread(target=work, name=f"metrics-{number}", daemon=True).start()
    answers: dict[str, Answer] = {}
    while len(answers) < len(texts):
        try:
            text, answer = done.get(timeout=max(end - monotonic(), 0))
        except Empty:
            break
        answers[text] = answer
    return answers


def _check_status(response: requests.Response) -> None:
    """Refuse a reply whose status says that Prometheus itself was never asked; its body is not looked at."""
    if response.status_code in _REDIRECTS:
        target = _shown(response.url, response.headers.get("Location", ""))
        raise _UnusableError(f"redirects to {target}, which is not followed; name the final address")
    if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise _UnusableError(f"HTTP {response.status_code}: the credentials are missing or not accepted")


def _body(response: requests.Response, end: float, timeout: float) -> bytes:
    """Read a body piece by piece, as it arrives, and never more of it or longer than there is to be."""
    pieces = bytearray()
    while piece := response.raw.read1(65536, decode_content=False):
        pieces += piece
        if len(pieces) > MAX_BODY:
            raise _UnusableError(f"the reply is larger than {MAX_BODY // 1024} KiB")
        if monotonic() > end:
            raise _UnusableError(f"no whole answer within {timeout:g}s")
    return _decoded(bytes(pieces), response.headers.get("Content-Encoding", "identity").strip().lower())


def _decoded(body: bytes, encoding: str) -> bytes:
    """Undo the compression of a proxy that compresses without being asked, as far as the bound."""
    if encoding in {"", "identity"}:
        return body
    if encoding not in {"gzip", "x-gzip"}:
        raise _UnusableError("the reply is in a content encoding that was not asked for")
    decoder = zlib.decompressobj(wbits=31)
    try:
        content = decoder.decompress(body, MAX_BODY + 1)
    except zlib.error as error:
        raise _UnusableError("the reply says that it is gzip and is not") from error
    if len(content) > MAX_BODY:
        raise _UnusableError(f"the reply is larger than {MAX_BODY // 1024} KiB")
    return content


def read_reply(body: bytes, status: int, clean: Callable[[str], str]) -> Answer:
    """Make an answer of a reply's body and HTTP status; `clean` makes the server's words fit to be shown. Pure."""
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        return _unreachable(_no_json(body, status))
    try:
        warnings = _warnings(_field(reply, "warnings"), clean)
        return replace(_read_envelope(reply, status, clean), warnings=warnings)
    except _UnusableError:
        return _unreachable(f"HTTP {status}: the reply is not of the shape of Prometheus's API")


def _no_json(body: bytes, status: int) -> str:
    """Say what was there instead; that status 200 with a page is the commonest of wrong addresses."""
    start = body[:256].lstrip()
    if start.startswith(b"<"):
        found = "a web page and not an answer; is this the address of Prometheus, with its path prefix?"
    elif not start:
        found = "an empty reply"
    elif start.startswith(b"{"):
        found = "a reply that is cut off or otherwise no JSON"
    else:
        found = "a reply that is no JSON"
    return f"HTTP {status}: {found}"


def _read_envelope(reply: object, status: int, clean: Callable[[str], str]) -> Answer:
    if _field(reply, "status") == "error":
        parts = (_field(reply, "errorType"), _field(reply, "error"))
        text = clean(": ".join(part for part in parts if isinstance(part, str) and part))
        return Answer(failure=Failure.QUERY_ERROR, detail=text or f"HTTP {status}, without a text")
    if _field(reply, "status") != "success" or status not in _SUCCESSES:
        raise _UnusableError
    data = _field(reply, "data")
    kind, result = _field(data, "resultType"), _field(data, "result")
    if kind == "vector":
        return _read_vector(result)
    if kind == "scalar":
        return _read_value(result)
    if kind in ("matrix", "string"):
        return Answer(failure=Failure.WRONG_TYPE, detail=f"the query gives a {kind} and must give one number")
    raise _UnusableError


def _field(value: object, name: str) -> Any:
    """Take a member of what must be an object; one that is absent is None."""
    if not isinstance(value, dict):
        raise _UnusableError
    return value.get(name)


def _read_vector(result: object) -> Answer:
    if not isinstance(result, list):
        raise _UnusableError
    if not result:
        return Answer(failure=Failure.NO_DATA, detail="the query finds no series; is there traffic, and is it scraped?")
    if len(result) > 1:
        detail = f"the query gives {len(result)} series and must give one"
        return Answer(failure=Failure.SEVERAL_SERIES, detail=detail)
    if _field(result[0], "histogram") is not None:
        return Answer(failure=Failure.WRONG_TYPE, detail="the query gives a histogram and must give one number")
    return _read_value(_field(result[0], "value"))


def _read_value(pair: object) -> Answer:
    """Read `[time, "value"]`; the text is looked at first, as float() takes more than Prometheus writes."""
    match pair:
        case [_, "NaN"]:
            return Answer(failure=Failure.NOT_A_NUMBER, detail="the query gives NaN, as it does without traffic")
        case [_, ("Inf" | "+Inf" | "-Inf") as text]:
            return Answer(failure=Failure.NOT_A_NUMBER, detail=f"the query gives {text}")
        case [_, str(text)] if _NUMBER.fullmatch(text):
            value = float(text)
            if isfinite(value):
                return Answer(value=value)
            return Answer(failure=Failure.NOT_A_NUMBER, detail="the query gives a number that is too large")
    raise _UnusableError


def _warnings(value: object, clean: Callable[[str], str]) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(clean(text) for text in value[:MAX_WARNINGS] if isinstance(text, str))


def _unreachable(detail: str) -> Answer:
    return Answer(failure=Failure.UNREACHABLE, detail=detail)


def _cause(error: Exception, timeout: float) -> str:
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


def _parse_url(url: str) -> tuple[str, str]:
    """Split an address into the part that may be shown (and is asked) and `user:password` as it was written.

    No message quotes any of it: in an address that cannot be read, anything may be the password.
    """
    try:
        parts = urlsplit(url)
        shown = _without_userinfo(parts)
        requests.Request("POST", shown).prepare()
    except (ValueError, requests.RequestException):
        raise UsageError("--metrics-server is no http:// or https:// address with a host") from None
    if not _URL.fullmatch(url):
        raise UsageError("--metrics-server has spaces or other characters that a URL cannot have")
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise UsageError("--metrics-server has an @ behind its host; write / ? # @ in a password as %2F %3F %23 %40")
    if "?" in url or "#" in url:
        raise UsageError("--metrics-server has something behind its path; leave out the ? or # and what follows")
    return shown, parts.netloc.rpartition("@")[0]


def _without_userinfo(parts: SplitResult) -> str:
    """Give `scheme://host:port/path`, no slash at its end. Raises ValueError for what is no such address."""
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def _shown(base: str, location: str) -> str:
    """Give an address that a server named, without what may be secret in it."""
    try:
        return _one_line(_without_userinfo(urlsplit(urljoin(base, location))))
    except ValueError:
        return "an address that cannot be read"


def _existing(ca_file: Path | None) -> str | None:
    if ca_file is None:
        return None
    if not ca_file.is_file():
        raise UsageError(f"the CA file {ca_file} is not there")
    return str(ca_file)


def _parse_headers(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise UsageError("a --metrics-header has no valid name; write NAME: VALUE")
        if not _HEADER_VALUE.fullmatch(value):
            raise UsageError(f"--metrics-header {name}: its value must be one line of ASCII text")
    return dict(headers)


def _basic(userinfo: str) -> str:
    user, _, password = userinfo.partition(":")
    return f"Basic {base64.b64encode(f'{unquote(user)}:{unquote(password)}'.encode()).decode()}"


def _userinfo_secrets(userinfo: str) -> set[str]:
    user, _, password = userinfo.partition(":")
    written = {userinfo, user, password}
    return {*written, *map(unquote, written), _basic(userinfo).removeprefix("Basic ")} if userinfo else set()


def _header_secrets(values: Iterable[str]) -> set[str]:
    return {part for value in values for part in (value, *value.split()) if part.lower() not in _NO_SECRETS}


def _mask(secrets: Iterable[str]) -> Callable[[str], str]:
    """Make what a server said fit for an event or a log: one line, not too long, and no secret in it.

    A secret of three characters or less is masked where it stands alone: elsewhere it would be the middle of words.
    """
    patterns = [
        re.escape(secret) if len(secret) >= _SECRET_ANYWHERE else rf"(?<!\w){re.escape(secret)}(?!\w)"
        for secret in sorted(secrets, key=lambda secret: (-len(secret), secret))
        if secret
    ]
    if not patterns:
        return _one_line
    pattern = re.compile("|".join(patterns))
    return lambda text: _one_line(pattern.sub("***", text))


def _one_line(text: str) -> str:
    line = "".join(char if char.isprintable() else " " for char in " ".join(text.split()))
    return line if len(line) <= MAX_WORDS else f"{line[: MAX_WORDS - 1]}…"
