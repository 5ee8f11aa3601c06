"""What the controllers of a Gateway API route say of its present spec: `status.parents`.

A route in a folder has no generation and no controllers: nothing is awaited of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.model.fields import mappings
from reconcile.model.text import printable, storable

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest

# Without both of them a parent sends no traffic by the route.
_NEEDED = ("Accepted", "ResolvedRefs")
# The controller has not decided yet.
_UNDECIDED = ("Pending",)
_MOST_MESSAGE = 200
_GATEWAY = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}
_IDENTITY = ("group", "kind", "namespace", "name", "sectionName", "port")


def refused(manifest: Manifest) -> str:
    """Returns what a controller refuses of the present generation, in its words; "" = nothing."""
    generation = _generation(manifest)
    found = (
        f"{_parent(reported.get('parentRef'))} ({printable(reported.get('controllerName'))}): {condition.get('type')} "
        f"is {condition.get('status')}, {printable(condition.get('reason'))}{_words(condition)}"
        for reported in _reports(manifest)
        for condition in mappings(reported.get("conditions"))
        if condition.get("type") in _NEEDED
        and condition.get("status") == "False"
        and condition.get("reason") not in _UNDECIDED
        and _is_of(condition, generation)
    )
    return "; ".join(found) if generation is not None else ""


def awaited(manifest: Manifest) -> str:
    """Returns which parents have not taken up the present generation yet, in words; "" = all have, or refuse it."""
    generation = _generation(manifest)
    if generation is None:
        return ""
    namespace = str((manifest.get("metadata") or {}).get("namespace") or "default")
    reports = _reports(manifest)
    missing = [
        _parent(parent)
        for parent in mappings((manifest.get("spec") or {}).get("parentRefs"))
        if not any(
            _same(parent, reported.get("parentRef"), namespace) and _decided(reported, generation)
            for reported in reports
        )
    ]
    return f"{', '.join(missing)} has not taken up generation {generation} yet" if missing else ""


def _decided(reported: Manifest, generation: int) -> bool:
    """Returns whether a controller has decided on all that is needed, for this generation."""
    decided = {
        condition.get("type")
        for condition in mappings(reported.get("conditions"))
        if condition.get("status") in {"True", "False"}
        and condition.get("reason") not in _UNDECIDED
        and _is_of(condition, generation)
    }
    return decided >= {*_NEEDED}


def _reports(manifest: Manifest) -> list[Manifest]:
    status = manifest.get("status")
    return mappings(status.get("parents")) if isinstance(status, dict) else []


def _generation(manifest: Manifest) -> int | None:
    generation = (manifest.get("metadata") or {}).get("generation")
    return generation if isinstance(generation, int) else None


def _is_of(condition: Manifest, generation: int | None) -> bool:
    observed = condition.get("observedGeneration")
    return generation is not None and isinstance(observed, int) and observed >= generation


def _same(parent: Any, other: Any, namespace: str) -> bool:
    """Returns whether two parentRefs mean the same: an absent member is its default."""
    defaults = _GATEWAY | {"namespace": namespace}
    if not isinstance(other, dict):
        return False
    return all((parent.get(key) or defaults.get(key)) == (other.get(key) or defaults.get(key)) for key in _IDENTITY)


def _parent(parent: Any) -> str:
    """Returns a parentRef for people: `Gateway web`, `Gateway web (https)`."""
    fields = parent if isinstance(parent, dict) else {}
    section = f" ({fields['sectionName']})" if fields.get("sectionName") else ""
    return printable(f"{fields.get('kind') or 'Gateway'} {fields.get('name')}{section}")


def _words(condition: Manifest) -> str:
    message = str(condition.get("message") or "").strip()
    return f" ({storable(message, _MOST_MESSAGE)})" if message else ""
