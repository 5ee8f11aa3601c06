"""What people, tools and other passes change by hand while a release is under way."""

from __future__ import annotations

from datetime import timedelta

from reconcile.engine.apply import apply
from reconcile.model.plan import Result
from tests.support.world import (
    SUCCESS,
    VS,
    P,
    R,
    virtual_service,
    world,
)

WEIGHTS = "Advance rollout podinfo.test weight {}"


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
