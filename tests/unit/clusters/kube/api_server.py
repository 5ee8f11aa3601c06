"""An API server on 127.0.0.1 whose responses a test chooses, and the cluster that is connected to it."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from reconcile.clusters.kube.access import Access
from reconcile.clusters.kube.cluster import KubeCluster
from reconcile.model.kinds import DEPLOYMENT, Kind, Ref
from reconcile.model.plan import Patch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET = "s3cr3t-t0ken"  # noqa: S105  made up, to look for it in messages
PATCH = Patch(target=Ref(DEPLOYMENT, "test", "a"), api_version="apps/v1", operations=())


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Reply:
    """One response. A `body` that is no bytes is sent as JSON; with `drip` a byte at a time, so many seconds apart.

    `length` is what Content-Length claims.
    """

    status: int = 200
    body: Any = field(default_factory=dict)
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    drip: float = 0


class ApiServer:
    """Answers each request with `answer`, and keeps the requests."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answer: Callable[[Request], Reply] = lambda _: Reply()
        self._over = threading.Event()
        self._server = _server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        """Stops the server; its port refuses connections from then on."""
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait(self, seconds: float) -> None:
        """Waits, at most until the server is closed."""
        self._over.wait(seconds)

    @property
    def lines(self) -> list[str]:
        """Method and path of each request."""
        return [f"{request.method} {request.path}" for request in self.requests]


def _server(api: ApiServer) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body are two small packets: with Nagle's algorithm the second waits 40 ms.
        disable_nagle_algorithm = True

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = dict(parse_qsl(url.query))
            headers = dict(self.headers)
            request = Request(self.command, url.path, query, headers, json.loads(body) if body else None)
            api.requests.append(request)
            self.reply(api.answer(request))

        def reply(self, reply: Reply) -> None:
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(body) if reply.length is None else reply.length))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            pieces = [body[n : n + 1] for n in range(len(body))] if reply.drip else [body]
            for piece in pieces:
                self.wfile.write(piece)
                if reply.drip:
                    api.wait(reply.drip)
            if reply.length is not None:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 64
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Prints nothing: some clients of these tests hang up."""

    return Server(("127.0.0.1", 0), Handler)


def cluster_at(url: str, **options: Any) -> KubeCluster:
    access = Access(source="a test", cluster={"server": url}, user={"token": SECRET}, namespace="test")
    return KubeCluster(access, **{"timeout": 10.0, "environ": {}, **options})


def status(code: int, message: str = "", **details: Any) -> Reply:
    """A `Status`, as the API server sends it for an error."""
    body = {"kind": "Status", "apiVersion": "v1", "code": code, "message": message, "details": details}
    return Reply(code, body)


def unserved() -> Reply:
    """The response to a kind, or a version of one, that the server does not have."""
    return Reply(404, b"404 page not found\n", "text/plain; charset=utf-8")


def not_found(request: Request) -> Reply:
    """The response to a GET of an object that does not exist."""
    return status(404, "not found", name=request.path.rpartition("/")[2])


def refs_to(kind: Kind, *names: str, namespace: str = "test") -> list[Ref]:
    return [Ref(kind, namespace, name) for name in names]


def manifest(name: str, namespace: str = "test") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}}


def plugin_user(folder: Path, script: str) -> dict[str, Any]:
    """A user whose credential plug-in is a shell script."""
    path = folder / "login"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"exec": {"command": str(path), "apiVersion": "client.authentication.k8s.io/v1"}}


class PagedStore:
    """Deployments, paged as an API server pages them."""

    def __init__(self, *manifests: dict[str, Any], tells_remaining: bool = True) -> None:
        self._manifests = sorted(manifests, key=lambda item: (item["metadata"]["namespace"], item["metadata"]["name"]))
        self._tells_remaining = tells_remaining

    def __call__(self, request: Request) -> Reply:
        """Answers a GET or a LIST."""
        parts = request.path.split("/namespaces/")[-1].split("/") if "/namespaces/" in request.path else []
        if len(parts) == 3:
            wanted = {"namespace": parts[0], "name": parts[2]}
            found = [item for item in self._manifests if item["metadata"].items() >= wanted.items()]
            return Reply(body={"kind": "Deployment"} | found[0]) if found else not_found(request)
        listed = [item for item in self._manifests if not parts or item["metadata"]["namespace"] == parts[0]]
        start, limit = int(request.query.get("continue", 0)), int(request.query.get("limit", len(listed)))
        page, remaining = listed[start : start + limit], len(listed) - start - limit
        meta: dict[str, Any] = {"resourceVersion": "1"}
        if remaining > 0:
            meta["continue"] = str(start + limit)
            if self._tells_remaining:
                meta["remainingItemCount"] = remaining
        return Reply(body={"kind": "List", "metadata": meta, "items": page})
