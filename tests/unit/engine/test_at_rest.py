"""A Rollout without a release, and the size of a canary that waits for its next one."""

from __future__ import annotations

from tests.support.world import (
    VS,
    C,
    P,
    R,
    autoscaler,
    deployment,
    world,
)


def test_at_rest_nothing_is_written_or_said_whatever_the_others_do() -> None:
    play = world(stepWeight=50)
    play.until("Succeeded")
    written, said = len(play.cluster.patches), len(play.cluster.events)
    play.meter.values = {}
    play.split(50)
    play.cluster.edit(P, "status", "availableReplicas", 0)
    for _ in range(3):
        record = play.tick(settle=False)
        assert record.plan.move == "idle"
    del play.cluster.objects[P], play.cluster.objects[VS]
    assert play.tick(settle=False).plan.move == "idle"
    assert (len(play.cluster.patches), len(play.cluster.events)) == (written, said)


def test_a_parked_canary_like_the_primary_is_initialized_and_idle() -> None:
    play = world(deployment("podinfo-canary", "1.2.0", 0))
    record = play.tick()
    assert (record.plan.move, play.status["phase"]) == ("initialize", "Initialized")
    assert not play.cluster.events
    written = len(play.cluster.patches)
    assert play.tick().plan.move == "idle"
    assert len(play.cluster.patches) == written
    play.release("1.2.1")
    assert play.tick().plan.move == "scale up"
    assert play.replicas(C) == 2


def test_a_canary_scaled_up_without_a_new_template_is_left_alone() -> None:
    play = world(deployment("podinfo-canary", "1.2.0", 0))
    play.tick()
    play.cluster.edit(C, "spec", "replicas", 3)
    assert play.tick().plan.move == "idle"
    assert play.replicas(C) == 3


def test_a_fresh_rollout_starts_even_if_the_templates_are_equal() -> None:
    play = world(deployment("podinfo-canary", "1.2.0"), stepWeight=50)
    said = play.until("Succeeded")
    assert said[-1].startswith("Promotion complete!")
    assert not any(message.startswith("Copying") for message in said)


def test_a_parked_canary_gets_the_size_of_its_autoscaler() -> None:
    play = world(deployment("podinfo-canary", "1.2.1", 0), autoscaler("podinfo-canary", 0, 0, least=3))
    play.tick()
    assert play.replicas(C) == 3


def test_a_parked_canary_is_not_sized_by_another_autoscaler() -> None:
    play = world(
        deployment("podinfo", "1.2.0", 4),
        deployment("podinfo-canary", "1.2.1", 0),
        autoscaler("podinfo", 0, 0, least=7),
    )
    play.tick()
    assert play.replicas(C) == 4


def test_scaling_up_is_done_again_until_there_was_traffic_and_not_after() -> None:
    play = world(deployment("podinfo-canary", "1.2.1", 0))
    play.tick()
    play.cluster.edit(C, "spec", "replicas", 0)
    play.workloads.step()
    assert play.tick().plan.move == "scale up"
    play.until_weight(10)
    play.cluster.edit(C, "spec", "replicas", 0)
    play.workloads.step()
    record = play.tick()
    assert (record.plan.move, play.replicas(C)) == ("halt", 0)
    assert record.plan.reason == "Deployment podinfo-canary.test is scaled to 0 replicas"


def test_absent_replicas_are_one() -> None:
    play = world(deployment("podinfo", "1.2.0", None), deployment("podinfo-canary", "1.2.1", None), stepWeight=50)
    play.until("Succeeded")
    assert play.replicas(C) == 0
    assert "replicas" not in play.cluster.objects[P]["spec"]


def test_the_spec_of_a_resting_rollout_is_acknowledged_once() -> None:
    play = world(stepWeight=50)
    play.until("Succeeded")
    play.cluster.edit(R, "spec", "canaryAnalysis", "stepWeight", 25)
    play.tick()
    assert play.status["observedGeneration"] == play.cluster.objects[R]["metadata"]["generation"]
    written = len(play.cluster.patches)
    play.tick()
    assert len(play.cluster.patches) == written
