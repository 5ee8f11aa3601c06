"""A Rollout as a value: what the user wants (`Spec`) and what earlier passes stored (`State`).

`rollout_manifest` makes it. The objects that it names are in `objects`.
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
    """The phases of a Rollout. A `NEW` one has no phase: no pass has seen it."""

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
    """What earlier passes stored: the typed part of `status`. Weights in percent.

    `primary_revision`: the hash of the primary's template, without annotations, when the canary's revision started.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """One Rollout. `spec` is None exactly if there are `problems`. `status` is the stored one as it is.

    `draft` is the spec as far as it can be read: a field that cannot is empty, or has its least value.
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
    def last_measured(self) -> datetime | None:
        """The time of the last analysis; None where the metrics server did not answer it."""
        stored = (self.status or {}).get("measurements")
        items = [item for item in stored if isinstance(item, dict)] if isinstance(stored, list) else []
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
    def route(self) -> Ref:
        """The object that splits the traffic."""
        return Ref(VIRTUAL_SERVICE, self.ref.namespace, self._valid_spec().virtual_service)
