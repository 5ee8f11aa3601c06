"""The two ports of a pass: the cluster that it reads and writes, and the meter that answers its questions.

Only the protocols: an adapter is in `clusters` or `metrics`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from reconcile.model.errors import ClusterError
    from reconcile.model.kinds import Kind, Manifest, Ref, Scope, Version
    from reconcile.model.measurement import Answer, Question
    from reconcile.model.plan import Event, Patch


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

    def patch(self, patch: Patch) -> Manifest | None:
        """Writes one JSON patch. Returns the object as it is stored then, or None where that is not known.

        Raises LostRaceError if a `test` failed, another ClusterError for anything else.
        """
        ...

    def record(self, event: Event, at: datetime) -> None:
        """Store one Event, or raise the `count` of the one with its name. Raises ClusterError."""
        ...


class Meter(Protocol):
    """What answers the questions of a pass. Implementations live in `metrics/`."""

    def measure(self, questions: Collection[Question], at: datetime) -> Mapping[Question, Answer]:
        """Answer every question, all for the same instant; what went wrong is an answer too. Raises nothing."""
        ...
