"""A plan for live objects as a plan for their manifests in Git."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from reconcile.clusters.git.manifest_diff import Difference, difference
from reconcile.clusters.git.strip_defaults import strip_defaults, undeclared_leftover
from reconcile.clusters.json_equality import json_equal
from reconcile.model.errors import PendingError, RefusedError
from reconcile.model.paths import Path, dotted, from_pointer, value_at
from reconcile.model.text import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.plan import Operation, Patch, Plan


def plan_for_manifests(plan: Plan, manifests: Mapping[Ref, Manifest]) -> Plan:
    """Returns the plan with its patches to objects in `manifests` turned into patches to their manifests.

    A status that states what only the manifest has so far is left for the pass that sees it in the cluster. Raises
    PendingError for a change that the manifest has already, and RefusedError where an apply could not have the effect
    of the plan.
    """
    written: list[Patch] = []
    for patch in plan.patches:
        if patch.target in manifests:
            written.append(_for_manifest(patch, manifests[patch.target]))
        elif any(earlier.target in manifests for earlier in written):
            reason = f"{_summary(written[-1])}; the rest follows once the cluster shows it"
            return replace(plan, reason=reason, after=plan.before, patches=tuple(written), events=())
        else:
            written.append(patch)
    return replace(plan, patches=tuple(written))


def _for_manifest(patch: Patch, manifest: Manifest) -> Patch:
    """Returns the patch to a manifest with the effect of a patch to the live object.

    Raises PendingError if the manifest has all of it, RefusedError if an apply would leave something in the object.
    """
    tested = {operation["path"]: operation["value"] for operation in patch.operations if operation["op"] == "test"}
    operations: list[Operation] = []
    leftover: Path | None = None
    changes = False
    for operation in patch.operations:
        path, value = from_pointer(operation["path"]), operation["value"]
        live, declared = tested.get(operation["path"]), value_at(manifest, path)
        if operation["op"] == "test":
            operations += _test(operation, declared, path)
            continue
        wanted = strip_defaults(value, live, declared) if isinstance(value, dict) else value
        operations.append(operation | {"value": wanted})
        changes = changes or not json_equal(declared, wanted)
        leftover = leftover or undeclared_leftover(value, live, declared, path)
    if not changes:
        raise PendingError(_unapplied(patch, tested), patch.target)
    if leftover:
        raise RefusedError(
            f"{patch.target} has {dotted(leftover)} in the cluster, and nobody stated it in the checkout: what is "
            "applied would leave it there; take it away in the cluster, or state it in the checkout",
            patch.target,
        )
    return replace(patch, operations=tuple(operations))


def _test(operation: Operation, declared: Any, path: Path) -> tuple[Operation, ...]:
    """Returns a test of the declared value; the test as it is, to fail, where that is not the live value."""
    if declared is None:
        return ()
    return (operation if difference(declared, operation["value"], path) else operation | {"value": declared},)


def _summary(patch: Patch) -> str:
    last = patch.operations[-1]
    return f"{patch.target} gets {dotted(from_pointer(last['path']))} {shown(last['value'])}"


def _unapplied(patch: Patch, tested: Mapping[str, Any]) -> str:
    """Returns what the cluster has and the checkout no longer has: `difference` has found nothing else."""
    found = (
        difference(tested.get(operation["path"]), operation["value"], from_pointer(operation["path"]))
        for operation in patch.operations
        if operation["op"] != "test"
    )
    extra = next(filter(None, found), None)
    # Here the roles are exchanged: what is tested is live, what is written is declared.
    words = Difference(extra.path, extra.declared, extra.live) if extra else "something is not applied yet"
    return f"{words}: waiting until the cluster shows what the checkout has"
