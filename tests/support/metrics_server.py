"""A metrics server on 127.0.0.1. A test says how it responds."""

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
"""Seconds: far longer than a test may take. A response that takes so long is one that the meter gives up."""
FOR_EVER = 3600.0
"""Seconds: longer than any test can take. What would wait so long, and ends, has not waited."""


class Handler(BaseHTTPRequestHandler):
    """Keeps each request and passes it to `Server.respond`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each response on a kept connection waits 40 ms for an ACK
    server: Server
    query = ""

    def do_POST(self) -> None:
        """Keeps the request and responds."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {key: value for key, [value] in parse_qs(body).items()}
        self.query = form["query"]
        with self.server.arrival:
            self.server.requests.append((self.path, dict(self.headers), form))
            self.server.arrival.notify_all()
        try:
            self.server.respond(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the meter hung up, which is what many tests are about

    def send(self, body: bytes, status: int = 200, **headers: str) -> None:
        """Sends a whole response, or its beginning if `Content_Length` promises more."""
        self.send_response(status)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def start(self, *, chunked: bool) -> None:
        """Sends the headers of a response that is huge, or in chunks."""
        self.close_connection = True
        self.send_response(200)
        self.send_header(*("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(2**40)))
        self.end_headers()

    def drip(self, pieces: bytes) -> None:
        """Writes a byte now and then until the test is over."""
        self.close_connection = True
        for number in range(1_000_000):
            self.wfile.write(pieces[number % len(pieces) :][:1])
            if self.server.stopped.wait(0.02):
                return

    def log_message(self, *args: Any) -> None:
        """Logs nothing."""


class Server(ThreadingHTTPServer):
    """A server on 127.0.0.1. `requests` are the path, headers and form of each request."""

    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.arrival = threading.Condition()
        self.stopped = threading.Event()
        self.secrets: list[str] = []
        self.respond: Callable[[Handler], None] = lambda handler: handler.send(vector("1"))
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Logs nothing: the meter hangs up on purpose."""

    def arrived(self, count: int) -> int:
        """Returns how many requests there are, as soon as there are this many.

        A meter whose time is over has sent its queries, but the server may not have read them yet.
        """
        with self.arrival:
            self.arrival.wait_for(lambda: len(self.requests) >= count, LONG)
            return len(self.requests)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()
        for worker in threading.enumerate():
            if worker.name.startswith("metrics-"):
                worker.join(LONG)


def vector(*values: str, **more: Any) -> bytes:
    result = [{"metric": {"n": str(number)}, "value": [1.5, value]} for number, value in enumerate(values)]
    return result_body("vector", result, **more)


def result_body(kind: Any, result: Any, **more: Any) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}} | more).encode()


def no_response(handler: Handler) -> None:
    handler.close_connection = True
    handler.server.stopped.wait(FOR_EVER)
