"""The Rollout itself: its fields, and other Rollouts that claim the same objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core import gates, metrics
from reconcile.model.kinds import DEPLOYMENT, Ref
from reconcile.preflight.findings import Finding, Level
from reconcile.preflight.unreadable import invalid_field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.preflight.findings import Subject


def fields(subject: Subject) -> Iterator[Finding]:
    """Yields what is wrong with the fields of the Rollout."""
    rollout = subject.case.rollout
    problems = (*gates.unserved_version(subject.case), *rollout.problems)
    yield from (invalid_field(rollout.ref, problem) for problem in problems)
    known = {problem.partition(": ")[0] for problem in rollout.problems}
    advice = "correct the name, or name the folder of its template: --templates"
    for problem in metrics.problems(subject.case):
        if problem.partition(": ")[0] not in known:
            yield invalid_field(rollout.ref, problem, advice)
    if rollout.deleted:
        yield Finding(level=Level.ERROR, object=str(rollout.ref), message=f"{rollout.ref} is being deleted")


def rivals(subject: Subject) -> Iterator[Finding]:
    """Yields each other Rollout of the namespace that has the same route or one of the same Deployments."""
    case, mine = subject.case, subject.case.rollout
    if reason := gates.claimed_by_other(case):
        yield Finding(level=Level.ERROR, object=str(mine.ref), message=reason, advice="delete one of the two")
    for other in subject.others:
        if other.ref == mine.ref or other.ref.namespace != mine.ref.namespace:
            continue
        for name in {case.spec.primary, case.spec.canary} & {other.draft.primary, other.draft.canary} - {""}:
            ref = Ref(DEPLOYMENT, mine.ref.namespace, name)
            message = f"{ref} is a Deployment of {other.ref} as well"
            advice = "delete one of the two Rollouts"
            # The older of the two goes on; the younger one is halted, as the first finding says.
            level = Level.ERROR if case.observation.rival else Level.WARNING
            yield Finding(level=level, object=str(ref), message=message, advice=advice)
