"""The sizes of the two Deployments: who else changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core.stops import GateError
from reconcile.model.errors import ClusterError
from reconcile.preflight.findings import Finding, Level
from reconcile.preflight.workloads import readable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.objects import Autoscaler
    from reconcile.preflight.findings import Subject


def autoscalers(subject: Subject) -> Iterator[Finding]:
    """Yields autoscalers that cannot be used, that may scale to zero, or of which a Deployment has several."""
    rollout = subject.case.rollout
    for ref in dict.fromkeys((rollout.primary, rollout.canary)):
        try:
            found = subject.case.objects.autoscalers_of(ref)
        except GateError as error:
            name = error.reason.partition(" cannot be ")[0].partition(" in ")[0]
            # Whether the primary is being scaled is of no interest to a release.
            is_listed = not isinstance(subject.case.observation.around.autoscalers, ClusterError)
            level = Level.WARNING if is_listed and ref == rollout.primary else Level.ERROR
            yield Finding(level=level, object=name, message=error.reason)
            if not is_listed:
                return
            continue
        if ref.name:
            yield from _of(ref, found)
            yield from _without_requests(subject, ref, found)


def _of(ref: Ref, found: tuple[Autoscaler, ...]) -> Iterator[Finding]:
    for item in found:
        if item.min_replicas == 0:
            name = f"HorizontalPodAutoscaler {item.name}.{ref.namespace}"
            message = f"{name} may scale {ref} to 0 replicas, which halts a release"
            advice = "let it keep one replica at least"
            yield Finding(level=Level.WARNING, object=name, path="spec.minReplicas", message=message, advice=advice)
    if len(found) > 1:
        names = ", ".join(item.name for item in found)
        message = f"{ref} is the target of several HorizontalPodAutoscalers ({names}): Kubernetes then follows none"
        yield Finding(level=Level.WARNING, object=str(ref), message=message, advice="delete all but one")


def _without_requests(subject: Subject, ref: Ref, found: tuple[Autoscaler, ...]) -> Iterator[Finding]:
    """Yields each autoscaler that can compute no size: a container requests nothing of what it measures a share of."""
    deployment = next((item for item in readable(subject) if item.ref == ref), None)
    containers = (deployment.template.get("spec") or {}).get("containers") if deployment else None
    for item in found:
        for resource in sorted(item.utilization_of):
            lacking = [str(each.get("name")) for each in containers or () if resource not in _requests(each)]
            if lacking:
                name = f"HorizontalPodAutoscaler {item.name}.{ref.namespace}"
                message = f"is on the utilization of {resource}, and of {ref} {', '.join(lacking)} requests none"
                yield Finding(level=Level.WARNING, object=name, message=message, advice=f"request {resource} there")


def _requests(container: Manifest) -> Manifest:
    resources = container.get("resources") or {}
    found: Manifest = resources.get("limits") or {}
    return found | (resources.get("requests") or {})


def summary(subject: Subject) -> str:
    """Returns which autoscaler scales which Deployment."""
    scaled = [
        f"{item.name} scales {ref.name}"
        for ref in (subject.case.rollout.primary, subject.case.rollout.canary)
        for item in subject.case.objects.autoscalers_of(ref)
    ]
    return ", ".join(scaled) or "none"


def replicas(subject: Subject) -> Iterator[Finding]:
    """Yields each size in a manifest that an autoscaler or steerer changes as well."""
    case = subject.case
    for deployment in readable(subject):
        scalers = [f"HorizontalPodAutoscaler {item.name}" for item in case.objects.autoscalers_of(deployment.ref)]
        movers = [*scalers, *(["steerer"] if deployment.ref == case.rollout.canary else [])]
        if deployment.replicas_written and movers:
            message = f"states {deployment.wanted} replicas, which {' and '.join(movers)} set as well"
            advice = "leave it out where a GitOps tool applies it, or let the tool ignore it"
            what = {"object": str(deployment.ref), "path": "spec.replicas"}
            yield Finding(level=Level.INFO, message=message, advice=advice, **what)


def replicas_summary(subject: Subject) -> str:
    """Returns that no size is changed by anybody else, if so."""
    return "" if [*replicas(subject)] else "none that somebody else moves as well"
