"""A live cluster whose routes and Deployments are written as manifests in a Git checkout.

Reads, the status and Events go to the live cluster; patches to the objects that are kept in Git go to the checkout.
Nothing is committed, pushed or applied here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from reconcile.clusters.git.manifest_diff import difference
from reconcile.clusters.git.plan import plan_for_manifests
from reconcile.model.errors import ClusterError, ElsewhereError, PendingError, UsageError
from reconcile.model.kinds import DEPLOYMENT, ROUTE_KINDS
from reconcile.model.ports import Cluster

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from reconcile.model.kinds import Kind, Manifest, Ref, Scope, Version
    from reconcile.model.plan import Event, Patch, Plan

KEPT_IN_GIT = frozenset({DEPLOYMENT, *ROUTE_KINDS.values()})
"""The kinds that a pass writes, but for the Rollout's status."""


class Manifests(Cluster, Protocol):
    """The manifests of a checkout: a cluster without controllers, which one pass at a time writes."""

    def lock(self) -> AbstractContextManager[None]:
        """Keeps every other pass out. Raises ClusterError."""
        ...


class Checkout:
    """`live`, with the objects of KEPT_IN_GIT written to `manifests`; `where` names those in messages."""

    width = 1

    def __init__(self, live: Cluster, manifests: Manifests, where: str) -> None:
        self._live = live
        self._manifests = manifests
        self._where = where
        self._declared: dict[Ref, Manifest] = {}
        self.lock = manifests.lock

    def list(self, kind: Kind, scope: Scope) -> Sequence[Manifest]:
        """Returns the live objects (`ports.Cluster`)."""
        return self._live.list(kind, scope)

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Returns the live objects (`ports.Cluster`); a PendingError for one that differs from its manifest.

        Raises UsageError for a checkout that cannot be read, or that has none of the objects that a pass may write.
        """
        found = dict(self._live.fetch(refs))
        kept = [ref for ref in refs if ref.kind in KEPT_IN_GIT]
        manifests = self._manifests.fetch(kept)
        declared = {ref: item for ref, item in manifests.items() if not isinstance(item, ClusterError)}
        self._declared.update(declared)
        if kept and not self._declared:
            raise UsageError(
                f"{self._where} has no manifest of {', '.join(map(str, sorted(kept)[:3]))}: name the folder with the "
                "plain manifests of this cluster's objects, and the namespace (-n) of those that name none"
            )
        unread = {ref: item for ref, item in manifests.items() if isinstance(item, ClusterError)}
        found |= {ref: item for ref, item in unread.items() if not isinstance(item, ElsewhereError)}
        for ref in kept:
            pending = self._pending(found.get(ref), declared.get(ref))
            if pending:
                found[ref] = PendingError(pending)
        return found

    def unchanged(self, known: Mapping[Ref, Version]) -> Collection[Ref]:
        """Returns nothing: the manifests have to be compared as well (`ports.Cluster`)."""
        del known
        return ()

    def _pending(self, live: Manifest | ClusterError | None, declared: Manifest | None) -> str:
        """Returns why an object must not be written yet; "" for none, or where the pass finds the reason itself."""
        if isinstance(live, ClusterError):
            return ""
        if declared is None:
            return f"it is in the cluster, and not in {self._where}" if live else ""
        if live is None:
            return f"it is in {self._where}, and not in the cluster yet"
        found = difference(declared.get("spec"), live.get("spec"))
        return f"{found}: waiting until the cluster shows what the checkout has" if found else ""

    def adapt(self, plan: Plan) -> Plan:
        """Returns the plan as it is written here. Raises RefusedError where the checkout cannot have its effect."""
        return plan_for_manifests(plan, self._declared)

    def patch(self, patch: Patch) -> None:
        """Writes one JSON patch (`ports.Cluster`): into the manifest, or the status into the live object."""
        (self._manifests if patch.target.kind in KEPT_IN_GIT else self._live).patch(patch)

    def record(self, event: Event, at: datetime) -> None:
        """Stores one Event in the live cluster (`ports.Cluster`)."""
        self._live.record(event, at)
