"""Random worlds, at any point of a release, brought onto any stage: drawn by number, and the same for each number.

What the clusters cannot have in common is taken out: ids, generations, who wrote what, and what has no schema.
"""

from __future__ import annotations

import json
import re
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from reconcile.model.kinds import AUTOSCALER
from reconcile.model.template_hash import revision
from tests.contract.release import START
from tests.contract.sandboxes import text
from tests.support.fakes import ref_of
from tests.support.strategies import calm_scene
from tests.support.world import START as DRAWN
from tests.support.world import C, R

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconcile.model.kinds import Manifest
    from tests.contract.release import Play

T = TypeVar("T")

PASSES = 4
# The namespace of a drawn world, by itself or in a host.
_NAMESPACE = re.compile(r'(?<=[".])test(?=[".])')


def world(number: int) -> Callable[[Play], None]:
    """Give the play of one random world: a few passes over it."""

    def play_it(play: Play) -> None:
        random = Random(number)  # noqa: S311 - to have the same world everywhere and every time

        def pick(options: Sequence[T]) -> T:
            return random.choice(options)

        scene = calm_scene(pick)
        play.meter.values = {name: value for name, value in scene.values.items() if value is not None}
        play.interval = scene.interval
        _bring(play, [_placed(item, play.stage.namespace) for item in scene.manifests])
        for _ in range(PASSES):
            play.run()

    return play_it


def _placed(manifest: Manifest, namespace: str) -> Manifest:
    """Put an object into a namespace, and its times to where a play begins."""
    moved = _NAMESPACE.sub(namespace, text(manifest)).replace(f"{DRAWN:%Y-%m}-", f"{START:%Y-%m}-")
    found: Manifest = json.loads(moved)
    found["metadata"] = {key: found["metadata"][key] for key in ("name", "namespace")}
    if found["kind"] == AUTOSCALER.name:
        found["spec"]["minReplicas"] = max(found["spec"]["minReplicas"], 1)  # or it needs a feature gate
    return found


def _bring(play: Play, manifests: list[Manifest]) -> None:
    """Store the objects, then what is known of them."""
    stage = play.stage
    stage.create(*({key: item[key] for key in item if key != "status"} for item in manifests))
    stage.settle()
    by_ref = {ref_of(item): item for item in manifests}
    for ref, item in by_ref.items():
        if ref.kind == AUTOSCALER:
            stage.report(ref, item["status"])
    status = by_ref[play.at(R)].get("status")
    if status:
        drawn = by_ref[play.at(C)]["spec"]["template"]
        stage.report(play.at(R), _known(status, drawn, play))


def _known(status: Manifest, drawn: Manifest, play: Play) -> Manifest:
    """Give a status as it would be here: with the revision that the canary's template has in this cluster."""
    here = text(status).replace(revision(drawn), revision(play.stored(C)["spec"]["template"]))
    known: Any = json.loads(here)
    for name in ("canaryGeneration", "canaryUID", "later"):
        known.pop(name, None)
    for measurement in known.get("measurements", ()):
        measurement["time"] = f"{START:%Y-%m-%dT%H:%M:%SZ}"
    if play.stage.without_versions:
        for counted in (known, *known.get("conditions", ())):
            counted.pop("observedGeneration", None)
    return dict(known)
