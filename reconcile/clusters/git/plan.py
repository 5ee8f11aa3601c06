"""A plan that was made for live objects, as one for their manifests in Git.

Duty: **pure**: which patches go there, what they are there, and how much of a plan can be made before somebody has
applied them. Nothing here reads or writes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconcile.clusters.folder.yaml_documents import same
from reconcile.clusters.git.manifest_diff import Difference, Path, difference, dotted, member, parts
from reconcile.clusters.git.strip_defaults import lean, left_over
from reconcile.core.state_machine import Move
from reconcile.model.errors import PendingError, RefusedError
from reconcile.model.text import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.plan import Operation, Patch, Plan


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
    rest: Path | None = None
    changes = False
    for operation in patch.operations:
        path, value = parts(operation["path"]), operation["value"]
        live, stated = tested.get(operation["path"]), member(manifest, path)
        if operation["op"] == "test":
            operations += _test(operation, stated, path)
            continue
        wanted = lean(value, live, stated) if isinstance(value, dict) else value
        operations.append(operation | {"value": wanted})
        changes = changes or not same(stated, wanted)
        rest = rest or left_over(value, live, stated, path)
    if not changes:
        raise PendingError(_unapplied(patch, tested))
    if rest:
        raise RefusedError(
            f"{patch.target} has {dotted(rest)} in the cluster, and nobody stated it in the checkout: what is applied "
            "would leave it there; take it away in the cluster, or state it in the checkout"
        )
    return replace(patch, operations=tuple(operations))


def _test(operation: Operation, stated: Any, path: Path) -> tuple[Operation, ...]:
    """Test what the manifest states; where that is not what was relied on, the test stays as it is, to fail."""
    if stated is None:
        return ()
    return (operation if difference(stated, operation["value"], path) else operation | {"value": stated},)


def _told(patch: Patch) -> str:
    last = patch.operations[-1]
    return f"{patch.target} gets {dotted(parts(last['path']))} {shown(last['value'])}"


def _unapplied(patch: Patch, tested: Mapping[str, Any]) -> str:
    """Say what the cluster has and the checkout has no more: anything else would have been seen before."""
    found = (
        difference(tested.get(operation["path"]), operation["value"], parts(operation["path"]))
        for operation in patch.operations
        if operation["op"] != "test"
    )
    extra = next(filter(None, found), None)
    told = Difference(extra.path, extra.stated, extra.live) if extra else "something is not applied yet"
    return f"{told}: waiting until the cluster shows what the checkout has"
