"""Scenarios of a release whose history has to be the same in every cluster.

A scenario makes the changes of users, makes passes, and asserts how the release ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.model.measurement import Failure
from tests.contract.release import template
from tests.support.world import (
    DURATION,
    SUCCESS,
    VS,
    C,
    P,
    R,
    autoscaler,
    deployment,
    destination,
    meta,
    virtual_service,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.model.kinds import Manifest
    from tests.contract.release import Release

    Scenario = Callable[[Release], None]

STARTING = "Starting rollout for podinfo"
COPYING = "Copying podinfo-canary template spec to podinfo"
COMPLETE = "Promotion complete! Scaling down podinfo-canary"


def advance(weight: int) -> str:
    return f"Advance rollout podinfo weight {weight}"


def steps(*weights: int) -> list[str]:
    """Returns the messages of a release by these weights, from its start to its end."""
    return [STARTING, *(advance(weight) for weight in weights), COPYING, COMPLETE]


def assert_released(release: Release, image: str, replicas: int = 1) -> None:
    """Asserts that a release has succeeded."""
    status = release.status
    assert release.images == (image, image)
    assert release.replicas == (replicas, 0)
    assert set(release.weights) == {0}
    assert (status["phase"], status["canaryWeight"], status["canaryReplicas"]) == ("Succeeded", 0, replicas)
    assert status["promotedRevision"] == status["canaryRevision"]
    assert [(item["type"], item["status"]) for item in status["conditions"]] == [("Ready", "True")]
    assert_idle(release)


def assert_idle(release: Release) -> None:
    """Asserts that a further pass does nothing."""
    before = release.objects, release.events
    assert release.run().plan.move == "idle"
    assert (release.objects, release.events) == before


def both_deployments(replicas: int | None) -> list[Manifest]:
    """Returns both Deployments with so many replicas."""
    return [deployment("podinfo", "1.2.0", replicas), deployment("podinfo-canary", "1.2.1", replicas)]


# --- Step by step ---


def a_plain_release(release: Release) -> None:
    release.begin()
    release.until_phase("Succeeded")
    assert release.messages == steps(*range(10, 101, 10))
    assert_released(release, "1.2.1")


def steps_that_do_not_divide_the_maximum(release: Release) -> None:
    release.begin(stepWeight=30)
    release.until_phase("Succeeded")
    assert release.messages == steps(30, 60, 90, 100)
    assert_released(release, "1.2.1")


def a_maximum_below_100(release: Release) -> None:
    release.begin(stepWeight=20, maxWeight=50)
    release.until_phase("Succeeded")
    assert release.messages == steps(20, 40, 50)
    assert_released(release, "1.2.1")


def one_big_step(release: Release) -> None:
    release.begin(stepWeight=100)
    release.until_phase("Succeeded")
    assert release.messages == steps(100)
    assert_released(release, "1.2.1")


def a_step_above_the_maximum(release: Release) -> None:
    release.begin(stepWeight=60, maxWeight=10)
    release.until_phase("Succeeded")
    assert release.messages == steps(10)
    assert_released(release, "1.2.1")


def no_metrics_and_no_maximum(release: Release) -> None:
    release.begin(stepWeight=50, maxWeight=None, metrics=[])
    release.until_phase("Succeeded")
    assert not release.meter.asked
    assert_released(release, "1.2.1")


def metrics_that_halt_and_recover(release: Release) -> None:
    release.begin(stepWeight=40)
    release.until_weight(40)
    for metric, value in ((DURATION, 2525.0), (SUCCESS, 82.333), (SUCCESS, Failure.NO_DATA)):
        release.meter.values = {SUCCESS: 100.0, DURATION: 100.0, metric: value}
        for _ in range(2):
            assert release.run().plan.move == "halt"
        assert release.weights == [40]
        assert [item["status"] for item in release.status["conditions"]] == ["False", "True"]
    release.meter.values = {SUCCESS: 100.0, DURATION: 100.0}
    release.until_phase("Succeeded")
    counts = {item["message"].partition(" podinfo")[2]: item["count"] for item in release.events}
    where = f".{release.sandbox.namespace} "
    for halt in ("request duration 2.525s > 500ms", "success rate 82.33% < 99%", "success rate: no data"):
        assert counts[f"{where}{halt}"] == 2
    assert_released(release, "1.2.1")


# --- New revisions ---


def a_second_revision_starts_over(release: Release) -> None:
    release.begin(*both_deployments(2), stepWeight=50)
    release.until_phase("Succeeded")
    assert_released(release, "1.2.1", replicas=2)
    release.revise("1.3.0")
    release.until_phase("Succeeded")
    assert release.messages == [*steps(50, 100), *steps(50, 100)]
    assert release.moves.count("scale up") == 1
    assert_released(release, "1.3.0", replicas=2)


def a_new_revision_in_mid_analysis(release: Release) -> None:
    release.begin(stepWeight=30)
    release.until_weight(60)
    release.revise("1.3.0")
    assert release.run().plan.move == "reset"
    assert release.weights == [0]
    release.until_phase("Succeeded")
    assert release.messages == [STARTING, advance(30), advance(60), *steps(30, 60, 90, 100)]
    assert_released(release, "1.3.0")


def a_new_revision_at_the_maximum(release: Release) -> None:
    release.begin(stepWeight=50)
    release.until_weight(100)
    release.revise("1.3.0")
    release.until_phase("Succeeded")
    assert release.messages == [STARTING, advance(50), advance(100), *steps(50, 100)]
    assert release.moves.count("reset") == 1
    assert_released(release, "1.3.0")


def a_new_revision_between_the_decision_and_the_copy(release: Release) -> None:
    release.begin(stepWeight=50)
    release.until_weight(100)
    assert release.run_partly(1).move == "promote"
    release.revise("1.3.0")
    assert release.run().plan.move == "conclude"
    assert (release.weights, release.images) == ([0], ("1.2.0", "1.3.0"))
    assert "promotedRevision" not in release.status
    release.until_phase("Succeeded")
    assert_released(release, "1.3.0")


def a_new_revision_after_the_copy(release: Release) -> None:
    release.begin(stepWeight=50)
    release.until_phase("Promoting")
    release.revise("1.3.0")
    release.until_phase("Promoting")
    assert release.images == ("1.3.0", "1.3.0")
    release.until_phase("Succeeded")
    assert release.messages == [STARTING, advance(50), advance(100), COPYING, *steps(50, 100)]
    assert "scale up" not in release.moves
    assert_released(release, "1.3.0")


def a_new_revision_while_finalising(release: Release) -> None:
    release.begin(stepWeight=50)
    release.until_phase("Finalising")
    release.revise("1.3.0")
    promoted = release.status["promotedRevision"]
    release.until_phase("Succeeded")
    assert release.status["promotedRevision"] != promoted
    assert "scale up" not in release.moves
    assert_released(release, "1.3.0")


def back_to_the_old_template(release: Release) -> None:
    release.begin(stepWeight=30)
    release.until_weight(60)
    release.revise("1.2.0")
    release.until_phase("Succeeded")
    assert release.messages == [STARTING, advance(30), advance(60)]
    assert release.moves[-2:] == ["reset", "return"]
    assert_released(release, "1.2.0")


def back_to_the_old_template_at_rest(release: Release) -> None:
    release.begin(stepWeight=50)
    release.until_phase("Succeeded")
    for ref in (P, C):
        release.edit(ref, template(containers=[{"name": "podinfo", "image": "podinfo:1.2.0"}]))
    assert_idle(release)


def a_restart(release: Release) -> None:
    release.begin(stepWeight=50)
    release.until_phase("Succeeded")
    release.edit(C, template(annotations={"kubectl.kubernetes.io/restartedAt": "2100-01-31T13:00:00Z"}))
    release.until_phase("Succeeded")
    assert "scale up" in release.moves
    annotations = release.stored(P)["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {"kubectl.kubernetes.io/restartedAt": "2100-01-31T13:00:00Z"}
    assert_released(release, "1.2.1")


def a_release_that_changes_more_than_an_image(release: Release) -> None:
    release.begin(stepWeight=50)
    selector = {"labelSelector": {"matchLabels": {"app": "podinfo-canary"}}, "topologyKey": "kubernetes.io/hostname"}
    rule = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": selector}]}
    container = {
        "name": "podinfo",
        "image": "podinfo:1.4.0",
        "command": ["./podinfo", "--port=9898"],
        "env": [{"name": "COLOUR", "value": "blau ☂"}, {"name": "NOTHING"}],
        "resources": {"limits": {"cpu": "100m", "memory": "64Mi"}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    change = template(
        labels={"version": "on", "app": "podinfo-canary"},
        annotations={"note": "1.20"},
        containers=[container, {"name": "side", "image": "side:2"}],
        volumes=[{"name": "data", "emptyDir": {}}],
        affinity={"podAntiAffinity": rule},
        terminationGracePeriodSeconds=5,
    )
    release.edit(C, change)
    release.until_phase("Succeeded")
    pods = release.stored(P)["spec"]["template"]
    assert pods["metadata"]["labels"] == {"version": "on", "app": "podinfo"}
    [anti] = pods["spec"]["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert anti["podAffinityTerm"]["labelSelector"] == {"matchLabels": {"app": "podinfo"}}
    assert [item["name"] for item in pods["spec"]["containers"]] == ["podinfo", "side"]
    assert_released(release, "1.4.0")


# --- No new revisions ---


def replicas_and_metadata_at_rest(release: Release) -> None:
    release.begin(stepWeight=50)
    release.until_phase("Succeeded")
    release.edit(C, {"spec": {"replicas": 3}})
    assert_idle(release)
    release.edit(C, {"metadata": {"labels": {"team": "a"}}, "spec": {"revisionHistoryLimit": 3}})
    release.edit(P, {"metadata": {"annotations": {"note": "b"}}, "spec": {"replicas": 1}})
    assert_idle(release)
    assert release.replicas == (1, 3)


def replicas_and_metadata_in_mid_analysis(release: Release) -> None:
    release.begin(stepWeight=50)
    release.until_weight(50)
    release.edit(C, {"metadata": {"labels": {"team": "a"}}, "spec": {"replicas": 3}})
    release.edit(P, {"spec": {"replicas": 3}})
    assert release.run().plan.move == "advance"
    release.until_phase("Succeeded")
    assert release.stored(C)["metadata"]["labels"] == {"team": "a"}
    assert_released(release, "1.2.1", replicas=3)


def labels_and_annotations_everywhere(release: Release) -> None:
    release.begin(stepWeight=40)
    for ref in (R, P, C, VS):
        release.run()
        release.edit(ref, {"metadata": {"labels": {"team": "a"}, "annotations": {"note": "café"}}})
    release.until_phase("Succeeded")
    for ref in (R, P, C, VS):
        metadata = release.stored(ref)["metadata"]
        assert (metadata["labels"], metadata["annotations"]["note"]) == ({"team": "a"}, "café")
    assert release.messages == steps(40, 80, 100)
    assert_released(release, "1.2.1")


# --- Sizes ---


def a_canary_at_0_with_a_new_revision(release: Release) -> None:
    release.begin(deployment("podinfo", "1.2.0", 2), deployment("podinfo-canary", "1.2.1", 0), stepWeight=50)
    for _ in range(2):  # a revision that no pass has recorded is scaled up each time
        assert release.run().plan.move == "scale up"
        assert release.replicas == (2, 2)
        release.edit(C, {"spec": {"replicas": 0}})
    release.until_weight(50)
    release.edit(C, {"spec": {"replicas": 0}})
    halted = release.run().plan
    assert (halted.move, halted.reason.rpartition(" is ")[2]) == ("halt", "scaled to 0 replicas")
    assert release.replicas == (2, 0)
    release.edit(C, {"spec": {"replicas": 2}})
    release.until_phase("Succeeded")
    assert_released(release, "1.2.1", replicas=2)


def a_canary_at_0_with_an_autoscaler(release: Release) -> None:
    scaler = autoscaler("podinfo-canary", 0, 0, least=3)
    release.begin(deployment("podinfo-canary", "1.2.1", 0), {**scaler, "status": {}}, stepWeight=50)
    release.run()
    assert release.replicas == (1, 3)
    release.until_weight(50)


def a_primary_at_0(release: Release) -> None:
    release.begin(deployment("podinfo", "1.2.0", 0), stepWeight=50)
    halted = release.run().plan
    assert (halted.move, halted.reason.rpartition(" is ")[2]) == ("halt", "scaled to 0 replicas")
    assert release.weights == [0]
    release.edit(P, {"spec": {"replicas": 1}})
    release.until_phase("Succeeded")
    assert_released(release, "1.2.1")


def a_primary_at_0_in_mid_analysis(release: Release) -> None:
    release.begin(stepWeight=50)
    release.until_weight(50)
    release.edit(P, {"spec": {"replicas": 0}})
    assert release.run().plan.move == "halt"
    assert (release.weights, release.replicas) == ([50], (0, 1))
    release.edit(P, {"spec": {"replicas": 1}})
    release.until_phase("Succeeded")
    assert_released(release, "1.2.1")


def no_replicas_written(release: Release) -> None:
    release.begin(*both_deployments(None), stepWeight=50)
    release.until_phase("Succeeded")
    assert_released(release, "1.2.1", replicas=1)
    release.revise("1.3.0")
    release.run()
    assert release.replicas == (1, 1)
    release.until_phase("Succeeded")
    assert_released(release, "1.3.0", replicas=1)


def a_parked_canary_like_the_primary(release: Release) -> None:
    release.begin(deployment("podinfo", "1.2.0", 2), deployment("podinfo-canary", "1.2.0", 0), stepWeight=50)
    assert release.run().plan.move == "initialize"
    assert (release.phase, release.messages) == ("Initialized", [])
    assert_idle(release)
    release.edit(C, {"spec": {"replicas": 1}})
    assert_idle(release)
    release.edit(C, {"spec": {"replicas": 0}})
    release.revise("1.2.1")
    release.until_phase("Succeeded")
    assert release.messages == steps(50, 100)
    assert_released(release, "1.2.1", replicas=2)


def equal_templates_from_the_start(release: Release) -> None:
    release.begin(deployment("podinfo-canary", "1.2.0", 1), stepWeight=50)
    release.until_phase("Succeeded")
    assert release.messages == [STARTING, advance(50), advance(100), COMPLETE]
    assert_released(release, "1.2.0")


# --- Weights ---


def a_weight_moved_by_hand(release: Release) -> None:
    release.begin(stepWeight=30)
    release.until_weight(30)
    release.move_weights(45)
    release.run()
    assert release.weights == [75]
    release.move_weights(0)
    assert release.run().plan.move == "start"
    release.until_phase("Succeeded")
    assert_released(release, "1.2.1")


def a_weight_moved_above_the_maximum(release: Release) -> None:
    release.begin(stepWeight=20, maxWeight=50)
    release.until_weight(20)
    release.move_weights(80)
    assert release.run().plan.move == "promote"
    release.until_phase("Succeeded")
    assert_released(release, "1.2.1")


def traffic_taken_off_by_hand_while_promoting(release: Release) -> None:
    release.begin(stepWeight=50)
    release.until_phase("Promoting")
    release.move_weights(0)
    assert release.run().plan.move == "conclude"
    release.move_weights(20)
    release.until_phase("Succeeded")
    assert_released(release, "1.2.1")


def weights_at_rest_are_left_alone(release: Release) -> None:
    release.begin(stepWeight=50)
    release.until_phase("Succeeded")
    release.move_weights(50)
    assert_idle(release)
    assert release.weights == [50]


def split_traffic_without_state(release: Release) -> None:
    release.begin(virtual_service(30), stepWeight=20)
    release.meter.values[SUCCESS] = 50.0
    assert release.run().plan.move == "halt"
    assert (release.weights, release.phase, release.status["canaryWeight"]) == ([30], "Progressing", 30)
    release.meter.values[SUCCESS] = 100.0
    assert release.run().plan.move == "advance"
    release.until_phase("Succeeded")
    assert STARTING not in release.messages
    assert_released(release, "1.2.1")


def all_traffic_without_state(release: Release) -> None:
    release.begin(virtual_service(100))
    assert release.run().plan.move == "promote"
    release.until_phase("Succeeded")
    assert release.messages == [COPYING, COMPLETE]
    assert_released(release, "1.2.1")


def several_managed_routes(release: Release) -> None:
    both = [destination("podinfo", 100), destination("podinfo-canary", 0)]
    others: list[Manifest] = [
        {
            "name": "header",
            "match": [{"headers": {"x-canary": {"exact": "on"}}}],
            "route": [destination("podinfo-canary")],
        },
        {"match": [{"uri": {"prefix": "/old"}}], "redirect": {"uri": "/new"}},
    ]
    managed: list[Manifest] = [
        {"match": [{"uri": {"prefix": "/a"}}], "route": both, "timeout": "5s", "retries": {"attempts": 3}},
        {"route": both[::-1], "mirror": {"host": "mirror"}, "mirrorPercentage": {"value": 12.5}},
    ]
    before = [others[0], managed[0], others[1], managed[1]]
    release.begin(routes(before, hosts=["podinfo", "*.example.org"], gateways=["mesh"]), stepWeight=40)
    release.run()
    release.run()
    assert release.weights == [80, 80]
    release.edit(VS, {"spec": {"http": [others[0], {**managed[0], "route": uneven(80, 20)}, others[1], managed[1]]}})
    assert release.weights == [80, 0]
    assert release.run().plan.move == "start"  # the lowest weight counts
    assert release.weights == [40, 40]
    release.until_phase("Succeeded")
    assert release.stored(VS)["spec"] == {"hosts": ["podinfo", "*.example.org"], "gateways": ["mesh"], "http": before}
    assert_released(release, "1.2.1")


def omitted_and_odd_weights(release: Release) -> None:
    odd = [destination("podinfo-canary.elsewhere", 5), destination("podinfo", 95)]
    release.begin(
        routes(
            [
                {"match": [{"uri": {"prefix": "/odd"}}], "route": odd},
                {"route": [destination("podinfo", 100), destination("podinfo-canary")]},
                {"route": [destination("podinfo", 70), destination("podinfo-canary", 10)]},
            ]
        ),
        stepWeight=50,
    )
    assert release.run().plan.move == "start"
    assert release.weights == [50, 50]
    release.until_phase("Succeeded")
    assert release.stored(VS)["spec"]["http"][0]["route"] == odd
    assert_released(release, "1.2.1")


# --- Trouble ---


def a_primary_that_takes_its_time(release: Release) -> None:
    release.begin(*both_deployments(2), stepWeight=100)
    release.until_weight(100)
    release.sandbox.block_pods()
    assert release.run().plan.move == "promote"
    for _ in range(2):
        assert release.run().plan.move == "halt"
    assert (release.weights, release.replicas) == ([100], (2, 2))
    waiting = "Waiting for podinfo rollout to finish: 0 of 2 updated replicas are available"
    assert release.messages[-1] == waiting
    release.sandbox.unblock_pods()
    release.pause()
    release.until_phase("Succeeded")
    assert release.messages == [STARTING, advance(100), COPYING, waiting, COMPLETE]
    assert_released(release, "1.2.1", replicas=2)


def an_invalid_rollout_that_is_mended(release: Release) -> None:
    release.begin(stepWeight=50)
    release.until_weight(50)
    release.edit(R, {"spec": {"canaryAnalysis": {"metrics": [{"name": "nope", "threshold": 1}]}}})
    assert release.run().plan.move == "halt"
    assert [item["type"] for item in release.status["conditions"]] == ["Ready", "Stalled"]
    release.edit(R, {"spec": {"canaryAnalysis": {"metrics": None}}})
    release.until_phase("Succeeded")
    assert_released(release, "1.2.1")


def a_spec_changed_on_the_way(release: Release) -> None:
    release.begin()
    release.until_weight(20)
    release.edit(R, {"spec": {"canaryAnalysis": {"stepWeight": 25, "maxWeight": 60}}})
    release.until_phase("Succeeded")
    assert release.messages == steps(10, 20, 45, 60)
    assert_released(release, "1.2.1")


def every_pass_dies_after_its_first_write(release: Release) -> None:
    release.begin(deployment("podinfo-canary", "1.2.1", 0), stepWeight=50)
    _every_pass_dies(release, 1)


def every_pass_dies_before_its_events(release: Release) -> None:
    release.begin(deployment("podinfo-canary", "1.2.1", 0), stepWeight=50)
    _every_pass_dies(release, 2)


def _every_pass_dies(release: Release, writes: int) -> None:
    for _ in range(20):
        release.run_partly(writes)
        release.run()
        if release.phase == "Succeeded":
            break
    assert_released(release, "1.2.1")


def routes(http: list[Manifest], **spec: Any) -> Manifest:
    spec = {"hosts": ["podinfo"], **spec, "http": http}
    return {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": meta("podinfo"), "spec": spec}


def uneven(canary: int, primary: int) -> list[Manifest]:
    return [destination("podinfo", primary), destination("podinfo-canary", canary)]


SCENARIOS: dict[str, Scenario] = {
    scenario.__name__.replace("_", " "): scenario
    for scenario in (
        a_plain_release,
        steps_that_do_not_divide_the_maximum,
        a_maximum_below_100,
        one_big_step,
        a_step_above_the_maximum,
        no_metrics_and_no_maximum,
        metrics_that_halt_and_recover,
        a_second_revision_starts_over,
        a_new_revision_in_mid_analysis,
        a_new_revision_at_the_maximum,
        a_new_revision_between_the_decision_and_the_copy,
        a_new_revision_after_the_copy,
        a_new_revision_while_finalising,
        back_to_the_old_template,
        back_to_the_old_template_at_rest,
        a_restart,
        a_release_that_changes_more_than_an_image,
        replicas_and_metadata_at_rest,
        replicas_and_metadata_in_mid_analysis,
        labels_and_annotations_everywhere,
        a_canary_at_0_with_a_new_revision,
        a_canary_at_0_with_an_autoscaler,
        a_primary_at_0,
        a_primary_at_0_in_mid_analysis,
        no_replicas_written,
        a_parked_canary_like_the_primary,
        equal_templates_from_the_start,
        a_weight_moved_by_hand,
        a_weight_moved_above_the_maximum,
        traffic_taken_off_by_hand_while_promoting,
        weights_at_rest_are_left_alone,
        split_traffic_without_state,
        all_traffic_without_state,
        several_managed_routes,
        omitted_and_odd_weights,
        a_primary_that_takes_its_time,
        an_invalid_rollout_that_is_mended,
        a_spec_changed_on_the_way,
        every_pass_dies_after_its_first_write,
        every_pass_dies_before_its_events,
    )
}
