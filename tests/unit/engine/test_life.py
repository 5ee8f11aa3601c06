"""The life of a release: passes over a world in memory. Each test is one sentence of the contract."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from reconcile.engine.apply import apply
from reconcile.model.errors import ForbiddenError, PendingError
from reconcile.model.kinds import AUTOSCALER, Ref
from reconcile.model.measurement import Failure
from reconcile.model.plan import Outcome, Result
from reconcile.model.times import timestamp
from tests.support.world import (
    CS,
    DURATION,
    PS,
    SUCCESS,
    VS,
    C,
    P,
    R,
    World,
    autoscaler,
    deployment,
    destination,
    rollout,
    service,
    virtual_service,
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


def test_a_second_revision_starts_over_by_itself_and_scales_the_canary_up() -> None:
    play = world(stepWeight=50)
    play.until("Succeeded")
    assert play.tick().plan.move == "idle"
    play.release("1.3.0")
    said = play.until("Succeeded")
    assert said[0] == "New revision detected! Scaling up podinfo-canary.test to 2"
    assert said[1] == "Starting rollout for podinfo.test"
    assert (play.image(P), play.replicas(C)) == ("1.3.0", 0)


def test_a_new_revision_in_mid_analysis_goes_back_to_zero_first() -> None:
    play = world(stepWeight=30)
    play.until_weight(60)
    play.release("1.3.0")
    assert play.tick().plan.move == "reset"
    assert play.weights == [(100, 0)]
    assert play.status["canaryWeight"] == 0
    said = play.until("Succeeded")
    assert said[:2] == ["Starting rollout for podinfo.test", WEIGHTS.format(30)]
    assert play.image(P) == "1.3.0"


def test_a_reset_that_died_before_the_weights_is_made_again() -> None:
    play = world(stepWeight=30)
    play.until_weight(60)
    play.release("1.3.0")
    plan = next(iter(play.pass_().plans())).plan
    play.cluster.patch(plan.patches[0])  # only the ticket; then the process dies
    assert play.weights == [(40, 60)]
    assert play.tick().plan.move == "reset"
    assert play.weights == [(100, 0)]


def test_a_reset_waits_for_the_primary_but_not_for_the_canary() -> None:
    play = world(stepWeight=30)
    play.until_weight(60)
    play.release("1.3.0")
    play.cluster.edit(C, "status", "availableReplicas", 0)
    play.cluster.edit(P, "status", "availableReplicas", 0)
    assert play.tick(settle=False).plan.move == "halt"
    play.cluster.edit(P, "status", "availableReplicas", 2)
    assert play.tick(settle=False).plan.move == "reset"


@pytest.mark.parametrize("late", [False, True])
def test_a_new_revision_after_the_copy_lets_the_copied_one_be_finished_first(late: bool) -> None:  # noqa: FBT001
    play = world(stepWeight=50)
    play.until("Finalising" if late else "Promoting")
    play.release("1.3.0")
    if not late:
        assert play.tick().plan.move == "conclude"
    assert play.image(P) == "1.2.1"
    promoted = play.status["promotedRevision"]
    said = play.until("Promoting")
    assert said[:2] == ["Starting rollout for podinfo.test", WEIGHTS.format(50)]
    assert play.replicas(C) == 2
    assert not any("Scaling" in message for message in said)
    play.until("Succeeded")
    assert play.status["promotedRevision"] != promoted
    assert play.image(P) == "1.3.0"


def test_a_new_revision_before_the_copy_is_not_promoted_unanalysed() -> None:
    play = world(stepWeight=50)
    play.until_weight(100)
    plan = next(iter(play.pass_().plans())).plan
    assert plan.move == "promote"
    play.cluster.patch(plan.patches[0])  # the ticket; the process dies before the copy
    play.now += timedelta(minutes=1)
    play.release("1.3.0")
    assert play.tick().plan.move == "conclude"
    assert play.weights == [(100, 0)]
    assert "promotedRevision" not in play.status
    play.until("Succeeded")
    assert play.image(P) == "1.3.0"


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


def test_back_to_what_the_primary_runs_ends_without_a_promotion() -> None:
    play = world(stepWeight=30)
    play.until_weight(60)
    play.release("1.2.0")
    said = play.until("Succeeded")
    assert play.weights == [(100, 0)]
    assert play.replicas(C) == 0
    assert not any(message.startswith(("Copying", "Promotion")) for message in said)
    assert play.tick().plan.move == "idle"


def test_back_to_what_the_primary_runs_at_rest_is_idle() -> None:
    play = world(stepWeight=50)
    play.until("Succeeded")
    play.cluster.edit(P, "spec", "template", "spec", "containers", [{"name": "podinfo", "image": "podinfo:9"}])
    play.release("9")
    written = len(play.cluster.patches)
    assert play.tick(settle=False).plan.move == "idle"
    assert len(play.cluster.patches) == written


def test_a_restart_annotation_is_a_new_revision() -> None:
    play = world(stepWeight=50)
    play.until("Succeeded")
    play.cluster.edit(C, "spec", "template", "metadata", "annotations", {"restartedAt": "now"})
    assert play.tick().plan.move == "scale up"


def test_replicas_and_metadata_are_no_new_revision() -> None:
    play = world(stepWeight=50)
    play.until("Succeeded")
    play.cluster.edit(C, "spec", "replicas", 3)
    play.cluster.edit(C, "spec", "strategy", {"type": "Recreate"})
    play.cluster.edit(C, "metadata", "labels", {"team": "a"})
    play.workloads.step()
    written = len(play.cluster.patches)
    assert play.tick().plan.move == "idle"
    assert len(play.cluster.patches) == written
    assert play.replicas(C) == 3


def test_a_server_that_adds_defaults_starts_nothing() -> None:
    play = world(stepWeight=50)
    play.until_weight(50)
    canary = play.cluster.objects[C]
    canary["spec"]["template"]["spec"]["dnsPolicy"] = "ClusterFirst"  # stored without a new generation
    assert play.tick().plan.move == "advance"
    assert play.weights == [(0, 100)]


def test_a_recreated_canary_is_known_by_its_template() -> None:
    play = world(stepWeight=50)
    play.until_weight(50)
    old = play.cluster.objects.pop(C)
    play.cluster.put({key: old[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": old["metadata"]})
    play.workloads.step()
    assert play.tick().plan.move == "advance"


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


def test_a_canary_that_is_gone_halts_even_at_rest() -> None:
    play = world(stepWeight=50)
    play.until("Succeeded")
    del play.cluster.objects[C]
    assert play.tick(settle=False).plan.reason == "Deployment podinfo-canary.test is missing"


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


def test_a_primary_at_zero_halts() -> None:
    record = world(deployment("podinfo", "1.2.0", 0)).tick()
    assert record.plan.reason == "Deployment podinfo.test is scaled to 0 replicas"


def test_absent_replicas_are_one() -> None:
    play = world(deployment("podinfo", "1.2.0", None), deployment("podinfo-canary", "1.2.1", None), stepWeight=50)
    play.until("Succeeded")
    assert play.replicas(C) == 0
    assert "replicas" not in play.cluster.objects[P]["spec"]


def test_traffic_that_is_already_split_is_adopted_and_analysed_first() -> None:
    play = world(virtual_service(30), stepWeight=20)
    play.meter.values[SUCCESS] = 50.0
    assert play.tick().plan.move == "halt"
    assert (play.weights, play.status["phase"], play.status["canaryWeight"]) == ([(70, 30)], "Progressing", 30)
    play.meter.values[SUCCESS] = 100.0
    assert play.tick().plan.move == "advance"
    assert play.weights == [(50, 50)]
    assert "Starting rollout for podinfo.test" not in play.cluster.messages


def test_a_weight_moved_by_hand_is_counted_from() -> None:
    play = world()
    play.until_weight(30)
    play.split(55)
    play.tick()
    assert play.weights == [(35, 65)]


def test_a_weight_above_the_maximum_is_the_maximum() -> None:
    play = world(maxWeight=50)
    play.until_weight(30)
    play.split(80)
    assert play.tick().plan.move == "promote"


def test_a_weight_put_to_zero_by_hand_starts_again() -> None:
    play = world()
    play.until_weight(30)
    play.split(0)
    record = play.tick()
    assert [event.message for event in record.plan.events] == ["Starting rollout for podinfo.test", WEIGHTS.format(10)]


def test_traffic_taken_off_by_hand_while_promoting_waits_for_the_primary() -> None:
    play = world(stepWeight=50)
    play.until("Promoting")
    play.split(0)
    assert play.tick().plan.move == "conclude"
    play.until("Succeeded")


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


def test_a_forged_status_brings_about_no_copy() -> None:
    play = world()
    play.until_weight(20)
    play.meter.values[SUCCESS] = 0.0
    assert play.tick().plan.move == "halt"
    play.cluster.edit(R, "status", "phase", "Promoting")
    assert play.tick().plan.move == "halt"
    play.meter.values[SUCCESS] = 100.0
    assert play.tick().plan.move == "advance"


def test_a_route_put_in_front_of_the_one_that_was_read_is_left_alone() -> None:
    play = world()
    plan = next(iter(play.pass_().plans())).plan
    (route,) = play.cluster.objects[VS]["spec"]["http"]
    play.cluster.edit(VS, "spec", "http", [{**route, "name": "front"}, route])
    assert apply(plan, play.cluster, play.now).result is Result.LOST_RACE
    assert play.weights == [(100, 0), (100, 0)]


def test_a_primary_put_back_while_another_pass_copies_is_not_copied_again() -> None:
    play = world(stepWeight=100)
    play.until_weight(100)
    promote = next(iter(play.pass_().plans())).plan
    play.cluster.patch(promote.patches[0])
    play.now += timedelta(seconds=60)
    copy = next(iter(play.pass_().plans())).plan
    play.cluster.patch(promote.patches[1])
    play.cluster.edit(P, "spec", "template", "spec", "containers", [{"name": "podinfo", "image": "podinfo:1.2.0"}])
    play.owned("argocd-controller", at="2026-01-31T12:02:01Z", ref=P, field="template")
    assert (copy.move, apply(copy, play.cluster, play.now).result) == ("copy", Result.LOST_RACE)
    play.workloads.step()
    play.now += timedelta(seconds=60)
    assert play.tick().plan.move == "halt"
    assert play.image(P) == "1.2.0"


def test_a_primary_put_back_in_the_second_of_the_promotion_is_not_copied_again() -> None:
    play = world(stepWeight=100)
    play.until("Promoting")
    play.cluster.edit(P, "spec", "template", "spec", "containers", [{"name": "podinfo", "image": "podinfo:1.2.0"}])
    play.owned("argocd-controller", at=play.status["lastTransitionTime"], ref=P, field="template")
    assert play.tick().plan.move == "halt"
    assert play.image(P) == "1.2.0"


def test_a_primary_put_back_after_the_copy_halts_and_names_who_did_it() -> None:
    play = world(stepWeight=50)
    play.until("Promoting")
    play.cluster.edit(P, "spec", "template", "spec", "containers", [{"name": "podinfo", "image": "podinfo:1.2.0"}])
    play.owned("kustomize-controller", at="2026-01-31T13:00:00Z", ref=P, field="template")
    for _ in range(2):
        record = play.tick()
        assert record.plan.move == "halt"
        assert "kustomize-controller" in record.plan.events[0].message
        assert "/spec/template" in record.plan.events[0].message
    assert (play.image(P), play.weights) == ("1.2.0", [(0, 100)])
    play.cluster.edit(P, "spec", "template", "spec", "containers", [{"name": "podinfo", "image": "podinfo:1.2.1"}])
    play.workloads.step()
    play.until("Succeeded")


def test_the_interval_is_waited_for_in_silence() -> None:
    play = world()
    play.tick(seconds=44)
    written, said = len(play.cluster.patches), len(play.cluster.events)
    record = play.tick(seconds=1)
    assert (record.plan.move, record.plan.reason) == ("wait", "1s of the control-loop interval left")
    assert (len(play.cluster.patches), len(play.cluster.events)) == (written, said)
    play.tick()
    assert play.weights == [(80, 20)]


def test_a_canary_that_is_being_scaled_halts() -> None:
    play = world(autoscaler("podinfo-canary", 2, 4))
    record = play.tick()
    assert record.plan.reason == (
        "Deployment podinfo-canary.test is being scaled by HorizontalPodAutoscaler scaler from 2 to 4 replicas"
    )
    play.cluster.edit(Ref(AUTOSCALER, "test", "scaler"), "status", "desiredReplicas", 2)
    assert play.tick().plan.move == "start"


@pytest.mark.parametrize(
    ("replaced", "reason"),
    [
        (service("podinfo-canary", "tcp"), "Service podinfo-canary.test has no port named http or https, but tcp"),
        (service("podinfo", ""), "Service podinfo.test has no port named http or https, but one without a name"),
        (
            service("podinfo") | {"spec": {"type": "ExternalName", "ports": [{"name": "http"}]}},
            "Service podinfo.test is of type ExternalName",
        ),
        (
            service("podinfo-canary") | {"spec": {"selector": {"app": "podinfo"}, "ports": [{"name": "http"}]}},
            "Service podinfo-canary.test selects the pods of podinfo.test as well",
        ),
        (rollout(maxWeight=0), "spec.canaryAnalysis.maxWeight: must be between 1 and 100, not 0"),
        (
            rollout(metrics=[{"name": "nope", "threshold": 1}]),
            f'spec.canaryAnalysis.metrics[0].name: "nope" is no metric template (known: {DURATION}, {SUCCESS})',
        ),
        (
            virtual_service() | {"spec": {"http": [{"route": [destination("podinfo")]}]}},
            "VirtualService podinfo.test cannot be used: spec.http: no route leads to podinfo and podinfo-canary",
        ),
    ],
)
def test_what_is_wrong_halts_with_its_name_before_anything_moves(replaced: dict[str, object], reason: str) -> None:
    play = world(replaced)
    record = play.tick()
    assert (record.plan.move, record.plan.reason) == ("halt", reason)
    assert [event.type for event in record.plan.events] == ["Warning"]
    assert play.weights in ([(100, 0)], [])
    assert not play.meter.asked


@pytest.mark.parametrize("name", ["http", "https", "http-web", "https-x", "http2", "http2-a", "grpc", "grpc-web"])
def test_port_names_are_as_istio_reads_them(name: str) -> None:
    assert world(service("podinfo", name)).tick().plan.move == "start"


@pytest.mark.parametrize("ref", [P, C, PS, CS, VS], ids=str)
def test_a_missing_or_unreadable_object_halts_with_its_name(ref: Ref) -> None:
    record = world(without=(ref,)).tick(settle=False)
    assert record.plan.reason == f"{ref} is missing"
    play = world()
    play.cluster.refuse[ref] = ForbiddenError("forbidden: cannot get it")
    record = play.tick(settle=False)
    assert record.plan.reason == f"{ref} cannot be read: forbidden: cannot get it"


def test_a_younger_rollout_on_the_same_route_halts() -> None:
    second = rollout() | {"metadata": {"name": "zz", "namespace": "test"}}
    play = world(second)
    plans = {record.plan.rollout.name: record.plan for record in play.pass_().run()}
    assert plans["podinfo"].move == "start"
    assert plans["zz"].reason == "VirtualService podinfo.test is already claimed by the older Rollout podinfo.test"


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


def test_the_spec_of_a_resting_rollout_is_acknowledged_once() -> None:
    play = world(stepWeight=50)
    play.until("Succeeded")
    play.cluster.edit(R, "spec", "canaryAnalysis", "stepWeight", 25)
    play.tick()
    assert play.status["observedGeneration"] == play.cluster.objects[R]["metadata"]["generation"]
    written = len(play.cluster.patches)
    play.tick()
    assert len(play.cluster.patches) == written


def test_an_invalid_rollout_is_stalled_and_recovers() -> None:
    play = world(stepWeight=50)
    play.until_weight(50)
    play.cluster.edit(R, "spec", "canaryAnalysis", "stepWeight", 0)
    play.tick()
    assert play.condition("Stalled")["status"] == "True"
    assert not play.condition("Reconciling")
    assert play.status["phase"] == "Progressing"
    play.cluster.edit(R, "spec", "canaryAnalysis", "stepWeight", 50)
    assert play.tick().plan.move == "advance"
    assert not play.condition("Stalled")


# Changes that a GitOps tool applies for steerer, from Git.


def applied_by(play: World, manager: str) -> World:
    """Makes a tool one that applies steerer's changes, instead of one that reverts them."""
    play.managers, play.appliers = (), (manager,)
    return play


@pytest.mark.parametrize("ref", [P, C, VS])
def test_an_object_that_is_on_its_way_is_waited_for_and_the_status_says_so(ref: Ref) -> None:
    play = world()
    play.until_weight(20)
    before = deepcopy(play.cluster.objects)
    play.cluster.refuse[ref] = PendingError("the cluster has it not yet")
    since = timestamp(play.now)
    records = [play.tick(settle=False) for _ in range(2)]
    words = f"{ref}: the cluster has it not yet"
    assert [(record.plan.move, record.plan.reason) for record in records] == [("wait", words)] * 2
    assert [(len(record.plan.patches), record.plan.events) for record in records] == [(1, ()), (0, ())]
    assert records[0].plan.gates[3 if ref == VS else 1].outcome is Outcome.WAITING
    pending = play.condition("Pending")
    assert (pending["message"], pending["lastTransitionTime"]) == (words, since)
    play.cluster.objects[R]["status"]["conditions"].remove(pending)
    del before[R]["metadata"], play.cluster.objects[R]["metadata"]
    assert play.cluster.objects == before


def test_a_canary_that_is_on_its_way_is_waited_for_at_rest_as_well() -> None:
    play = world(stepWeight=100)
    play.until("Succeeded")
    play.cluster.refuse[C] = PendingError("a new image is on its way")
    record = play.tick()
    assert (record.plan.move, record.plan.events, play.condition("Ready")["status"]) == ("wait", (), "True")
    assert play.condition("Pending")["message"].endswith("a new image is on its way")
    del play.cluster.refuse[C]
    assert play.tick().plan.move == "idle"
    assert play.condition("Pending") == {}


def test_what_is_pending_moves_the_time_only_where_it_is_something_else() -> None:
    play = world()
    play.until_weight(20)
    times = []
    for words in ("the old image", "the old image", "the old weight"):
        play.cluster.refuse[VS] = PendingError(words)
        play.tick()
        times.append(play.condition("Pending")["lastTransitionTime"])
    assert times[0] == times[1] < times[2]


def test_what_was_pending_is_forgotten_by_a_pass_that_waits_for_the_interval() -> None:
    play = world()
    play.until_weight(20)
    play.now -= timedelta(seconds=50)
    play.cluster.refuse[VS] = PendingError("the old weight")
    play.tick(seconds=1)
    assert play.condition("Pending")
    del play.cluster.refuse[VS]
    assert (play.tick(seconds=1).plan.move, play.condition("Pending")) == ("wait", {})


@pytest.mark.parametrize("ref", [P, C, VS])
def test_what_is_never_applied_halts_and_is_told_once_with_what_to_do(ref: Ref) -> None:
    play = world()
    play.until_weight(20)
    play.cluster.refuse[ref] = PendingError("the cluster has another one")
    told = len(play.cluster.events)
    moves = [play.tick(settle=False).plan.move for _ in range(33)]
    assert moves == ["wait"] * 30 + ["halt"] * 3
    assert {event.name for event in play.cluster.events[told:]} == {play.cluster.events[-1].name}
    words = f"{ref}: the cluster has another one, for more than 30 minutes: have it applied or, where admission changes"
    ready, stalled = play.condition("Ready"), play.condition("Stalled")
    assert (ready["status"], stalled["status"], stalled["reason"]) == ("False", "True", "NotApplied")
    assert ready["message"].startswith(words)
    assert play.condition("Reconciling") == {}
    del play.cluster.refuse[ref]
    assert play.tick().plan.move == "advance"
    assert (play.condition("Stalled"), play.condition("Pending")) == ({}, {})


def test_a_halt_can_be_told_while_the_canary_is_on_its_way() -> None:
    play = world()
    play.until_weight(20)
    play.cluster.edit(R, "metadata", "deletionTimestamp", "2026-01-31T12:00:00Z")
    play.cluster.refuse[C] = PendingError("a new image is on its way")
    record = play.tick()
    assert (record.plan.move, len(record.plan.events)) == ("halt", 1)
    assert play.status["phase"] == "Progressing"


def test_the_interval_counts_from_when_the_weight_was_applied() -> None:
    play = applied_by(world(), "kustomize-controller")
    play.until_weight(20)
    late = play.now + timedelta(seconds=300)
    play.now = late + timedelta(seconds=10)
    play.owned("kustomize-controller", at=late.isoformat().replace("+00:00", "Z"))
    asked = len(play.meter.asked)
    record = play.tick(seconds=35)
    assert (record.plan.move, record.plan.reason) == ("wait", "35s of the control-loop interval left")
    assert len(play.meter.asked) == asked
    assert play.tick().plan.move == "advance"


def test_a_weight_that_never_arrived_is_decided_again_by_an_analysis() -> None:
    play = applied_by(world(), "kustomize-controller")
    play.until_weight(30)
    play.split(20)
    play.owned("kustomize-controller", at="2026-01-31T12:03:00Z")
    play.meter.values[SUCCESS] = 50.0
    assert play.tick().plan.move == "halt"
    play.meter.values[SUCCESS] = 100.0
    assert play.tick().plan.move == "advance"
    assert play.weights == [(70, 30)]


def test_a_copy_that_never_arrived_is_made_again_whoever_applied_something_else_meanwhile() -> None:
    play = applied_by(world(stepWeight=100), "kustomize-controller")
    old = deepcopy(play.cluster.objects[P]["spec"]["template"])
    play.until("Promoting")
    play.cluster.edit(P, "spec", "template", old)
    later = play.now.isoformat().replace("+00:00", "Z")
    play.owned("kustomize-controller", at=later, ref=P, field="template")
    play.appliers = ()
    assert play.tick().plan.move == "halt"
    play.appliers = ("kustomize-controller",)
    assert play.tick().plan.move == "copy"
    play.until("Succeeded")
