"""A plan that was made for live objects, as one for their manifests in Git.

Duty: **pure**: which patches go there, what they are there, and how much of a plan can be made before somebody has
applied them. Nothing here reads or writes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconcile.clusters.documents import same
from reconcile.clusters.lean import lean, left_over
from reconcile.clusters.stated import Difference, Path, difference, dotted, member, parts
from reconcile.errors import PendingError, RefusedError
from reconcile.fields import shown
from reconcile.steps import Move

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconcile.plan import Operation, Patch, Plan
    from reconcile.ports import Manifest, Ref


def delivered(plan: Plan, manifests: Mapping[Ref, Manifest]) -> Plan:
    """Give the plan as it is written: its patches to objects with a manifest are patches to those.

    A status that would claim what only the manifest has so far is left for the pass that sees it in the cluster. A
    plan that the manifest already has is one to wait for. Raises RefusedError where an apply could not bring it about.
    """
    written: list[Patch] = []
    for patch in plan.patches:
        if patch.target in manifests:
            try:
                written.append(_adapted(patch, manifests[patch.target]))
            except PendingError as pending:
                reason = f"{patch.target}: {pending}"
                return replace(plan, move=Move.WAIT.value, reason=reason, after=plan.before, patches=(), events=())
        elif any(earlier.target in manifests for earlier in written):
            reason = f"{_told(written[-1])}; the rest follows once the cluster shows it"
            return replace(plan, reason=reason, after=plan.before, patches=tuple(written), events=())
        else:
            written.append(patch)
    return replace(plan, patches=tuple(written))


def _adapted(patch: Patch, manifest: Manifest) -> Patch:
    """Give the patch that does to a manifest what this one does to the live object."""
    tested = {operation["path"]: operation["value"] for operation in patch.operations if operation["op"] == "test"}
    operations: list[Operation] = []
    for operation in patch.operations:
        path = parts(operation["path"])
        stated = member(manifest, path)
        if operation["op"] == "test":
            operations += _test(operation, stated, path)
        else:
            live = tested.get(operation["path"])
            operations.append(operation | {"value": _value(patch, path, operation["value"], live, stated)})
    writes = [operation for operation in operations if operation["op"] != "test"]
    if all(same(member(manifest, parts(operation["path"])), operation["value"]) for operation in writes):
        raise PendingError(_unapplied(patch, tested))
    return replace(patch, operations=tuple(operations))


def _test(operation: Operation, stated: Any, path: Path) -> tuple[Operation, ...]:
    """Test what the manifest states; where that is not what was relied on, the test stays as it is, to fail."""
    if stated is None:
        return ()
    return (operation if difference(stated, operation["value"], path) else operation | {"value": stated},)


def _value(patch: Patch, path: Path, new: Any, live: Any, stated: Any) -> Any:
    if not isinstance(new, dict):
        return new
    if rest := left_over(new, live, stated, path):
        raise RefusedError(
            f"{patch.target} has {dotted(rest)} in the cluster, and nobody stated it in the checkout: what is applied "
            "would leave it there; take it away in the cluster, or state it in the checkout"
        )
    return lean(new, live, stated)


def _told(patch: Patch) -> str:
    last = patch.operations[-1]
    return f"{patch.target} gets {dotted(parts(last['path']))} {shown(last['value'])}"


def _unapplied(patch: Patch, tested: Mapping[str, Any]) -> str:
    """Say what the cluster has and the checkout has no more: anything else would have been seen before."""
    for operation in patch.operations:
        live, path = tested.get(operation["path"]), parts(operation["path"])
        if operation["op"] != "test" and (found := difference(live, operation["value"], path)):
            return f"{Difference(path=found.path, live=found.stated, stated=found.live)}"
    return "the checkout has what the cluster does not show"
