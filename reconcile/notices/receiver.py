"""The receiver of notices: an address, and a sending that is bounded in time and raises nothing.

An address may be a secret as a whole (an incoming webhook is one), so only its scheme and host are shown, and no text
of an exception is, which may quote it.
"""

from __future__ import annotations

import logging
import re
from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from reconcile.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import requests

    Notice = dict[str, Any]

LOG = logging.getLogger("steerer.notices")
BUDGET = 2.0
"""Seconds that the notices of one pass may take in all."""
MOST_WORKERS = 8
MAX_FILE = 64 * 1024
_URL = re.compile(r"[\x21-\x7e]+")
_OK = range(200, 300)


class Receiver(Struct, frozen=True, kw_only=True):
    """A receiver. Only `shown` may be shown. `userinfo` is `user:password` as it is written."""

    shown: str
    url: str
    userinfo: str

    def __repr__(self) -> str:
        return f"Receiver({self.shown})"


def parse_url(url: str, where: str) -> Receiver:
    """Returns the receiver of an address; `where` names the option. Raises UsageError, which quotes nothing of it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in {"http", "https"} or not _URL.fullmatch(url):
        raise UsageError(f"{where} is no http:// or https:// address with a host")
    userinfo, _, netloc = parts.netloc.rpartition("@")
    name = f"[{host}]" if ":" in host else host
    shown = f"{parts.scheme}://{name}{'' if port is None else f':{port}'}"
    return Receiver(shown=shown, url=parts._replace(netloc=netloc, fragment="").geturl(), userinfo=userinfo)


def read_file(path: Path) -> Receiver:
    """Returns the receiver whose address is in a file. Raises UsageError."""
    where = f"the file of --notify-url-file, {path},"
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_FILE).decode("ascii", "replace").strip()
    except OSError as error:
        raise UsageError(f"{where} cannot be read: {error.strerror}") from error
    return parse_url(text, where)


def send(receiver: Receiver, notices: Iterable[Sequence[Notice]]) -> None:
    """Sends notices, those of one sequence in its order. Takes BUDGET seconds at most; failures are one line of log."""
    sending = _Sending(receiver, [[*sequence] for sequence in notices])
    threads = [Thread(target=sending.work, daemon=True) for _ in range(min(MOST_WORKERS, len(sending.waiting)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(sending.deadline - monotonic(), 0))
    sending.report()


class _Sending:
    """The notices of one pass on their way. Threads take from it; one that hangs is left behind."""

    def __init__(self, receiver: Receiver, waiting: list[list[Notice]]) -> None:
        self.waiting = waiting
        self.deadline = monotonic() + BUDGET
        self._receiver = receiver
        self._total = sum(map(len, waiting))
        self._sent = 0
        self._problem = ""
        self._lock = Lock()

    def work(self) -> None:
        """Sends one sequence after the other, until there is none or the receiver cannot be reached."""
        import requests  # noqa: PLC0415 - only a pass that has something to tell needs it

        with requests.Session() as session:
            user, _, password = self._receiver.userinfo.partition(":")
            # With a function of ours no .netrc is looked for. Proxies and certificates of the environment count.
            session.auth = (unquote(user), unquote(password)) if self._receiver.userinfo else lambda request: request
            session.headers["User-Agent"] = "steerer"
            while sequence := self._next():
                for notice in sequence:
                    if not self._post(session, notice):
                        return

    def _next(self) -> list[Notice] | None:
        with self._lock:
            return self.waiting.pop(0) if self.waiting and not self._is_over() else None

    def _is_over(self) -> bool:
        return monotonic() >= self.deadline

    def _post(self, session: requests.Session, notice: Notice) -> bool:
        """Sends one notice. Returns whether the receiver can be reached."""
        left = self.deadline - monotonic()
        if left <= 0:
            return False
        try:
            with session.post(
                self._receiver.url, json=notice, timeout=left, allow_redirects=False, stream=True
            ) as response:
                status = response.status_code
        except Exception as error:  # noqa: BLE001 - whatever a receiver does, a pass goes on
            self._fail(_reason(error))
            return False
        if status in _OK:
            with self._lock:
                self._sent += 1
        else:
            self._fail(f"HTTP {status}" + (", a redirect, which is not followed" if status in range(300, 400) else ""))
        return True

    def _fail(self, problem: str) -> None:
        with self._lock:
            self._problem = self._problem or problem

    def report(self) -> None:
        """Logs in one line what did not arrive; nothing where all did."""
        with self._lock:
            lost, problem = self._total - self._sent, self._problem or f"no answer within {BUDGET:g}s"
            self.waiting.clear()
        if lost:
            LOG.warning("%d of %d notices did not reach %s: %s", lost, self._total, self._receiver.shown, problem)


def _reason(error: Exception) -> str:
    """Returns why a request failed, in words of ours or of the operating system."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, TimeoutError) or "Timeout" in type(link).__name__:
            return f"no answer within {BUDGET:g}s"
        if "SSL" in type(link).__name__:
            return "TLS: the certificate is not trusted, or the handshake failed"
        if isinstance(link, OSError) and link.strerror:
            return link.strerror
        link = link.__cause__ or link.__context__
    return "the connection broke off"
