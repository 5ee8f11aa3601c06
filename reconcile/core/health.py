"""Whether a Deployment is rolled out, and whether it is being scaled. Each answer is a reason in words, or None."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.model.objects import Autoscaler, Deployment


def unhealthy(deployment: Deployment) -> str | None:
    """Returns why a Deployment is not rolled out with all its replicas available; None if it is."""
    for reason in stopped(deployment):
        return reason
    return unfinished(deployment)


def stopped(deployment: Deployment) -> list[str]:
    """Returns all that keeps a Deployment from being rolled out until somebody changes it."""
    reasons = {
        "is paused": deployment.paused,
        "is scaled to 0 replicas": deployment.wanted == 0,
        "exceeded its progress deadline": deployment.deadline_exceeded,
    }
    return [reason for reason, applies in reasons.items() if applies]


def unfinished(deployment: Deployment) -> str | None:
    """Returns what is left of a rolling update; None if it is finished."""
    if not deployment.reported:
        return "has no status: nobody has reported on its replicas yet"
    if not is_observed(deployment):
        return "has a newer spec than its controller has seen"
    if deployment.updated < deployment.wanted:
        return f"has updated {deployment.updated} of {_replicas(deployment.wanted)}" + _why_no_pods(deployment)
    if deployment.replicas > deployment.updated:
        return f"waits for {_replicas(deployment.replicas - deployment.updated, 'old ')} to terminate"
    if deployment.available < deployment.updated:
        return f"has {deployment.available} of {_replicas(deployment.updated, 'updated ')} available" + _why_no_pods(
            deployment
        )
    return None


def _why_no_pods(deployment: Deployment) -> str:
    """Returns the words of the condition ReplicaFailure, such as of a quota, behind a colon; "" without one."""
    return f": {deployment.replica_failure}" if deployment.replica_failure else ""


def is_observed(deployment: Deployment) -> bool:
    """Returns whether the controller has seen the latest spec. Without a generation (a folder) none is newer."""
    return deployment.generation is None or (deployment.observed_generation or 0) >= deployment.generation


def updated_and_available(deployment: Deployment) -> tuple[int, int]:
    """Returns the two numbers of "a of b updated replicas are available". b is the size after the update.

    Replicas of the old template may be among the available ones: as many as there are beyond the updated ones are
    taken off. Before the controller has seen the spec, none is updated.
    """
    if not is_observed(deployment):
        return 0, deployment.wanted
    old = max(deployment.replicas - deployment.updated, 0)
    return min(max(deployment.available - old, 0), deployment.updated), deployment.wanted


def scaling(deployment: Deployment, autoscalers: Iterable[Autoscaler]) -> str | None:
    """Returns why the number of replicas is about to change; None if it is not."""
    if deployment.wanted != deployment.replicas:
        return f"is being scaled from {deployment.replicas} to {_replicas(deployment.wanted)}"
    for autoscaler in autoscalers:
        # One that cannot compute a size scales nothing, whatever its last `desiredReplicas` is: 0 if it never could.
        if autoscaler.is_active and autoscaler.desired_replicas != autoscaler.current_replicas:
            return (
                f"is being scaled by HorizontalPodAutoscaler {autoscaler.name} "
                f"from {autoscaler.current_replicas} to {_replicas(autoscaler.desired_replicas)}"
            )
    return None


def _replicas(count: int, adjective: str = "") -> str:
    return f"{count} {adjective}replica{'' if count == 1 else 's'}"
