"""The meter that asks a Prometheus, or anything that answers `POST /api/v1/query` as Prometheus does.

Duty: questions to requests, replies to answers. Whether a value is good enough is not known here, and nothing that
a server says or fails to say raises.

Words for people are made of own parts and of what the server said, masked and shortened; never of an exception's own
text, which may hold the address with its password.
"""

from __future__ import annotations

import logging
import re
import ssl
import zlib
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from math import ceil
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from reconcile.errors import TemplateError, UsageError
from reconcile.metrics import credentials
from reconcile.metrics.replies import UnusableError, read_reply, unreachable
from reconcile.plan import Answer, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime
    from pathlib import Path

    from reconcile.metrics.templates import TemplateSet
    from reconcile.plan import Question

WORKERS = 16
MAX_BODY = 1024 * 1024

_log = logging.getLogger("steerer.metrics")
_REDIRECTS = range(300, 400)
_VISIBLE = re.compile(r"[\x21-\x7e]+")


class Unconfigured:
    """The meter of somebody who named no server: no question has an answer, and each says what to do."""

    def measure(self, questions: Collection[Question], at: datetime) -> Mapping[Question, Answer]:
        """Answer every question with the same failure."""
        del at
        answer = unreachable("no metrics server is named; set --metrics-server to the URL of Prometheus")
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
        self._address, userinfo = credentials.parse_url(url)
        self._templates = templates
        self._token_file = token_file
        self._ca_file = credentials.existing(ca_file)
        self._headers = credentials.parse_headers(headers or {})
        self._timeout = timeout
        self._budget = budget
        given = (bool(userinfo), token_file is not None, any(name.lower() == "authorization" for name in self._headers))
        if sum(given) > 1:
            raise UsageError(
                "the metrics server has more than one set of credentials; keep one of: the user in its URL, "
                "--metrics-token-file, an Authorization header"
            )
        self._secrets = {*credentials.userinfo_secrets(userinfo), *credentials.header_secrets(self._headers.values())}
        if userinfo:
            self._headers["Authorization"] = credentials.basic(userinfo)

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
            return Answer(failure=Failure.TEMPLATE, detail=credentials.one_line(str(error)))

    def _answers(self, texts: list[str], at: datetime) -> dict[str, Answer]:
        if not texts:
            return {}
        try:
            token = self._token()
        except UnusableError as error:
            return {text: replace(unreachable(str(error)), query=text) for text in texts}
        asking = _Asking(
            address=self._address,
            headers={**self._headers, "Authorization": f"Bearer {token}"} if token else self._headers,
            ca_file=self._ca_file,
            timeout=self._timeout,
            at=at,
            clean=credentials.mask({*self._secrets, token}),
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
            raise UnusableError(f"the token file {self._token_file} cannot be read: {error.strerror}") from error
        if not _VISIBLE.fullmatch(token):
            raise UnusableError(f"the token file {self._token_file} holds no token: one line of visible ASCII")
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
        except UnusableError as error:
            return self.unreachable(str(error))
        except Exception as error:  # noqa: BLE001 every question has an answer, and an error that nobody foresaw is none
            return self.unreachable(_cause(error, self.timeout))
        return answer if answer.failure is not Failure.UNREACHABLE else self.unreachable(answer.detail)

    def unreachable(self, words: str) -> Answer:
        """Name the server beside what went wrong with it."""
        return unreachable(f"{self.address}: {words}")

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
            raise UnusableError(f"the reply is larger than {MAX_BODY // 1024} KiB")
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
    if len(content) > MAX_BODY:
        raise UnusableError(f"the reply is larger than {MAX_BODY // 1024} KiB")
    return content


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
