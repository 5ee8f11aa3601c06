"""Plays the Deployment controller: rolling updates that take a number of ticks. It is no substitute for a cluster."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from reconcile.model import objects
from reconcile.model.errors import InvalidObjectError
from reconcile.model.kinds import DEPLOYMENT, Ref, Scope
from reconcile.model.plan import Patch
from reconcile.model.template_hash import revision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.kinds import Manifest
    from reconcile.model.objects import Deployment
    from reconcile.model.ports import Cluster


class DeploymentController(Struct, kw_only=True):
    """The Deployments of a cluster, and the progress of their rolling updates."""

    cluster: Cluster
    rollout_ticks: int
    _progress: dict[Ref, tuple[str, int]] = field(default_factory=dict)

    def step(self) -> None:
        """Advances every rolling update by one tick. One that is seen for the first time is complete."""
        for deployment in self._deployments():
            template = revision(deployment.template)
            current, ticks = self._progress.get(deployment.ref, (template, self.rollout_ticks))
            ticks = min(ticks + 1, self.rollout_ticks) if current == template else 1
            self._progress[deployment.ref] = (template, ticks)
            self._write_status(deployment, deployment.wanted * ticks // self.rollout_ticks)

    def _deployments(self) -> Iterator[Deployment]:
        """Yields the Deployments that can be used; a pass halts for another one that its Rollout names."""
        manifests = self.cluster.list(DEPLOYMENT, Scope())
        times = Counter(map(_name, manifests))
        for manifest in manifests:
            if times[_name(manifest)] == 1:
                with suppress(InvalidObjectError):
                    yield objects.deployment(manifest)

    def _write_status(self, deployment: Deployment, updated: int) -> None:
        """Writes the status with this many updated replicas. Old ones are available until new ones replace them."""
        old = deployment.manifest.get("status")
        status: dict[str, Any] = {
            "replicas": deployment.wanted,
            "updatedReplicas": updated,
            "readyReplicas": deployment.wanted,
            "availableReplicas": deployment.wanted,
        }
        if deployment.generation is not None:
            status["observedGeneration"] = deployment.generation
        if old != status:
            self.cluster.patch(
                Patch(
                    target=deployment.ref,
                    api_version=deployment.api_version,
                    operations=({"op": "add", "path": "/status", "value": status},),
                    subresource="status",
                )
            )


def _name(manifest: Manifest) -> tuple[str, str]:
    metadata = manifest["metadata"]
    return metadata.get("namespace", ""), metadata["name"]
