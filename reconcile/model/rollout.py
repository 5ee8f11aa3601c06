"""The Rollout as the program sees it: parsed once, checked once, frozen.

Duty: what a Rollout says (`Spec`) and what was stored about it (`State`), and every problem with either. Nothing of
the objects that it names. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reconcile.model.kinds import DEPLOYMENT, SERVICE, VIRTUAL_SERVICE, Manifest, Ref
from reconcile.model.measurement import Failure
from reconcile.model.times import parse_time

if TYPE_CHECKING:
    from datetime import datetime


class Phase(StrEnum):
    """The phases of a Rollout. `NEW` is one without a phase: never seen before."""

    NEW = ""
    INITIALIZED = "Initialized"
    PROGRESSING = "Progressing"
    PROMOTING = "Promoting"
    FINALISING = "Finalising"
    SUCCEEDED = "Succeeded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One entry of `canaryAnalysis.metrics`. `interval` is a PromQL duration."""

    name: str
    threshold: float
    interval: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """What the user wants. Hosts are short names of Services in the Rollout's namespace."""

    virtual_service: str
    primary: str
    primary_host: str
    canary: str
    canary_host: str
    max_weight: int
    step_weight: int
    checks: tuple[Check, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What earlier passes stored: the typed part of `status`. Weights in percent."""

    phase: Phase = Phase.NEW
    canary_revision: str = ""
    canary_generation: int | None = None
    canary_uid: str = ""
    promoted_revision: str = ""
    canary_weight: int = 0
    proven_weight: int = 0
    canary_replicas: int | None = None
    last_advance: datetime | None = None
    last_transition: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """One Rollout. `spec` is None exactly if there are `problems`; `status` is what was stored, as it was stored.

    `draft` is the spec as far as it can be read: what cannot is empty, or the least there may be.
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
    problems: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """`name.namespace`, as in every message."""
        return self.ref.full_name

    @property
    def measured(self) -> datetime | None:
        """When an analysis last had an answer to all that it asked; None where a server did not give one in time."""
        stored = (self.status or {}).get("measurements")
        items = [item for item in stored if isinstance(item, dict)] if isinstance(stored, list) else []
        if any(item.get("verdict") == Failure.UNREACHABLE for item in items):
            return None
        return max(filter(None, (parse_time(item.get("time")) for item in items)), default=None)

    def _wants(self) -> Spec:
        if self.spec is None:
            raise ValueError(f"{self.ref} is invalid: {'; '.join(self.problems)}")
        return self.spec

    @property
    def primary(self) -> Ref:
        """The primary Deployment."""
        return Ref(DEPLOYMENT, self.ref.namespace, self._wants().primary)

    @property
    def canary(self) -> Ref:
        """The canary Deployment."""
        return Ref(DEPLOYMENT, self.ref.namespace, self._wants().canary)

    @property
    def primary_service(self) -> Ref:
        """The Service behind `primary.host`."""
        return Ref(SERVICE, self.ref.namespace, self._wants().primary_host)

    @property
    def canary_service(self) -> Ref:
        """The Service behind `canary.host`."""
        return Ref(SERVICE, self.ref.namespace, self._wants().canary_host)

    @property
    def route(self) -> Ref:
        """The object that splits the traffic."""
        return Ref(VIRTUAL_SERVICE, self.ref.namespace, self._wants().virtual_service)
