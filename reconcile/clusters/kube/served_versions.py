"""Which version of a kind the API server serves, found by the first request for the kind."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

from reconcile.clusters.kube.status_errors import UnservedError
from reconcile.model.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.model.kinds import Kind

T = TypeVar("T")


class ServedVersions:
    """The versions that `server` is known to serve, by kind; for several threads."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._served: dict[Kind, str] = {}
        self._probing: dict[Kind, threading.Lock] = defaultdict(threading.Lock)

    def send(self, kind: Kind, request: Callable[[str], T]) -> tuple[str, T]:
        """Sends `request` in the version that is served; returns the version and what `request` returns.

        Raises UnservedError where no version is served.
        """
        if kind not in self._served and len(kind.versions) > 1:
            with self._probing[kind]:
                # The threads that waited here find the version of the first one.
                if kind not in self._served:
                    return self._probe(kind, request)
        version = self._served.get(kind, kind.versions[0])
        try:
            return version, request(version)
        except UnservedError:
            if len(kind.versions) == 1:
                raise
        # The API has been upgraded or removed since.
        self._served.pop(kind, None)
        return self._probe(kind, request)

    def _probe(self, kind: Kind, request: Callable[[str], T]) -> tuple[str, T]:
        for version in kind.versions:
            try:
                response = request(version)
            except UnservedError:
                continue
            except MissingError:
                self._served[kind] = version
                raise
            self._served[kind] = version
            return version, response
        raise UnservedError(f"the API server {self._server} has no {kind.plural}.{kind.group}")
