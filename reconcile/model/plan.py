"""The plan of a pass for one Rollout, and the record of what became of it.

How a plan is made is in `core`, how it is applied in `engine`, how it is printed in `report`.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.model.kinds import Ref
    from reconcile.model.measurement import Measurement, Question

Operation = dict[str, Any]
"""One operation of RFC 6902, e.g. `{"op": "test", "path": "/spec/replicas", "value": 2}`."""


class Outcome(StrEnum):
    """The outcome of a gate."""

    PASSED = "passed"
    FAILED = "failed"
    WAITING = "waiting"
    UNREACHED = "not reached"


class Gate(Struct, frozen=True, kw_only=True):
    """One gate of a pass. `reason` says what it saw."""

    name: str
    outcome: Outcome
    reason: str = ""


class Patch(Struct, frozen=True, kw_only=True):
    """One write: a JSON patch on one object. `subresource` is "" or "status"."""

    target: Ref
    api_version: str
    operations: tuple[Operation, ...]
    subresource: str = ""


class Transition(StrEnum):
    """What people are told of a release. The texts are the reasons of notices."""

    STARTED = "Started"
    ADVANCED = "Advanced"
    HALTED = "Halted"
    WAITING_FOR_APPROVAL = "WaitingForApproval"
    ROLLING_BACK = "RollingBack"
    FAILED = "Failed"
    PROMOTED = "Promoted"


class Event(Struct, frozen=True, kw_only=True):
    """A Kubernetes Event about a Rollout. `type` is "Normal" or "Warning"; `message` at most 1,024 bytes.

    `transition`: it tells of one; None where it repeats or explains something.
    """

    rollout: Ref
    api_version: str
    uid: str | None
    revision: str
    type: str
    message: str
    transition: Transition | None = None

    @property
    def name(self) -> str:
        """The name of the object. It is equal for a repetition of the message, which is counted and not stored anew."""
        seed = "\x00".join((self.uid or "", self.revision, self.type, self.message))
        # An object name has at most 253 characters, a Rollout's own may use all of them.
        return f"{self.rollout.name[:220]}.{hashlib.sha256(seed.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


class Change(Struct, frozen=True, kw_only=True):
    """What a promotion changes at one path of the primary's template. The values are in words, "" = not told."""

    path: str
    before: str
    after: str


class AskedAction(Struct, frozen=True, kw_only=True):
    """An action that a person asked for by an annotation, and what the pass made of it, in words."""

    action: str
    value: str
    outcome: str
    refused: bool = False


class Position(Struct, frozen=True, kw_only=True):
    """The phase of a Rollout ("" = no pass has seen it) and the canary's weight (None = not observed)."""

    phase: str
    weight: int | None


class Plan(Struct, frozen=True, kw_only=True):
    """What one pass does for one Rollout, and why.

    `patches` are written in their order, then `events`. With `questions` the plan is provisional: they have to be
    measured, and the plan made again. `error` is the text of a defect that kept the plan from being made. `uid` and
    `generation` are the Rollout's, where the cluster has them. `at` is the time of the decision. `promotion` is what
    the promotion, now or later, changes in the primary's template beside the images. `actions` are what a person asked
    for. `needs_person`: no later pass goes on by itself. `ready_reason` is what the condition Ready had before.
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
    promotion: tuple[Change, ...] = ()
    questions: tuple[Question, ...] = ()
    error: str = ""
    uid: str | None = None
    generation: int | None = None
    at: datetime | None = None
    actions: tuple[AskedAction, ...] = ()
    needs_person: bool = False
    ready_reason: str = ""


class Result(StrEnum):
    """The outcome of a plan."""

    PLANNED = "planned"
    APPLIED = "applied"
    LOST_RACE = "lost race"
    FAILED = "failed"
    UNREACHED = "not reached"
    REFUSED = "refused"


class Record(Struct, frozen=True, kw_only=True):
    """The decision record of one Rollout in one pass. `error` is what stopped the writing, or empty.

    `told` are the Events of what was stored, each with its time.
    """

    plan: Plan
    at: datetime
    result: Result
    error: str = ""
    told: tuple[tuple[Event, datetime], ...] = ()
