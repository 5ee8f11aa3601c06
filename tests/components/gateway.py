"""A gateway in front of a server: every request passes it, and a test may do something with one on its way.

What may be done with a request is in `faults`; here it is only read, passed on, and answered.
"""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.components.controlplane import ControlPlane
    from tests.components.prometheus import PrometheusServer

    Fault = Callable[["Exchange"], None]
    # Says what is done with a request; called in the order in which they arrive, by several threads at a time.
    Hook = Callable[["Request"], Fault]

_RESOURCE = re.compile(
    r"/api(?:s/[^/]+)?/v[^/]+/(?:namespaces/(?P<namespace>[^/]+)/)?(?P<plural>[^/?]+)"
    r"(?:/(?P<name>[^/?]+))?(?:/(?P<subresource>[^/?]+))?(?:\?|$)"
)
# Of one connection only, or made anew for the next one.
_OF_THE_CONNECTION = {"host", "accept-encoding", "connection", "content-length", "transfer-encoding"}


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request on its way. `path` has the query; `namespace`, `resource` and `name` are "" where it has none."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def _parts(self) -> Mapping[str, str]:
        found = _RESOURCE.match(self.path)
        return found.groupdict("") if found else {}

    @property
    def namespace(self) -> str:
        """The namespace that it is about; "" = all of them."""
        return self._parts.get("namespace", "")

    @property
    def resource(self) -> str:
        """The plural, and the subresource if there is one: `rollouts/status`."""
        return "/".join(filter(None, (self._parts.get(key) for key in ("plural", "subresource"))))

    @property
    def name(self) -> str:
        """The name of the object; "" for a LIST, and for one that is about to be created."""
        return self._parts.get("name", "")

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return self.method != "GET"

    def __str__(self) -> str:
        return f"{self.method} {self.resource}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer, of the API server or made up."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Exchange:
    """One request and what becomes of it. A fault that never calls `reply` leaves its connection closed."""

    def __init__(self, request: Request, gateway: Gateway, handler: BaseHTTPRequestHandler) -> None:
        self.request = request
        self.gateway = gateway
        self._handler = handler

    def forward(self) -> Answer:
        """Pass the request on to the API server, and give what that says."""
        return self.gateway.send(self.request)

    def reply(self, answer: Answer, *, cut: int | None = None) -> None:
        """Answer; `cut` = after so many bytes of the body, which was announced in whole, the connection is closed."""
        handler = self._handler
        handler.send_response(answer.status)
        for key, value in answer.headers.items():
            handler.send_header(key, value)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body[:cut])
        handler.close_connection = cut is not None


class Gateway:
    """Passes requests on to the API server or Prometheus, each with what `hook` says; nothing is done to begin with.

    `ended` is set when the test is over: whoever waits in a fault waits for that too.
    """

    def __init__(self, server: ControlPlane | PrometheusServer, hook: Hook | None = None) -> None:
        trust = server.session.verify  # of a component with a certificate of its own, the path of that
        self.hook: Hook = hook or (lambda _: passed)
        self.ended = threading.Event()
        self._url = server.url
        # Connections are kept, for many threads at a time; nothing is tried again: that would be a second request.
        self._upstream = urllib3.PoolManager(
            maxsize=64, ca_certs=trust if isinstance(trust, str) else None, retries=False, timeout=60
        )
        self._server = _Server(("127.0.0.1", 0), _handler(self))

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator[Gateway]:
        """Pass requests on until the end."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            self.ended.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()
            self._upstream.clear()

    def send(self, request: Request) -> Answer:
        """Send a request to the API server as it came."""
        headers = {key: value for key, value in request.headers.items() if key.lower() not in _OF_THE_CONNECTION}
        answer = self._upstream.request(
            request.method, self._url + request.path, body=request.body or None, headers=headers, redirect=False
        )
        kept = {key: value for key, value in answer.headers.items() if key.lower() not in _OF_THE_CONNECTION}
        return Answer(status=answer.status, body=answer.data, headers=kept)

    def before(self, kubeconfig: Path | str) -> Path:
        """Give a kubeconfig of the same user that goes through here."""
        kubeconfig = Path(kubeconfig)
        config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        config["clusters"][0]["cluster"] = {"server": self.url}
        path = kubeconfig.with_name(f"{kubeconfig.name}-{self._server.server_port}")
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path


def passed(exchange: Exchange) -> None:
    """Do nothing with it: the API server answers."""
    exchange.reply(exchange.forward())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Say nothing: a client that was killed is no error of ours."""


def _handler(gateway: Gateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer goes out at once, in one piece.
        disable_nagle_algorithm = True
        wbufsize = -1

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(method=self.command, path=self.path, headers=dict(self.headers), body=body)
            self.close_connection = True
            gateway.hook(request)(Exchange(request, gateway, self))

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _pass_on  # noqa: N815 - the names of the standard library

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
