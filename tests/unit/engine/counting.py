"""A cluster in memory that keeps its reads, and Rollouts in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.engine.observe import observe
from reconcile.engine.selection import Selection
from tests.support.fakes import MemoryCluster
from tests.support.world import rollout, world

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconcile.model.errors import ClusterError
    from reconcile.model.kinds import Kind, Manifest, Ref, Scope


class Counting(MemoryCluster):
    """A cluster that keeps what is read of it. A test may refuse a LIST by kind or by namespace."""

    def __init__(self, *manifests: Manifest) -> None:
        super().__init__(manifests)
        self.listed: list[tuple[str, str | None]] = []
        self.fetched: list[list[Ref]] = []
        self.unlisted: dict[Kind, ClusterError] = {}
        self.unlisted_namespaces: dict[str | None, ClusterError] = {}

    def list(self, kind: Kind, scope: Scope) -> list[Manifest]:
        """Keeps the scope, then refuses or lists."""
        self.listed.append((kind.name, scope.namespace))
        if error := self.unlisted.get(kind) or self.unlisted_namespaces.get(scope.namespace):
            raise error
        return super().list(kind, scope)

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Keeps the names, then fetches."""
        self.fetched.append(sorted(refs))
        return super().fetch(refs)


def named(name: str, **metadata: Any) -> Manifest:
    return rollout() | {"metadata": {"name": name, "namespace": "test"} | metadata}


def objects_at_rest() -> dict[Ref, Manifest]:
    """Returns the objects at the end of a release."""
    play = world(stepWeight=50)
    play.until("Succeeded")
    return play.cluster.objects


def names(cluster: MemoryCluster, **selection: Any) -> list[str]:
    return [item.rollout.ref.name for item in observe(cluster, Selection(**selection)).observations]
