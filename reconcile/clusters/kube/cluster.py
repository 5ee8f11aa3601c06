"""A Kubernetes API server as the cluster of a pass, over pykube-ng.

Duty: what a pass reads and writes, as requests. How objects are read is `reader`'s affair, what an answer means
`answers`' word; `connection` sends.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from reconcile.clusters.events import event_manifest
from reconcile.clusters.kube import kubeconfig, read_plan
from reconcile.clusters.kube.connection import TIMEOUT, WORKERS, Connection
from reconcile.clusters.kube.reader import Reader
from reconcile.clusters.kube.responses import Call, UnservedError
from reconcile.model.errors import LostRaceError, MissingError
from reconcile.model.fields import timestamp
from reconcile.model.kinds import EVENT, ROLLOUT, Ref, version_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from typing import Self

    from reconcile.model.errors import ClusterError
    from reconcile.model.kinds import Kind, Manifest, Scope, Version
    from reconcile.model.plan import Event, Patch

FIELD_MANAGER = "steerer"
"""Who `managedFields` says wrote; Flux erases what managers named `kubectl…` write, so this is no such name."""


def connect(
    config: str | None = None,
    context: str | None = None,
    *,
    timeout: float = TIMEOUT,
    write_params: Mapping[str, str] | None = None,
    page: int = read_plan.PAGE,
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
        page: int = read_plan.PAGE,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.default_namespace = access.namespace
        self._write_params = {"fieldManager": FIELD_MANAGER, **(write_params or {})}
        with ExitStack() as stack:
            self.connection = stack.enter_context(Connection(access, timeout, environ))
            self._send = self.connection.send
            workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="kube")
            # Whoever ends early does not want the answers that are still to come.
            stack.callback(workers.shutdown, wait=False, cancel_futures=True)
            self._objects = Reader(self.connection, workers, page)
            self._heads = Reader(self.connection, workers, page, heads=True)
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
        """Give the objects that exist (`ports.Cluster`)."""
        return self._objects.fetch(refs)

    def unchanged(self, known: Mapping[Ref, Version]) -> Collection[Ref]:
        """Give those objects of which the server has these versions still (`ports.Cluster`)."""
        found = self._heads.fetch(known.keys())
        return [ref for ref, head in found.items() if isinstance(head, dict) and version_of(head) == known[ref]]

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
        if not ref.possible:
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
