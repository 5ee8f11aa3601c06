"""Many requests to an API server at once, over connections that are kept: what fills a cluster in seconds."""

from __future__ import annotations

import json
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, nullcontext
from http.client import HTTPSConnection
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.components.controlplane import ControlPlane

Item = TypeVar("Item")
THREADS = 6
MERGE = "application/merge-patch+json"


class Sender:
    """Sends as the admin. A requests.Session takes three times as long for one request, of a core that both share."""

    def __init__(self, plane: ControlPlane) -> None:
        url = urlsplit(plane.url)
        self._host, self._port = str(url.hostname), url.port
        self._trust = ssl.create_default_context(cafile=str(plane.certificate))
        self.headers = {"Authorization": f"Bearer {plane.token}", "User-Agent": "bench"}
        self._own = threading.local()

    def send(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        """Send one request and give the object that came back. Raises OSError for any answer but a good one."""
        with nullcontext() if hasattr(self._own, "connection") else self.kept():
            return self._send(self._own.connection, method, path, body, content_type)

    def _send(self, connection: HTTPSConnection, method: str, path: str, body: Any, content_type: str) -> Any:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {**self.headers, "Content-Type": content_type})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise OSError(f"{method} {path}: {answer.status} {content[:500].decode(errors='replace')}")
        return json.loads(content)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Let what this thread sends until the end go over one connection."""
        with closing(self.connection()) as self._own.connection:
            yield
        del self._own.connection

    def connection(self) -> HTTPSConnection:
        """Give a connection of one's own."""
        return HTTPSConnection(self._host, self._port, timeout=60, context=self._trust)

    def create(self, manifest: dict[str, Any]) -> Any:
        """Store a new object, and give it as it is stored."""
        return self.send("POST", collection(manifest), manifest)

    def merge(self, path: str, patch: dict[str, Any]) -> Any:
        """Send a merge patch."""
        return self.send("PATCH", path, patch, MERGE)

    def each(self, act: Callable[[Item], object], items: Iterable[Item]) -> None:
        """Do something with each item, several at a time; what it raises is raised."""
        with ExitStack() as stack:

            def keep() -> None:
                self._own.connection = stack.enter_context(closing(self.connection()))

            with ThreadPoolExecutor(THREADS, initializer=keep) as threads:
                for done in [threads.submit(act, item) for item in items]:
                    done.result()


def collection(manifest: dict[str, Any]) -> str:
    """Give the path below which objects of this kind and namespace are."""
    version, metadata = manifest["apiVersion"], manifest["metadata"]
    where = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{'/api' if version == 'v1' else '/apis'}/{version}{where}/{manifest['kind'].lower()}s"
