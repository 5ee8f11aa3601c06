"""One Rollout in one pass, as typed values: what gates and moves look at. Nothing is decided here.

There are three views, and each knows only those before it: `objects` (Deployments, Services, autoscalers), `record`
(the stored state, compared with the canary's revision) and `weights` (what the routes give to the canary).
`orders` is what a person asks for, `attempts` what is counted of the checks.
A value is made when it is first used. Where that is impossible it raises GateError: the gate that uses it is shut.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconcile.core.case import attempts
from reconcile.core.case.objects import Objects
from reconcile.core.case.record import ReleaseRecord
from reconcile.core.case.weights import Weights
from reconcile.core.state_machine import Order
from reconcile.core.stops import StopError
from reconcile.model.settings import ENOUGH

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.core.observation import Observation
    from reconcile.core.state_machine import Situation, Traffic
    from reconcile.model.checks import Check
    from reconcile.model.measurement import Metric
    from reconcile.model.rollout import Attempt, Rollout, Spec, State
    from reconcile.model.settings import Settings


# Why an attempt ended, in words for programs: the reason of conditions.
ANALYSIS_FAILED = "AnalysisFailed"
DEADLINE_EXCEEDED = "DeadlineExceeded"
ABORTED = "Aborted"


class Ending(Struct, frozen=True):
    """Why an attempt ends without a promotion: `code` in a word for programs."""

    code: str
    reason: str


class Case(Struct, frozen=True, dict=True):
    """One Rollout in one pass. `passed_limit` is the limit that the canary was found to have passed, if any."""

    observation: Observation
    settings: Settings
    now: datetime
    passed_limit: Ending | None = None

    def at(self, now: datetime) -> Case:
        """Returns the same Rollout at another time. What was made of it stays: no view knows the time."""
        return self._with_views(replace(self, now=now))

    def ended(self, ending: Ending) -> Case:
        """Returns the same Rollout, with a limit that the canary has passed."""
        return self._with_views(replace(self, passed_limit=ending))

    def _with_views(self, other: Case) -> Case:
        vars(other).update(objects=self.objects, record=self.record, weights=self.weights, seen=self.seen)
        return other

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

    @cached_property
    def seen(self) -> dict[str, str]:
        """What the open ones of the gates that know no time saw, by their names."""
        return {}

    @cached_property
    def attempt(self) -> Attempt:
        """The attempt at the canary's present revision, before this pass counts anything."""
        return attempts.attempt(self)

    @cached_property
    def ending(self) -> Ending | None:
        """Why all traffic goes back to the primary; None where it does not."""
        if self.passed_limit is not None:
            return self.passed_limit
        try:
            aborts = self.record.orders.aborts
        except StopError:  # the canary cannot be used: its own gate halts
            return None
        return Ending(ABORTED, "aborted by a person") if aborts else None

    def seconds_since(self, time: datetime) -> float:
        """Returns the seconds from a time to this pass."""
        return (self.now - time).total_seconds()

    @property
    def least_interval(self) -> float:
        """The least time between two moves and between two counted checks, in seconds."""
        return max(self.settings.interval, self.spec.interval) * ENOUGH

    def metric(self, check: Check) -> Metric | None:
        """Returns the metric of a check: that of its own query, or of a file; None where there is none."""
        return check.own_metric or self.settings.metrics.get(check.name)

    def situation(self, traffic: Traffic) -> Situation:
        """Returns the situation that the state machine finds a row for."""
        order = Order.PROMOTE if self.record.orders.promotes else Order.NONE
        return self.record.situation(traffic, Order.ROLL_BACK if self.ending else order)

    @property
    def state(self) -> State:
        """The stored state, `record.state` in short."""
        return self.record.state
