"""A Kubernetes API server as the cluster of a pass, over pykube-ng.

Duty: what a pass reads and writes, as requests. How many objects are read at once is `reading`'s choice, what an
answer means `answers`' word; `connection` sends.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from reconcile.clusters import answers, kubeconfig, reading
from reconcile.clusters.answers import Call, CredentialsError, ExpiredError, UnservedError
from reconcile.clusters.connection import TIMEOUT, WORKERS, Connection
from reconcile.clusters.events import event_manifest
from reconcile.errors import ClusterError, ForbiddenError, LostRaceError, MissingError, UnreachableError
from reconcile.fields import timestamp
from reconcile.ports import EVENT, ROLLOUT, Ref, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from typing import Self

    from reconcile.plan import Event, Patch
    from reconcile.ports import Kind, Manifest

LOG = logging.getLogger("steerer.kube")

FIELD_MANAGER = "steerer"
"""Who `managedFields` says wrote; Flux erases what managers named `kubectl…` write, so this is no such name."""

T = TypeVar("T")


def connect(
    config: str | None = None,
    context: str | None = None,
    *,
    timeout: float = TIMEOUT,
    write_params: Mapping[str, str] | None = None,
    page: int = reading.PAGE,
    environ: Mapping[str, str] = os.environ,
    account: Path = kubeconfig.SERVICE_ACCOUNT,
) -> KubeCluster:
    """Find the API server and the credentials; nothing is sent yet. Close what this gives, or use it in a `with`.

    `config` and `context` are what kubectl calls --kubeconfig and --context; `write_params` go into the query of every
    write. Raises UsageError for a cluster, a context or credentials that cannot be used.
    """
    access = kubeconfig.find(config, context, environ, account)
    return KubeCluster(access, timeout=timeout, write_params=write_params or {}, page=page, environ=environ)


class KubeCluster:
    """`ports.Cluster` on an API server; for up to `width` threads at a time."""

    width = WORKERS

    def __init__(
        self,
        access: kubeconfig.Access,
        *,
        timeout: float = TIMEOUT,
        write_params: Mapping[str, str] | None = None,
        page: int = reading.PAGE,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.default_namespace = access.namespace
        self._page = page
        self._write_params = {"fieldManager": FIELD_MANAGER, **(write_params or {})}
        self._served: dict[Kind, str] = {}
        self._probing: dict[Kind, threading.Lock] = defaultdict(threading.Lock)
        with ExitStack() as stack:
            self.connection = stack.enter_context(Connection(access, timeout, environ))
            self._send = self.connection.send
            self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="kube")
            # Whoever ends early does not want the answers that are still to come.
            stack.callback(self._workers.shutdown, wait=False, cancel_futures=True)
            self._open = stack.pop_all()

    @property
    def server(self) -> str:
        """The URL of the API server, without userinfo."""
        return self.connection.server

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of connections, threads and the files that held certificates."""
        self._open.close()

    def list(self, kind: Kind, scope: Scope) -> Sequence[Manifest]:
        """Give all objects of the kind in the scope (`ports.Cluster`)."""
        found: dict[tuple[str, str], Manifest] = {}
        try:
            for page in self._pages(kind, scope):
                if page.fresh:
                    found.clear()
                found.update((_key(item), item) for item in page.items)
        except UnservedError as error:
            if kind == ROLLOUT:
                raise MissingError(
                    f"the API server {self.server} has no {kind.plural}.{kind.group}: "
                    "install the resource first: kubectl apply -f manifests/crd.yaml"
                ) from error
        return [found[key] for key in sorted(found)]

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Give the objects that exist, in as few requests as `reading` finds (`ports.Cluster`)."""
        found: dict[Ref, Manifest | ClusterError] = {}
        unserved: set[Kind] = set()
        wanted = reading.reading(refs, self._page)
        while wanted:
            read = partial(self._read, unserved=unserved)
            parts = [read(wanted[0])] if len(wanted) == 1 else [*self._workers.map(read, wanted)]
            for part in parts:
                found.update(part.found)
            wanted = tuple(request for part in parts for request in part.instead)
        return found

    def patch(self, patch: Patch) -> None:
        """Write one JSON patch (`ports.Cluster`)."""
        self._patch(patch.target, patch.api_version, patch.operations, patch.subresource)

    def record(self, event: Event, at: datetime) -> None:
        """Store one Event, or count it if its name is there already (`ports.Cluster`)."""
        for last in (False, True):
            try:
                self._store(event, at)
            except (LostRaceError, MissingError):
                # Between the two requests of a count, somebody else may count, or the Event may expire.
                if last:
                    raise
            else:
                return

    def _store(self, event: Event, at: datetime) -> None:
        ref = Ref(EVENT, event.rollout.namespace, event.name)
        version = EVENT.versions[0]
        call = Call(verb="create", kind=EVENT, version=version, namespace=ref.namespace)
        try:
            self._send(call, self._write_params, event_manifest(event, at), "application/json")
        except LostRaceError:
            stored = self._send(Call(verb="get", kind=EVENT, version=version, namespace=ref.namespace, name=ref.name))
            count = stored.get("count")
            known = [{"op": "test", "path": "/count", "value": count}] if count else []
            operations = [
                *known,
                {"op": "add", "path": "/count", "value": (count or 1) + 1},
                {"op": "add", "path": "/lastTimestamp", "value": timestamp(at)},
            ]
            self._patch(ref, version, operations)

    def _patch(
        self, ref: Ref, api_version: str, operations: Sequence[Mapping[str, Any]], subresource: str = ""
    ) -> None:
        if not reading.possible(ref):
            raise MissingError(f"not found: no {ref.kind.name} can have the name {ref.name!r} in {ref.namespace!r}")
        call = Call(
            verb="patch",
            kind=ref.kind,
            version=api_version.rpartition("/")[2],
            namespace=ref.namespace,
            name=ref.name,
            subresource=subresource,
            tested=any(operation.get("op") == "test" for operation in operations),
        )
        self._send(call, self._write_params, [*operations], "application/json-patch+json")

    def _read(self, request: reading.Request, unserved: set[Kind]) -> _Part:
        """Send one of the requests of `fetch`; every error becomes the answer for the objects that it was for."""
        refs = (request.ref,) if isinstance(request, reading.Get) else request.refs
        kind = refs[0].kind
        if kind in unserved:
            return _Part()
        try:
            return self._get(request.ref) if isinstance(request, reading.Get) else self._search(request)
        except UnservedError:
            unserved.add(kind)
            return _Part()
        except MissingError:
            return _Part()
        except ClusterError as error:
            return _Part(dict.fromkeys(refs, error))

    def _get(self, ref: Ref) -> _Part:
        def ask(version: str) -> Manifest:
            return self._send(Call(verb="get", kind=ref.kind, version=version, namespace=ref.namespace, name=ref.name))

        _, manifest = self._served_version(ref.kind, ask)
        return _Part({ref: manifest})

    def _search(self, request: reading.List) -> _Part:
        """Look for objects in the pages of a LIST, for as long as that is the cheapest way to them."""
        missing = {(ref.namespace, ref.name): ref for ref in request.refs}
        found: dict[Ref, Manifest | ClusterError] = {}
        try:
            for read, page in enumerate(self._pages(request.kind, Scope(namespace=request.namespace)), start=1):
                for item in page.items:
                    if ref := missing.pop(_key(item), None):
                        found[ref] = item
                if not missing or not page.more:
                    break
                if not reading.worth_following(request, missing.values(), page.remaining, read, self._page):
                    return _Part(found, reading.narrower(request, missing.values()))
        except (UnservedError, CredentialsError):
            raise
        except ForbiddenError as error:
            # A Role may allow a namespace but not the cluster, or `get` but not `list`.
            if request.namespace is not None:
                LOG.warning("%s; the %d objects are read one by one instead", error, len(missing))
            return _Part(found, reading.narrower(request, missing.values()))
        except ClusterError as error:
            found.update(dict.fromkeys(missing.values(), error))
        return _Part(found)

    def _pages(self, kind: Kind, scope: Scope) -> Iterator[_Page]:
        """Give a LIST page by page; one that expires meanwhile begins anew, at last without pages."""
        for limit in (self._page, self._page, None):
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
            call = Call(verb="list", kind=kind, version=version, namespace=scope.namespace)
            answer = self._send(call, {**params, **({"continue": token} if token else {})})
            meta = answer.get("metadata") or {}
            return _Page(answers.items(call, answer), str(meta.get("continue") or ""), meta.get("remainingItemCount"))

        version, page = self._served_version(kind, ask)
        page.fresh = True
        yield page
        while token := page.more:
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
        raise UnservedError(f"the API server {self.server} has no {kind.plural}.{kind.group}")


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
    instead: tuple[reading.Request, ...] = ()


def _key(manifest: Manifest) -> tuple[str, str]:
    meta = manifest.get("metadata") or {}
    return str(meta.get("namespace") or ""), str(meta.get("name") or "")


def _escaped(value: str) -> str:
    """Write a value of a field selector; these three characters would end it."""
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")
