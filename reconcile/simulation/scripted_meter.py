"""The meter of a simulation: it answers from a scenario."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconcile.model.measurement import Answer, Asks, Failure

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from reconcile.model.kinds import Ref
    from reconcile.model.measurement import Question
    from reconcile.simulation.scenario import Scenario, Value


class ScriptedMeter:
    """A Meter that answers from a scenario. Each Rollout uses up the values of a trouble for itself."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._used: Counter[tuple[Ref, int]] = Counter()

    def measure(self, questions: Collection[Question], at: datetime) -> dict[Question, Answer]:
        """Returns an answer to every question. A metric that is not in the scenario has no data."""
        del at  # a scenario depends on weights, not on times
        return {question: self._answer(question) for question in questions}

    def _answer(self, question: Question) -> Answer:
        value = self._value(question)
        query = f"{question.metric} of {question.workload} at weight {question.weight}"
        if isinstance(value, Failure):
            is_empty = value in {Failure.NO_DATA, Failure.NOT_A_NUMBER}
            return Answer(query=query, failure=value, detail="by the scenario", is_empty=is_empty)
        return Answer(query=query, value=value)

    def _value(self, question: Question) -> Value:
        """Returns what the scenario says. It counts no requests, and a primary has no trouble."""
        if question.asks is not Asks.VALUE:
            return Failure.NO_DATA
        if question.roles is not None and question.workload == question.roles.primary:
            return self._scenario.answers.get(question.metric, Failure.NO_DATA)
        return self._next_value(question)

    def _next_value(self, question: Question) -> Value:
        for index, trouble in enumerate(self._scenario.troubles):
            key = (question.rollout, index)
            if (trouble.metric, trouble.weight) != (question.metric, question.weight):
                continue
            if self._used[key] < len(trouble.values):
                self._used[key] += 1
                return trouble.values[self._used[key] - 1]
        return self._scenario.answers.get(question.metric, Failure.NO_DATA)
