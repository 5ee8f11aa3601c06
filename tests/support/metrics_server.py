"""A metrics server on 127.0.0.1 that answers every request with what a test says."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONG = 60.0
"""Far longer than a test may take, and never waited for: what takes so long is what the meter gives up."""


class Handler(BaseHTTPRequestHandler):
    """Hands a request to the server's `reply`, and keeps it."""

    protocol_version = "HTTP/1.1"
    server: Server
    query = ""

    def do_POST(self) -> None:
        """Answer as the test says."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {key: value for key, [value] in parse_qs(body).items()}
        self.query = form["query"]
        self.server.seen.append((self.path, dict(self.headers), form))
        try:
            self.server.reply(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the meter has had enough, which is what many tests are about

    def send(self, body: bytes, status: int = 200, **headers: str) -> None:
        """Send a whole reply, or its beginning where `Content_Length` promises more."""
        self.send_response(status)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def start(self, *, chunked: bool) -> None:
        """Send the headers of a reply that is longer than anybody wants, or in chunks of no known length."""
        self.close_connection = True
        self.send_response(200)
        self.send_header(*("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(2**40)))
        self.end_headers()

    def drip(self, pieces: bytes) -> None:
        """Write a byte now and then until the test is over."""
        self.close_connection = True
        for number in range(1_000_000):
            self.wfile.write(pieces[number % len(pieces) :][:1])
            if self.server.over.wait(0.02):
                return

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A server on 127.0.0.1 that answers every request with what a test says."""

    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.over = threading.Event()
        self.secrets: list[str] = []
        self.reply: Callable[[Handler], None] = lambda handler: handler.send(vector("1"))
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the meter hangs up on purpose."""


@contextmanager
def running(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
        for worker in threading.enumerate():
            if worker.name.startswith("metrics-"):
                worker.join(LONG)


def vector(*values: str, **more: Any) -> bytes:
    result = [{"metric": {"n": str(number)}, "value": [1.5, value]} for number, value in enumerate(values)]
    return reply("vector", result, **more)


def reply(kind: Any, result: Any, **more: Any) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}} | more).encode()


def silence(handler: Handler) -> None:
    handler.close_connection = True
    handler.server.over.wait(LONG)
