"""Which rights the credentials have, or somebody else, by SelfSubjectAccessReviews and SubjectAccessReviews.

The server answers a review and stores nothing.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from reconcile.clusters.kube.call import Call
from reconcile.clusters.kube.connection import WORKERS
from reconcile.model.errors import ClusterError
from reconcile.model.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconcile.clusters.kube.connection import Connection
    from reconcile.model.rights import Right, Subject

REVIEW = Kind(
    name="SelfSubjectAccessReview", plural="selfsubjectaccessreviews", group="authorization.k8s.io", versions=("v1",)
)
REVIEW_OF = Kind(
    name="SubjectAccessReview", plural="subjectaccessreviews", group="authorization.k8s.io", versions=("v1",)
)

ScopedRight = tuple["Right", str | None]
"""A right, and the namespace in which it is needed (None = all)."""


def review(connection: Connection, rights: Iterable[ScopedRight]) -> Mapping[ScopedRight, bool | ClusterError]:
    """Returns for each right whether the credentials have it, or the error of its review. Raises nothing."""
    every = tuple(rights)
    with ThreadPoolExecutor(WORKERS) as workers:
        return dict(zip(every, workers.map(partial(_review, connection), every), strict=True))


def _review(connection: Connection, scoped: ScopedRight) -> bool | ClusterError:
    try:
        return _allowed(connection, REVIEW, scoped, {})
    except ClusterError as error:
        return error


def review_of(connection: Connection, subject: Subject, scoped: ScopedRight) -> bool:
    """Returns whether somebody else has a right. Raises ClusterError, also where the credentials may not ask."""
    groups = {"groups": [*subject.groups, "system:authenticated"]}
    return _allowed(connection, REVIEW_OF, scoped, groups | ({"user": subject.user} if subject.user else {}))


def _allowed(connection: Connection, kind: Kind, scoped: ScopedRight, subject: dict[str, Any]) -> bool:
    right, namespace = scoped
    attributes = {
        "verb": right.verb,
        "group": right.kind.group,
        "resource": right.kind.plural,
        "subresource": right.subresource,
        "namespace": namespace or "",
    }
    body = {
        "apiVersion": kind.api_version(kind.versions[0]),
        "kind": kind.name,
        "spec": subject | {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
    }
    call = Call(verb="create", kind=kind, version=kind.versions[0])
    response = connection.send(call, None, body, "application/json")
    return (response.get("status") or {}).get("allowed") is True
