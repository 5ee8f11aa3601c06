"""The life of a release: passes over a world in memory. Each test is one sentence of the contract."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from reconcile.engine.apply import apply
from reconcile.model.errors import ForbiddenError
from reconcile.model.measurement import Failure
from tests.support.world import (
    CS,
    DURATION,
    SUCCESS,
    VS,
    C,
    P,
    world,
)

WEIGHTS = "Advance rollout podinfo.test weight {}"


def test_a_release_without_trouble_says_the_messages_in_their_order() -> None:
    play = world(stepWeight=40)
    said = play.until("Succeeded")
    assert said == [
        "Starting rollout for podinfo.test",
        *[WEIGHTS.format(weight) for weight in (40, 80, 100)],
        "Copying podinfo-canary.test template spec to podinfo.test",
        "Promotion complete! Scaling down podinfo-canary.test",
    ]
    assert play.weights == [(100, 0)]
    assert (play.image(P), play.replicas(P), play.replicas(C)) == ("1.2.1", 2, 0)
    assert play.status["canaryWeight"] == 0
    assert play.status["canaryReplicas"] == 2
    assert play.status["promotedRevision"] == play.status["canaryRevision"]
    assert play.condition("Ready")["status"] == "True"
    assert not play.condition("Reconciling")


def test_the_maximum_is_analysed_before_the_copy() -> None:
    play = world(stepWeight=50)
    play.until_weight(100)
    assert play.image(P) == "1.2.0"
    asked = len(play.meter.asked)
    assert play.tick().plan.move == "promote"
    assert [question.weight for question in play.meter.asked[asked:]] == [100, 100]


@pytest.mark.parametrize(
    ("analysis", "weights"),
    [
        ({"stepWeight": 30, "maxWeight": 100}, [30, 60, 90, 100]),
        ({"stepWeight": 20, "maxWeight": 50}, [20, 40, 50]),
        ({"stepWeight": 100, "maxWeight": 100}, [100]),
        ({"stepWeight": 60, "maxWeight": 10}, [10]),
        ({"stepWeight": 50, "maxWeight": None}, [50, 100]),
    ],
)
def test_steps_end_at_the_maximum_and_nowhere_else(analysis: dict[str, Any], weights: list[int]) -> None:
    said = world(**analysis).until("Succeeded")
    assert said[1 : 1 + len(weights)] == [WEIGHTS.format(weight) for weight in weights]
    assert said[1 + len(weights)].startswith("Copying")


def test_without_metrics_only_time_passes() -> None:
    play = world(metrics=[])
    play.until("Succeeded")
    assert not play.meter.asked


@pytest.mark.parametrize(
    ("metric", "value", "message"),
    [
        (DURATION, 2525.0, "Halt rollout podinfo.test request duration 2.525s > 500ms"),
        (DURATION, 823.0, "Halt rollout podinfo.test request duration 823ms > 500ms"),
        (DURATION, 500.2, "Halt rollout podinfo.test request duration 500.2ms > 500ms"),
        (SUCCESS, 82.333, "Halt rollout podinfo.test success rate 82.33% < 99%"),
        (SUCCESS, 0.0, "Halt rollout podinfo.test success rate 0.00% < 99%"),
        (SUCCESS, 98.9999, "Halt rollout podinfo.test success rate 98.9999% < 99%"),
        (SUCCESS, Failure.NO_DATA, "Halt rollout podinfo.test success rate: no data"),
        (SUCCESS, float("nan"), "Halt rollout podinfo.test success rate: not a number"),
        (SUCCESS, float("inf"), "Halt rollout podinfo.test success rate: not a number"),
    ],
)
def test_a_failing_metric_halts_and_holds_the_weight_until_it_recovers(
    metric: str, value: float | Failure, message: str
) -> None:
    play = world(stepWeight=30)
    play.until_weight(60)
    good = play.meter.values[metric]
    play.meter.values[metric] = value
    for _ in range(3):
        record = play.tick()
        assert (record.plan.move, play.weights) == ("halt", [(40, 60)])
        assert [event.message for event in record.plan.events] == [message]
    assert play.condition("Ready")["status"] == "False"
    assert play.condition("Reconciling")["status"] == "True"
    play.meter.values[metric] = good
    play.tick()
    assert play.weights == [(10, 90)]
    assert play.until("Succeeded")[-1].startswith("Promotion complete!")


def test_equal_to_the_threshold_passes() -> None:
    play = world(stepWeight=50)
    play.meter.values = {SUCCESS: 99.0, DURATION: 500.0}
    play.until("Succeeded")


def test_a_copy_that_never_came_is_made_by_the_next_pass() -> None:
    play = world(stepWeight=50)
    play.until_weight(100)
    play.cluster.patch(next(iter(play.pass_().plans())).plan.patches[0])
    assert play.tick().plan.move == "wait"
    play.now += timedelta(minutes=1)
    assert play.tick().plan.move == "copy"
    assert play.image(P) == "1.2.1"
    assert play.until("Succeeded") == ["Promotion complete! Scaling down podinfo-canary.test"]


@pytest.mark.parametrize("answer", [0.0, None])
def test_a_copy_that_never_came_is_not_made_while_the_canary_fails(answer: float | None) -> None:
    play = world(stepWeight=50)
    play.until_weight(100)
    play.cluster.patch(next(iter(play.pass_().plans())).plan.patches[0])
    play.meter.values[SUCCESS] = Failure.NO_DATA if answer is None else answer
    play.now += timedelta(days=3)
    assert play.tick().plan.move == "halt"
    assert (play.image(P), play.weights) == ("1.2.0", [(0, 100)])
    play.meter.values[SUCCESS] = 100.0
    assert play.tick().plan.move == "copy"


def test_a_copy_that_never_came_is_not_made_while_the_canary_is_unwell() -> None:
    play = world(stepWeight=50)
    play.until_weight(100)
    play.cluster.patch(next(iter(play.pass_().plans())).plan.patches[0])
    play.now += timedelta(minutes=1)
    play.cluster.edit(C, "status", "availableReplicas", 1)
    assert play.tick().plan.move == "halt"
    assert play.image(P) == "1.2.0"


@pytest.mark.parametrize(("weight", "move"), [(40, "advance"), (0, "start")])
def test_a_copy_that_never_came_waits_for_the_maximum_where_the_weight_was_lowered(weight: int, move: str) -> None:
    play = world(stepWeight=50)
    play.until_weight(100)
    play.cluster.patch(next(iter(play.pass_().plans())).plan.patches[0])
    play.split(weight)
    play.now += timedelta(minutes=1)
    assert (play.tick().plan.move, play.status["phase"], play.image(P)) == (move, "Progressing", "1.2.0")
    play.until("Succeeded")
    assert play.image(P) == "1.2.1"


def test_while_promoting_only_the_primary_counts() -> None:
    play = world(stepWeight=50)
    play.until("Promoting")
    play.meter.values = {}
    play.cluster.edit(C, "spec", "paused", True)  # noqa: FBT003 - a field of the manifest
    del play.cluster.objects[CS]
    assert play.until("Succeeded") == ["Promotion complete! Scaling down podinfo-canary.test"]


def test_while_the_primary_rolls_out_weights_and_canary_stay() -> None:
    play = world(stepWeight=50)
    play.until_weight(100)
    play.workloads.rollout_ticks = 2
    play.tick()
    record = play.tick()
    message = "Waiting for podinfo.test rollout to finish: 1 of 2 updated replicas are available"
    assert [event.message for event in record.plan.events] == [message]
    assert (play.weights, play.replicas(C)) == ([(0, 100)], 2)
    assert play.condition("Ready")["message"] == message


def test_the_interval_is_waited_for_in_silence() -> None:
    play = world()
    play.tick(seconds=44)
    written, said = len(play.cluster.patches), len(play.cluster.events)
    record = play.tick(seconds=1)
    assert (record.plan.move, record.plan.reason) == ("wait", "1s of the control-loop interval left")
    assert (len(play.cluster.patches), len(play.cluster.events)) == (written, said)
    play.tick()
    assert play.weights == [(80, 20)]


def test_a_lost_race_drops_the_rest_and_claims_nothing() -> None:
    play = world()
    plan = next(iter(play.pass_().plans())).plan
    play.cluster.edit(VS, "spec", "http", 0, "route", 1, "weight", 5)
    record = apply(plan, play.cluster, play.now)
    assert record.result == "lost race"
    assert not play.cluster.events
    assert play.cluster.objects[VS]["spec"]["http"][0]["route"][1]["weight"] == 5


def test_a_write_that_fails_takes_back_what_the_status_promised() -> None:
    play = world()
    plan = next(iter(play.pass_().plans())).plan
    play.cluster.refuse[VS] = ForbiddenError("not for you")
    record = apply(plan, play.cluster, play.now)
    assert (record.result, record.error) == ("failed", "VirtualService podinfo.test: not for you")
    why = "VirtualService podinfo.test could not be written: not for you"
    ready = play.condition("Ready")
    assert (ready["status"], ready["reason"], ready["message"]) == ("False", "WriteFailed", why)
    assert play.cluster.messages == (f"Halt rollout podinfo.test {why}",)
    play.cluster.refuse.clear()
    play.now += timedelta(minutes=1)
    assert play.tick().plan.move == "start"
    assert play.condition("Ready")["status"] == "Unknown"
