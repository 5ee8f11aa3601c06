"""Reads the objects of a cluster that may select pods, for `steerer check`. What they mean is in `preflight`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.clusters.kube import discovery
from reconcile.engine.concurrency import map_concurrently
from reconcile.model.errors import ClusterError
from reconcile.model.kinds import Scope
from reconcile.preflight.selectors import PATHS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.clusters.kube.cluster import KubeCluster
    from reconcile.model.kinds import Kind, Manifest
    from reconcile.preflight.findings import Subject


def beside_what_selects_pods(
    cluster: KubeCluster, subjects: Sequence[Subject]
) -> tuple[tuple[Subject, ...], dict[str, ClusterError]]:
    """Returns the Rollouts, each with the objects of its namespace that may select pods.

    Also the kinds that cannot be read, with the first error of each. A kind that is not installed selects nothing.
    """
    namespaces = sorted({subject.case.rollout.ref.namespace for subject in subjects})
    found: dict[str, list[Manifest]] = {namespace: [] for namespace in namespaces}
    unseen: dict[str, ClusterError] = {}

    def read(key: tuple[Kind, str]) -> Sequence[Manifest] | ClusterError:
        kind, namespace = key
        try:
            return cluster.list(kind, Scope(namespace=namespace))
        except ClusterError as error:
            return error

    keys = [(kind, namespace) for kind in _served(cluster) for namespace in namespaces] if namespaces else []
    for (kind, namespace), items in zip(keys, map_concurrently(read, keys, cluster.width), strict=True):
        if isinstance(items, ClusterError):
            unseen.setdefault(kind.name, items)
        else:
            found[namespace] += items
    return tuple(subject.beside(found[subject.case.rollout.ref.namespace]) for subject in subjects), unseen


def _served(cluster: KubeCluster) -> list[Kind]:
    """Returns the kinds that the API server has: otherwise each namespace would be asked for them in vain."""
    return [kind for kind in PATHS if not kind.group or discovery.resources(cluster.connection, kind)]
