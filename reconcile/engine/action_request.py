"""Asks for an action on one Rollout: finds it and its canary's revision, and makes the patch of its annotations.

What a pass makes of an annotation is not here: that is `reconcile.core`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconcile.core.revision import refreshed
from reconcile.engine.listing import list_manifests
from reconcile.model import objects, rollout_manifest
from reconcile.model.errors import ClusterError, InvalidObjectError, MissingError, RefusedError, UsageError
from reconcile.model.kinds import DEPLOYMENT, Ref
from reconcile.model.plan import Patch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconcile.engine.selection import Selection
    from reconcile.model.actions import Action
    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Operation
    from reconcile.model.ports import Cluster
    from reconcile.model.rollout import Rollout


class Found(Struct, frozen=True, kw_only=True):
    """One Rollout as it was read."""

    manifest: Manifest
    rollout: Rollout

    @property
    def annotations(self) -> dict[str, Any]:
        """Its annotations; empty where it has none."""
        stored = self.manifest["metadata"].get("annotations")
        return stored if isinstance(stored, dict) else {}


def find(cluster: Cluster, selection: Selection) -> Found:
    """Returns the Rollout that a selection of one name means. Raises UsageError for none or several, ClusterError."""
    [name] = selection.names
    manifests, errors = list_manifests(cluster, selection)
    found = [item for item in manifests if item["metadata"]["name"] == name]
    if errors:
        raise errors[0]
    if not found:
        raise UsageError(f"no Rollout {name} in {selection}")
    if len(found) > 1:
        namespaces = ", ".join(str(item["metadata"].get("namespace")) for item in found)
        raise UsageError(f"there are several Rollouts {name} (in the namespaces {namespaces}): name one of them by -n")
    return Found(manifest=found[0], rollout=rollout_manifest.parse(found[0]))


def revision_meant(cluster: Cluster, rollout: Rollout, expected: str = "") -> str:
    """Returns the revision that the canary has.

    Raises RefusedError where it is not the `expected` one, and ClusterError for a canary that cannot be read. The rest
    of the Rollout may be invalid.
    """
    canary = _canary(cluster, rollout)
    state = refreshed(rollout.state, canary)
    # After an upgrade of the server the revision on record may be another name of the same template.
    names = {canary.revision} | ({rollout.state.canary_revision} if state.canary_revision == canary.revision else set())
    if expected and expected not in names:
        raise RefusedError(
            f"{canary.ref} has moved on: it has revision {canary.revision}, and not {expected}; nothing was written"
        )
    return canary.revision


def _canary(cluster: Cluster, rollout: Rollout) -> objects.Deployment:
    name = rollout.draft.canary
    if not name:
        raise RefusedError(f"{rollout.ref} names no canary: spec.canary.name has to be the name of a Deployment")
    ref = Ref(DEPLOYMENT, rollout.ref.namespace, name)
    found = cluster.fetch([ref]).get(ref)
    if found is None:
        raise MissingError(f"{ref} is missing, which {rollout.ref} names as its canary: there is no revision to name")
    if isinstance(found, ClusterError):
        raise found
    try:
        return objects.deployment(found)
    except InvalidObjectError as error:
        raise RefusedError(f"{ref} cannot be used: {error}") from error


def annotate(found: Found, wanted: Mapping[Action, str | None]) -> Patch | None:
    """Returns the patch that gives annotations these values (None = removes them); None where they have them.

    It begins with a `test` on all annotations as they were read. Where there are none, a `test` cannot say so: then the
    whole object has to be the one that was read.
    """
    stored = found.annotations
    changes = {key.annotation: value for key, value in wanted.items() if stored.get(key.annotation) != value}
    if not changes:
        return None
    metadata = found.manifest["metadata"]
    if stored:
        operations = [_test("annotations", stored), *(_change(key, value) for key, value in changes.items())]
    else:
        version = metadata.get("resourceVersion")
        added = {"op": "add", "path": "/metadata/annotations", "value": changes}
        operations = [*([_test("resourceVersion", version)] if version else []), added]
    same_object = [_test(key, metadata[key]) for key in ("uid", "generation") if metadata.get(key) is not None]
    return Patch(
        target=found.rollout.ref,
        api_version=found.rollout.api_version,
        operations=(*same_object, *operations),
    )


def _test(key: str, value: Any) -> Operation:
    return {"op": "test", "path": f"/metadata/{key}", "value": value}


def _change(key: str, value: str | None) -> Operation:
    path = "/metadata/annotations/" + key.replace("~", "~0").replace("/", "~1")
    return {"op": "remove", "path": path} if value is None else {"op": "add", "path": path, "value": value}
