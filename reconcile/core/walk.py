"""The walk through the gates of one Rollout, and what it collects for the decision record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from reconcile.core import analysis, gates, optional_gates, series, state_machine
from reconcile.core.case import ANALYSIS_FAILED, attempts
from reconcile.core.state_machine import Move
from reconcile.core.stops import GateError, LimitError, StopError, UnansweredError
from reconcile.model.plan import Gate, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconcile.core.case import Case
    from reconcile.model.measurement import Answer, Measurement, Question
    from reconcile.model.rollout import Attempt

TIMELESS = frozenset({"deployments", "services", "routes", "reach", "primary", "canary", "scaling", "edits"})
"""Gates that see the same at any time, with whatever answers, and whatever limit is passed.

A Rollout is decided up to three times in a pass. One of these that was open is not looked at again.
"""


class Walk(Struct, frozen=True, kw_only=True):
    """One walk. `gates` are those that were looked at, the last of which may be shut; `expected` the names to come.

    `answers` is None where nothing was asked yet.
    """

    case: Case
    answers: Mapping[Question, Answer] | None
    gates: list[Gate] = field(default_factory=list)
    expected: list[str] = field(default_factory=lambda: list(state_machine.GATES[Move.ADVANCE]))
    measurements: list[Measurement] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def expect(self, *names: str) -> None:
        """Replaces the names of the gates to come."""
        self.expected[:] = names

    def through(self, *names: str) -> None:
        """Passes the gates of these names, in order; raises at the first that is shut. A gate is passed once."""
        passed = {gate.name for gate in self.gates if gate.outcome is Outcome.PASSED}
        for name in names:
            if name in passed or not optional_gates.applies(name, self.case):
                continue
            try:
                reason = self._reason(name)
            except StopError as stop:
                outcome = Outcome.FAILED if isinstance(stop, GateError) else Outcome.WAITING
                self.gates.append(Gate(name=name, outcome=outcome, reason=str(stop)))
                raise
            self.gates.append(Gate(name=name, outcome=Outcome.PASSED, reason=reason))

    def all_gates(self) -> tuple[Gate, ...]:
        """Returns the gates that were looked at, then those that the walk did not reach."""
        reached = {gate.name for gate in self.gates}
        rest = (
            Gate(name=name, outcome=Outcome.UNREACHED)
            for name in self.expected
            if name not in reached and optional_gates.applies(name, self.case)
        )
        return (*self.gates, *rest)

    @property
    def attempt(self) -> Attempt:
        """The attempt at the revision, with the check that this walk made.

        A check that passes a limit for a common cause is not counted: a count above the limit would roll back a canary
        that is good once the cause is gone.
        """
        counted = self._counted
        held = self.case.observation.common_cause and attempts.used_up(self.case, counted)
        return self.case.attempt if held else counted

    @property
    def _counted(self) -> Attempt:
        if not self.measurements or self.questions:
            return self.case.attempt
        return attempts.checked(self.case, self.measurements)

    def _reason(self, name: str) -> str:
        """Returns what a gate saw. Two of them look at answers."""
        if name == "analysis":
            return self._analysis()
        if name == "series":
            return self._series()
        if name not in TIMELESS:
            return gates.BY_NAME[name](self.case)
        seen = self.case.seen
        if name not in seen:
            seen[name] = gates.BY_NAME[name](self.case)
        return seen[name]

    def _ask(self, asked: tuple[Question, ...]) -> Mapping[Question, Answer]:
        """Notes what is asked, unless all of it is answered. Returns the answers that there are."""
        answers = self.answers or {}
        if any(question not in answers for question in asked):
            self.questions.extend(asked)
        return answers

    def _series(self) -> str:
        return series.verdict(self.case, self._ask(series.questions(self.case)))

    def _analysis(self) -> str:
        asked = analysis.asked(self.case, self.case.weights.split.lowest)
        answers = self._ask(tuple(question for one in asked for question in one))
        if self.answers is None and self.questions:
            raise UnansweredError
        measured = analysis.measurements(self.case, asked, answers)
        self.measurements.extend(measured)
        if limit := attempts.used_up(self.case, self._counted):
            failed = (measurement.text for measurement in measured if not measurement.passed)
            raise LimitError("; ".join([*failed, limit]), ANALYSIS_FAILED)
        return analysis.verdict(self.case, measured)
