"""A cluster in memory that counts its reads, and Rollouts in it."""

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
    """A cluster that counts what it is asked, and may refuse to list a kind."""

    def __init__(self, *manifests: Manifest) -> None:
        super().__init__(manifests)
        self.listed: list[tuple[str, str | None]] = []
        self.fetched: list[list[Ref]] = []
        self.unlisted: dict[Kind, ClusterError] = {}
        self.unlisted_namespaces: dict[str | None, ClusterError] = {}

    def list(self, kind: Kind, scope: Scope) -> list[Manifest]:
        """Count, refuse or list."""
        self.listed.append((kind.name, scope.namespace))
        if error := self.unlisted.get(kind) or self.unlisted_namespaces.get(scope.namespace):
            raise error
        return super().list(kind, scope)

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Count and fetch."""
        self.fetched.append(sorted(refs))
        return super().fetch(refs)


def named(name: str, **metadata: Any) -> Manifest:
    return rollout() | {"metadata": {"name": name, "namespace": "test"} | metadata}


def ended() -> dict[Ref, Manifest]:
    """Play a release to its end, and give what is there then."""
    play = world(stepWeight=50)
    play.until("Succeeded")
    return play.cluster.objects


def names(cluster: MemoryCluster, **selection: Any) -> list[str]:
    return [item.rollout.ref.name for item in observe(cluster, Selection(**selection)).observations]
