"""The meter of a simulation: it answers from a scenario."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconcile.model import durations
from reconcile.model.measurement import Answer, Asks, Failure

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from reconcile.model.kinds import Ref
    from reconcile.model.measurement import Counts, Question
    from reconcile.simulation.scenario import Scenario, Value


class ScriptedMeter:
    """A Meter that answers from a scenario. Each Rollout uses up the values of a trouble for itself."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._used: Counter[tuple[Ref, int]] = Counter()

    def measure(self, questions: Collection[Question], at: datetime) -> dict[Question, Answer]:
        """Returns an answer to every question. A metric that is not in the scenario has no data."""
        return {question: self._answer(question, at) for question in questions}

    def _answer(self, question: Question, at: datetime) -> Answer:
        value = self._value(question, at)
        query = f"{question.metric} of {question.workload} at weight {question.weight}"
        if isinstance(value, Failure):
            is_empty = value in {Failure.NO_DATA, Failure.NOT_A_NUMBER}
            return Answer(query=query, failure=value, detail="by the scenario", is_empty=is_empty)
        return Answer(query=query, value=value)

    def _value(self, question: Question, at: datetime) -> Value:
        """Returns what the scenario says. It counts the requests that it draws, and a primary has no trouble."""
        drawn = self._drawn(question, at)
        if question.asks is Asks.REQUESTS:
            return drawn.total if drawn else Failure.NO_DATA
        if question.asks is Asks.FAILURES:
            return drawn.bad if drawn else Failure.NO_DATA
        trouble = None if _is_primary(question) else self._trouble(question)
        if trouble is not None:
            return trouble
        if drawn and question.metric not in self._scenario.answers:
            return 100 - 100 * drawn.bad / drawn.total if drawn.total else Failure.NOT_A_NUMBER
        return self._scenario.answers.get(question.metric, Failure.NO_DATA)

    def _drawn(self, question: Question, at: datetime) -> Counts | None:
        """Returns what a workload served in the interval of a question, in whole ticks; None without traffic."""
        scenario = self._scenario
        now = round((at - scenario.start).total_seconds() / scenario.tick)
        ticks = max(1, round((durations.seconds(question.interval) or 0.0) / scenario.tick))
        is_canary = not _is_primary(question)
        for one in scenario.traffic:
            if (one.rollout, one.metric) == (question.rollout, question.metric):
                window = range(now - ticks, now)
                return one.counts(scenario.seed, window, scenario.tick, question.weight, is_canary=is_canary)
        return None

    def _trouble(self, question: Question) -> Value | None:
        for index, trouble in enumerate(self._scenario.troubles):
            key = (question.rollout, index)
            if (trouble.metric, trouble.weight) != (question.metric, question.weight):
                continue
            if self._used[key] < len(trouble.values):
                self._used[key] += 1
                return trouble.values[self._used[key] - 1]
        return None


def _is_primary(question: Question) -> bool:
    return question.roles is not None and question.workload == question.roles.primary
