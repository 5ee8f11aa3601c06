"""The history of what passes of this process did, collected from their records as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconcile.lookback.history import Act, CheckMade, Happening, History, MetricHistory, Span
from reconcile.lookback.words import bound_words
from reconcile.model.measurement import good_values
from reconcile.model.plan import Result
from reconcile.model.rollout import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reconcile.model.kinds import Ref
    from reconcile.model.measurement import Measurement, Metric
    from reconcile.model.plan import Event, Plan, Record

_SPANS = {"halt": "halt", "hold": "hold"}


class Collected:
    """What is collected of all Rollouts. It keeps values of the records, and none of their patches."""

    def __init__(self, source: str, metrics: Mapping[str, Metric]) -> None:
        self._source = source
        self._metrics = metrics
        self._rollouts: dict[Ref, _Collector] = {}

    def add(self, records: Iterable[Record]) -> None:
        """Adds the records of one pass."""
        for record in records:
            collector = self._rollouts.setdefault(record.plan.rollout, _Collector(record.plan.rollout, self._metrics))
            collector.add(record)

    def histories(self) -> tuple[History, ...]:
        """Returns the history of each Rollout, by namespace and name."""
        return tuple(self._rollouts[ref].history(self._source) for ref in sorted(self._rollouts))


class _Collector:
    """What is collected of one Rollout."""

    def __init__(self, rollout: Ref, metrics: Mapping[str, Metric]) -> None:
        self._rollout = rollout
        self._known = metrics
        self._weights: list[tuple[datetime, int]] = []
        self._spans: list[Span] = []
        self._span: Span | None = None
        self._happened: dict[tuple[str, str], Happening] = {}
        self._metrics: dict[str, MetricHistory] = {}
        self._acts: dict[tuple[str, str], Act] = {}
        self._times: list[datetime] = []
        self._revision = ""
        self._last: Record | None = None

    def add(self, record: Record) -> None:
        plan, at = record.plan, record.at
        self._times = [*self._times[:1], at]
        self._last = record
        self._at_weight(at, plan.before.weight)
        if record.result is Result.APPLIED:
            self._at_weight(at, plan.after.weight)
        self._add_span(plan, at)
        for event, time in record.told:
            self._add_event(event, time)
        for measurement in plan.measurements:
            self._add_measurement(measurement, plan.before.weight)
        for asked in plan.actions:
            known = self._acts.get((asked.action, asked.value))
            act = Act(at=known.at if known else at, action=asked.action, value=asked.value, outcome=asked.outcome)
            self._acts[asked.action, asked.value] = act

    def _at_weight(self, at: datetime, weight: int | None) -> None:
        if weight is not None and (not self._weights or self._weights[-1][1] != weight):
            self._weights.append((at, weight))

    def _add_span(self, plan: Plan, at: datetime) -> None:
        """Begins, prolongs or ends a time of halts. A pass that only waits changes nothing about it."""
        if self._span is not None:
            self._span = replace(self._span, end=at)
        kind = _SPANS.get(plan.move, "")
        if plan.move == "wait" or (self._span is not None and self._span.kind == kind):
            return
        if self._span is not None:
            self._spans.append(self._span)
        self._span = Span(begin=at, end=at, kind=kind, text=plan.reason) if kind else None

    def _add_event(self, event: Event, at: datetime) -> None:
        self._revision = event.revision or self._revision
        kind = str(event.transition or "")
        known = self._happened.get((event.type, event.message))
        if known is None or kind:  # what is told anew is a line of its own
            key = (event.type, event.message if known is None else f"{event.message}\0{len(self._happened)}")
            self._happened[key] = Happening(at=at, text=event.message, kind=kind, is_warning=event.type == "Warning")
        else:
            self._happened[event.type, event.message] = replace(known, count=known.count + 1)

    def _add_measurement(self, measurement: Measurement, weight: int | None) -> None:
        name, at = measurement.metric, measurement.at
        history = self._metrics.get(name) or self._new_metric(measurement)
        good = measurement.passed if measurement.gates else None
        check = CheckMade(
            at=at, weight=weight, value=measurement.value, verdict=measurement.verdict, text=measurement.text, good=good
        )
        beside = measurement.primary_value
        self._metrics[name] = replace(
            history,
            query=measurement.query or history.query,
            canary=(*history.canary, (at, measurement.value)),
            primary=history.primary if beside is None else (*history.primary, (at, beside)),
            checks=(*history.checks, check),
        )

    def _new_metric(self, measurement: Measurement) -> MetricHistory:
        known = self._known.get(measurement.metric)
        good = good_values(measurement.bound, measurement.threshold, measurement.range)
        return MetricHistory(
            name=measurement.metric,
            title=known.title if known else measurement.metric,
            unit=known.unit if known else "",
            bound=bound_words(good),
            least=good.least,
            most=good.most,
        )

    def history(self, source: str) -> History:
        plan = self._last.plan if self._last else None
        position = (
            None
            if plan is None or self._last is None
            else (plan.after if self._last.result is Result.APPLIED else plan.before)
        )
        return History(
            rollout=self._rollout,
            begin=self._times[0],
            end=self._times[-1],
            source=source,
            phase=position.phase if position else Phase.NEW.value,
            reason=plan.reason if plan else "",
            revision=self._revision,
            weights=tuple(self._weights),
            spans=(*self._spans, *([self._span] if self._span else [])),
            happened=tuple(sorted(self._happened.values(), key=lambda item: item.at)),
            metrics=tuple(self._metrics.values()),
            acts=tuple(self._acts.values()),
        )
