"""What only a cluster tells of the two Deployments: whether their pods are there now.

What passes by itself, such as a rolling update in progress, is a warning: a release that began now would halt, and go
on by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core import gates, health
from reconcile.core.stops import GateError
from reconcile.preflight.findings import Finding, Level
from reconcile.preflight.workloads import SCALED_TO_ZERO, stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.objects import Deployment
    from reconcile.preflight.findings import Subject


def primary(subject: Subject) -> Iterator[Finding]:
    """Yields what keeps the primary from being healthy."""
    yield from _health(subject.case.objects.primary)


def canary(subject: Subject) -> Iterator[Finding]:
    """Yields what keeps the canary from being healthy. At 0 replicas it may wait for its next version."""
    if subject.case.record.parked:
        yield from stopped(subject.case.objects.canary, SCALED_TO_ZERO)
    else:
        yield from _health(subject.case.objects.canary)


def canary_summary(subject: Subject) -> str:
    """Returns the size of the canary."""
    case = subject.case
    if case.record.parked:
        return f"{case.objects.canary.full_name} waits at 0 replicas for its next version"
    return gates.canary(case)


def scaling(subject: Subject) -> Iterator[Finding]:
    """Yields that the canary is being scaled, if so."""
    try:
        gates.scaling(subject.case)
    except GateError as error:
        ref = str(subject.case.objects.canary.ref)
        yield Finding(level=Level.WARNING, object=ref, message=error.reason, advice="wait until it rests")


def _health(deployment: Deployment) -> Iterator[Finding]:
    yield from stopped(deployment)
    reason = health.unfinished(deployment)
    if reason and not health.stopped(deployment):
        ref = deployment.ref
        advice = f"wait for it: kubectl -n {ref.namespace} rollout status deployment/{ref.name}"
        yield Finding(level=Level.WARNING, object=str(ref), message=f"{ref} {reason}", advice=advice)
