"""What becomes of a release when the canary gets another template: a new one, or the primary's own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.world import (
    C,
    P,
    world,
)

WEIGHTS = "Advance rollout podinfo.test weight {}"


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
