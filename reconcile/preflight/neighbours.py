"""Other objects of the namespace that act on what a release relies on: routes, and the scalers of KEDA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.core import routers
from reconcile.core.stops import GateError
from reconcile.model.errors import ClusterError
from reconcile.model.fields import Fields
from reconcile.model.kinds import DEPLOYMENT, ROUTE_KINDS, SCALED_OBJECT, Ref
from reconcile.preflight.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.kinds import Kind, Manifest
    from reconcile.preflight.findings import Subject

_SPLITS = "gives the canary traffic as well: {} of it, and the canary is not scaled down while it does"
_ALONE = "leads to the canary alone in {}: whatever the weights of {} are"
_CLAIMS = "is for {} at {} as well: which of the two VirtualServices holds there is not defined"
_ONE = "keep the destinations of the canary in the routes of the Rollout alone"


def neighbours(subject: Subject) -> Iterator[Finding]:
    """Yields them. Raises GateError, after all others, where some may not be listed."""
    rollout, around = subject.case.rollout, subject.case.observation.around
    routes = {_ref(ROUTE_KINDS[str(item["kind"])], item): item for item in _listed(around.all_routes)}
    scalers = _listed(around.scaled_objects)
    for ref, manifest in routes.items():
        if ref not in rollout.routes:
            yield from _route(subject, ref, manifest, [routes.get(own, {}) for own in rollout.routes])
    for ref in (rollout.primary, rollout.canary):
        for manifest in scalers:
            yield from _scaler(ref, manifest, is_canary=ref == rollout.canary)
    unseen = [f"{item}" for item in (around.all_routes, around.scaled_objects) if isinstance(item, ClusterError)]
    if unseen:
        raise GateError("; ".join(unseen))


def _listed(found: tuple[Manifest, ...] | ClusterError) -> tuple[Manifest, ...]:
    return () if isinstance(found, ClusterError) else found


def _ref(kind: Kind, manifest: Manifest) -> Ref:
    metadata = Fields(value=manifest).child("metadata")
    return Ref(kind, metadata.text("namespace", "default"), metadata.text("name"))


def _route(subject: Subject, ref: Ref, manifest: Manifest, own: list[Manifest]) -> Iterator[Finding]:
    """Yields what another object that routes does with the canary, and which host of the Rollout's own it claims."""
    refs, host = subject.case.rollout.routes, subject.case.rollout.draft.canary_host
    route, name = " and ".join(map(str, refs)), str(ref)
    splits, alone = routers.paths_to(manifest, host)
    if host and splits:
        message = _SPLITS.format(", ".join(splits))
        yield Finding(level=Level.ERROR, object=name, path=splits[0], message=message, advice=_ONE)
    elif host and alone:
        message = _ALONE.format(", ".join(alone), route)
        yield Finding(level=Level.INFO, object=name, path=alone[0], message=message)
    claims = routers.ROUTERS[ref.kind].claims
    claimed_here = frozenset().union(*(claims(item) for item in own if ref.kind.matches(item)))
    for claimed, gateway in sorted(claims(manifest) & claimed_here):
        message = _CLAIMS.format(f"host {claimed}", "all sidecars" if gateway == "mesh" else f"gateway {gateway}")
        advice = f"put its routes into {route}, or give it another host"
        yield Finding(level=Level.WARNING, object=name, path="spec.hosts", message=message, advice=advice)


def _scaler(ref: Ref, manifest: Manifest, *, is_canary: bool) -> Iterator[Finding]:
    """Yields what a ScaledObject of KEDA does to a Deployment."""
    spec: Any = manifest.get("spec")
    target = spec.get("scaleTargetRef") if isinstance(spec, dict) else None
    if not isinstance(target, dict) or (target.get("kind") or DEPLOYMENT.name, target.get("name")) != (
        DEPLOYMENT.name,
        ref.name,
    ):
        return
    to_zero = f"scales {ref} to 0 while nothing triggers it, which halts a release"
    again = f"scales {ref} up again after the release, when steerer has scaled it down"
    least = spec.get("minReplicaCount") or 0
    name = str(_ref(SCALED_OBJECT, manifest))
    if least == 0:
        advice = "write spec.minReplicaCount: 1"
        yield Finding(level=Level.WARNING, object=name, path="spec.minReplicaCount", message=to_zero, advice=advice)
    elif is_canary:
        advice = "let it scale the primary alone, or pause it between releases: autoscaling.keda.sh/paused"
        yield Finding(level=Level.WARNING, object=name, path="spec.scaleTargetRef", message=again, advice=advice)


def summary(subject: Subject) -> str:
    """Returns that there is nothing of the kind."""
    kinds = ", ".join(sorted({ref.kind.name for ref in subject.case.rollout.routes}))
    return f"no other {kinds} or ScaledObject acts on {subject.case.rollout.canary.full_name}"
