"""Random worlds at any point of a release, in any sandbox; the same number is always the same world.

What the clusters cannot have in common is left out: uids, generations, managedFields, fields without a schema, and
routes of the Gateway API, whose status a controller writes.
"""

from __future__ import annotations

import json
import re
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from reconcile.model.kinds import AUTOSCALER, HTTP_ROUTE
from reconcile.model.template_hash import revision
from tests.contract.release import START
from tests.contract.sandboxes import canonical_json
from tests.support.fakes import ref_of
from tests.support.strategies import calm_scene
from tests.support.world import START as DRAWN
from tests.support.world import C, R

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconcile.model.kinds import Manifest
    from tests.contract.release import Release

T = TypeVar("T")

PASSES = 4
# The namespace of a random world, by itself or in a host.
_NAMESPACE = re.compile(r'(?<=[".])test(?=[".])')


def world(number: int) -> Callable[[Release], None]:
    """Returns the scenario of one random world: a few passes over it."""

    def scenario(release: Release) -> None:
        random = Random(number)  # noqa: S311 - the same world everywhere and every time

        def pick(options: Sequence[T]) -> T:
            return random.choice(options)

        scene = calm_scene(pick)
        while any(item["kind"] == HTTP_ROUTE.name for item in scene.manifests):
            scene = calm_scene(pick)
        release.meter.values = {name: value for name, value in scene.values.items() if value is not None}
        release.interval = scene.interval
        _store(release, [_moved(item, release.sandbox.namespace) for item in scene.manifests])
        for _ in range(PASSES):
            release.run()

    return scenario


def _moved(manifest: Manifest, namespace: str) -> Manifest:
    """Returns an object in a namespace, with its times moved to START."""
    moved = _NAMESPACE.sub(namespace, canonical_json(manifest)).replace(f"{DRAWN:%Y-%m}-", f"{START:%Y-%m}-")
    found: Manifest = json.loads(moved)
    found["metadata"] = {key: found["metadata"][key] for key in ("name", "namespace")}
    if found["kind"] == AUTOSCALER.name:
        found["spec"]["minReplicas"] = max(found["spec"]["minReplicas"], 1)  # or it needs a feature gate
    return found


def _store(release: Release, manifests: list[Manifest]) -> None:
    """Stores the objects, then their status."""
    sandbox = release.sandbox
    sandbox.create(*({key: item[key] for key in item if key != "status"} for item in manifests))
    sandbox.settle()
    by_ref = {ref_of(item): item for item in manifests}
    for ref, item in by_ref.items():
        if ref.kind == AUTOSCALER:
            sandbox.write_status(ref, item["status"])
    status = by_ref[release.ref(R)].get("status")
    if status:
        drawn = by_ref[release.ref(C)]["spec"]["template"]
        sandbox.write_status(release.ref(R), _status(status, drawn, release))


def _status(status: Manifest, drawn: Manifest, release: Release) -> Manifest:
    """Returns a status with the revision that the canary's template has in this cluster."""
    here = canonical_json(status).replace(revision(drawn), revision(release.stored(C)["spec"]["template"]))
    known: Any = json.loads(here)
    for name in ("canaryGeneration", "canaryUID", "later"):
        known.pop(name, None)
    for measurement in known.get("measurements", ()):
        measurement["time"] = f"{START:%Y-%m-%dT%H:%M:%SZ}"
    if release.sandbox.without_versions:
        for counted in (known, *known.get("conditions", ())):
            counted.pop("observedGeneration", None)
    return dict(known)
