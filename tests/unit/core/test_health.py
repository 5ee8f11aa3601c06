"""Whether a Deployment is rolled out, and whether it is being scaled."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.core.health import is_observed, scaling, unfinished, unhealthy, updated_and_available
from reconcile.model.objects import Autoscaler, Deployment, autoscaler, deployment
from tests.support import world


def deployed(
    wanted: int | None = 2, *, paused: bool = False, generation: int | None = None, **status: Any
) -> Deployment:
    manifest = world.deployment("podinfo", "1.2.0", wanted)
    manifest["spec"]["paused"] = paused
    if generation is not None:
        manifest["metadata"]["generation"] = generation
    counts = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
    return deployment(manifest | {"status": counts | status})


LATE = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]


def test_rolled_out_is_healthy() -> None:
    assert unhealthy(deployed()) is None
    assert unfinished(deployed()) is None
    assert unhealthy(deployed(generation=3, observedGeneration=3)) is None
    assert unhealthy(deployed(generation=3, observedGeneration=4)) is None
    assert unhealthy(deployed(None, replicas=1, updatedReplicas=1, availableReplicas=1)) is None


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (deployed(paused=True), "is paused"),
        (deployed(0, replicas=0, updatedReplicas=0, availableReplicas=0), "is scaled to 0 replicas"),
        (deployed(conditions=LATE), "exceeded its progress deadline"),
        (deployed(generation=3, observedGeneration=2), "has a newer spec than its controller has seen"),
        (deployed(generation=3), "has a newer spec than its controller has seen"),
        (deployed(updatedReplicas=1), "has updated 1 of 2 replicas"),
        (deployed(1, replicas=0, updatedReplicas=0), "has updated 0 of 1 replica"),
        (deployed(replicas=3), "waits for 1 old replica to terminate"),
        (deployed(replicas=4), "waits for 2 old replicas to terminate"),
        (deployed(availableReplicas=1), "has 1 of 2 updated replicas available"),
        (deployed(1, replicas=1, updatedReplicas=1, availableReplicas=0), "has 0 of 1 updated replica available"),
    ],
)
def test_what_is_in_the_way_of_health_in_words(found: Deployment, reason: str) -> None:
    assert unhealthy(found) == reason


def test_a_deployment_on_which_nobody_reported_is_not_healthy() -> None:
    found = deployment(world.deployment("podinfo", "1.2.0"))
    assert unhealthy(found) == "has no status: nobody has reported on its replicas yet"


def test_the_reasons_come_in_their_order() -> None:
    assert unhealthy(deployed(paused=True, conditions=LATE, generation=2)) == "is paused"
    assert unhealthy(deployed(conditions=LATE, generation=2)) == "exceeded its progress deadline"


def test_without_a_generation_there_is_nothing_newer() -> None:
    assert is_observed(deployed())
    assert not is_observed(deployed(generation=1))


@pytest.mark.parametrize(
    ("found", "counts"),
    [
        (deployed(), (2, 2)),
        (deployed(updatedReplicas=1), (1, 2)),
        # Of three available ones at least two are old.
        (deployed(replicas=3, updatedReplicas=1, availableReplicas=3), (1, 2)),
        (deployed(replicas=3, updatedReplicas=1, availableReplicas=2), (0, 2)),
        (deployed(replicas=3, updatedReplicas=2, availableReplicas=1), (0, 2)),
        (deployed(availableReplicas=0), (0, 2)),
        (deployed(generation=2, observedGeneration=1), (0, 2)),
        (deployed(replicas=1, updatedReplicas=2), (2, 2)),
    ],
)
def test_old_replicas_are_not_counted_among_the_updated_ones(found: Deployment, counts: tuple[int, int]) -> None:
    assert updated_and_available(found) == counts


def scaler(current: int, desired: int) -> Autoscaler:
    return autoscaler(world.autoscaler("podinfo", current, desired))


def test_a_number_of_replicas_that_rests() -> None:
    assert scaling(deployed(), ()) is None
    assert scaling(deployed(), (scaler(2, 2),)) is None


@pytest.mark.parametrize(
    ("wanted", "scalers", "reason"),
    [
        (3, (), "is being scaled from 2 to 3 replicas"),
        (1, (), "is being scaled from 2 to 1 replica"),
        (2, (scaler(2, 2), scaler(2, 4)), "is being scaled by HorizontalPodAutoscaler scaler from 2 to 4 replicas"),
        (2, (scaler(2, 1),), "is being scaled by HorizontalPodAutoscaler scaler from 2 to 1 replica"),
    ],
)
def test_a_number_of_replicas_that_moves(wanted: int, scalers: tuple[Autoscaler, ...], reason: str) -> None:
    assert scaling(deployed(wanted), scalers) == reason
