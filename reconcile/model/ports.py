"""The two ports of a pass: the cluster that it reads and writes, and the meter that it asks.

Duty: the protocols and the names of things behind them. No adapter, no decision.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from reconcile.model.fields import is_segment

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from reconcile.model.errors import ClusterError
    from reconcile.model.plan import Answer, Event, Patch, Question

# A Kubernetes object as the API or a file has it. Nobody writes into one.
Manifest = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Kind:
    """A kind of object; `versions` in the order in which a server that serves several is asked."""

    name: str
    plural: str
    group: str
    versions: tuple[str, ...]

    def api_version(self, version: str) -> str:
        """Give `group/version`, or the version alone for the core group."""
        return f"{self.group}/{version}" if self.group else version

    def is_of(self, manifest: Mapping[str, Any]) -> bool:
        """Say whether a manifest is of this kind, in whichever version."""
        group, _, _ = str(manifest.get("apiVersion", "")).rpartition("/")
        return manifest.get("kind") == self.name and group == self.group


ROLLOUT = Kind(name="Rollout", plural="rollouts", group="apps.weave.works", versions=("v1beta1",))
DEPLOYMENT = Kind(name="Deployment", plural="deployments", group="apps", versions=("v1",))
SERVICE = Kind(name="Service", plural="services", group="", versions=("v1",))
EVENT = Kind(name="Event", plural="events", group="", versions=("v1",))
AUTOSCALER = Kind(
    name="HorizontalPodAutoscaler", plural="horizontalpodautoscalers", group="autoscaling", versions=("v2", "v1")
)
VIRTUAL_SERVICE = Kind(
    name="VirtualService",
    plural="virtualservices",
    group="networking.istio.io",
    versions=("v1", "v1beta1", "v1alpha3"),
)
KINDS = {kind.name: kind for kind in (ROLLOUT, DEPLOYMENT, SERVICE, EVENT, AUTOSCALER, VIRTUAL_SERVICE)}


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """The name of one object. `str()` is how people are told of it: `Deployment podinfo.test`."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.name} {self.name}.{self.namespace}"

    @property
    def possible(self) -> bool:
        """Whether an object can have this name at all; in a URL an impossible one would mean something else."""
        return is_segment(self.namespace) and is_segment(self.name)


class Version(NamedTuple):
    """One spec of one object. The generation moves with each write to the spec, and with nothing else."""

    uid: str
    generation: int


def version_of(manifest: Mapping[str, Any]) -> Version | None:
    """Give the version of an object, from its metadata; None where nobody counts, such as in a file."""
    metadata = manifest.get("metadata") or {}
    uid, generation = metadata.get("uid"), metadata.get("generation")
    return Version(uid, generation) if isinstance(uid, str) and isinstance(generation, int) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Where a LIST looks: one namespace or (None) all; `fields` are field selectors, all of which must match."""

    namespace: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


class Cluster(Protocol):
    """What a pass needs of Kubernetes. Implementations live in `clusters/`."""

    @property
    def width(self) -> int:
        """How many threads may use it at a time; more than one where that saves time."""
        ...

    def list(self, kind: Kind, scope: Scope) -> Sequence[Manifest]:
        """Give all objects of the kind in the scope, by namespace and name; none where the API has no such kind.

        Raises ClusterError. A missing Rollout API is a MissingError: without it there is nothing to do.
        """
        ...

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Give the objects that exist; one that cannot be read is its error, one that is absent is absent.

        How many requests that takes is the cluster's own affair. Raises nothing for a single object's trouble.
        """
        ...

    def unchanged(self, known: Mapping[Ref, Version]) -> Collection[Ref]:
        """Give those of these objects that are surely what they were in the version that is known.

        For whoever needs no more than that: to say it may take less than to give the objects. Raises nothing; where it
        cannot be said, or takes as much, an object is left out.
        """
        ...

    def patch(self, patch: Patch) -> None:
        """Write one JSON patch. Raises LostRaceError if a `test` failed, another ClusterError for anything else."""
        ...

    def record(self, event: Event, at: datetime) -> None:
        """Store one Event, or raise the `count` of the one with its name. Raises ClusterError."""
        ...


class Meter(Protocol):
    """What answers the questions of a pass. Implementations live in `metrics/`."""

    def measure(self, questions: Collection[Question], at: datetime) -> Mapping[Question, Answer]:
        """Answer every question, all for the same instant; what went wrong is an answer too. Raises nothing."""
        ...
