"""One Rollout in one pass, as typed values: what gates and moves look at. Nothing is decided here.

There are three views, and each knows only those before it: `objects` (Deployments, Services, autoscalers), `record`
(the stored state, compared with the canary's revision) and `weights` (what the routes give to the canary).
A value is made when it is first used. Where that is impossible it raises GateError: the gate that uses it is shut.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from reconcile.core.case.objects import Objects
from reconcile.core.case.record import ReleaseRecord
from reconcile.core.case.weights import Weights

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.core.observation import Observation
    from reconcile.model.rollout import Rollout, Spec, State
    from reconcile.model.settings import Settings


@dataclass(frozen=True)
class Case:
    """One Rollout in one pass."""

    observation: Observation
    settings: Settings
    now: datetime

    @property
    def rollout(self) -> Rollout:
        """The Rollout."""
        return self.observation.rollout

    @property
    def spec(self) -> Spec:
        """What the Rollout asks for. Raises GateError for an invalid one."""
        return self.observation.spec

    @cached_property
    def objects(self) -> Objects:
        """The Deployments, the Services and the autoscalers."""
        return Objects(self.observation)

    @cached_property
    def record(self) -> ReleaseRecord:
        """The stored state, compared with the canary's revision."""
        return ReleaseRecord(self.objects, self.settings.appliers)

    @cached_property
    def weights(self) -> Weights:
        """The weights of the managed routes."""
        return Weights(self.observation, self.record, self.settings)

    @property
    def state(self) -> State:
        """The stored state, `record.state` in short."""
        return self.record.state
