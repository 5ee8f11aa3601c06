"""The two ports of a pass: a cluster to read and write, and a meter that answers its questions.

These are the protocols; the adapters are in `clusters` and `metrics`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from reconcile.model.errors import ClusterError
    from reconcile.model.kinds import Kind, Manifest, Ref, Scope, Version
    from reconcile.model.measurement import Answer, Question
    from reconcile.model.plan import Event, Patch


class Cluster(Protocol):
    """Reads and writes objects of Kubernetes."""

    @property
    def width(self) -> int:
        """The number of threads that may use it at a time."""
        ...

    def list(self, kind: Kind, scope: Scope) -> Sequence[Manifest]:
        """Returns all objects of the kind in the scope, by namespace and name; none where the API has no such kind.

        Raises ClusterError. A missing Rollout API is a MissingError: without it there is nothing to do. So is a kind
        that controllers make, in a cluster without controllers.
        """
        ...

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Returns the objects that exist. The value is an error for an object that cannot be read.

        An object that does not exist has no entry, an ElsewhereError where another one may be meant, or a MissingError
        where the API has no such kind. The error of a single object is never raised.
        """
        ...

    def unchanged(self, known: Mapping[Ref, Version]) -> Collection[Ref]:
        """Returns those of these objects that certainly still have the given version. Raises nothing.

        It may cost less than to read the objects. An object of which it is not known, or where it would cost as much,
        is left out.
        """
        ...

    def patch(self, patch: Patch) -> Callable[[], Manifest] | None:
        """Writes one JSON patch. Returns what reads the object as it is stored then, or None where that is not known.

        Raises LostRaceError if a `test` failed, another ClusterError for anything else.
        """
        ...

    def record(self, event: Event, at: datetime) -> None:
        """Stores one Event, or increments the `count` of the stored one of that name. Raises ClusterError."""
        ...


class Meter(Protocol):
    """Answers the questions of a pass."""

    def measure(self, questions: Collection[Question], at: datetime) -> Mapping[Question, Answer]:
        """Returns an answer to every question, all for the same time. A failure is an answer too. Raises nothing."""
        ...
