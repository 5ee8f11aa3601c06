"""The values of a pass: what is asked, what was answered, and what is to be done.

Duty: frozen shapes. They know neither how they are made (`decide`) nor what happens to them (`apply`, `report`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.model.kinds import Ref
    from reconcile.model.measurement import Measurement, Question

Operation = dict[str, Any]
"""One operation of RFC 6902, e.g. `{"op": "test", "path": "/spec/replicas", "value": 2}`."""


class Outcome(StrEnum):
    """What became of a gate."""

    PASSED = "passed"
    FAILED = "failed"
    WAITING = "waiting"
    UNREACHED = "not reached"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """One gate of a pass: `reason` says in words what it saw."""

    name: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patch:
    """One write: a JSON patch on one object. `subresource` is "" or "status"."""

    target: Ref
    api_version: str
    operations: tuple[Operation, ...]
    subresource: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A Kubernetes Event about a Rollout. `type` is "Normal" or "Warning"; `message` at most 1,024 bytes."""

    rollout: Ref
    api_version: str
    uid: str | None
    revision: str
    type: str
    message: str

    @property
    def name(self) -> str:
        """The same for the same message of the same revision, so that a repetition is counted and not stored again."""
        seed = "\x00".join((self.uid or "", self.revision, self.type, self.message))
        # An object name has at most 253 characters, a Rollout's own may use all of them.
        return f"{self.rollout.name[:220]}.{hashlib.sha256(seed.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """Where a Rollout stands: its phase ("" = never seen before) and the canary's weight (None = not looked at)."""

    phase: str
    weight: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What one pass means to do for one Rollout: the whole decision record but for what became of it.

    `patches` are written in their order, then `events`. `questions` not empty = the plan is provisional: measure
    them and decide again. `error` = a defect of ours kept the plan from being made. `uid` and `generation` are those
    of the Rollout, where the cluster keeps them. `at` is the time that it was decided for.
    """

    rollout: Ref
    move: str
    reason: str
    before: Position
    after: Position
    gates: tuple[Gate, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    patches: tuple[Patch, ...] = ()
    events: tuple[Event, ...] = ()
    questions: tuple[Question, ...] = ()
    error: str = ""
    uid: str | None = None
    generation: int | None = None
    at: datetime | None = None


class Result(StrEnum):
    """What became of a plan."""

    PLANNED = "planned"
    APPLIED = "applied"
    LOST_RACE = "lost race"
    FAILED = "failed"
    UNREACHED = "not reached"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One Rollout, one pass: the decision record. `error` is what stopped the writing, in words, or empty."""

    plan: Plan
    at: datetime
    result: Result
    error: str = ""
