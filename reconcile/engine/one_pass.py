"""One pass over all Rollouts in scope: observe, decide, measure, decide again, apply.

A failure of one Rollout does not stop the others.
"""

from __future__ import annotations

import logging
from collections import deque
from functools import cached_property, partial
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from reconcile.core.case import Case
from reconcile.engine.apply import apply
from reconcile.engine.common_cause import common_cause, fails
from reconcile.engine.concurrency import map_concurrently
from reconcile.engine.decision import Decision, internal_error
from reconcile.engine.observe import observe
from reconcile.engine.ordering import query_order, write_order
from reconcile.engine.shared_routes import SharedRoutes
from reconcile.model.errors import ClusterError, LostRaceError, PendingError, RefusedError
from reconcile.model.plan import Plan, Record, Result
from reconcile.model.settings import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from reconcile.engine.observe import Snapshot
    from reconcile.engine.selection import Selection
    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.plan import Patch
    from reconcile.model.ports import Cluster, Meter
    from reconcile.model.settings import Settings

LOG = logging.getLogger("steerer.engine")

# A time in the status has whole seconds: other passes may count the interval from up to one second earlier.
TIME_RESOLUTION = 1.0


def as_decided(plan: Plan) -> Plan:
    """Returns the plan unchanged: the cluster that is read is the one that is written."""
    return plan


class Pass(Struct, frozen=True, kw_only=True, dict=True):
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
    _decisions: dict[Ref, Decision] = field(default_factory=dict)

    @cached_property
    def _routes(self) -> SharedRoutes:
        return SharedRoutes(self.cluster)

    def run(self) -> Iterator[Record]:
        """Decides and writes. Raises ClusterError at the end if a namespace could not be read."""
        return self.write(self.plans())

    def plans(self) -> Iterator[Record]:
        """Decides and writes nothing. Raises ClusterError at the end if a namespace could not be read."""
        started = self.now()
        self._decisions.clear()
        self._routes.forget()
        snapshot = observe(self.cluster, self.selection)
        list_errors = snapshot.list_errors
        decisions, plans = self._decide_all(snapshot, started)
        planned = deque((decisions[index], plans[index]) for index in write_order(plans, started))
        del snapshot, decisions, plans  # what was read of a Rollout goes when it is written: it is most of the memory
        while planned:
            decision, plan = planned.popleft()
            plan = self._writable(decision, self._up_to_date(decision, plan))
            if decision.observation.shared:
                self._decisions[plan.rollout] = decision
            yield Record(
                plan=plan, at=started, result=Result.FAILED if plan.error else Result.PLANNED, error=plan.error
            )
        if list_errors:
            raise ClusterError("; ".join(map(str, list_errors))) from list_errors[0]

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

    def _decide_all(self, snapshot: Snapshot, now: datetime) -> tuple[list[Decision], list[Plan]]:
        """Decides, measures all metrics that this needs in one go, and decides again with the answers."""
        decisions = [Decision(case=Case(item, self.settings, now)) for item in snapshot.observations]
        plans = [decision.plan(now) for decision in decisions]
        questions = [question for index in query_order(plans, now) for question in plans[index].questions]
        if not questions:
            return decisions, plans
        answers = self.meter.measure(questions, now)

        def decide_again(about: Callable[[Plan], bool], knowing_more: Callable[[Decision], Decision]) -> None:
            for index, plan in enumerate(plans):
                if about(plan):
                    decisions[index] = knowing_more(decisions[index])
                    plans[index] = decisions[index].plan(now)

        decide_again(lambda plan: bool(plan.questions), lambda decision: replace(decision, answers=answers))
        if self.settings.common_cause and (words := common_cause(plans)):
            decide_again(fails, lambda decision: decision.with_common_cause(words))
        return decisions, plans

    def _up_to_date(self, decision: Decision, plan: Plan) -> Plan:
        """Decides again at the time of writing: other passes count the interval from the time in the status."""
        at = self.now()
        outdated = len(plan.patches) > 1 and plan.at is not None and at > plan.at
        return decision.plan(at) if outdated else plan

    def _writable(self, decision: Decision, plan: Plan) -> Plan:
        """Returns the plan as it has to be written; a wait or a halt where an object is in the way of that."""
        try:
            return self.adapt(plan)
        except (PendingError, RefusedError) as error:
            if error.target is not None:
                return decision.without(error.target, error).plan(plan.at or self.now())
            reason = str(error)
        except ClusterError as error:
            reason = str(error)
        except Exception as error:
            LOG.exception("the plan for %s could not be adapted", plan.rollout)
            reason = internal_error(error)
        return replace(plan, after=plan.before, patches=(), events=(), error=reason)

    def _apply(self, plan: Plan, at: datetime) -> Record:
        """Writes a plan within its lease: the time, from its own, in which other passes leave the Rollout alone."""
        since = plan.at or at
        interval = ENOUGH * self.settings.interval
        lease = min(self.budget, max(interval - TIME_RESOLUTION, interval / 2) or self.budget)
        expired = lambda: (self.now() - since).total_seconds() >= lease  # noqa: E731
        try:
            return apply(plan, self.cluster, at, expired, partial(self._patch, plan, since))
        except Exception as error:
            LOG.exception("%s could not be written", plan.rollout)
            return Record(plan=plan, at=at, result=Result.FAILED, error=internal_error(error))

    def _patch(self, plan: Plan, at: datetime, patch: Patch) -> None:
        """Writes one patch of a plan; to a shared route on top of what the other Rollouts of the pass wrote there."""
        decision = self._decisions.get(plan.rollout)
        if decision is None or not decision.shares(patch):
            self.cluster.patch(patch)
            return

        def rebase(route: Manifest) -> Patch:
            there = decision.on_route(patch.target, route)
            other = self._writable(there, there.plan(at))
            found = next((item for item in other.patches if item.target == patch.target), None)
            if found is None or (other.move, other.after) != (plan.move, plan.after):
                raise LostRaceError("somebody changed the route since it was read")
            return found

        self._routes.patch(patch, decision.observation.route(patch.target), rebase)
