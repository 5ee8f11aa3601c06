"""A parsed object as the API server would return it: its name, its namespace, whether selectors match."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.model.errors import RefusedError
from reconcile.model.kinds import KINDS, ROLLOUT, SCALED_OBJECT, Ref
from reconcile.model.names import is_object_name
from reconcile.model.text import shown

if TYPE_CHECKING:
    from reconcile.clusters.folder.parsed_file import ParsedObject
    from reconcile.model.kinds import Kind, Manifest, Scope

# A dump has these of the object that it was dumped from; in a folder nothing updates them (SPEC 4, 9).
SERVER_FIELDS = ("resourceVersion", "uid")
_KINDS = {**KINDS, SCALED_OBJECT.name: SCALED_OBJECT}


def ref_to(item: ParsedObject, default_namespace: str) -> Ref | None:
    """Returns the name of an object; None for a kind that no pass reads. Raises RefusedError without a valid name."""
    manifest = item.typed
    kind = _KINDS.get(str(manifest.get("kind")))
    if kind is None or not kind.matches(manifest):
        return None
    return _ref(kind, manifest, default_namespace)


def _ref(kind: Kind, manifest: Manifest, default_namespace: str) -> Ref:
    metadata = manifest.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name, namespace = metadata.get("name"), metadata.get("namespace")
    namespace = default_namespace if namespace is None or namespace == "" else namespace
    if not (isinstance(name, str) and name):
        raise RefusedError(f"a {kind.name} without a metadata.name that is a string")
    for key, value in (("name", name), ("namespace", namespace)):
        # A Rollout with an impossible name halts alone: it must not stop the other Rollouts.
        if not (is_object_name(value) or (kind == ROLLOUT and isinstance(value, str))):
            raise RefusedError(f"{kind.name} {shown(name)}: no object has a metadata.{key} like {shown(value)}")
    return Ref(kind, namespace, name)


def meant_by(ref: Ref, item: ParsedObject, default_namespace: str) -> str:
    """Returns what is wrong with an object that people may mean by a name that no object has; "" for any other.

    It is in another namespace or API group, or `name.namespace` was written for its name.
    """
    manifest = item.typed
    metadata = manifest.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name, namespace = metadata.get("name"), metadata.get("namespace") or default_namespace
    if manifest.get("kind") != ref.kind.name or name not in {ref.name, ref.name.partition(".")[0]} - {""}:
        return ""
    faults = (
        (namespace != ref.namespace, f"be in namespace {ref.namespace}"),
        (not ref.kind.matches(manifest), f"be of the API group {ref.kind.group or 'core'}"),
        (name != ref.name, "be named by its name alone"),
    )
    wanted = " and ".join(words for wrong, words in faults if wrong)
    return f"it has to {wanted}, unlike {name}.{namespace} of {manifest.get('apiVersion')}" if wanted else ""


def title(item: ParsedObject) -> str:
    """Returns the kind and the name of any object, for people."""
    metadata = item.manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{item.typed.get('kind')} {name}"


def as_served(item: ParsedObject, default_namespace: str) -> Manifest:
    """Returns an object as the API would: with its kind and namespace, without SERVER_FIELDS."""
    metadata = {key: value for key, value in item.manifest["metadata"].items() if key not in SERVER_FIELDS}
    return item.typed | {"metadata": metadata | {"namespace": metadata.get("namespace") or default_namespace}}


def matches(manifest: Manifest, scope: Scope) -> bool:
    """Returns whether the selectors of a scope match; an absent field is "", as in the API, and so is a label here."""
    labels = (manifest.get("metadata") or {}).get("labels")
    labels = labels if isinstance(labels, dict) else {}
    fields = all(_text_at(manifest, path) == wanted for path, wanted in scope.fields.items())
    return fields and all(labels.get(key) == wanted for key, wanted in scope.labels.items())


def _text_at(value: Any, path: str) -> str:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
