"""The simulation: a folder of manifests in which Deployments roll out, and the very same pass, tick by tick.

Duty: what the world does between two passes. It is no part of a pass and no substitute for a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reconcile.core.state_machine import Move
from reconcile.engine.one_pass import Pass
from reconcile.model import objects
from reconcile.model.kinds import DEPLOYMENT, Ref, Scope
from reconcile.model.plan import Patch, Record
from reconcile.model.template_hash import revision

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from reconcile.engine.selection import Selection
    from reconcile.model.objects import Deployment
    from reconcile.model.ports import Cluster, Meter
    from reconcile.model.settings import Settings
    from reconcile.simulation.scenario import Scenario

DONE = frozenset({Move.IDLE.value, Move.INITIALIZE.value})


@dataclass(kw_only=True)
class Workloads:
    """The Deployments of a cluster, and how far each has got with its rolling update."""

    cluster: Cluster
    rollout_ticks: int
    _running: dict[Ref, tuple[str, int]] = field(default_factory=dict)

    def step(self) -> None:
        """Let every Deployment get one tick further. What is found first is taken for rolled out."""
        for manifest in self.cluster.list(DEPLOYMENT, Scope()):
            deployment = objects.deployment(manifest)
            template = revision(deployment.template)
            running, done = self._running.get(deployment.ref, (template, self.rollout_ticks))
            done = min(done + 1, self.rollout_ticks) if running == template else 1
            self._running[deployment.ref] = (template, done)
            self._report(deployment, deployment.wanted * done // self.rollout_ticks)

    def _report(self, deployment: Deployment, updated: int) -> None:
        """Write what the Deployment's controller would: old replicas stay until new ones take over."""
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


def play(
    cluster: Cluster, meter: Meter, scenario: Scenario, settings: Settings, selection: Selection
) -> Iterator[list[Record]]:
    """Give the records of one pass after the other, until every Rollout rests and nothing is left to happen."""
    workloads = Workloads(cluster=cluster, rollout_ticks=scenario.rollout_ticks)
    last_change = max((change.tick for change in scenario.changes), default=0)
    for tick in range(1, scenario.ticks + 1):
        for change in scenario.changes:
            if change.tick == tick:
                cluster.patch(Patch(target=change.target, api_version="", operations=change.operations))
        workloads.step()
        now = scenario.start + timedelta(seconds=scenario.tick * (tick - 1))
        single = Pass(cluster=cluster, meter=meter, settings=settings, selection=selection, now=_at(now))
        records = sorted(single.run(), key=lambda record: record.plan.rollout)
        yield records
        if tick >= last_change and all(record.plan.move in DONE for record in records):
            return


def _at(now: datetime) -> Any:
    return lambda: now
