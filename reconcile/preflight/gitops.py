"""GitOps tools that write the same fields as a release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core import messages, routers
from reconcile.model import field_managers
from reconcile.preflight.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.kinds import Manifest, Ref
    from reconcile.preflight.findings import Subject

_TEMPLATE = "let {0} ignore /spec/template of it; a release is then a new template in the canary's manifest"
_REPLICAS = "leave replicas out of its manifest, or let {0} ignore /spec/replicas of it"


def gitops(subject: Subject) -> Iterator[Finding]:
    """Yields each field of a release that a GitOps tool wrote last, with the rule that ends the fight."""
    observation, rollout = subject.case.observation, subject.case.rollout
    around = observation.surroundings
    for ref in rollout.routes:
        router = routers.ROUTERS[ref.kind]
        rule = messages.ignoring_weights("{0}", router.ignoring.replace("{", "{{").replace("}", "}}"))
        for path in router.written:
            yield from _written(subject, ref, around.routes.get(ref) if around else None, path, rule)
    yield from _written(subject, rollout.primary, observation.primary, ("spec", "template"), _TEMPLATE)
    yield from _written(subject, rollout.canary, observation.canary, ("spec", "replicas"), _REPLICAS)


def _written(
    subject: Subject, ref: Ref, manifest: Manifest | object, path: tuple[str, ...], advice: str
) -> Iterator[Finding]:
    writer = field_managers.last_writer(manifest, *path) if isinstance(manifest, dict) else None
    if writer is None or writer.manager not in subject.case.settings.gitops_managers:
        return
    yield Finding(
        level=Level.WARNING,
        object=str(ref),
        path=".".join(path),
        message=f"{writer.manager} wrote it last, and would put back what a release changes",
        advice=advice.format(writer.manager),
    )
