"""An API server as the cluster of a pass: what a pass reads and writes, as requests."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from reconcile.clusters.events import event_manifest
from reconcile.clusters.kube import discovery
from reconcile.clusters.kube.call import Call
from reconcile.clusters.kube.connection import TIMEOUT, WORKERS, Connection
from reconcile.clusters.kube.find_access import SERVICE_ACCOUNT, find_access
from reconcile.clusters.kube.read_plan import LARGEST_PAGE, PAGE_SIZE
from reconcile.clusters.kube.reader import Reader
from reconcile.clusters.kube.status_errors import UnservedError
from reconcile.model.errors import LostRaceError, MissingError
from reconcile.model.kinds import EVENT, ROLLOUT, SCALED_OBJECT, Ref, version_of
from reconcile.model.times import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from typing import Self

    from reconcile.clusters.kube.access import Access
    from reconcile.model.errors import ClusterError
    from reconcile.model.kinds import Kind, Manifest, Scope, Version
    from reconcile.model.plan import Event, Patch

FIELD_MANAGER = "steerer"
"""The name in `managedFields`; not `kubectl…`, because Flux reverts the fields of managers with such names."""


def connect(
    config: str | None = None,
    context: str | None = None,
    *,
    timeout: float = TIMEOUT,
    write_params: Mapping[str, str] | None = None,
    page_size: int = PAGE_SIZE,
    environ: Mapping[str, str] = os.environ,
    account: Path = SERVICE_ACCOUNT,
) -> KubeCluster:
    """Returns the cluster of kubectl's --kubeconfig and --context; sends nothing yet.

    The caller closes it, or uses it in a `with`. `write_params` go into the query of every write. Raises UsageError
    for a cluster, a context or credentials that cannot be used.
    """
    access = find_access(config, context, environ, account)
    return KubeCluster(access, timeout=timeout, write_params=write_params or {}, page_size=page_size, environ=environ)


def page_size_for(readers: int) -> int:
    """Returns the objects in a page where so many processes read the same: in larger pages, they ask no more often."""
    return min(readers * PAGE_SIZE, LARGEST_PAGE)


class KubeCluster:
    """`ports.Cluster` on an API server, for up to `width` threads at a time."""

    width = WORKERS

    def __init__(
        self,
        access: Access,
        *,
        timeout: float = TIMEOUT,
        write_params: Mapping[str, str] | None = None,
        page_size: int = PAGE_SIZE,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.default_namespace = access.namespace
        self._write_params = {"fieldManager": FIELD_MANAGER, **(write_params or {})}
        with ExitStack() as stack:
            self.connection = stack.enter_context(Connection(access, timeout, environ))
            self._send = self.connection.send
            workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="kube")
            # A pass that ends early does not wait for responses.
            stack.callback(workers.shutdown, wait=False, cancel_futures=True)
            self._objects = Reader(self.connection, workers, page_size)
            self._metadata = Reader(self.connection, workers, page_size, metadata_only=True)
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
        """Closes connections, ends threads and deletes the files with certificates."""
        self._open.close()

    def list(self, kind: Kind, scope: Scope) -> Sequence[Manifest]:
        """Returns all objects of the kind in the scope (`ports.Cluster`)."""
        # Without the right to list a kind, the server does not say whether it is installed.
        if kind == SCALED_OBJECT and not discovery.has_group(self.connection, kind):
            return []
        try:
            return self._objects.list(kind, scope)
        except UnservedError as error:
            if kind != ROLLOUT:
                return []
            raise MissingError(
                f"the API server {self.server} has no {kind.plural}.{kind.group}: "
                "install the resource first: kubectl apply -f manifests/crd.yaml"
            ) from error

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Returns the objects that exist (`ports.Cluster`)."""
        return self._objects.fetch(refs)

    def unchanged(self, known: Mapping[Ref, Version]) -> Collection[Ref]:
        """Returns the objects whose version is still this one (`ports.Cluster`), by partial object metadata."""
        found = self._metadata.fetch(known.keys())
        return [ref for ref, item in found.items() if isinstance(item, dict) and version_of(item) == known[ref]]

    def patch(self, patch: Patch) -> Callable[[], Manifest]:
        """Writes one JSON patch (`ports.Cluster`)."""
        return self._patch(patch.target, patch.api_version, patch.operations, patch.subresource)

    def record(self, event: Event, at: datetime) -> None:
        """Stores one Event, or raises the `count` of the one with its name (`ports.Cluster`)."""
        try:
            self._create_or_count(event, at)
        except (LostRaceError, MissingError):
            # Between the GET and the PATCH another pass may count, or the Event may expire.
            self._create_or_count(event, at)

    def _create_or_count(self, event: Event, at: datetime) -> None:
        ref = Ref(EVENT, event.rollout.namespace, event.name)
        version = EVENT.versions[0]
        call = Call(verb="create", kind=EVENT, version=version, namespace=ref.namespace)
        try:
            self.connection.write(call, self._write_params, event_manifest(event, at), "application/json")
        except LostRaceError:
            stored = self._send(Call(verb="get", kind=EVENT, version=version, namespace=ref.namespace, name=ref.name))
            count = stored.get("count")
            tests = [{"op": "test", "path": "/count", "value": count}] if count else []
            operations = [
                *tests,
                {"op": "add", "path": "/count", "value": (count or 1) + 1},
                {"op": "add", "path": "/lastTimestamp", "value": timestamp(at)},
            ]
            self._patch(ref, version, operations)

    def _patch(
        self, ref: Ref, api_version: str, operations: Sequence[Mapping[str, Any]], subresource: str = ""
    ) -> Callable[[], Manifest]:
        if not ref.valid:
            raise MissingError(f"not found: no {ref.kind.name} can have the name {ref.name!r} in {ref.namespace!r}")
        call = Call(
            verb="patch",
            kind=ref.kind,
            version=api_version.rpartition("/")[2],
            namespace=ref.namespace,
            name=ref.name,
            subresource=subresource,
            has_test=any(operation.get("op") == "test" for operation in operations),
        )
        return self.connection.write(call, self._write_params, [*operations], "application/json-patch+json")
