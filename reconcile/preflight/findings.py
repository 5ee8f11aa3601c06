"""The values of a preflight: what is looked at, what a check is, what it found.

Duty: frozen shapes. What is found is in `manifests`, `live` and `installed`. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from reconcile.model.plan import Answer, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconcile.core.case import Case
    from reconcile.model.kinds import Ref
    from reconcile.model.rollout import Rollout

Answers = Mapping[Question, Answer]


class Level(StrEnum):
    """What a finding comes to, the worst first."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that somebody should know: of which object and field, in words, and what to do about it."""

    level: Level
    object: str
    message: str
    path: str = ""
    advice: str = ""

    @property
    def troubles(self) -> bool:
        """Say whether it is more than information."""
        return self.level is not Level.INFO


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What one check found. `seen` says what was well, `unseen` what kept the check from being made in full."""

    check: str
    findings: tuple[Finding, ...] = ()
    seen: str = ""
    unseen: str = ""

    @property
    def level(self) -> Level | None:
        """The worst level of its findings; None without any."""
        return min((finding.level for finding in self.findings), key=[*Level].index, default=None)


def concluded(check: str, found: Iterable[Finding], seen: Callable[[], str]) -> Result:
    """Give the result of a check that was made in full: it says what was well where nothing troubles."""
    findings = tuple(found)
    return Result(check=check, findings=findings, seen="" if any(item.troubles for item in findings) else seen())


@dataclass(frozen=True, kw_only=True, slots=True)
class Examined:
    """All results about one Rollout; with None, about what all of them share."""

    rollout: Ref | None
    results: tuple[Result, ...]


@dataclass(frozen=True, kw_only=True)
class Look:
    """One Rollout to be looked at, among all `others` in scope (itself included). `answers` may lack any question."""

    case: Case
    others: tuple[Rollout, ...] = ()
    answers: Answers = field(default_factory=dict)

    def with_answers(self, answers: Answers) -> Look:
        """Give the same with the answers of the meter."""
        return replace(self, answers=answers)


@dataclass(frozen=True, slots=True)
class Check:
    """One question. `find` may raise GateError where an object that it needs cannot be seen; so may `seen`."""

    name: str
    find: Callable[[Look], Iterator[Finding]]
    seen: Callable[[Look], str]
