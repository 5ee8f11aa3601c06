"""Everything that would halt a release, found before it starts: all of it at once, not one by one.

Duty: from what was read of the Rollouts (and of what the API server allows and serves) to findings, by the gates' own
words where a gate would halt. It looks at every question, where a pass stops at the first. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core.case import Case
from reconcile.core.stops import GateError
from reconcile.preflight import live, manifests
from reconcile.preflight.findings import Answers, Examined, Finding, Look, Result, concluded

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from reconcile.core.observation import Observation
    from reconcile.model.plan import Settings
    from reconcile.model.rollout import Rollout
    from reconcile.preflight.findings import Check

OFFLINE = (*manifests.CHECKS, *manifests.OFFLINE)
IN_CLUSTER = (*manifests.CHECKS, *live.CHECKS)


def looks(
    observations: Iterable[Observation], listed: Iterable[Rollout], settings: Settings, now: datetime
) -> tuple[Look, ...]:
    """Put together what is looked at; `listed` are all Rollouts in scope, of which one may be in another's way."""
    others = tuple(listed)
    return tuple(Look(case=Case(item, settings, now), others=others) for item in observations)


def examine(look: Look, checks: Iterable[Check], answers: Answers | None = None) -> Examined:
    """Make all checks of one Rollout; one that cannot be made for want of an object says so."""
    asked = look.with_answers(answers or {})
    return Examined(rollout=look.case.rollout.ref, results=tuple(_made(check, asked) for check in checks))


def _made(check: Check, look: Look) -> Result:
    found: list[Finding] = []
    try:
        for finding in check.find(look):
            found.append(finding)  # noqa: PERF402 - those before an object that is missing are kept
        return concluded(check.name, found, lambda: check.seen(look))
    except GateError as missing:
        # The object has a finding of its own, in the check that is about it.
        return Result(check=check.name, findings=tuple(found), unseen=missing.reason)


def counted(results: Iterable[Result]) -> dict[str, int]:
    """Count findings by their level."""
    levels = [finding.level.value for result in results for finding in result.findings]
    return {level: levels.count(level) for level in dict.fromkeys(levels)}
