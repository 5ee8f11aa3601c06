"""Makes the checks of a Rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core.case import Case
from reconcile.core.stops import GateError
from reconcile.preflight.findings import Answers, Examined, Finding, Result, Subject, completed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from reconcile.core.observation import Observation
    from reconcile.model.rollout import Rollout
    from reconcile.model.settings import Settings
    from reconcile.preflight.findings import Check


def subjects(
    observations: Iterable[Observation], listed: Iterable[Rollout], settings: Settings, now: datetime
) -> tuple[Subject, ...]:
    """Returns the Rollouts to examine. `listed` are all Rollouts in scope: one may claim what another has."""
    others = tuple(listed)
    return tuple(Subject(case=Case(item, settings, now), others=others) for item in observations)


def examine(subject: Subject, checks: Iterable[Check], answers: Answers | None = None) -> Examined:
    """Returns the results of all checks of one Rollout."""
    answered = subject.with_answers(answers or {})
    return Examined(rollout=subject.case.rollout.ref, results=tuple(_result(check, answered) for check in checks))


def _result(check: Check, subject: Subject) -> Result:
    found: list[Finding] = []
    try:
        for finding in check.find(subject):
            found.append(finding)  # noqa: PERF402 - those before an object that is missing are kept
        return completed(check.name, found, lambda: check.summary(subject))
    except GateError as missing:
        # The object has a finding of its own, in the check that is about it.
        return Result(check=check.name, findings=tuple(found), incomplete=missing.reason)
