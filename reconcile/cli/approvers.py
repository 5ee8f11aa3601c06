"""Asks an API server who may approve a step, for `steerer check`. What it means is in `preflight`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.clusters.kube.access_review import review_of
from reconcile.model.errors import ClusterError
from reconcile.model.kinds import Scope
from reconcile.model.rights import APPROVE
from reconcile.preflight.approval import BINDING, POLICY, approval, need_approval, policies, unseen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconcile.clusters.kube.cluster import KubeCluster
    from reconcile.model.rollout import Rollout
    from reconcile.preflight.findings import Result


def approvals(cluster: KubeCluster, rollouts: Iterable[Rollout]) -> Iterator[Result]:
    """Yields whether somebody may approve, where a Rollout needs that."""
    needing = need_approval(rollouts)
    if not needing:
        return
    try:
        found = policies(cluster.list(POLICY, Scope()), cluster.list(BINDING, Scope()))
        namespaces = sorted({rollout.ref.namespace for rollout in needing})
        asked = dict.fromkeys((who, name) for name in namespaces for policy in found for who in policy.approvers)
        grants = {key: review_of(cluster.connection, key[0], (APPROVE, key[1])) for key in asked}
    except ClusterError as error:
        yield unseen(error)
    else:
        yield approval(needing, found, grants)
