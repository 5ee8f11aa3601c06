"""The Deployment controller, as far as a release sees it: every Deployment is rolled out as soon as it is written.

600 Deployments that start pods all at once would keep two cores busy for longer than the passes between them, and the
question here is what steerer asks for, not how fast pods start; tests/apiserver plays releases on the real one.
"""

from __future__ import annotations

import contextlib
import json
import threading
from typing import TYPE_CHECKING, Any, Self

from tests.bench.objects import HEALTHY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.sender import Sender

_PATH = "/apis/apps/v1/deployments"
_WATCH = 2  # seconds
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")


def rolled_out(deployment: dict[str, Any]) -> dict[str, Any]:
    """Give the status that says so."""
    counts = dict.fromkeys(_COUNTS, deployment["spec"]["replicas"])
    return {**HEALTHY, **counts, "observedGeneration": deployment["metadata"]["generation"]}


class Controller:
    """Watches between `with` and its end, which raises what went wrong."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._ended = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            with self._sender.kept():
                self._follow()
        except Exception as error:  # noqa: BLE001 (whatever it is, whoever waits for a Deployment has to hear of it)
            self._failure = error

    def _follow(self) -> None:
        while not self._ended.is_set():
            listed = self._sender.send("GET", _PATH)
            for item in listed["items"]:
                self._report(item)
            self._watch(listed["metadata"]["resourceVersion"])

    def _watch(self, version: str) -> None:
        """Follow what changes, by watches so short that the end is noticed, until the server forgets the version."""
        while not self._ended.is_set():
            for event in self._changes(version):
                if event["type"] == "ERROR":
                    return
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    self._report(event["object"])

    def _changes(self, version: str) -> Iterator[dict[str, Any]]:
        with contextlib.closing(self._sender.connection()) as connection:
            query = f"watch=1&allowWatchBookmarks=true&timeoutSeconds={_WATCH}&resourceVersion={version}"
            connection.request("GET", f"{_PATH}?{query}", headers=self._sender.headers)
            yield from map(json.loads, connection.getresponse())

    def _report(self, deployment: dict[str, Any]) -> None:
        metadata = deployment["metadata"]
        if deployment.get("status", {}).get("observedGeneration") == metadata["generation"]:
            return
        path = f"{_PATH.replace('/v1/', '/v1/namespaces/' + metadata['namespace'] + '/')}/{metadata['name']}"
        self._sender.merge(f"{path}/status", {"status": rolled_out(deployment)})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure
