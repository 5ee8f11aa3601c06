"""The values of a preflight: what is examined, what a check is, what it found."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from reconcile.model.kinds import Kind
from reconcile.model.measurement import Answer, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconcile.core.case import Case
    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.rollout import Rollout

Answers = Mapping[Question, Answer]
NAMESPACE = Kind(name="Namespace", plural="namespaces", group="", versions=("v1",))


class Level(StrEnum):
    """How bad a finding is, the worst first. An error halts a release."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that somebody should know: the object and the field, what is wrong, and what to do about it."""

    level: Level
    object: str
    message: str
    path: str = ""
    advice: str = ""

    @property
    def is_problem(self) -> bool:
        """Whether it is more than information."""
        return self.level is not Level.INFO


class Result(Struct, frozen=True, kw_only=True):
    """What one check found. `summary` says what is well, `incomplete` why the check could not be made in full."""

    check: str
    findings: tuple[Finding, ...] = ()
    summary: str = ""
    incomplete: str = ""

    @property
    def level(self) -> Level | None:
        """The worst level of its findings; None without any."""
        return min((finding.level for finding in self.findings), key=[*Level].index, default=None)


def completed(check: str, found: Iterable[Finding], summary: Callable[[], str]) -> Result:
    """Returns the result of a check that was made in full. It has a summary only where there is no problem."""
    findings = tuple(found)
    return Result(
        check=check, findings=findings, summary="" if any(item.is_problem for item in findings) else summary()
    )


def count_levels(results: Iterable[Result]) -> dict[str, int]:
    """Returns the number of findings of each level that occurs."""
    levels = [finding.level.value for result in results for finding in result.findings]
    return {level: levels.count(level) for level in dict.fromkeys(levels)}


class Examined(Struct, frozen=True, kw_only=True):
    """All results about one Rollout; `rollout` is None for what all Rollouts share."""

    rollout: Ref | None
    results: tuple[Result, ...]


class Subject(Struct, frozen=True, kw_only=True):
    """One Rollout to examine, among `others` in scope (itself included). `answers` may lack any question.

    `namespace_labels` are those of its Namespace, as far as a folder has it; in a cluster it is not read. `neighbours`
    are other objects of its namespace: all of a folder, and of a cluster those that may select pods.
    """

    case: Case
    others: tuple[Rollout, ...] = ()
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    neighbours: tuple[Manifest, ...] = ()
    answers: Answers = field(default_factory=dict)

    def with_answers(self, answers: Answers) -> Subject:
        """Returns the same Rollout with the answers of the metrics server."""
        return replace(self, answers=answers)

    def in_folder(self, manifests: Iterable[Manifest]) -> Subject:
        """Returns the same Rollout with the other objects of its folder. One that names no namespace is in any."""
        namespace, every = self.case.rollout.ref.namespace, tuple(manifests)
        found = (item.get("metadata") for item in every if NAMESPACE.matches(item))
        labels = next(
            (item.get("labels") for item in found if isinstance(item, dict) and item.get("name") == namespace), None
        )
        neighbours = tuple(item for item in every if _namespace(item) in {None, "", namespace})
        return replace(self, namespace_labels=labels if isinstance(labels, dict) else {}, neighbours=neighbours)

    def beside(self, neighbours: Iterable[Manifest]) -> Subject:
        """Returns the same Rollout with other objects of its namespace."""
        return replace(self, neighbours=tuple(neighbours))


def _namespace(manifest: Manifest) -> object:
    metadata = manifest.get("metadata")
    return metadata.get("namespace") if isinstance(metadata, dict) else None


class Check(Struct, frozen=True):
    """One check. `find` and `summary` may raise GateError where an object that they need cannot be used."""

    name: str
    find: Callable[[Subject], Iterator[Finding]]
    summary: Callable[[Subject], str]
