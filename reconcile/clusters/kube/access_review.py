"""Which rights the credentials have, by SelfSubjectAccessReviews. The server answers a review and stores nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from reconcile.clusters.kube.call import Call
from reconcile.clusters.kube.connection import WORKERS
from reconcile.model.errors import ClusterError
from reconcile.model.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconcile.clusters.kube.connection import Connection
    from reconcile.model.rights import Right

REVIEW = Kind(
    name="SelfSubjectAccessReview", plural="selfsubjectaccessreviews", group="authorization.k8s.io", versions=("v1",)
)

ScopedRight = tuple["Right", str | None]
"""A right, and the namespace in which it is needed (None = all)."""


def review(connection: Connection, rights: Iterable[ScopedRight]) -> Mapping[ScopedRight, bool | ClusterError]:
    """Returns for each right whether the credentials have it, or the error of its review. Raises nothing."""
    every = tuple(rights)
    with ThreadPoolExecutor(WORKERS) as workers:
        return dict(zip(every, workers.map(partial(_review, connection), every), strict=True))


def _review(connection: Connection, scoped: ScopedRight) -> bool | ClusterError:
    right, namespace = scoped
    attributes = {
        "verb": right.verb,
        "group": right.kind.group,
        "resource": right.kind.plural,
        "subresource": right.subresource,
        "namespace": namespace or "",
    }
    body = {
        "apiVersion": REVIEW.api_version(REVIEW.versions[0]),
        "kind": REVIEW.name,
        "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
    }
    call = Call(verb="create", kind=REVIEW, version=REVIEW.versions[0])
    try:
        response = connection.send(call, None, body, "application/json")
    except ClusterError as error:
        return error
    return (response.get("status") or {}).get("allowed") is True
