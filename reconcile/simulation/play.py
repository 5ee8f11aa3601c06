"""Plays a scenario: before each pass of the engine, the changes of others and the Deployment controller."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reconcile.core.state_machine import Move
from reconcile.engine.action_request import annotate, find, revision_meant
from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.model.actions import Verb
from reconcile.model.plan import Patch, Record
from reconcile.simulation.deployment_controller import DeploymentController

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from reconcile.model.ports import Cluster, Meter
    from reconcile.model.settings import Settings
    from reconcile.simulation.scenario import Said, Scenario

AT_REST = frozenset({Move.IDLE.value, Move.INITIALIZE.value})


def play(
    cluster: Cluster, meter: Meter, scenario: Scenario, settings: Settings, selection: Selection
) -> Iterator[list[Record]]:
    """Yields the records of each pass, until every Rollout is at rest and nobody does anything any more."""
    controller = DeploymentController(cluster=cluster, rollout_ticks=scenario.rollout_ticks)
    for tick in range(1, scenario.ticks + 1):
        for change in scenario.changes:
            if change.tick == tick:
                cluster.patch(Patch(target=change.target, api_version="", operations=change.operations))
        for said in scenario.actions:
            if said.tick == tick:
                _say(cluster, said)
        controller.step()
        now = scenario.start + timedelta(seconds=scenario.tick * (tick - 1))
        one_pass = Pass(cluster=cluster, meter=meter, settings=settings, selection=selection, now=_clock(now))
        records = sorted(one_pass.run(), key=lambda record: record.plan.rollout)
        yield records
        if tick >= scenario.last_tick and all(record.plan.move in AT_REST for record in records):
            return


def _say(cluster: Cluster, said: Said) -> None:
    """Writes the annotations of an action, as the command of its name does."""
    ref = said.rollout
    found = find(cluster, Selection(namespaces=(ref.namespace,), names=(ref.name,)))
    # What is paused goes on, whatever the canary is by then.
    revision = said.revision or ("" if said.verb is Verb.RESUME else revision_meant(cluster, found.rollout))
    if patch := annotate(found, said.verb.annotations(revision, said.argument)):
        cluster.patch(patch)


def _clock(now: datetime) -> Callable[[], datetime]:
    return lambda: now
