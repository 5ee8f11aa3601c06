"""Converts between the world as a value and the manifests that the program reads and writes.

It decides nothing and checks nothing.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from reconcile.model.template_hash import revision
from reconcile.model.times import timestamp
from tests.explorer import statuses
from tests.explorer.clock import LONG_AGO, time
from tests.explorer.specs import SPECS
from tests.explorer.state import ANY, NOBODY, UNMANAGED
from tests.explorer.statuses import GENERATION
from tests.support import gateway_routes
from tests.support import world as builders

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest
    from tests.explorer.clock import Past
    from tests.explorer.state import Asked, World
    from tests.explorer.statuses import Notes

GITOPS = "argocd-controller"

# The names of the pod templates in stories, with image and annotations.
TEMPLATES: tuple[tuple[str, str, Manifest], ...] = (
    ("1.0", "1.0", {}),
    ("1.1", "1.1", {}),
    ("1.1 restarted", "1.1", {"kubectl.kubernetes.io/restartedAt": "today"}),
    ("1.0 mended", "1.0-mended", {}),
)
MENDED = 3
"""The template that a person gives the primary in an emergency; no canary has it."""
VERSION = {False: "7", True: "8"}


@cache
def deployment(
    ref: str, template: int, size: int, health: str, *, moved: bool = False, by: int = NOBODY, past: Past = (0, 0)
) -> Manifest:
    """Builds the primary ("P") or the canary ("C"), with the status for its health."""
    name = {"P": "podinfo", "C": "podinfo-canary"}[ref]
    _, image, annotations = TEMPLATES[template]
    manifest = builders.deployment(name, image, size)
    if annotations:
        manifest["spec"]["template"]["metadata"]["annotations"] = annotations
    if health == "paused":
        manifest["spec"]["paused"] = True
    generation = GENERATION[ref] + moved
    manifest["metadata"] |= {"uid": f"uid-{ref}", "generation": generation, "resourceVersion": VERSION[moved]}
    writer, at = (GITOPS, timestamp(time(by, past))) if by else ("kubectl", LONG_AGO)
    manifest["metadata"]["managedFields"] = [_entry(writer, at, "template")]
    counts = {"scaling": 1 if size == 0 else size - 1}.get(health, size)
    manifest["status"] = {
        "observedGeneration": generation - (health == "rolling"),
        "replicas": counts,
        "updatedReplicas": counts,
        "availableReplicas": 0 if health == "broken" else counts,
    }
    return manifest


def _entry(manager: str, at: str, owned: str) -> Manifest:
    return {"manager": manager, "operation": "Update", "time": at, "fieldsV1": {"f:spec": {f"f:{owned}": {}}}}


@cache
def virtual_service(routes: tuple[int, ...], routed: int, past: Past, *, moved: bool) -> Manifest:
    """Builds the VirtualService."""
    http: list[Manifest] = []
    for weight in routes:
        ends = [builders.destination("podinfo", 100 - max(weight, 0))]
        if weight != UNMANAGED:
            ends.append(builders.destination("podinfo-canary", weight))
        http.append({"route": ends})
    manifest = builders.virtual_service()
    manifest["spec"]["http"] = http
    writer, at = (GITOPS, timestamp(time(routed, past))) if routed else ("kubectl", LONG_AGO)
    manifest["metadata"] |= {
        "generation": GENERATION["V"] + moved,
        "resourceVersion": VERSION[moved],
        "managedFields": [_entry(writer, at, "http")],
    }
    return manifest


@cache
def http_route(weight: int, by: int, past: Past, *, moved: bool) -> Manifest:
    """Builds the HTTPRoute; its controller has taken up whatever is stored."""
    manifest = gateway_routes.http_route(gateway_routes.rule(weight))
    writer, at = (GITOPS, timestamp(time(by, past))) if by else ("kubectl", LONG_AGO)
    manifest["metadata"] |= {
        "generation": GENERATION["H"] + moved,
        "resourceVersion": VERSION[moved],
        "managedFields": [_entry(writer, at, "rules")],
    }
    return manifest | {"status": gateway_routes.said(manifest, GENERATION["H"] + 1)}


@cache
def scaler(state: str) -> list[Manifest]:
    """Builds the canary's autoscaler: "none", "resting" or "moving"."""
    return [] if state == "none" else [builders.autoscaler("podinfo-canary", 1, 2 if state == "moving" else 1, least=1)]


REVISIONS = [
    revision(deployment("C", index, 1, "ok", moved=False)["spec"]["template"]) for index in range(len(TEMPLATES))
]
_NAMES = {name: index for index, name in enumerate(REVISIONS)}


def template_of(ref: str, manifest: Manifest) -> int:
    """Returns the index of a Deployment's pod template. Raises LookupError for an unknown one."""
    template = manifest["spec"]["template"]
    for index in range(len(TEMPLATES)):
        if deployment(ref, index, 1, "ok", moved=False)["spec"]["template"] == template:
            return index
    raise LookupError(f"{ref} has a pod template that is nobody's: {json.dumps(template)}")


def without_annotations(template: int) -> str:
    """Returns what a template is without what a restart changes: its image."""
    return TEMPLATES[template][1]


def template_named(name: str) -> int:
    """Returns the index of a template by its revision; -1 = none."""
    return _NAMES.get(name, -1)


def rollout(world: World, notes: Notes, moved: frozenset[str] = frozenset()) -> Manifest:
    """Builds the Rollout as a pass knows it that read it before `moved`."""
    wanted, status = SPECS[world.spec], world.status
    generation = GENERATION["R"] + ("spec" in moved)
    metrics = [
        {"name": builders.SUCCESS, "threshold": 99, "interval": "1m"},
        {"name": builders.DURATION, "threshold": 500, "observe": True},
    ]
    steps = {"maxWeight": wanted.most, "stepWeight": wanted.step, "metrics": metrics}
    manifest = builders.rollout(**(steps | dict(wanted.more)))
    if world.http.weight != UNMANAGED:
        del manifest["spec"]["virtualService"]
        kinds = ("VirtualService", "HTTPRoute")
        manifest["spec"]["routes"] = [{"kind": kind, "name": "podinfo"} for kind in kinds]
    manifest["metadata"] |= {"uid": "uid-R", "generation": generation, "resourceVersion": VERSION["R" in moved]}
    for one in world.asked:
        if one.action == "suspend":
            manifest["spec"]["suspend"] = True
        else:
            manifest["metadata"].setdefault("annotations", {})[f"apps.weave.works/{one.action}"] = _value(one)
    if status is not None:
        manifest["status"] = statuses.fields(status, world.past, notes, generation, GENERATION["C"] + ("C" in moved))
    return manifest


def _value(asked: Asked) -> str:
    about = "*" if asked.template == ANY else REVISIONS[asked.template]
    return f"{about}/{asked.argument}" if asked.argument else about


def all_of(world: World, notes: Notes) -> list[Manifest]:
    """Builds all manifests of a world, as a pass that begins now reads them."""
    letters = "PCVR" if world.http.weight == UNMANAGED else "PCVHR"
    objects = [one(world, letter, notes) for letter in letters]
    return [*objects, *SERVICES, *scaler(world.scaler), *second(world.elsewhere)]


SERVICES = (builders.service("podinfo"), builders.service("podinfo-canary"))


@cache
def second(weight: int) -> list[Manifest]:
    """Builds a Rollout on the same Deployments that is younger (by its name), and its VirtualService; none for -1."""
    if weight < 0:
        return []
    rollout = builders.rollout()
    rollout["metadata"] = builders.meta("second")
    rollout["spec"]["virtualService"] = {"name": "gateway"}
    split = builders.virtual_service(weight) | {"metadata": builders.meta("gateway")}
    return [rollout, split]


def one(world: World, letter: str, notes: Notes, moved: frozenset[str] = frozenset()) -> Manifest:
    """Builds the object of a letter (P, C, V, R), as a pass knows it that began before `moved`."""
    if letter == "V":
        return virtual_service(world.routes, world.routed, world.past, moved="V" in moved)
    if letter == "H":
        return http_route(*world.http, world.past, moved="H" in moved)
    if letter == "R":
        return rollout(world, notes, moved)
    if letter == "C":
        return deployment("C", *world.canary, moved="C" in moved)
    template, health, by = world.primary
    return deployment("P", template, 0 if health == "zero" else 2, health, moved="P" in moved, by=by, past=world.past)
