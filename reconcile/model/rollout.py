"""A Rollout as a value: what the user wants (`Spec`) and what earlier passes stored (`State`).

`rollout_manifest` makes it. The objects that it names are in `objects`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from reconcile.model.fields import mappings
from reconcile.model.kinds import DEPLOYMENT, SERVICE, Manifest, Ref
from reconcile.model.measurement import Failure, Slice
from reconcile.model.policy import FailurePolicy, PromotionPolicy, Steps
from reconcile.model.times import parse_time

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.model.actions import Actions
    from reconcile.model.checks import Check


class Phase(StrEnum):
    """The phases of a Rollout. A `NEW` one has no phase: no pass has seen it."""

    NEW = ""
    INITIALIZED = "Initialized"
    PROGRESSING = "Progressing"
    PROMOTING = "Promoting"
    FINALISING = "Finalising"
    SUCCEEDED = "Succeeded"
    ROLLING_BACK = "RollingBack"
    FAILED = "Failed"


class Spec(Struct, frozen=True, kw_only=True):
    """What the user wants. Hosts are short names of Services in the Rollout's namespace, where the `routes` are too.

    `interval`, in seconds, is the least time between two moves of this Rollout; 0 = that of the program. For `warm_up`
    seconds after a weight moved no metric is asked.
    """

    routes: tuple[Ref, ...]
    primary: str
    primary_host: str
    canary: str
    canary_host: str
    steps: Steps
    checks: tuple[Check, ...]
    interval: float = 0.0
    warm_up: float = 0.0
    failure: FailurePolicy = field(default_factory=FailurePolicy)
    promotion: PromotionPolicy = field(default_factory=PromotionPolicy)
    suspend: bool = False


class Evidence(Struct, frozen=True, kw_only=True):
    """What was counted for one metric while the canary had one weight: a finished step of the sequential test."""

    metric: str
    weight: int
    counts: Slice


MOST_TOKENS = 16
"""Retries of one revision whose tokens are on record."""


MOST_WEIGHTS = 64
"""Weights of one release that are on record: 3 KiB. Of a longer one every other of the older ones goes."""


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt at a revision, and what its checks came to.

    `tokens` are those of the retries of its revision, the last one began it. `last_hold` is when a pass last waited for
    a person: the deadline of a step counts from then. `failure` is why the attempt ended, in a word for programs,
    `message` in words; "" = it goes on. `evidence` is of the steps that are over.
    """

    revision: str = ""
    number: int = 1
    tokens: tuple[str, ...] = ()
    started: datetime | None = None
    checks: int = 0
    failed: int = 0
    consecutive: int = 0
    last_check: datetime | None = None
    last_hold: datetime | None = None
    failure: str = ""
    message: str = ""
    evidence: tuple[Evidence, ...] = ()


class State(Struct, frozen=True, kw_only=True):
    """What earlier passes stored: the typed part of `status`. Weights in percent.

    `primary_revision`: the hash of the primary's template, without annotations, when the canary's revision started.
    `history` are the weights of this release and when each was asked for. Nothing is decided by it.
    """

    phase: Phase = Phase.NEW
    canary_revision: str = ""
    canary_generation: int | None = None
    canary_uid: str = ""
    promoted_revision: str = ""
    primary_revision: str = ""
    canary_weight: int = 0
    proven_weight: int = 0
    canary_replicas: int | None = None
    last_advance: datetime | None = None
    last_transition: datetime | None = None
    attempt: Attempt = field(default_factory=Attempt)
    history: tuple[tuple[datetime, int], ...] = ()

    def with_weight(self, at: datetime, weight: int) -> State:
        """Returns the state with a weight that is asked for now. One after weight 0 begins another release."""
        kept = () if self.history and self.history[-1][1] == 0 and weight else self.history
        history = (*kept, (at, weight)) if not kept or kept[-1][1] != weight else kept
        if len(history) > MOST_WEIGHTS:
            half = MOST_WEIGHTS // 2
            history = (*history[:half:2], *history[half:])
        return replace(self, canary_weight=weight, history=history)


class Rollout(Struct, frozen=True, kw_only=True):
    """One Rollout. `status` is the stored one as it is.

    `spec` is None if there are `problems`, but not where they are all of the analysis, and an abort is asked for: that
    needs none. `draft` is the spec as far as it can be read: a field that cannot is empty, or has its least value.
    """

    ref: Ref
    api_version: str
    uid: str | None
    generation: int | None
    resource_version: str | None
    created: datetime | None
    deleted: bool
    spec: Spec | None
    draft: Spec
    state: State
    status: Manifest | None
    labels: dict[str, str]
    actions: Actions
    problems: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """`name.namespace`, as in every message."""
        return self.ref.full_name

    @property
    def conditions(self) -> list[Manifest]:
        """The stored conditions, as they are."""
        return mappings((self.status or {}).get("conditions"))

    @property
    def last_measured(self) -> datetime | None:
        """The time of the last analysis; None where the metrics server did not answer it."""
        items = mappings((self.status or {}).get("measurements"))
        if any(item.get("verdict") == Failure.UNREACHABLE for item in items):
            return None
        return max(filter(None, (parse_time(item.get("time")) for item in items)), default=None)

    def _valid_spec(self) -> Spec:
        if self.spec is None:
            raise ValueError(f"{self.ref} is invalid: {'; '.join(self.problems)}")
        return self.spec

    @property
    def primary(self) -> Ref:
        """The primary Deployment."""
        return Ref(DEPLOYMENT, self.ref.namespace, self._valid_spec().primary)

    @property
    def canary(self) -> Ref:
        """The canary Deployment."""
        return Ref(DEPLOYMENT, self.ref.namespace, self._valid_spec().canary)

    @property
    def primary_service(self) -> Ref:
        """The Service behind `primary.host`."""
        return Ref(SERVICE, self.ref.namespace, self._valid_spec().primary_host)

    @property
    def canary_service(self) -> Ref:
        """The Service behind `canary.host`."""
        return Ref(SERVICE, self.ref.namespace, self._valid_spec().canary_host)

    @property
    def routes(self) -> tuple[Ref, ...]:
        """The objects that split the traffic, at least one."""
        return self._valid_spec().routes
