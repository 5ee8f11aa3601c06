"""One pass over all Rollouts in scope: observe, decide, measure, decide again, apply.

A failure of one Rollout does not stop the others.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconcile.core.decide import decide
from reconcile.core.gates import ENOUGH
from reconcile.core.state_machine import Move
from reconcile.engine.apply import apply
from reconcile.engine.concurrency import map_concurrently
from reconcile.engine.observe import observe
from reconcile.engine.ordering import query_order, write_order
from reconcile.model.errors import ClusterError
from reconcile.model.plan import Plan, Position, Record, Result, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from reconcile.core.observation import Observation
    from reconcile.engine.observe import Snapshot
    from reconcile.engine.selection import Selection
    from reconcile.model.plan import Answer, Question
    from reconcile.model.ports import Cluster, Meter

LOG = logging.getLogger("steerer.engine")

# A time in the status has whole seconds: other passes may count the interval from up to one second earlier.
TIME_RESOLUTION = 1.0


def as_decided(plan: Plan) -> Plan:
    """Returns the plan unchanged: the cluster that is read is the one that is written."""
    return plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """One pass, with all that it needs. `now` returns the time, `budget` is the most seconds that it takes in all.

    `stop_reason` returns why it has to end early, in words; "" = it goes on.
    `adapt` returns a plan as it has to be written. It raises ClusterError for a plan that cannot be written.
    """

    cluster: Cluster
    meter: Meter
    settings: Settings
    selection: Selection
    now: Callable[[], datetime]
    budget: float = 50.0
    stop_reason: Callable[[], str] = str
    adapt: Callable[[Plan], Plan] = as_decided

    def run(self) -> Iterator[Record]:
        """Decides and writes. Raises ClusterError at the end if a namespace could not be read."""
        return self.write(self.plans())

    def plans(self) -> Iterator[Record]:
        """Decides and writes nothing. Raises ClusterError at the end if a namespace could not be read."""
        started = self.now()
        snapshot = observe(self.cluster, self.selection)
        plans, answers = self._decide_all(snapshot, started)
        for index in write_order(plans, started):
            plan = _adapted(self._up_to_date(snapshot.observations[index], plans[index], answers), self.adapt)
            yield Record(
                plan=plan, at=started, result=Result.FAILED if plan.error else Result.PLANNED, error=plan.error
            )
        if snapshot.list_errors:
            raise ClusterError("; ".join(map(str, snapshot.list_errors))) from snapshot.list_errors[0]

    def write(self, planned: Iterable[Record]) -> Iterator[Record]:
        """Writes what was decided, several Rollouts at a time. A Rollout that is not reached has a record too."""
        return map_concurrently(self._write_one, planned, self.cluster.width)

    def _write_one(self, record: Record) -> Record:
        if record.result is not Result.PLANNED:
            return record
        if reason := self._reason_to_end(record.at):
            return replace(record, result=Result.UNREACHED, error=reason)
        return self._apply(record.plan, record.at)

    def _reason_to_end(self, started: datetime) -> str:
        """Returns why the pass ends here, in words; "" = it goes on."""
        late = (self.now() - started).total_seconds() > self.budget
        return self.stop_reason() or (f"the pass ran out of time ({self.budget:g}s)" if late else "")

    def _decide_all(self, snapshot: Snapshot, now: datetime) -> tuple[list[Plan], Mapping[Question, Answer]]:
        """Decides, measures all metrics that this needs in one go, and decides again with the answers."""
        plans = [_decide(item, {}, now, self.settings) for item in snapshot.observations]
        questions = [question for index in query_order(plans, now) for question in plans[index].questions]
        if not questions:
            return plans, {}
        answers = self.meter.measure(questions, now)
        decided = [
            _decide(item, answers, now, self.settings) if plan.questions else plan
            for item, plan in zip(snapshot.observations, plans, strict=True)
        ]
        return decided, answers

    def _up_to_date(self, item: Observation, plan: Plan, answers: Mapping[Question, Answer]) -> Plan:
        """Decides again at the time of writing: other passes count the interval from the time in the status."""
        at = self.now()
        outdated = len(plan.patches) > 1 and plan.at is not None and at > plan.at
        return _decide(item, answers, at, self.settings) if outdated else plan

    def _apply(self, plan: Plan, at: datetime) -> Record:
        """Writes a plan within its lease: the time, from its own, in which other passes leave the Rollout alone."""
        interval = ENOUGH * self.settings.interval
        lease = min(self.budget, max(interval - TIME_RESOLUTION, interval / 2) or self.budget)
        try:
            return apply(plan, self.cluster, at, lambda: (self.now() - (plan.at or at)).total_seconds() >= lease)
        except Exception as error:
            LOG.exception("%s could not be written", plan.rollout)
            return Record(plan=plan, at=at, result=Result.FAILED, error=_internal_error(error))


def _decide(observation: Observation, answers: Mapping[Question, Answer], now: datetime, settings: Settings) -> Plan:
    """Decides about one Rollout. An exception is a defect of steerer: it halts this Rollout and no other one."""
    try:
        return decide(observation, answers, now, settings)
    except Exception as error:
        rollout = observation.rollout
        LOG.exception("%s could not be decided", rollout.ref)
        position = Position(phase=rollout.state.phase.value, weight=None)
        reason = _internal_error(error)
        return Plan(
            rollout=rollout.ref, move=Move.HALT.value, reason=reason, before=position, after=position, error=reason
        )


def _adapted(plan: Plan, adapt: Callable[[Plan], Plan]) -> Plan:
    """Returns the plan as it has to be written, or a plan that writes nothing and has an error."""
    try:
        return adapt(plan)
    except ClusterError as error:
        reason = str(error)
    except Exception as error:
        LOG.exception("the plan for %s could not be adapted", plan.rollout)
        reason = _internal_error(error)
    return replace(plan, after=plan.before, patches=(), events=(), error=reason)


def _internal_error(error: Exception) -> str:
    return f"internal error: {type(error).__name__}: {error}"
