"""The patches of the moves. Each begins with a `test` on what the decision relied on.

The patch of the status is in `status`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.model.plan import Patch

if TYPE_CHECKING:
    from reconcile.core.case import Case
    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Operation


def weight(case: Case, percent: int) -> tuple[Patch, ...]:
    """Returns a patch for each object whose managed routes do not give the canary this weight."""
    patches = []
    for ref, split in case.weights.splits.items():
        if operations := split.operations(percent):
            route = case.observation.route(ref)
            version = str(route.get("apiVersion") or "")
            patches.append(Patch(target=ref, api_version=version, operations=(*same_generation(route), *operations)))
    return tuple(patches)


def replicas(case: Case, count: int) -> Patch:
    """Returns the patch that scales the canary, if it is still the canary that was observed."""
    canary = case.objects.canary
    tests = [*same_generation(canary.manifest), {"op": "test", "path": "/spec/template", "value": canary.template}]
    if canary.replicas_written:
        tests.append({"op": "test", "path": "/spec/replicas", "value": canary.wanted})
    scale: Operation = {"op": "add", "path": "/spec/replicas", "value": count}
    return Patch(target=canary.ref, api_version=canary.api_version, operations=(*tests, scale))


def template(case: Case) -> tuple[Patch, ...]:
    """Returns the patch that copies the canary's template to the primary; none if the primary has it."""
    found = case.objects
    if found.on_primary:
        return ()
    operations: tuple[Operation, ...] = (
        *same_generation(found.primary.manifest),
        {"op": "test", "path": "/spec/template", "value": found.primary.template},
        {
            "op": "add",
            "path": "/spec/template",
            "value": found.promoted_template,
        },
    )
    return (Patch(target=found.primary.ref, api_version=found.primary.api_version, operations=operations),)


def same_generation(manifest: Manifest) -> list[Operation]:
    """Returns the `test` that the spec was not written since it was read, where the object has a generation.

    The tested values alone do not suffice: they may have been others in between, or stand in a route that was put in
    front. A pass that stood still for long must not write then.
    """
    generation = (manifest.get("metadata") or {}).get("generation")
    return [] if generation is None else [{"op": "test", "path": "/metadata/generation", "value": generation}]
