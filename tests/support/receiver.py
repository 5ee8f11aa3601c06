"""A real HTTP server that keeps what it is sent."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Receiver(ThreadingHTTPServer):
    """Answers each POST with `status`, and keeps it in `requests`.

    `on_request` is called before; what it returns, if it is bytes, is the answer.
    """

    daemon_threads = True

    def __init__(self, status: int = 200, on_request: Callable[[Received], object] = bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = status
        self.on_request = on_request
        self.requests: list[Received] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Received(self.path, dict(self.headers), body)
        self.server.requests.append(request)
        answer = self.server.on_request(request)
        said = answer if isinstance(answer, bytes) else b""
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(said)))
        with suppress(ConnectionError):  # who asked may have given up
            self.end_headers()
            self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def receiving(status: int = 200, on_request: Callable[[Received], object] = bool) -> Iterator[Receiver]:
    """Yields a server that takes requests until the end of the block."""
    with Receiver(status, on_request) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
