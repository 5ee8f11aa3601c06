"""A live cluster whose VirtualServices and Deployments are written in a Git checkout, for somebody else to apply.

Duty: `ports.Cluster` over two others. What is read, the status and the Events are the live one's; the patches to the
objects that are kept in Git go there. Committing, pushing and applying is what others do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from reconcile.clusters.git.manifest_diff import difference
from reconcile.clusters.git.plan import delivered
from reconcile.model.errors import ClusterError, PendingError, UsageError
from reconcile.model.kinds import DEPLOYMENT, VIRTUAL_SERVICE
from reconcile.model.ports import Cluster

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from reconcile.model.kinds import Kind, Manifest, Ref, Scope, Version
    from reconcile.model.plan import Event, Patch, Plan

# What a pass writes beside the Rollout's status.
KEPT = frozenset({DEPLOYMENT, VIRTUAL_SERVICE})


class Manifests(Cluster, Protocol):
    """The manifests of a checkout: a cluster that no controller works on, and that one pass at a time writes."""

    def lock(self) -> AbstractContextManager[None]:
        """Keep every other pass out. Raises ClusterError."""
        ...


class Checkout:
    """`live`, with the objects that are kept in `manifests`; `where` is what people call those."""

    width = 1

    def __init__(self, live: Cluster, manifests: Manifests, where: str) -> None:
        self._live = live
        self._manifests = manifests
        self._where = where
        self._stated: dict[Ref, Manifest] = {}
        self.lock = manifests.lock

    def list(self, kind: Kind, scope: Scope) -> Sequence[Manifest]:
        """Give the live objects (`ports.Cluster`)."""
        return self._live.list(kind, scope)

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Give the live objects (`ports.Cluster`); one that is not what the checkout states is a PendingError.

        Raises UsageError for a checkout that cannot be read, or that has none of the objects that a pass may write.
        """
        seen = dict(self._live.fetch(refs))
        kept = [ref for ref in refs if ref.kind in KEPT]
        stated = {ref: item for ref, item in self._manifests.fetch(kept).items() if not isinstance(item, ClusterError)}
        self._stated.update(stated)
        if kept and not self._stated:
            raise UsageError(
                f"{self._where} has no manifest of {', '.join(map(str, sorted(kept)[:3]))}: name the folder with the "
                "plain manifests of this cluster's objects, and the namespace (-n) of those that name none"
            )
        for ref in kept:
            pending = self._pending(seen.get(ref), stated.get(ref))
            if pending:
                seen[ref] = PendingError(pending)
        return seen

    def unchanged(self, known: Mapping[Ref, Version]) -> Collection[Ref]:
        """Give nothing: what the checkout states has to be compared as well (`ports.Cluster`)."""
        del known
        return ()

    def _pending(self, live: Manifest | ClusterError | None, stated: Manifest | None) -> str:
        """Say what keeps an object from being written; "" if nothing does, or if that is for others to say."""
        if isinstance(live, ClusterError):
            return ""
        if stated is None:
            return f"it is in the cluster, and not in {self._where}" if live else ""
        if live is None:
            return f"it is in {self._where}, and not in the cluster yet"
        found = difference(stated.get("spec"), live.get("spec"))
        return f"{found}: waiting until the cluster shows what the checkout has" if found else ""

    def adapt(self, plan: Plan) -> Plan:
        """Give a plan as it is written here. Raises RefusedError where the checkout cannot bring it about."""
        return delivered(plan, self._stated)

    def patch(self, patch: Patch) -> None:
        """Write one JSON patch (`ports.Cluster`): into the manifest, or the status into the live object."""
        (self._manifests if patch.target.kind in KEPT else self._live).patch(patch)

    def record(self, event: Event, at: datetime) -> None:
        """Store one Event in the live cluster (`ports.Cluster`)."""
        self._live.record(event, at)
