"""The fakes of the two ports: a cluster in memory with the metadata of an API server, a meter with fixed answers.

There are no other fakes. They know nothing of Rollouts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonpatch

from reconcile.clusters.events import event_manifest
from reconcile.model.errors import ClusterError, LostRaceError, MissingError, RefusedError
from reconcile.model.kinds import ENDPOINT_SLICE, EVENT, KINDS, SCALED_OBJECT, Kind, Manifest, Ref, Scope, version_of
from reconcile.model.measurement import Answer, Failure
from tests.support.json_values import copied, patched

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from reconcile.model.kinds import Version
    from reconcile.model.measurement import Asks, Question
    from reconcile.model.plan import Event, Patch


class MemoryCluster:
    """A Cluster in memory: generations, resource versions, uids, status apart from the rest, Events counted.

    `versioned=False` leaves the metadata as it is, like a folder does. No controller makes EndpointSlices, as in a
    folder, but a test may.
    """

    width = 1

    def __init__(self, manifests: Iterable[Manifest], *, versioned: bool = True) -> None:
        self._versioned = versioned
        self.objects: dict[Ref, Manifest] = {}
        self.patches: list[Patch] = []
        self.events: list[Event] = []
        self.refuse: dict[Ref, ClusterError] = {}
        self._version = 0
        for manifest in manifests:
            self.put(manifest)

    def put(self, manifest: Manifest) -> Ref:
        """Stores an object as a user does: one that is there before is replaced."""
        ref = ref_of(manifest)
        old = self.objects.get(ref)
        self.objects[ref] = self._with_metadata(copied(manifest), old)
        return ref

    def edit(self, ref: Ref, *path_and_value: Any) -> None:
        """Sets one field as a user does: `edit(ref, "spec", "replicas", 3)`; `None` removes it."""
        *path, last, value = path_and_value
        manifest = copied(self.objects[ref])
        parent: Any = manifest
        for key in path:
            parent = parent[key] if isinstance(key, int) else parent.setdefault(key, {})
        if value is None:
            parent.pop(last, None)
        else:
            parent[last] = value
        self.objects[ref] = self._with_metadata(manifest, self.objects[ref])

    def _with_metadata(self, new: Manifest, old: Manifest | None) -> Manifest:
        if not self._versioned:
            return new
        self._version += 1
        metadata = new.setdefault("metadata", {})
        before = old["metadata"] if old else {}
        metadata["uid"] = before.get("uid", f"uid-{self._version}")
        metadata["resourceVersion"] = str(self._version)
        metadata["generation"] = before.get("generation", 0) + (old is None or old.get("spec") != new.get("spec"))
        return new

    def list(self, kind: Kind, scope: Scope) -> list[Manifest]:
        """Returns the objects of a kind, by namespace and name."""
        refs = sorted(ref for ref in self.objects if ref.kind == kind and scope.namespace in {None, ref.namespace})
        if kind == ENDPOINT_SLICE and not any(ref.kind == kind for ref in self.objects):
            raise MissingError("no controller makes them")
        return [copied(self.objects[ref]) for ref in refs if _matches(self.objects[ref], scope)]

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Returns the objects that exist."""
        return {ref: self.refuse.get(ref) or copied(self.objects[ref]) for ref in refs if ref in self.objects}

    def unchanged(self, known: Mapping[Ref, Version]) -> Collection[Ref]:
        """Returns the objects that have these versions."""
        readable = {ref: self.objects[ref] for ref in known if ref in self.objects and ref not in self.refuse}
        return [ref for ref, manifest in readable.items() if version_of(manifest) == known[ref]]

    def patch(self, patch: Patch) -> Callable[[], Manifest] | None:
        """Applies a JSON patch; a status patch writes the status alone, any other one all but the status."""
        if patch.target in self.refuse:
            raise self.refuse[patch.target]
        old = self.objects.get(patch.target)
        if old is None:
            raise MissingError(f"{patch.target} is missing")
        try:
            new = patched(old, patch.operations)
        except jsonpatch.JsonPatchTestFailed as error:
            raise LostRaceError(str(error)) from error
        except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
            raise RefusedError(str(error)) from error
        if _identity(new) != _identity(old):
            raise RefusedError(f"{patch.target} cannot become another object")
        kept = {key: value for key, value in (old if patch.subresource else new).items() if key != "status"}
        status = (new if patch.subresource else old).get("status")
        if "status" in {**new, **old}:
            kept["status"] = status
        if kept != old:
            self.objects[patch.target] = self._with_metadata(kept, old)
        self.patches.append(patch)
        stored = copied(self.objects[patch.target])
        return lambda: stored

    def record(self, event: Event, at: datetime) -> None:
        """Stores an Event, or counts it."""
        self.events.append(event)
        ref = Ref(EVENT, event.rollout.namespace, event.name)
        old = self.objects.get(ref)
        count, first = (old["count"] + 1, old["firstTimestamp"]) if old else (1, None)
        self.objects[ref] = event_manifest(event, at, count, first)

    @property
    def messages(self) -> tuple[str, ...]:
        """The texts of all Events, in order."""
        return tuple(event.message for event in self.events)


class FixedMeter:
    """A Meter: one answer for each metric, which a test may change, or for what is asked of a workload."""

    def __init__(self, **values: float | Failure) -> None:
        self.values = values
        self.others: dict[tuple[Asks, str], float | Failure] = {}
        self.asked: list[Question] = []

    def measure(self, questions: Collection[Question], at: datetime) -> Mapping[Question, Answer]:
        """Answers from the table; a metric without a value has no data."""
        del at
        self.asked.extend(questions)
        return {question: self._answer(question) for question in questions}

    def _answer(self, question: Question) -> Answer:
        value = self._value(question)
        query = question.query or f"{question.metric}({question.workload})"
        if isinstance(value, Failure):
            is_empty = value in {Failure.NO_DATA, Failure.NOT_A_NUMBER}
            return Answer(query=query, failure=value, is_empty=is_empty)
        return Answer(query=query, value=value)

    def _value(self, question: Question) -> float | Failure | None:
        found = self.others.get((question.asks, question.workload))
        return self.values.get(question.metric, Failure.NO_DATA) if found is None else found


def _matches(manifest: Manifest, scope: Scope) -> bool:
    labels = manifest["metadata"].get("labels") or {}
    fields = all(_at(manifest, *path.split(".")) == wanted for path, wanted in scope.fields.items())
    return fields and all(labels.get(key) == wanted for key, wanted in scope.labels.items())


def _identity(manifest: Manifest) -> tuple[str, ...]:
    return tuple(_at(manifest, *path) for path in (("kind",), ("metadata", "name"), ("metadata", "namespace")))


def _at(value: Any, *path: str) -> str:
    for key in path:
        value = (value or {}).get(key)
    return "" if value is None else str(value)


def ref_of(manifest: Manifest) -> Ref:
    """Returns the reference to the object of a manifest."""
    metadata = manifest["metadata"]
    kinds = KINDS | {kind.name: kind for kind in (ENDPOINT_SLICE, SCALED_OBJECT)}
    return Ref(kinds[manifest["kind"]], metadata.get("namespace", "default"), metadata["name"])
