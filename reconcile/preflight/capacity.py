"""The size of the primary when traffic comes back: an autoscaler scales it down while the canary has the traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core import gates
from reconcile.model.errors import ClusterError
from reconcile.model.fields import Fields
from reconcile.model.kinds import AUTOSCALER, DEPLOYMENT, SCALED_OBJECT, Ref
from reconcile.model.policy import OnFailure
from reconcile.preflight.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.kinds import Manifest
    from reconcile.preflight.findings import Subject

_STEP = "spec.canaryAnalysis.promotion.stepWeight"


def capacity(subject: Subject) -> Iterator[Finding]:
    """Yields each autoscaler of the primary that leaves it smaller than the canary, where traffic comes back at once.

    Raises GateError where an object that it looks at cannot be used.
    """
    case = subject.case
    spec, pods = case.spec, _pods_of_the_canary(subject)
    promoted, rolled_back = not spec.promotion.step_weight, spec.failure.on_failure is OnFailure.ROLLBACK
    occasions = [name for name, at_once in (("promotion", promoted), ("rollback", rolled_back)) if at_once]
    for ref, path, least in _scalers(subject):
        if occasions and 0 < least < pods:  # 0 is told of by another check: it halts a release
            message = (
                f"may scale {case.rollout.primary} down to {least} while the canary has the traffic, and a "
                f"{' or a '.join(occasions)} gives it all of that back at once: the canary has {pods} pods"
            )
            steps = [f"traffic goes back in steps with {_STEP}"] if promoted else []
            advice = "; ".join([*steps, f"let it keep {pods} replicas"])
            yield Finding(level=Level.WARNING, object=str(ref), path=path, message=message, advice=advice)


def _pods_of_the_canary(subject: Subject) -> int:
    """Returns how many pods the canary has, or the least that it gets."""
    case, canary = subject.case, subject.case.objects.canary
    scalers = case.objects.autoscalers_of(canary.ref)
    return max([canary.wanted or gates.size_to_scale_up_to(case), *(item.min_replicas for item in scalers)])


def _scalers(subject: Subject) -> Iterator[tuple[Ref, str, int]]:
    """Yields each autoscaler of the primary, with the field for its least size, and that size."""
    primary, around = subject.case.rollout.primary, subject.case.observation.around
    found = subject.case.objects.autoscalers_of(primary)
    for item in found:
        yield Ref(AUTOSCALER, primary.namespace, item.name), "spec.minReplicas", item.min_replicas
    if found or isinstance(around.scaled_objects, ClusterError):
        return  # KEDA makes an autoscaler of each, in a cluster
    for manifest in around.scaled_objects:
        spec, name = _scaled(manifest)
        if name == primary.name:
            least = spec.integer("minReplicaCount", 0, 2**31 - 1, 0)
            ref = Ref(SCALED_OBJECT, primary.namespace, Fields(value=manifest).child("metadata").text("name"))
            yield ref, "spec.minReplicaCount", least


def _scaled(manifest: Manifest) -> tuple[Fields, str]:
    """Returns the spec of a ScaledObject, and the name of the Deployment that it scales; "" for another object."""
    spec = Fields(value=manifest).child("spec")
    target = spec.child("scaleTargetRef")
    return spec, target.text("name") if target.text("kind", DEPLOYMENT.name) == DEPLOYMENT.name else ""


def summary(_subject: Subject) -> str:
    """Returns that the primary is not scaled down meanwhile."""
    return "no autoscaler leaves the primary too small for its traffic"
