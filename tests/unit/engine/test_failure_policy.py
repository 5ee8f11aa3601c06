"""The failure policy, played: what is counted of the checks, what a limit or a deadline brings, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model.measurement import Failure
from tests.support.world import DURATION, SUCCESS, VS, C, P, R, World, destination, world_at

if TYPE_CHECKING:
    from reconcile.model.plan import Record

ROLLBACK: dict[str, Any] = {"onFailure": "Rollback", "failureLimit": 2}


def failing(world: World, passes: int = 1) -> list[Record]:
    """Makes passes whose checks fail."""
    world.meter.values[SUCCESS] = 50.0
    return [world.tick() for _ in range(passes)]


def analysis(world: World) -> dict[str, Any]:
    """What is stored of the attempt."""
    return dict(world.status.get("analysis") or {})


def ready(world: World) -> tuple[str, str, bool]:
    """The status and the reason of Ready, and whether the Rollout is stalled."""
    found = world.condition("Ready")
    return found["status"], found["reason"], world.condition("Stalled").get("status") == "True"


def test_without_a_limit_nothing_is_counted_and_a_bad_canary_keeps_its_share() -> None:
    world = world_at()
    assert [record.plan.move for record in failing(world, 5)] == ["halt"] * 5
    assert analysis(world) == {}
    assert world.weights == [(80, 20)]


def test_forgiven_checks_halt_and_the_next_one_rolls_back() -> None:
    world = world_at(**ROLLBACK)
    assert [record.plan.move for record in failing(world, 3)] == ["halt", "halt", "roll back"]
    assert world.weights == [(100, 0)]
    assert world.status["phase"] == "RollingBack"
    assert world.cluster.messages[-1] == (
        "Rolling back podinfo.test success rate 50.00% < 99%; 3 checks failed, 2 forgiven (failureLimit)"
    )


def test_a_rollback_ends_as_failed_with_the_canary_gone_and_stays_there() -> None:
    world = world_at(**ROLLBACK)
    failing(world, 3)
    assert world.tick().plan.move == "give up"
    assert world.cluster.messages[-1] == "Rolled back podinfo.test! Scaling down podinfo-canary.test"
    assert world.cluster.objects[C]["spec"]["replicas"] == 0
    assert world.cluster.objects[P]["spec"]["replicas"] == 2
    assert (world.status["phase"], ready(world)) == ("Failed", ("False", "AnalysisFailed", True))
    written = len(world.cluster.patches)
    assert [world.tick().plan.move for _ in range(3)] == ["idle"] * 3
    assert len(world.cluster.patches) == written


def test_a_new_template_starts_over_after_a_failure_with_nothing_counted() -> None:
    world = world_at(**ROLLBACK)
    failing(world, 4)
    world.meter.values[SUCCESS] = 100.0
    world.cluster.edit(C, "spec", "template", "spec", "containers", [{"name": "podinfo", "image": "podinfo:1.2.2"}])
    world.until("Succeeded")
    assert analysis(world) == {}
    assert world.cluster.objects[P]["spec"]["template"]["spec"]["containers"][0]["image"] == "podinfo:1.2.2"


def test_the_template_of_the_primary_ends_a_failure() -> None:
    world = world_at(**ROLLBACK)
    failing(world, 4)
    world.cluster.edit(C, "spec", "template", "spec", "containers", [{"name": "podinfo", "image": "podinfo:1.2.0"}])
    world.until("Succeeded")


@pytest.mark.parametrize("what", ["replicas", "spec"])
def test_a_change_of_size_or_of_the_rollout_alone_starts_nothing(what: str) -> None:
    world = world_at(**ROLLBACK)
    failing(world, 4)
    world.meter.values[SUCCESS] = 100.0
    if what == "replicas":
        world.cluster.edit(C, "spec", "replicas", 3)
    else:
        world.cluster.edit(R, "spec", "canaryAnalysis", "failureLimit", 9)
    assert [world.tick().plan.move for _ in range(3)] == ["idle"] * 3
    assert world.weights == [(100, 0)]


def test_a_good_check_resets_what_failed_in_a_row_and_not_what_failed_at_all() -> None:
    world = world_at(onFailure="Rollback", consecutiveFailureLimit=1, failureLimit=9)
    failing(world, 1)
    world.meter.values[SUCCESS] = 100.0
    world.tick()
    found = analysis(world)
    assert (found["checks"], found["failedChecks"], found["consecutiveFailures"]) == (3, 1, 0)
    assert [record.plan.move for record in failing(world, 2)] == ["halt", "roll back"]


@pytest.mark.parametrize("answer", list(Failure))
def test_a_metric_without_an_answer_never_counts(answer: Failure) -> None:
    world = world_at(onFailure="Rollback", failureLimit=0)
    world.meter.values[SUCCESS] = answer
    assert [world.tick().plan.move for _ in range(3)] == ["halt"] * 3
    assert analysis(world)["failedChecks"] == 0


def test_no_answer_does_not_reset_what_failed_in_a_row() -> None:
    world = world_at(onFailure="Rollback", consecutiveFailureLimit=1)
    failing(world, 1)
    world.meter.values[SUCCESS] = Failure.NO_DATA
    world.tick()
    assert analysis(world)["consecutiveFailures"] == 1
    assert failing(world, 1)[0].plan.move == "roll back"


def test_one_metric_out_of_bounds_counts_whatever_the_other_one_says() -> None:
    world = world_at(onFailure="Rollback", failureLimit=0)
    world.meter.values[SUCCESS] = Failure.UNREACHABLE
    world.meter.values[DURATION] = 900.0
    assert world.tick().plan.move == "roll back"


def test_a_check_counts_once_an_interval_however_many_passes_there_are() -> None:
    world = world_at(**ROLLBACK)
    world.meter.values[SUCCESS] = 50.0
    for _ in range(4):
        world.tick(seconds=10)
    assert analysis(world)["failedChecks"] == 1
    slow = world_at(**ROLLBACK, interval="5m")
    assert [slow.tick(seconds=60).plan.move for _ in range(3)] == ["wait"] * 3


def test_of_two_passes_at_once_one_counts() -> None:
    world = world_at(**ROLLBACK)
    world.meter.values[SUCCESS] = 50.0
    first, second = world.pass_(), world.pass_()
    planned = list(first.plans()), list(second.plans())
    results = [
        record.result.value for one, plans in zip((first, second), planned, strict=True) for record in one.write(plans)
    ]
    assert results == ["applied", "lost race"]
    assert analysis(world)["failedChecks"] == 1


def test_a_shut_gate_of_health_is_no_check() -> None:
    world = world_at(**ROLLBACK)
    before = analysis(world)["checks"]
    world.cluster.edit(C, "spec", "paused", True)  # noqa: FBT003 - the value
    failing(world, 3)
    assert analysis(world)["checks"] == before
    assert world.weights == [(80, 20)]


def test_pause_holds_the_traffic_until_a_person_says_how_it_goes_on() -> None:
    world = world_at(onFailure="Pause", failureLimit=0)
    assert failing(world)[0].plan.move == "halt"
    assert (ready(world), world.weights) == (("False", "Paused", True), [(80, 20)])
    world.meter.values[SUCCESS] = 100.0
    record = world.tick()
    assert (record.plan.move, record.plan.needs_person) == ("halt", True)
    assert "steerer retry, promote or abort podinfo -n test" in record.plan.reason


def test_halt_goes_on_when_the_cause_is_gone_although_a_limit_was_passed() -> None:
    world = world_at(failureLimit=0)
    failing(world, 3)
    assert analysis(world)["failedChecks"] == 3
    world.meter.values[SUCCESS] = 100.0
    assert world.tick().plan.move == "advance"


def test_a_step_that_takes_too_long_rolls_back_without_an_answer_of_prometheus() -> None:
    world = world_at(onFailure="Rollback", stepDeadline="5m")
    world.meter.values[SUCCESS] = Failure.UNREACHABLE
    moves = [world.tick().plan.move for _ in range(6)]
    assert moves == ["halt"] * 5 + ["roll back"]
    assert analysis(world)["message"] == "6m at 20 % (stepDeadline 5m)"
    world.tick()
    assert ready(world) == ("False", "DeadlineExceeded", True)


def test_a_canary_that_never_becomes_ready_is_under_the_deadline() -> None:
    world = world_at(0, onFailure="Rollback", deadline="3m")
    world.cluster.edit(C, "spec", "paused", True)  # noqa: FBT003 - the value
    moves = [world.tick().plan.move for _ in range(6)]
    assert moves == ["halt"] * 4 + ["roll back", "give up"]
    assert (world.status["phase"], world.weights) == ("Failed", [(100, 0)])


def test_a_rollback_waits_for_a_primary_that_can_take_the_traffic_and_is_derived_again() -> None:
    world = world_at(onFailure="Rollback", stepDeadline="2m")
    world.cluster.edit(P, "spec", "replicas", 0)
    world.workloads.step()
    world.workloads.step()
    world.meter.values[SUCCESS] = 50.0
    records = [world.tick() for _ in range(4)]
    assert records[-1].plan.move == "halt"
    assert records[-1].plan.reason == "Deployment podinfo.test has no available replica to take the traffic back"
    assert world.weights == [(80, 20)]
    world.cluster.edit(P, "spec", "replicas", 1)
    world.workloads.step()
    world.workloads.step()
    assert world.tick().plan.move == "roll back"


def test_weights_that_come_back_during_a_rollback_are_taken_away_again() -> None:
    world = world_at(**ROLLBACK)
    failing(world, 3)
    route = [{"route": [destination("podinfo", 70), destination("podinfo-canary", 30)]}]
    world.cluster.edit(VS, "spec", "http", route)
    assert world.tick().plan.move == "roll back"
    assert world.weights == [(100, 0)]


def test_a_lost_status_starts_from_the_weights_and_raises_nothing_faster() -> None:
    world = world_at(**ROLLBACK)
    failing(world, 2)
    world.cluster.objects[R].pop("status")
    world.tick()
    assert analysis(world)["failedChecks"] == 1
    assert world.weights == [(80, 20)]


def test_a_lost_status_of_a_weight_that_is_only_just_written_is_made_anew_first() -> None:
    world = world_at(**ROLLBACK)
    world.owned("steerer")
    world.cluster.objects[R].pop("status")
    moves = [world.tick(seconds=20).plan.move for _ in range(4)]
    assert moves == ["hold", "wait", "wait", "advance"]


def test_a_lost_status_of_a_weight_that_was_written_long_ago_costs_no_interval() -> None:
    world = world_at(**ROLLBACK)
    world.owned("steerer", at="2026-01-31T11:00:00Z")
    world.cluster.objects[R].pop("status")
    assert world.tick().plan.move == "advance"


def test_a_lost_status_holds_a_step_anew() -> None:
    steps: dict[str, Any] = {"stepWeight": None, "maxWeight": None, "steps": [{"weight": 20, "hold": "2m"}]}
    world = world_at(**ROLLBACK, **steps)
    world.cluster.objects[R].pop("status")
    assert [world.tick().plan.move for _ in range(3)] == ["hold", "hold", "promote"]


def test_after_the_copy_there_is_no_rollback() -> None:
    world = world_at(100, **ROLLBACK)
    world.until("Promoting")
    failing(world, 6)
    assert world.status["phase"] == "Succeeded"


def test_a_drained_canary_is_scaled_down_only_after_the_time_that_was_asked_for() -> None:
    world = world_at(**ROLLBACK, promotion={"drain": "3m"})
    failing(world, 3)
    assert [world.tick().plan.move for _ in range(3)] == ["wait", "wait", "give up"]


def test_the_traffic_goes_back_to_the_primary_in_steps() -> None:
    world = world_at(100, promotion={"stepWeight": 40})
    world.until("Promoting")
    seen = []
    while world.status["phase"] != "Succeeded":
        world.tick()
        seen.append(world.weights[0][1])
    assert list(dict.fromkeys(seen)) == [60, 20, 0]


def test_a_primary_that_is_not_rolled_out_in_time_leaves_the_traffic_on_the_canary() -> None:
    world = world_at(100, promotion={"deadline": "2m"})
    world.rollout_ticks = 9
    world.workloads.rollout_ticks = 9
    world.until("Promoting")
    records = [world.tick() for _ in range(4)]
    assert records[-1].plan.needs_person
    assert ready(world) == ("False", "PromotionDeadlineExceeded", True)
    assert world.weights == [(0, 100)]
    world.until("Succeeded")


def promised(**policy: Any) -> World:
    """A release whose promotion was decided, and whose copy did not arrive."""
    world = world_at(100, **policy)
    world.until("Promoting")
    world.cluster.edit(P, "spec", "template", "spec", "containers", [{"name": "podinfo", "image": "podinfo:1.2.0"}])
    world.workloads.step()
    return world


@pytest.mark.parametrize("policy", [{"deadline": "1h"}, {"stepDeadline": "1h"}])
def test_a_deadline_counts_until_the_template_is_copied(policy: dict[str, str]) -> None:
    world = promised(onFailure="Rollback", **policy)
    world.meter.values[SUCCESS] = Failure.NO_DATA
    assert world.tick(seconds=3700).plan.move == "halt"
    assert [world.tick().plan.move for _ in range(2)] == ["roll back", "give up"]
    assert (world.status["phase"], ready(world)[1]) == ("Failed", "DeadlineExceeded")
    assert world.image(P) == "1.2.0"


def test_what_is_held_before_the_copy_is_not_copied_until_a_person_says_so() -> None:
    world = promised(onFailure="Pause", failureLimit=0)
    assert failing(world)[0].plan.move == "halt"
    world.meter.values[SUCCESS] = 100.0
    assert [world.tick().plan.move for _ in range(3)] == ["halt"] * 3
    assert (world.image(P), ready(world)[1:]) == ("1.2.0", ("Paused", True))
    found = world.status["canaryRevision"]
    world.cluster.edit(R, "metadata", "annotations", "apps.weave.works/retry", f"{found}/again")
    assert [world.tick().plan.move for _ in range(2)] == ["reset", "start"]
    world.until("Succeeded")


def test_a_deadline_that_passes_while_the_revision_before_is_finished_ends_the_attempt() -> None:
    world = world_at(100, onFailure="Rollback", deadline="1h")
    world.until("Promoting")
    world.release("1.2.2")
    assert world.tick(seconds=3700).plan.move == "conclude"
    assert [world.tick().plan.move for _ in range(3)] == ["roll back", "give up", "idle"]
    assert (world.status["phase"], ready(world)[1]) == ("Failed", "DeadlineExceeded")
    assert (world.image(P), world.weights, world.replicas(C)) == ("1.2.1", [(100, 0)], 0)
