"""Which resources the API server serves, and the fields of their schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.clusters.kube.call import Call
from reconcile.clusters.kube.status_errors import UnservedError
from reconcile.model.errors import MissingError

if TYPE_CHECKING:
    from reconcile.clusters.kube.connection import Connection
    from reconcile.model.kinds import Kind


def resources(connection: Connection, kind: Kind) -> frozenset[str]:
    """Returns the resources of a kind's group, such as `rollouts` and `rollouts/status`.

    They are those of the first version that has the kind; none where no version has it. Raises ClusterError.
    """
    for version in kind.versions:
        path = f"/apis/{kind.api_version(version)}"
        try:
            response = connection.send(Call(verb="get", kind=kind, version=version, path=path))
        except MissingError:
            continue
        names = frozenset(str(item.get("name")) for item in response.get("resources") or () if isinstance(item, dict))
        if kind.plural in names:
            return names
    return frozenset()


def has_group(connection: Connection, kind: Kind) -> bool:
    """Returns whether the API server has the group of a kind, which may not be installed. Raises ClusterError."""
    response = connection.send(Call(verb="get", kind=kind, version=kind.versions[0], path="/apis/"))
    return kind.group in {item.get("name") for item in response.get("groups") or () if isinstance(item, dict)}


def status_fields(connection: Connection, kind: Kind) -> frozenset[str] | None:
    """Returns the fields of the kind's status in the server's schema; None where it keeps unknown fields.

    Raises ClusterError.
    """
    version = kind.versions[0]
    path = f"/openapi/v3/apis/{kind.api_version(version)}"
    try:
        response = connection.send(Call(verb="get", kind=kind, version=version, path=path))
    except UnservedError:  # an old server, or one that has not built its schemas yet
        return None
    schemas = (response.get("components") or {}).get("schemas") or {}
    found = [schema for schema in schemas.values() if _is_of(schema, kind)]
    if len(found) != 1:
        return None
    status = (found[0].get("properties") or {}).get("status") or {}
    keeps_unknown = any(schema.get("x-kubernetes-preserve-unknown-fields") for schema in (found[0], status))
    return None if keeps_unknown else frozenset(status.get("properties") or ())


def _is_of(schema: Any, kind: Kind) -> bool:
    names = schema.get("x-kubernetes-group-version-kind") if isinstance(schema, dict) else None
    wanted = {"group": kind.group, "kind": kind.name, "version": kind.versions[0]}
    return isinstance(names, list) and wanted in names
