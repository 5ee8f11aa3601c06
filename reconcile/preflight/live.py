"""What only a cluster can tell of one Rollout: whether its pods are there now, and who else writes its objects.

Duty: as `manifests`. What passes by itself, such as a rolling update under way, is a warning: a release that began now
would halt, and go on without anybody. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core import gates, health, messages, routers
from reconcile.core.stops import GateError
from reconcile.model import objects
from reconcile.preflight.findings import Check, Finding, Level, Look
from reconcile.preflight.manifests import stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.objects import Deployment

PARKED = "is scaled to 0 replicas"


def _primary(look: Look) -> Iterator[Finding]:
    yield from _rolled_out(look.case.objects.primary)


def _canary(look: Look) -> Iterator[Finding]:
    if look.case.record.parked:
        yield from stopped(look.case.objects.canary, PARKED)
    else:
        yield from _rolled_out(look.case.objects.canary)


def _rolled_out(deployment: Deployment) -> Iterator[Finding]:
    yield from stopped(deployment)
    reason = health.unfinished(deployment)
    if reason and not health.stopped(deployment):
        ref = deployment.ref
        advice = f"wait for it: kubectl -n {ref.namespace} rollout status deployment/{ref.name}"
        yield Finding(level=Level.WARNING, object=str(ref), message=f"{ref} {reason}", advice=advice)


def _canary_rests(look: Look) -> str:
    case = look.case
    if case.record.parked:
        return f"{case.objects.canary.full_name} waits at 0 replicas for its next version"
    return gates.canary(case)


def _scaling(look: Look) -> Iterator[Finding]:
    try:
        gates.scaling(look.case)
    except GateError as moving:
        canary = str(look.case.objects.canary.ref)
        yield Finding(level=Level.WARNING, object=canary, message=moving.reason, advice="wait until it rests")


def _gitops(look: Look) -> Iterator[Finding]:
    """Tell which GitOps tools wrote last what a release writes."""
    case, rollout = look.case, look.case.rollout
    around = case.observation.surroundings
    route = around.route if around is not None else None
    owned: tuple[tuple[Ref, object, tuple[str, ...], str], ...] = (
        (rollout.route, route, routers.ROUTERS[rollout.route.kind.name].written, "{0}"),
        (
            rollout.primary,
            case.observation.primary,
            ("spec", "template"),
            "let {0} ignore /spec/template of it; a release is then a new template in the canary's manifest",
        ),
        (
            rollout.canary,
            case.observation.canary,
            ("spec", "replicas"),
            "leave replicas out of its manifest, or let {0} ignore /spec/replicas of it",
        ),
    )
    for ref, manifest, path, advice in owned:
        manager = _owner(manifest, path, case.settings.gitops_managers)
        if manager:
            field = ".".join(path)
            message = f"{manager} wrote it last, and would put back what a release changes"
            rule = messages.ignoring_weights(manager) if path[-1] == "http" else advice.format(manager)
            yield Finding(level=Level.WARNING, object=str(ref), path=field, message=message, advice=rule)


def _owner(manifest: Manifest | object, path: tuple[str, ...], tools: tuple[str, ...]) -> str:
    """Give the GitOps tool that wrote a field last; empty if it was nobody's or somebody else's."""
    writer = objects.last_writer(manifest, *path) if isinstance(manifest, dict) else None
    return writer.manager if writer is not None and writer.manager in tools else ""


CHECKS = (
    Check("primary", _primary, lambda look: gates.primary(look.case)),
    Check("canary", _canary, _canary_rests),
    Check("scaling", _scaling, lambda look: gates.scaling(look.case)),
    Check("gitops", _gitops, lambda _: "no GitOps tool was the last to write what a release writes"),
)
