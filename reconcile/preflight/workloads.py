"""The two Deployments, as far as their manifests tell: names, selectors, and what keeps them from being rolled out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core import health
from reconcile.core.stops import GateError
from reconcile.preflight.findings import Finding, Level
from reconcile.preflight.unreadable import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.objects import Deployment
    from reconcile.preflight.findings import Subject

# A canary at 0 replicas waits for its next version.
SCALED_TO_ZERO = "is scaled to 0 replicas"
_STOPPED = {
    "is paused": ("spec.paused", "resume it: kubectl -n {0.namespace} rollout resume deployment/{0.name}"),
    SCALED_TO_ZERO: ("spec.replicas", "scale it up: nothing is released beside a primary without pods"),
    "exceeded its progress deadline": (
        "status.conditions",
        "see why its pods do not become ready: kubectl -n {0.namespace} describe pods",
    ),
}


def deployments(subject: Subject) -> Iterator[Finding]:
    """Yields Deployments that cannot be used, and selectors that miss their own pods or have those of the other."""
    rollout, objects, advice = subject.case.rollout, subject.case.objects, "create it, or correct spec.{}.name"
    yield from unreadable(rollout.primary, lambda: objects.primary, advice.format("primary"))
    yield from unreadable(rollout.canary, lambda: objects.canary, advice.format("canary"))
    for deployment in readable(subject):
        if not deployment.selects(deployment.labels):
            message = f"{deployment.ref} does not select the pods of its own template"
            yield Finding(level=Level.ERROR, object=str(deployment.ref), path="spec.selector", message=message)
    primary, canary = objects.primary, objects.canary
    for one, other in ((primary, canary), (canary, primary)):
        if one.ref != other.ref and one.selects(other.labels):
            message = f"{one.ref} selects the pods of {other.full_name} as well"
            advice = "give each its own value of a label that its selector asks for; a selector cannot be changed later"
            # Kubernetes goes by owners, so that no traffic is lost; an autoscaler counts both.
            yield Finding(
                level=Level.WARNING, object=str(one.ref), path="spec.selector", message=message, advice=advice
            )


def readable(subject: Subject) -> Iterator[Deployment]:
    """Yields the Deployments that can be used."""
    for name in ("primary", "canary"):
        try:
            yield getattr(subject.case.objects, name)
        except GateError:
            continue


def names(subject: Subject) -> str:
    """Returns the names of both Deployments."""
    return f"{subject.case.objects.primary.full_name}, {subject.case.objects.canary.full_name}"


def primary(subject: Subject) -> Iterator[Finding]:
    """Yields what keeps the primary from being rolled out."""
    yield from stopped(subject.case.objects.primary)


def canary(subject: Subject) -> Iterator[Finding]:
    """Yields what keeps the canary from being rolled out."""
    yield from stopped(subject.case.objects.canary, SCALED_TO_ZERO)


def stopped(deployment: Deployment, *ignored: str) -> Iterator[Finding]:
    """Yields what keeps a Deployment from being rolled out until somebody changes it."""
    ref = deployment.ref
    for reason in health.stopped(deployment):
        if reason not in ignored:
            path, advice = _STOPPED[reason]
            message = f"{ref} {reason}"
            yield Finding(level=Level.ERROR, object=str(ref), path=path, message=message, advice=advice.format(ref))
