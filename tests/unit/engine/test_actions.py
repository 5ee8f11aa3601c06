"""A person's word, played: abort, pause, promote, approve, retry, steps and suspension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model.measurement import Failure
from reconcile.model.template_hash import revision
from tests.support.world import SUCCESS, VS, C, P, R, World, world_at

if TYPE_CHECKING:
    from reconcile.model.kinds import Ref
    from reconcile.model.plan import Record

STEPS: dict[str, Any] = {
    "stepWeight": None,
    "maxWeight": None,
    "steps": [{"weight": 5}, {"weight": 50, "approval": True}],
}


def present(world: World) -> str:
    """The canary's present revision."""
    return revision(world.cluster.objects[C]["spec"]["template"])


def ask(world: World, action: str, value: str | None = "") -> None:
    """Annotates the Rollout; without a value, with the canary's present revision."""
    world.cluster.edit(
        R, "metadata", "annotations", f"apps.weave.works/{action}", present(world) if value == "" else value
    )


def moves(world: World, passes: int) -> list[str]:
    """The moves of some passes."""
    return [world.tick().plan.move for _ in range(passes)]


def image(world: World, tag: str) -> None:
    """Gives the canary another image."""
    containers = [{"name": "podinfo", "image": f"podinfo:{tag}"}]
    world.cluster.edit(C, "spec", "template", "spec", "containers", containers)


def fail_by_abort(world: World) -> None:
    """Aborts the revision, and takes the abort back once it has failed."""
    ask(world, "abort")
    world.until("Failed")
    ask(world, "abort", None)


def outcome(record: Record) -> str:
    """What the pass made of the one action that was asked for."""
    [found] = record.plan.actions
    return found.outcome


@pytest.mark.parametrize("weight", [10, 60, 100])
def test_an_abort_takes_all_traffic_off_in_one_pass_and_asks_no_metric(weight: int) -> None:
    world = world_at(weight)
    ask(world, "abort")
    world.meter.values[SUCCESS] = Failure.UNREACHABLE
    asked = len(world.meter.asked)
    assert moves(world, 1) == ["roll back"]
    assert world.weights == [(100, 0)]
    assert moves(world, 2) == ["give up", "idle"]
    assert len(world.meter.asked) == asked
    assert (world.status["phase"], world.condition("Ready")["reason"]) == ("Failed", "Aborted")
    assert world.cluster.messages[-2:] == (
        "Rolling back podinfo.test aborted by a person",
        "Rolled back podinfo.test! Scaling down podinfo-canary.test",
    )


def test_an_abort_needs_no_valid_analysis_and_no_healthy_canary() -> None:
    world = world_at()
    ask(world, "abort")
    world.cluster.edit(R, "spec", "canaryAnalysis", "stepWeight", 0)
    world.cluster.edit(C, "spec", "paused", True)  # noqa: FBT003 - the value
    assert moves(world, 3) == ["roll back", "give up", "idle"]
    assert world.weights == [(100, 0)]


def test_an_abort_of_an_invalid_route_says_what_is_invalid() -> None:
    world = world_at()
    ask(world, "abort")
    world.cluster.edit(R, "spec", "virtualService", {})
    record = world.tick()
    assert (record.plan.move, record.plan.reason) == ("halt", "spec.virtualService.name: is required")


def test_an_abort_takes_the_traffic_to_a_primary_that_is_half_rolled_out() -> None:
    world = world_at()
    ask(world, "abort")
    world.cluster.edit(P, "spec", "replicas", 9)
    assert moves(world, 1) == ["roll back"]


def test_an_abort_before_the_first_step_ends_the_revision_without_a_step() -> None:
    world = world_at(0)
    ask(world, "abort")
    assert moves(world, 3) == ["roll back", "give up", "idle"]
    assert {weight for _, weight in world.weights} == {0}


def test_an_abort_of_what_the_primary_runs_already_holds_where_the_status_was_lost() -> None:
    world = world_at(20)
    world.release("1.2.0")  # that of the primary
    world.cluster.edit(R, "status", None)
    ask(world, "abort")
    assert moves(world, 1) == ["roll back"]
    assert world.weights == [(100, 0)]
    assert moves(world, 2) == ["give up", "idle"]
    assert world.status["phase"] == "Failed"


def test_a_limit_that_was_passed_rolls_back_what_the_primary_runs_already() -> None:
    world = world_at(20, onFailure="Rollback", failureLimit=0)
    world.release("1.2.0")
    analysis = {"revision": present(world), "attempt": 1, "failedChecks": 1}
    world.cluster.edit(R, "status", {"analysis": analysis})  # what is left of it
    assert moves(world, 2) == ["roll back", "give up"]


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        (P, "Deployment podinfo.test is missing"),
        (C, 'spec.canaryAnalysis.stepWeight: must be an integer, not "10"'),
    ],
)
def test_an_abort_without_one_of_the_deployments_halts_even_with_an_invalid_spec(missing: Ref, reason: str) -> None:
    world = world_at(20)
    world.release("1.2.2")
    ask(world, "abort")
    world.cluster.edit(R, "spec", "canaryAnalysis", "stepWeight", "10")
    del world.cluster.objects[missing]
    record = world.tick()
    assert (record.plan.move, world.weights) == ("halt", [(80, 20)])
    assert record.plan.reason == reason


def test_an_abort_that_is_too_late_lets_nothing_begin_with_an_invalid_spec() -> None:
    world = world_at(100)
    world.until("Finalising")
    world.release("1.2.2")
    ask(world, "abort")
    world.cluster.edit(R, "spec", "canaryAnalysis", "stepWeight", "10")
    record = world.tick()
    assert (record.plan.move, world.weights) == ("halt", [(100, 0)])
    assert 'stepWeight: must be an integer, not "10"' in record.plan.reason


def test_an_abort_of_another_revision_does_nothing() -> None:
    world = world_at()
    ask(world, "abort", "v1-older")
    record = world.tick()
    assert record.plan.move == "advance"
    assert outcome(record).startswith("about another revision than v1-")


def test_the_abort_of_one_release_does_not_hit_the_next() -> None:
    world = world_at()
    ask(world, "abort")
    moves(world, 3)
    image(world, "1.3.0")
    world.until("Succeeded")


def test_an_abort_after_the_copy_is_refused_in_words() -> None:
    world = world_at(100)
    world.until("Promoting")
    ask(world, "abort")
    record = world.tick()
    assert outcome(record) == "the primary has its template already: release the one before instead"
    assert [event.message for event in record.plan.events if event.type == "Warning"] == [
        "Refused abort of podinfo.test: the primary has its template already: release the one before instead"
    ]
    world.until("Succeeded")


@pytest.mark.parametrize("value", ["", "*"])
def test_a_pause_holds_the_weight_shows_the_checks_and_ends_when_it_is_removed(value: str) -> None:
    world = world_at(failureLimit=0, onFailure="Rollback")
    ask(world, "pause", value)
    assert moves(world, 3) == ["hold"] * 3
    assert (world.weights, world.condition("Ready")["reason"]) == ([(80, 20)], "Held")
    assert [item["verdict"] for item in world.status["measurements"]] == ["passed", "passed"]
    assert [text for text in world.cluster.messages if text.startswith("Hold")] == [
        "Hold rollout podinfo.test paused by a person: steerer resume podinfo -n test lets it go on"
    ]
    ask(world, "pause", None)
    assert moves(world, 1) == ["advance"]


def test_a_pause_of_another_revision_holds_nothing() -> None:
    world = world_at()
    ask(world, "pause", "v1-older")
    assert moves(world, 1) == ["advance"]


def test_checks_that_fail_under_a_pause_are_not_counted() -> None:
    world = world_at(failureLimit=0, onFailure="Rollback")
    ask(world, "pause")
    world.meter.values[SUCCESS] = 1.0
    assert moves(world, 2) == ["halt"] * 2
    assert world.status["analysis"]["failedChecks"] == 0


@pytest.mark.parametrize("phase", ["Promoting", "Finalising"])
def test_a_pause_holds_a_promotion_too(phase: str) -> None:
    world = world_at(100)
    world.until(phase)
    ask(world, "pause")
    assert moves(world, 2)[-1] == "hold"
    ask(world, "pause", None)
    world.until("Succeeded")


def test_an_abort_goes_before_a_pause() -> None:
    world = world_at()
    ask(world, "pause", "*")
    ask(world, "abort")
    assert moves(world, 1) == ["roll back"]


def test_promote_skips_the_steps_and_the_metrics_and_keeps_the_health() -> None:
    world = world_at()
    ask(world, "promote")
    world.meter.values[SUCCESS] = 1.0
    world.cluster.edit(C, "spec", "paused", True)  # noqa: FBT003 - the value
    assert world.tick().plan.reason == "Deployment podinfo-canary.test is paused"
    world.cluster.edit(C, "spec", "paused", False)  # noqa: FBT003 - the value
    world.workloads.step()
    assert moves(world, 1) == ["promote now"]
    assert world.weights == [(80, 20)]
    world.until("Succeeded")
    assert revision(world.cluster.objects[P]["spec"]["template"]) != present(world)  # its labels stay
    assert world.cluster.objects[P]["spec"]["template"]["spec"] == world.cluster.objects[C]["spec"]["template"]["spec"]


def test_promote_overrules_the_edit_of_a_primary() -> None:
    world = world_at(100)
    world.cluster.edit(P, "spec", "template", "spec", "containers", [{"name": "podinfo", "image": "podinfo:1.2.0-fix"}])
    world.workloads.step()
    world.workloads.step()
    assert moves(world, 2) == ["halt"] * 2
    ask(world, "promote")
    world.until("Succeeded")


def test_promote_before_the_first_step_scales_up_what_is_at_zero() -> None:
    world = world_at(0)
    world.cluster.edit(C, "spec", "replicas", 0)
    world.workloads.step()
    ask(world, "promote")
    assert moves(world, 1) == ["scale up"]
    assert "promote now" in moves(world, 4)
    world.until("Succeeded")


def test_promote_goes_before_a_limit_that_was_passed() -> None:
    world = world_at(onFailure="Pause", failureLimit=0)
    world.meter.values[SUCCESS] = 1.0
    assert moves(world, 2) == ["halt"] * 2
    ask(world, "promote")
    assert moves(world, 1) == ["promote now"]


def test_a_step_with_an_approval_is_left_with_one_and_the_analysis_goes_on() -> None:
    world = world_at(5, **STEPS, onFailure="Rollback", failureLimit=0)
    assert moves(world, 3) == ["advance", "hold", "hold"]
    assert (world.weights, world.condition("Ready")["reason"]) == ([(50, 50)], "WaitingForApproval")
    ask(world, "approve", f"{present(world)}/5")
    assert moves(world, 1) == ["hold"]
    ask(world, "approve", f"{present(world)}/50")
    assert moves(world, 1) == ["promote"]


def test_an_approval_is_asked_for_only_where_the_step_says_so() -> None:
    world = world_at(5, stepWeight=None, maxWeight=None, steps=[{"weight": 5}, {"weight": 9, "approval": True}])
    assert {gate.name: gate.reason for gate in world.tick().plan.gates}["approval"] == "the step asks for none"


def test_a_failure_acts_while_an_approval_is_waited_for() -> None:
    world = world_at(5, **STEPS, onFailure="Rollback", failureLimit=0)
    moves(world, 2)
    world.meter.values[SUCCESS] = 1.0
    assert moves(world, 1) == ["roll back"]


def test_the_wait_for_an_approval_is_not_counted_by_the_deadline_of_the_step() -> None:
    world = world_at(5, **STEPS, onFailure="Rollback", stepDeadline="3m")
    assert moves(world, 9) == ["advance", *["hold"] * 8]
    ask(world, "approve")
    assert moves(world, 1) == ["promote"]


def test_a_hold_is_the_least_time_at_a_weight_and_its_checks_count() -> None:
    steps = {"stepWeight": None, "maxWeight": None, "steps": [{"weight": 5, "hold": "3m"}, {"weight": 60}]}
    world = world_at(5, **steps, failureLimit=5)
    assert moves(world, 3) == ["hold", "hold", "advance"]
    assert world.status["analysis"]["checks"] == 3
    assert [text for text in world.cluster.messages if text.startswith("Hold")] == []


def test_the_next_weight_is_the_least_one_above_the_present() -> None:
    steps = [{"weight": 5}, {"weight": 30}, {"weight": 80}]
    world = world_at(5, stepWeight=None, maxWeight=None, steps=steps)
    route = world.cluster.objects[VS]["spec"]["http"][0]["route"]
    world.cluster.edit(VS, "spec", "http", 0, "route", 1, "weight", 40)
    world.cluster.edit(VS, "spec", "http", 0, "route", 0, "weight", 60)
    assert moves(world, 1) == ["advance"]
    assert route != world.cluster.objects[VS]["spec"]["http"][0]["route"]
    assert world.weights == [(20, 80)]


def test_a_retry_starts_a_failed_revision_again_once_for_each_token() -> None:
    world = world_at()
    ask(world, "abort")
    moves(world, 3)
    ask(world, "abort", None)
    ask(world, "retry", f"{present(world)}/one")
    assert world.tick().plan.move == "scale up"
    assert (world.status["analysis"]["attempt"], world.status["analysis"]["retryTokens"]) == (2, ["one"])
    ask(world, "abort")
    moves(world, 4)
    ask(world, "abort", None)
    assert (world.status["phase"], moves(world, 2)) == ("Failed", ["idle"] * 2)
    ask(world, "retry", f"{present(world)}/two")
    world.until("Succeeded")


def test_a_retry_that_meets_a_shut_gate_counts_once_that_is_open() -> None:
    world = world_at()
    fail_by_abort(world)
    ask(world, "retry", f"{present(world)}/one")
    world.cluster.edit(P, "status", "availableReplicas", 0)  # until the next tick
    assert moves(world, 1) == ["halt"]
    assert (world.status["phase"], world.status["analysis"]["attempt"]) == ("Failed", 1)
    assert moves(world, 1) == ["scale up"]
    assert world.status["analysis"]["attempt"] == 2
    world.until("Succeeded")


def test_a_retry_of_what_is_frozen_meets_a_shut_gate_and_counts_once_that_is_open() -> None:
    world = world_at(40, onFailure="Pause", failureLimit=0)
    world.meter.values[SUCCESS] = 1.0
    moves(world, 2)
    world.meter.values[SUCCESS] = 100.0
    ask(world, "retry", f"{present(world)}/one")
    world.cluster.edit(P, "status", "availableReplicas", 0)  # until the next tick
    assert moves(world, 1) == ["halt"]
    assert moves(world, 1) == ["reset"]
    assert (world.weights, world.status["analysis"]["attempt"]) == ([(100, 0)], 2)
    world.until("Succeeded")


def test_no_token_counts_twice_also_where_git_puts_an_earlier_one_back() -> None:
    world = world_at()
    for number, token in enumerate(("one", "two"), start=2):
        fail_by_abort(world)
        ask(world, "retry", f"{present(world)}/{token}")
        assert world.tick().plan.move == "scale up"
        assert world.status["analysis"]["attempt"] == number
    fail_by_abort(world)
    for token in ("one", "two"):
        ask(world, "retry", f"{present(world)}/{token}")
        assert moves(world, 2) == ["idle", "idle"]
    assert world.status["analysis"]["retryTokens"] == ["one", "two"]


@pytest.mark.parametrize("token", ["x" * 64, "once more", "\u202e", "a/b"])
def test_a_token_that_cannot_go_on_record_as_it_is_asks_for_nothing(token: str) -> None:
    world = world_at()
    fail_by_abort(world)
    ask(world, "retry", f"{present(world)}/{token}")
    assert moves(world, 2) == ["idle", "idle"]


def test_a_retry_of_a_frozen_revision_starts_from_weight_0() -> None:
    world = world_at(40, onFailure="Pause", failureLimit=0)
    world.meter.values[SUCCESS] = 1.0
    moves(world, 2)
    world.meter.values[SUCCESS] = 100.0
    ask(world, "retry", f"{present(world)}/one")
    assert moves(world, 1) == ["reset"]
    assert (world.weights, world.status["analysis"]["attempt"]) == ([(100, 0)], 2)
    world.until("Succeeded")


def test_a_retry_that_was_asked_for_before_the_failure_is_not_about_it() -> None:
    world = world_at(0, onFailure="Rollback", failureLimit=0)
    ask(world, "retry", f"{present(world)}/early")
    world.until_weight(20)
    world.meter.values[SUCCESS] = 1.0
    assert moves(world, 4) == ["roll back", "give up", "idle", "idle"]


def test_a_suspended_rollout_is_not_acted_on_and_says_so() -> None:
    world = world_at()
    world.cluster.edit(R, "spec", "suspend", True)  # noqa: FBT003 - the value
    ask(world, "abort")
    record = world.tick()
    assert (record.plan.move, {patch.subresource for patch in record.plan.patches}) == ("hold", {"status"})
    assert outcome(record) == "the Rollout is suspended"
    assert world.condition("Ready")["reason"] == "Suspended"
    assert (moves(world, 2), world.weights) == (["hold"] * 2, [(80, 20)])
    world.cluster.edit(R, "spec", "suspend", None)
    assert moves(world, 1) == ["roll back"]


def test_a_suspended_rollout_at_rest_is_written_once() -> None:
    world = world_at(10, maxWeight=10)
    world.until("Succeeded")
    world.cluster.edit(R, "spec", "suspend", True)  # noqa: FBT003 - the value
    image(world, "1.3.0")
    moves(world, 1)
    written = len(world.cluster.patches)
    assert moves(world, 3) == ["hold"] * 3
    assert len(world.cluster.patches) == written
    assert world.condition("Ready")["status"] == "True"


@pytest.mark.parametrize(
    ("action", "value", "words"),
    [
        ("retry", "{}", "a retry needs a token: <revision>/<token>, at most 63 letters, digits and . _ : + -"),
        ("retry", "{}/once more", "a retry needs another token: <revision>/<token>, at most 63 letters"),
        ("retry", "{}/" + "x" * 64, "a retry needs another token: <revision>/<token>, at most 63 letters"),
        ("approve", "{}/half", "half is no weight: <revision> or <revision>/<weight>"),
        ("abort", "{}/now", "now behind the revision means nothing"),
    ],
)
def test_what_cannot_be_right_is_refused_in_words(action: str, value: str, words: str) -> None:
    world = world_at()
    ask(world, action, value.format(present(world)))
    record = world.tick()
    assert record.plan.move == "advance"
    assert words in outcome(record).replace('"', "")
    assert any(event.message.startswith(f"Refused {action} of podinfo.test") for event in record.plan.events)


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        ({"promote": "", "pause": ""}, "a pause goes before"),
        ({"promote": "", "abort": ""}, "an abort goes before"),
        ({"pause": "*"}, "holds"),
        ({"retry": "{}/x"}, "used, or there is nothing to try again"),
        ({"approve": ""}, "taken"),
    ],
)
def test_what_a_pass_made_of_an_action_is_in_the_decision_record(actions: dict[str, str], words: str) -> None:
    world = world_at()
    for action, value in actions.items():
        ask(world, action, value.format(present(world)) if "{" in value else value)
    found = {item.action: item.outcome for item in world.tick().plan.actions}
    assert found[next(iter(actions))] == words


def test_an_action_without_a_canary_has_no_outcome() -> None:
    world = world_at()
    ask(world, "abort")
    del world.cluster.objects[C]
    record = world.tick()
    assert (record.plan.move, record.plan.actions) == ("halt", ())


def test_what_is_promoted_already_cannot_be_ended_and_nothing_is_written_for_it() -> None:
    world = world_at(10, maxWeight=10)
    world.until("Succeeded")
    ask(world, "abort")
    record = world.tick()
    assert (record.plan.move, outcome(record), record.plan.patches) == ("idle", "it is promoted already", ())


def test_a_promotion_by_word_takes_no_pod_from_a_primary_with_traffic() -> None:
    world = world_at(20)
    world.cluster.edit(P, "spec", "strategy", {"type": "Recreate"})
    world.workloads.step()
    ask(world, "promote")
    record = world.tick()
    assert (record.plan.move, world.weights, world.image(P)) == ("halt", [(80, 20)], "1.2.0")
    assert record.plan.reason.endswith("at once when the template is copied, and still gets 80 % of the traffic then")
    world.split(100)
    assert moves(world, 1) == ["promote now"]
