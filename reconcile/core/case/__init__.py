"""One Rollout in one pass, seen through types: what gates and moves look at. It decides and writes nothing.

Three views, each of which knows only those before it: `objects` (Deployments, Services, autoscalers), `record` (what
is stored, against the canary's present revision), `weights` (what the routes give to the canary). A view is made when
it is first looked at. One that cannot be had raises GateError with the reason, so the gate that needs it is shut.
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
        """The objects that the Rollout names, but for the route."""
        return Objects(self.observation)

    @cached_property
    def record(self) -> ReleaseRecord:
        """What is on record of the release."""
        return ReleaseRecord(self.objects, self.settings.appliers)

    @cached_property
    def weights(self) -> Weights:
        """What the managed routes give to the canary."""
        return Weights(self.observation, self.record, self.settings)

    @property
    def state(self) -> State:
        """The stored state, which nearly every gate and move looks at."""
        return self.record.state
