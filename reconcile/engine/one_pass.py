"""One pass over all Rollouts in scope.

Duty: the order of the stages, and that one Rollout's trouble stays its own. Time comes from outside.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconcile.core.decide import decide
from reconcile.core.gates import ENOUGH
from reconcile.core.state_machine import Move
from reconcile.engine.apply import apply
from reconcile.engine.concurrency import abreast
from reconcile.engine.observe import Selection, observe
from reconcile.engine.ordering import asked, turns
from reconcile.model.errors import ClusterError
from reconcile.model.plan import Plan, Position, Record, Result, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from reconcile.core.observation import Observation
    from reconcile.engine.observe import Sight
    from reconcile.model.plan import Answer, Question
    from reconcile.model.ports import Cluster, Meter

LOG = logging.getLogger("steerer.engine")

# A status has whole seconds: others may count from up to one before the time of a plan.
COARSE = 1.0


def as_decided(plan: Plan) -> Plan:
    """Give a plan as it is: the cluster that was read is the one that is written."""
    return plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """What a pass works with. `now` gives the time; `budget` is how many seconds it may take, all in all.

    `told` says in words why it is to end early; "" = nobody wants it to.
    `adapt` gives a plan as it has to be written, or raises ClusterError where that cannot be.
    """

    cluster: Cluster
    meter: Meter
    settings: Settings
    selection: Selection
    now: Callable[[], datetime]
    budget: float = 50.0
    told: Callable[[], str] = str
    adapt: Callable[[Plan], Plan] = as_decided

    def run(self) -> Iterator[Record]:
        """Decide and write. Raises, at its end, the ClusterError of a namespace that could not be read."""
        return self.write(self.plans())

    def plans(self) -> Iterator[Record]:
        """Decide, and write nothing. Raises, at its end, the ClusterError of a namespace that could not be read."""
        started = self.now()
        sight = observe(self.cluster, self.selection)
        plans, answers = self._decided(sight, started)
        for place in turns(plans, started):
            plan = _adapted(self._fresh(sight.observations[place], plans[place], answers), self.adapt)
            yield Record(
                plan=plan, at=started, result=Result.FAILED if plan.error else Result.PLANNED, error=plan.error
            )
        _raise_unread(sight)

    def write(self, planned: Iterable[Record]) -> Iterator[Record]:
        """Write what was decided, several Rollouts at a time and none by halves; what is not reached is named."""
        return abreast(self._written, planned, self.cluster.width)

    def _written(self, record: Record) -> Record:
        if record.result is not Result.PLANNED:
            return record
        if why := self._ends(record.at):
            return replace(record, result=Result.UNREACHED, error=why)
        return self._applied(record.plan, record.at)

    def _ends(self, started: datetime) -> str:
        """Say why the pass ends here; "" = it goes on."""
        late = (self.now() - started).total_seconds() > self.budget
        return self.told() or (f"the pass ran out of time ({self.budget:g}s)" if late else "")

    def _decided(self, sight: Sight, now: datetime) -> tuple[list[Plan], Mapping[Question, Answer]]:
        """Ask all metrics at once, then decide."""
        plans = [_decide(item, {}, now, self.settings) for item in sight.observations]
        questions = [question for place in asked(plans, now) for question in plans[place].questions]
        if not questions:
            return plans, {}
        answers = self.meter.measure(questions, now)
        decided = [
            _decide(item, answers, now, self.settings) if plan.questions else plan
            for item, plan in zip(sight.observations, plans, strict=True)
        ]
        return decided, answers

    def _fresh(self, item: Observation, plan: Plan, answers: Mapping[Question, Answer]) -> Plan:
        """Decide the same a moment later: others wait for the interval from the time that the status says."""
        at = self.now()
        late = len(plan.patches) > 1 and plan.at is not None and at > plan.at
        return _decide(item, answers, at, self.settings) if late else plan

    def _applied(self, plan: Plan, at: datetime) -> Record:
        """Write a plan. It is ours to move while others wait for the interval from its own time, and no longer."""
        theirs = ENOUGH * self.settings.interval
        ours = min(self.budget, max(theirs - COARSE, theirs / 2) or self.budget)
        try:
            return apply(plan, self.cluster, at, lambda: (self.now() - (plan.at or at)).total_seconds() >= ours)
        except Exception as error:
            LOG.exception("%s could not be written", plan.rollout)
            text = f"internal error: {type(error).__name__}: {error}"
            return Record(plan=plan, at=at, result=Result.FAILED, error=text)


def _raise_unread(sight: Sight) -> None:
    """Tell of the namespaces that could not be read, once the others are done."""
    if sight.unread:
        raise ClusterError("; ".join(map(str, sight.unread))) from sight.unread[0]


def _decide(observation: Observation, answers: Mapping[Question, Answer], now: datetime, settings: Settings) -> Plan:
    """Decide about one Rollout; a defect of ours halts this one, is told with its traceback, and touches no other."""
    try:
        return decide(observation, answers, now, settings)
    except Exception as error:
        rollout = observation.rollout
        LOG.exception("%s could not be decided", rollout.ref)
        position = Position(phase=rollout.state.phase.value, weight=None)
        reason = f"internal error: {type(error).__name__}: {error}"
        return Plan(
            rollout=rollout.ref, move=Move.HALT.value, reason=reason, before=position, after=position, error=reason
        )


def _adapted(plan: Plan, adapt: Callable[[Plan], Plan]) -> Plan:
    """Give the plan as it has to be written; one that cannot be is refused as a whole, before anything is written."""
    try:
        return adapt(plan)
    except ClusterError as error:
        reason = str(error)
    except Exception as error:
        LOG.exception("the plan for %s could not be adapted", plan.rollout)
        reason = f"internal error: {type(error).__name__}: {error}"
    return replace(plan, after=plan.before, patches=(), events=(), error=reason)
