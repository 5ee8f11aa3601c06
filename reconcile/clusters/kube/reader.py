"""Objects read from an API server: all of a scope, or many by name in few requests."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct, field

from reconcile.clusters.kube import read_plan
from reconcile.clusters.kube.call import Call
from reconcile.clusters.kube.pages import PagedLists
from reconcile.clusters.kube.served_versions import ServedVersions
from reconcile.clusters.kube.status_errors import CredentialsError, UnservedError
from reconcile.model.errors import ClusterError, ForbiddenError, MissingError
from reconcile.model.kinds import Scope

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from concurrent.futures import Executor

    from reconcile.clusters.kube.connection import Connection
    from reconcile.model.kinds import Kind, Manifest, Ref

LOG = logging.getLogger("steerer.kube")


class Reader:
    """Reads objects over a connection, with several requests at a time.

    `metadata_only`: of each object only `apiVersion`, `kind` and `metadata` are read.
    """

    def __init__(
        self, connection: Connection, workers: Executor, page_size: int, *, metadata_only: bool = False
    ) -> None:
        self._send = connection.send
        self._workers = workers
        self._page_size = page_size
        self._metadata_only = metadata_only
        self._versions = ServedVersions(connection.server)
        self._lists = PagedLists(connection, self._versions, page_size, metadata_only=metadata_only)

    def list(self, kind: Kind, scope: Scope) -> Sequence[Manifest]:
        """Returns all objects of the kind in the scope, sorted. Raises ClusterError, UnservedError for no such kind."""
        found: dict[tuple[str, str], Manifest] = {}
        for page in self._lists.pages(kind, scope):
            if page.is_first:
                found.clear()
            found.update((_key(item), item) for item in page.items)
        return [found[key] for key in sorted(found)]

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Returns the objects that exist (`ports.Cluster`), read by the requests of `read_plan`."""
        found: dict[Ref, Manifest | ClusterError] = {}
        unserved: set[Kind] = set()
        requests = read_plan.plan_requests(refs, self._page_size)
        while requests:
            read = partial(self._read, unserved=unserved)
            results = [read(requests[0])] if len(requests) == 1 else [*self._workers.map(read, requests)]
            for result in results:
                found.update(result.found)
            requests = tuple(request for result in results for request in result.fallback)
        return found

    def _read(self, request: read_plan.Request, unserved: set[Kind]) -> _Result:
        """Sends one request of `fetch`; an error is the result of all objects that the request was for."""
        refs = (request.ref,) if isinstance(request, read_plan.Get) else request.refs
        kind = refs[0].kind
        if kind in unserved:
            return _Result(dict.fromkeys(refs, _not_installed(kind)))
        try:
            return self._get(request.ref) if isinstance(request, read_plan.Get) else self._search(request)
        except UnservedError:
            unserved.add(kind)
            return _Result(dict.fromkeys(refs, _not_installed(kind)))
        except MissingError:
            return _Result()
        except ClusterError as error:
            return _Result(dict.fromkeys(refs, error))

    def _get(self, ref: Ref) -> _Result:
        def request(version: str) -> Manifest:
            call = Call(
                verb="get",
                kind=ref.kind,
                version=version,
                namespace=ref.namespace,
                name=ref.name,
                metadata_only=self._metadata_only,
            )
            return self._send(call)

        _, manifest = self._versions.send(ref.kind, request)
        return _Result({ref: manifest})

    def _search(self, request: read_plan.List) -> _Result:
        """Looks for objects in the pages of a LIST, as long as that costs the fewest requests."""
        missing = {(ref.namespace, ref.name): ref for ref in request.refs}
        found: dict[Ref, Manifest | ClusterError] = {}
        first_page_size = read_plan.first_page_size(request, self._page_size)
        pages = self._lists.pages(request.kind, Scope(namespace=request.namespace), first_page_size)
        try:
            for count, page in enumerate(pages, start=1):
                for item in page.items:
                    if ref := missing.pop(_key(item), None):
                        found[ref] = item
                if not missing or not page.next_token:
                    break
                rest = missing.values()
                if not read_plan.next_page_is_cheaper(request, rest, page.remaining, count, self._page_size):
                    return _Result(found, read_plan.fallback(request, rest))
        except (UnservedError, CredentialsError):
            raise
        except ForbiddenError as error:
            # A Role may allow a namespace but not the cluster, or `get` but not `list`.
            if request.namespace is not None:
                LOG.warning("%s; the %d objects are read one by one instead", error, len(missing))
            return _Result(found, read_plan.fallback(request, missing.values()))
        except ClusterError as error:
            found.update(dict.fromkeys(missing.values(), error))
        return _Result(found)


class _Result(Struct, frozen=True):
    """What one request of `fetch` brought, and the requests for the rest."""

    found: Mapping[Ref, Manifest | ClusterError] = field(default_factory=dict)
    fallback: tuple[read_plan.Request, ...] = ()


def _not_installed(kind: Kind) -> MissingError:
    return MissingError(f"the API server has no {kind.plural}.{kind.group}: install its CustomResourceDefinition")


def _key(manifest: Manifest) -> tuple[str, str]:
    meta = manifest.get("metadata") or {}
    return str(meta.get("namespace") or ""), str(meta.get("name") or "")
