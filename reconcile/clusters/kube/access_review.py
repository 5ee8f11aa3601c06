"""What only `steerer check` asks an API server: what the credentials may do, and which kinds are served, how.

Duty: questions to requests beside those of a pass. Nothing is stored: a review is a POST that the server answers and
forgets. What the answers come to is not known here.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from reconcile.clusters.kube.connection import WORKERS
from reconcile.clusters.kube.responses import Call, UnservedError
from reconcile.model.errors import ClusterError, MissingError
from reconcile.model.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconcile.clusters.kube.connection import Connection
    from reconcile.model.rights import Right

REVIEW = Kind(
    name="SelfSubjectAccessReview", plural="selfsubjectaccessreviews", group="authorization.k8s.io", versions=("v1",)
)

Asked = tuple["Right", str | None]


def granted(connection: Connection, asked: Iterable[Asked]) -> Mapping[Asked, bool | ClusterError]:
    """Say of each right in each namespace (None = all) whether the credentials have it; raises nothing."""
    every = tuple(asked)
    with ThreadPoolExecutor(WORKERS) as workers:
        return dict(zip(every, workers.map(partial(_granted, connection), every), strict=True))


def _granted(connection: Connection, asked: Asked) -> bool | ClusterError:
    right, namespace = asked
    wanted = {
        "verb": right.verb,
        "group": right.kind.group,
        "resource": right.kind.plural,
        "subresource": right.subresource,
        "namespace": namespace or "",
    }
    body = {
        "apiVersion": REVIEW.api_version(REVIEW.versions[0]),
        "kind": REVIEW.name,
        "spec": {"resourceAttributes": {key: value for key, value in wanted.items() if value}},
    }
    call = Call(verb="create", kind=REVIEW, version=REVIEW.versions[0])
    try:
        answer = connection.send(call, None, body, "application/json")
    except ClusterError as error:
        return error
    return (answer.get("status") or {}).get("allowed") is True


def resources(connection: Connection, kind: Kind) -> frozenset[str]:
    """Give the resources of a kind's group, in the first version that has the kind: `rollouts`, `rollouts/status`.

    None where no version has it. Raises ClusterError.
    """
    for version in kind.versions:
        path = f"/apis/{kind.api_version(version)}"
        try:
            answer = connection.send(Call(verb="get", kind=kind, version=version, path=path))
        except MissingError:
            continue
        names = frozenset(str(item.get("name")) for item in answer.get("resources") or () if isinstance(item, dict))
        if kind.plural in names:
            return names
    return frozenset()


def status_fields(connection: Connection, kind: Kind) -> frozenset[str] | None:
    """Give the fields of the kind's status that the server's schema has; None where it keeps whatever is written.

    Raises ClusterError.
    """
    version = kind.versions[0]
    path = f"/openapi/v3/apis/{kind.api_version(version)}"
    try:
        answer = connection.send(Call(verb="get", kind=kind, version=version, path=path))
    except UnservedError:  # a server too old for it, or one whose schemas are not put together yet
        return None
    schemas = (answer.get("components") or {}).get("schemas") or {}
    found = [schema for schema in schemas.values() if _is_of(schema, kind)]
    if len(found) != 1:
        return None
    status = (found[0].get("properties") or {}).get("status") or {}
    loose = any(schema.get("x-kubernetes-preserve-unknown-fields") for schema in (found[0], status))
    return None if loose else frozenset(status.get("properties") or ())


def _is_of(schema: Any, kind: Kind) -> bool:
    names = schema.get("x-kubernetes-group-version-kind") if isinstance(schema, dict) else None
    wanted = {"group": kind.group, "kind": kind.name, "version": kind.versions[0]}
    return isinstance(names, list) and wanted in names
