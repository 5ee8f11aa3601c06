"""Reading many objects of an API server: pages, the version that is served, and what else to ask where one fails.

Duty: how the requests of `reading` are sent and followed. What they bring is whole objects, or only their metadata.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from reconcile.clusters.kube import read_plan, responses
from reconcile.clusters.kube.responses import Call, CredentialsError, ExpiredError, UnservedError
from reconcile.model.errors import ClusterError, ForbiddenError, MissingError, UnreachableError
from reconcile.model.kinds import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from concurrent.futures import Executor

    from reconcile.clusters.kube.connection import Connection
    from reconcile.model.kinds import Kind, Manifest, Ref

LOG = logging.getLogger("steerer.kube")

T = TypeVar("T")


class Reader:
    """Reads objects over a connection, in pages of `page`, several requests at a time.

    `heads`: of each object only `apiVersion`, `kind` and `metadata` are needed.
    """

    def __init__(self, connection: Connection, workers: Executor, page: int, *, heads: bool = False) -> None:
        self._send = connection.send
        self._heads = heads
        self._server = connection.server
        self._workers = workers
        self._page = page
        self._served: dict[Kind, str] = {}
        self._probing: dict[Kind, threading.Lock] = defaultdict(threading.Lock)

    def list(self, kind: Kind, scope: Scope) -> Sequence[Manifest]:
        """Give all objects of the kind in the scope, in order. Raises ClusterError; UnservedError for no such kind."""
        found: dict[tuple[str, str], Manifest] = {}
        for page in self._pages(kind, scope):
            if page.fresh:
                found.clear()
            found.update((_key(item), item) for item in page.items)
        return [found[key] for key in sorted(found)]

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Give the objects that exist, in as few requests as `reading` finds (`ports.Cluster`)."""
        found: dict[Ref, Manifest | ClusterError] = {}
        unserved: set[Kind] = set()
        wanted = read_plan.reading(refs, self._page)
        while wanted:
            read = partial(self._read, unserved=unserved)
            parts = [read(wanted[0])] if len(wanted) == 1 else [*self._workers.map(read, wanted)]
            for part in parts:
                found.update(part.found)
            wanted = tuple(request for part in parts for request in part.instead)
        return found

    def _read(self, request: read_plan.Request, unserved: set[Kind]) -> _Part:
        """Send one of the requests of `fetch`; every error becomes the answer for the objects that it was for."""
        refs = (request.ref,) if isinstance(request, read_plan.Get) else request.refs
        kind = refs[0].kind
        if kind in unserved:
            return _Part()
        try:
            return self._get(request.ref) if isinstance(request, read_plan.Get) else self._search(request)
        except UnservedError:
            unserved.add(kind)
            return _Part()
        except MissingError:
            return _Part()
        except ClusterError as error:
            return _Part(dict.fromkeys(refs, error))

    def _get(self, ref: Ref) -> _Part:
        def ask(version: str) -> Manifest:
            return self._send(
                Call(
                    verb="get",
                    kind=ref.kind,
                    version=version,
                    namespace=ref.namespace,
                    name=ref.name,
                    heads=self._heads,
                )
            )

        _, manifest = self._served_version(ref.kind, ask)
        return _Part({ref: manifest})

    def _search(self, request: read_plan.List) -> _Part:
        """Look for objects in the pages of a LIST, for as long as that is the cheapest way to them."""
        missing = {(ref.namespace, ref.name): ref for ref in request.refs}
        found: dict[Ref, Manifest | ClusterError] = {}
        try:
            pages = self._pages(
                request.kind, Scope(namespace=request.namespace), read_plan.first_page(request, self._page)
            )
            for read, page in enumerate(pages, start=1):
                for item in page.items:
                    if ref := missing.pop(_key(item), None):
                        found[ref] = item
                if not missing or not page.more:
                    break
                if not read_plan.worth_following(request, missing.values(), page.remaining, read, self._page):
                    return _Part(found, read_plan.narrower(request, missing.values()))
        except (UnservedError, CredentialsError):
            raise
        except ForbiddenError as error:
            # A Role may allow a namespace but not the cluster, or `get` but not `list`.
            if request.namespace is not None:
                LOG.warning("%s; the %d objects are read one by one instead", error, len(missing))
            return _Part(found, read_plan.narrower(request, missing.values()))
        except ClusterError as error:
            found.update(dict.fromkeys(missing.values(), error))
        return _Part(found)

    def _pages(self, kind: Kind, scope: Scope, first: int | None = None) -> Iterator[_Page]:
        """Give a LIST page by page, with as many objects on the `first` one; one that expires begins anew.

        At last without pages.
        """
        for limit in (first or self._page, self._page, None):
            try:
                yield from self._pages_once(kind, scope, limit)
            except ExpiredError:
                if limit is None:
                    raise
            else:
                return

    def _pages_once(self, kind: Kind, scope: Scope, limit: int | None) -> Iterator[_Page]:
        params = {"limit": str(limit)} if limit else {}
        if scope.fields:
            params["fieldSelector"] = ",".join(
                f"{key}={_escaped(value)}" for key, value in sorted(scope.fields.items())
            )

        def ask(version: str, token: str = "") -> _Page:
            call = Call(verb="list", kind=kind, version=version, namespace=scope.namespace, heads=self._heads)
            answer = self._send(call, {**params, **({"continue": token} if token else {})})
            meta = answer.get("metadata") or {}
            return _Page(responses.items(call, answer), str(meta.get("continue") or ""), meta.get("remainingItemCount"))

        version, page = self._served_version(kind, ask)
        page.fresh = True
        yield page
        while token := page.more:
            params |= {"limit": str(self._page)} if limit else {}
            page = ask(version, token)
            if page.more == token:
                raise UnreachableError(f"cannot list {kind.plural}: the server gives the same page again and again")
            yield page

    def _served_version(self, kind: Kind, ask: Callable[[str], T]) -> tuple[str, T]:
        """Ask in the version that the server is known to serve; where that is not known yet, find out which it is."""
        if kind not in self._served and len(kind.versions) > 1:
            with self._probing[kind]:
                # One thread at a time: those that waited for it know by then.
                if kind not in self._served:
                    return self._probe(kind, ask)
        version = self._served.get(kind, kind.versions[0])
        try:
            return version, ask(version)
        except UnservedError:
            if len(kind.versions) == 1:
                raise
        # The API has been upgraded or removed since.
        self._served.pop(kind, None)
        return self._probe(kind, ask)

    def _probe(self, kind: Kind, ask: Callable[[str], T]) -> tuple[str, T]:
        for version in kind.versions:
            try:
                answer = ask(version)
            except UnservedError:
                continue
            except MissingError:
                self._served[kind] = version
                raise
            self._served[kind] = version
            return version, answer
        raise UnservedError(f"the API server {self._server} has no {kind.plural}.{kind.group}")


@dataclass(slots=True)
class _Page:
    """One page of a LIST: `more` is the token of the next, `remaining` what is to come, `fresh` = begun anew."""

    items: Sequence[Manifest]
    more: str
    remaining: int | None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """What one request of `fetch` brought, and what to ask instead for the rest."""

    found: Mapping[Ref, Manifest | ClusterError] = field(default_factory=dict)
    instead: tuple[read_plan.Request, ...] = ()


def _key(manifest: Manifest) -> tuple[str, str]:
    meta = manifest.get("metadata") or {}
    return str(meta.get("namespace") or ""), str(meta.get("name") or "")


def _escaped(value: str) -> str:
    """Write a value of a field selector; these three characters would end it."""
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")
