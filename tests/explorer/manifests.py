"""Converts between the world as a value and the manifests that the program reads and writes.

It decides nothing and checks nothing.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from reconcile.model.template_hash import revision
from reconcile.model.times import timestamp
from tests.explorer.state import NOBODY, PRESENT, UNMANAGED, Status, World
from tests.support import world as builders

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
LONG_AGO = "2020-01-01T00:00:00Z"
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
# maxWeight and stepWeight by the name of a spec.
SPECS = {"by 60": (100, 60), "up to 60": (60, 60), "all at once": (100, 100), "invalid": (100, 0)}
GENERATION = {"R": 5, "V": 10, "P": 10, "C": 10}
VERSION = {False: "7", True: "8"}


@cache
def time(rank: int, old: int) -> datetime:
    """Returns a time for a rank: in the same order, and older than the interval for old ranks."""
    if rank == PRESENT:
        return NOW
    return NOW + timedelta(seconds=rank - (100_000 if rank <= old else 40))


@cache
def _times(old: int) -> dict[str, int]:
    return {timestamp(time(rank, old)): rank for rank in range(1, 16)}


@cache
def deployment(
    ref: str, template: int, size: int, health: str, *, moved: bool = False, by: int = NOBODY, old: int = 0
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
    writer, at = (GITOPS, timestamp(time(by, old))) if by else ("kubectl", LONG_AGO)
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
def virtual_service(routes: tuple[int, ...], routed: int, old: int, *, moved: bool) -> Manifest:
    """Builds the VirtualService."""
    http: list[Manifest] = []
    for weight in routes:
        ends = [builders.destination("podinfo", 100 - max(weight, 0))]
        if weight != UNMANAGED:
            ends.append(builders.destination("podinfo-canary", weight))
        http.append({"route": ends})
    manifest = builders.virtual_service()
    manifest["spec"]["http"] = http
    writer, at = (GITOPS, timestamp(time(routed, old))) if routed else ("kubectl", LONG_AGO)
    manifest["metadata"] |= {
        "generation": GENERATION["V"] + moved,
        "resourceVersion": VERSION[moved],
        "managedFields": [_entry(writer, at, "http")],
    }
    return manifest


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


class Notes:
    """Conditions and measurements, by number. Their times are constant: no decision depends on them."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, status: Manifest) -> int:
        """Returns the number for the conditions and measurements of a status."""
        noted = timeless({key: status[key] for key in ("conditions", "measurements") if key in status})
        for condition in noted.get("conditions", ()):
            condition.pop("observedGeneration", None)
        text = json.dumps(noted, sort_keys=True)
        if text not in self._numbers:
            self._numbers[text] = len(self._texts)
            self._texts.append(text)
        return self._numbers[text]

    def fields(self, number: int, generation: int) -> Manifest:
        """Returns the conditions and measurements of a number."""
        noted: Manifest = json.loads(self._texts[number])
        for condition in noted.get("conditions", ()):
            condition["observedGeneration"] = generation
        return noted


def timeless(value: Any) -> Any:
    """Returns a copy with the times of conditions and measurements set to a constant, at any depth."""
    if isinstance(value, dict):
        return {
            key: LONG_AGO
            if key in {"lastTransitionTime", "time"} and ("type" in value or "verdict" in value)
            else timeless(member)
            for key, member in value.items()
        }
    return [timeless(item) for item in value] if isinstance(value, list) else value


def rollout(spec: str, status: Status | None, old: int, notes: Notes, moved: frozenset[str] = frozenset()) -> Manifest:
    """Builds the Rollout as a pass knows it that read it before `moved`."""
    most, step = SPECS[spec]
    generation = GENERATION["R"] + ("spec" in moved)
    metrics = [{"name": builders.SUCCESS, "threshold": 99, "interval": "1m"}]
    manifest = builders.rollout(maxWeight=most, stepWeight=step, metrics=metrics)
    manifest["metadata"] |= {"uid": "uid-R", "generation": generation, "resourceVersion": VERSION["R" in moved]}
    if status is not None:
        manifest["status"] = _status(status, old, notes, generation, GENERATION["C"] + ("C" in moved))
    return manifest


def _status(status: Status, old: int, notes: Notes, generation: int, canary: int) -> Manifest:
    seen = {"same": generation, "older": generation - 1}.get(status.seen)
    fields = {
        "phase": status.phase,
        "canaryRevision": status.revision,
        "canaryGeneration": {"same": canary, "older": canary - 1}.get(status.generation),
        "canaryUID": "uid-C" if status.generation else None,
        "promotedRevision": status.promoted,
        "canaryWeight": status.weight,
        "provenWeight": status.proven,
        "primaryRevision": status.primary,
        "canaryReplicas": status.replicas,
        "lastAdvanceTime": timestamp(time(status.advanced, old)) if status.advanced else None,
        "lastTransitionTime": timestamp(time(status.entered, old)) if status.entered else None,
        "observedGeneration": seen,
    }
    stored = {key: value for key, value in fields.items() if value not in {None, ""}}
    return stored | notes.fields(status.notes, seen or 0)


def status_of(manifest: Manifest, old: int, notes: Notes, moved: frozenset[str] = frozenset()) -> Status:
    """Returns the status of a Rollout as a value. Its times are ranks of the pass that wrote it, -1 = its own time."""
    stored = manifest["status"]
    times = _times(old) | {timestamp(NOW): PRESENT}
    generation, canary = GENERATION["R"] + ("spec" in moved), GENERATION["C"] + ("C" in moved)
    recorded, seen = stored.get("canaryGeneration"), stored.get("observedGeneration")
    return Status(
        phase=stored.get("phase", ""),
        revision=stored.get("canaryRevision", ""),
        generation="" if recorded is None else "same" if recorded == canary else "older",
        promoted=stored.get("promotedRevision", ""),
        weight=stored.get("canaryWeight"),
        replicas=stored.get("canaryReplicas"),
        advanced=times[stored["lastAdvanceTime"]] if "lastAdvanceTime" in stored else NOBODY,
        entered=times[stored["lastTransitionTime"]] if "lastTransitionTime" in stored else NOBODY,
        seen="" if seen is None else "same" if seen == generation else "older",
        notes=notes.number(stored),
        proven=stored.get("provenWeight"),
        primary=stored.get("primaryRevision", ""),
    )


def all_of(world: World, notes: Notes) -> list[Manifest]:
    """Builds all manifests of a world, as a pass that begins now reads them."""
    objects = [one(world, letter, notes) for letter in "PCVR"]
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
        return virtual_service(world.routes, world.routed, world.old, moved="V" in moved)
    if letter == "R":
        return rollout(world.spec, world.status, world.old, notes, moved)
    if letter == "C":
        return deployment("C", *world.canary, moved="C" in moved)
    template, health, by = world.primary
    return deployment("P", template, 0 if health == "zero" else 2, health, moved="P" in moved, by=by, old=world.old)
