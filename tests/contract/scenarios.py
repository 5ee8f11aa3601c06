"""The lives of a release, each a story that has to be the same in every cluster.

A life does what users do, makes passes, and says how it has to end; that it is alike is compared elsewhere.
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
    from tests.contract.release import Play

    Life = Callable[[Play], None]

STARTING = "Starting rollout for podinfo"
COPYING = "Copying podinfo-canary template spec to podinfo"
COMPLETE = "Promotion complete! Scaling down podinfo-canary"


def advance(weight: int) -> str:
    return f"Advance rollout podinfo weight {weight}"


def steps(*weights: int) -> list[str]:
    """Give what a release by these weights says, from its start to its end."""
    return [STARTING, *(advance(weight) for weight in weights), COPYING, COMPLETE]


def released(play: Play, image: str, replicas: int = 1) -> None:
    """Say how every release that succeeds ends."""
    status = play.status
    assert play.images == (image, image)
    assert play.replicas == (replicas, 0)
    assert set(play.weights) == {0}
    assert (status["phase"], status["canaryWeight"], status["canaryReplicas"]) == ("Succeeded", 0, replicas)
    assert status["promotedRevision"] == status["canaryRevision"]
    assert [(item["type"], item["status"]) for item in status["conditions"]] == [("Ready", "True")]
    rest(play)


def rest(play: Play) -> None:
    """Say that nothing more is done."""
    before = play.objects, play.events
    assert play.run().plan.move == "idle"
    assert (play.objects, play.events) == before


def pair(replicas: int | None) -> list[Manifest]:
    """Give both Deployments in another size."""
    return [deployment("podinfo", "1.2.0", replicas), deployment("podinfo-canary", "1.2.1", replicas)]


# --- Step by step ---


def a_plain_release(play: Play) -> None:
    play.begin()
    play.until_phase("Succeeded")
    assert play.said == steps(*range(10, 101, 10))
    released(play, "1.2.1")


def steps_that_do_not_divide_the_maximum(play: Play) -> None:
    play.begin(stepWeight=30)
    play.until_phase("Succeeded")
    assert play.said == steps(30, 60, 90, 100)
    released(play, "1.2.1")


def a_maximum_below_100(play: Play) -> None:
    play.begin(stepWeight=20, maxWeight=50)
    play.until_phase("Succeeded")
    assert play.said == steps(20, 40, 50)
    released(play, "1.2.1")


def one_big_step(play: Play) -> None:
    play.begin(stepWeight=100)
    play.until_phase("Succeeded")
    assert play.said == steps(100)
    released(play, "1.2.1")


def a_step_above_the_maximum(play: Play) -> None:
    play.begin(stepWeight=60, maxWeight=10)
    play.until_phase("Succeeded")
    assert play.said == steps(10)
    released(play, "1.2.1")


def no_metrics_and_no_maximum(play: Play) -> None:
    play.begin(stepWeight=50, maxWeight=None, metrics=[])
    play.until_phase("Succeeded")
    assert not play.meter.asked
    released(play, "1.2.1")


def metrics_that_halt_and_recover(play: Play) -> None:
    play.begin(stepWeight=40)
    play.until_weight(40)
    for metric, value in ((DURATION, 2525.0), (SUCCESS, 82.333), (SUCCESS, Failure.NO_DATA)):
        play.meter.values = {SUCCESS: 100.0, DURATION: 100.0, metric: value}
        for _ in range(2):
            assert play.run().plan.move == "halt"
        assert play.weights == [40]
        assert [item["status"] for item in play.status["conditions"]] == ["False", "True"]
    play.meter.values = {SUCCESS: 100.0, DURATION: 100.0}
    play.until_phase("Succeeded")
    counts = {item["message"].partition(" podinfo")[2]: item["count"] for item in play.events}
    where = f".{play.stage.namespace} "
    for halt in ("request duration 2.525s > 500ms", "success rate 82.33% < 99%", "success rate: no data"):
        assert counts[f"{where}{halt}"] == 2
    released(play, "1.2.1")


# --- New revisions ---


def a_second_revision_starts_over(play: Play) -> None:
    play.begin(*pair(2), stepWeight=50)
    play.until_phase("Succeeded")
    released(play, "1.2.1", replicas=2)
    play.revise("1.3.0")
    play.until_phase("Succeeded")
    assert play.said == [*steps(50, 100), *steps(50, 100)]
    assert play.moves.count("scale up") == 1
    released(play, "1.3.0", replicas=2)


def a_new_revision_in_mid_analysis(play: Play) -> None:
    play.begin(stepWeight=30)
    play.until_weight(60)
    play.revise("1.3.0")
    assert play.run().plan.move == "reset"
    assert play.weights == [0]
    play.until_phase("Succeeded")
    assert play.said == [STARTING, advance(30), advance(60), *steps(30, 60, 90, 100)]
    released(play, "1.3.0")


def a_new_revision_at_the_maximum(play: Play) -> None:
    play.begin(stepWeight=50)
    play.until_weight(100)
    play.revise("1.3.0")
    play.until_phase("Succeeded")
    assert play.said == [STARTING, advance(50), advance(100), *steps(50, 100)]
    assert play.moves.count("reset") == 1
    released(play, "1.3.0")


def a_new_revision_between_the_decision_and_the_copy(play: Play) -> None:
    play.begin(stepWeight=50)
    play.until_weight(100)
    assert play.die(1).move == "promote"
    play.revise("1.3.0")
    assert play.run().plan.move == "conclude"
    assert (play.weights, play.images) == ([0], ("1.2.0", "1.3.0"))
    assert "promotedRevision" not in play.status
    play.until_phase("Succeeded")
    released(play, "1.3.0")


def a_new_revision_after_the_copy(play: Play) -> None:
    play.begin(stepWeight=50)
    play.until_phase("Promoting")
    play.revise("1.3.0")
    play.until_phase("Promoting")
    assert play.images == ("1.3.0", "1.3.0")
    play.until_phase("Succeeded")
    assert play.said == [STARTING, advance(50), advance(100), COPYING, *steps(50, 100)]
    assert "scale up" not in play.moves
    released(play, "1.3.0")


def a_new_revision_while_finalising(play: Play) -> None:
    play.begin(stepWeight=50)
    play.until_phase("Finalising")
    play.revise("1.3.0")
    promoted = play.status["promotedRevision"]
    play.until_phase("Succeeded")
    assert play.status["promotedRevision"] != promoted
    assert "scale up" not in play.moves
    released(play, "1.3.0")


def back_to_the_old_template(play: Play) -> None:
    play.begin(stepWeight=30)
    play.until_weight(60)
    play.revise("1.2.0")
    play.until_phase("Succeeded")
    assert play.said == [STARTING, advance(30), advance(60)]
    assert play.moves[-2:] == ["reset", "return"]
    released(play, "1.2.0")


def back_to_the_old_template_at_rest(play: Play) -> None:
    play.begin(stepWeight=50)
    play.until_phase("Succeeded")
    for ref in (P, C):
        play.edit(ref, template(containers=[{"name": "podinfo", "image": "podinfo:1.2.0"}]))
    rest(play)


def a_restart(play: Play) -> None:
    play.begin(stepWeight=50)
    play.until_phase("Succeeded")
    play.edit(C, template(annotations={"kubectl.kubernetes.io/restartedAt": "2100-01-31T13:00:00Z"}))
    play.until_phase("Succeeded")
    assert "scale up" in play.moves
    annotations = play.stored(P)["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {"kubectl.kubernetes.io/restartedAt": "2100-01-31T13:00:00Z"}
    released(play, "1.2.1")


def a_release_that_changes_more_than_an_image(play: Play) -> None:
    play.begin(stepWeight=50)
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
    play.edit(C, change)
    play.until_phase("Succeeded")
    pods = play.stored(P)["spec"]["template"]
    assert pods["metadata"]["labels"] == {"version": "on", "app": "podinfo"}
    [anti] = pods["spec"]["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert anti["podAffinityTerm"]["labelSelector"] == {"matchLabels": {"app": "podinfo"}}
    assert [item["name"] for item in pods["spec"]["containers"]] == ["podinfo", "side"]
    released(play, "1.4.0")


# --- No new revisions ---


def replicas_and_metadata_at_rest(play: Play) -> None:
    play.begin(stepWeight=50)
    play.until_phase("Succeeded")
    play.edit(C, {"spec": {"replicas": 3}})
    rest(play)
    play.edit(C, {"metadata": {"labels": {"team": "a"}}, "spec": {"revisionHistoryLimit": 3}})
    play.edit(P, {"metadata": {"annotations": {"note": "b"}}, "spec": {"replicas": 1}})
    rest(play)
    assert play.replicas == (1, 3)


def replicas_and_metadata_in_mid_analysis(play: Play) -> None:
    play.begin(stepWeight=50)
    play.until_weight(50)
    play.edit(C, {"metadata": {"labels": {"team": "a"}}, "spec": {"replicas": 3}})
    play.edit(P, {"spec": {"replicas": 3}})
    assert play.run().plan.move == "advance"
    play.until_phase("Succeeded")
    assert play.stored(C)["metadata"]["labels"] == {"team": "a"}
    released(play, "1.2.1", replicas=3)


def labels_and_annotations_everywhere(play: Play) -> None:
    play.begin(stepWeight=40)
    for ref in (R, P, C, VS):
        play.run()
        play.edit(ref, {"metadata": {"labels": {"team": "a"}, "annotations": {"note": "café"}}})
    play.until_phase("Succeeded")
    for ref in (R, P, C, VS):
        metadata = play.stored(ref)["metadata"]
        assert (metadata["labels"], metadata["annotations"]["note"]) == ({"team": "a"}, "café")
    assert play.said == steps(40, 80, 100)
    released(play, "1.2.1")


# --- Sizes ---


def a_canary_at_0_with_a_new_revision(play: Play) -> None:
    play.begin(deployment("podinfo", "1.2.0", 2), deployment("podinfo-canary", "1.2.1", 0), stepWeight=50)
    for _ in range(2):  # what nobody has seen yet is scaled up as often as it takes
        assert play.run().plan.move == "scale up"
        assert play.replicas == (2, 2)
        play.edit(C, {"spec": {"replicas": 0}})
    play.until_weight(50)
    play.edit(C, {"spec": {"replicas": 0}})
    halted = play.run().plan
    assert (halted.move, halted.reason.rpartition(" is ")[2]) == ("halt", "scaled to 0 replicas")
    assert play.replicas == (2, 0)
    play.edit(C, {"spec": {"replicas": 2}})
    play.until_phase("Succeeded")
    released(play, "1.2.1", replicas=2)


def a_canary_at_0_with_an_autoscaler(play: Play) -> None:
    scaler = autoscaler("podinfo-canary", 0, 0, least=3)
    play.begin(deployment("podinfo-canary", "1.2.1", 0), {**scaler, "status": {}}, stepWeight=50)
    play.run()
    assert play.replicas == (1, 3)
    play.until_weight(50)


def a_primary_at_0(play: Play) -> None:
    play.begin(deployment("podinfo", "1.2.0", 0), stepWeight=50)
    halted = play.run().plan
    assert (halted.move, halted.reason.rpartition(" is ")[2]) == ("halt", "scaled to 0 replicas")
    assert play.weights == [0]
    play.edit(P, {"spec": {"replicas": 1}})
    play.until_phase("Succeeded")
    released(play, "1.2.1")


def a_primary_at_0_in_mid_analysis(play: Play) -> None:
    play.begin(stepWeight=50)
    play.until_weight(50)
    play.edit(P, {"spec": {"replicas": 0}})
    assert play.run().plan.move == "halt"
    assert (play.weights, play.replicas) == ([50], (0, 1))
    play.edit(P, {"spec": {"replicas": 1}})
    play.until_phase("Succeeded")
    released(play, "1.2.1")


def no_replicas_written(play: Play) -> None:
    play.begin(*pair(None), stepWeight=50)
    play.until_phase("Succeeded")
    released(play, "1.2.1", replicas=1)
    play.revise("1.3.0")
    play.run()
    assert play.replicas == (1, 1)
    play.until_phase("Succeeded")
    released(play, "1.3.0", replicas=1)


def a_parked_canary_like_the_primary(play: Play) -> None:
    play.begin(deployment("podinfo", "1.2.0", 2), deployment("podinfo-canary", "1.2.0", 0), stepWeight=50)
    assert play.run().plan.move == "initialize"
    assert (play.phase, play.said) == ("Initialized", [])
    rest(play)
    play.edit(C, {"spec": {"replicas": 1}})
    rest(play)
    play.edit(C, {"spec": {"replicas": 0}})
    play.revise("1.2.1")
    play.until_phase("Succeeded")
    assert play.said == steps(50, 100)
    released(play, "1.2.1", replicas=2)


def equal_templates_from_the_start(play: Play) -> None:
    play.begin(deployment("podinfo-canary", "1.2.0", 1), stepWeight=50)
    play.until_phase("Succeeded")
    assert play.said == [STARTING, advance(50), advance(100), COMPLETE]
    released(play, "1.2.0")


# --- Weights ---


def a_weight_moved_by_hand(play: Play) -> None:
    play.begin(stepWeight=30)
    play.until_weight(30)
    play.weigh(45)
    play.run()
    assert play.weights == [75]
    play.weigh(0)
    assert play.run().plan.move == "start"
    play.until_phase("Succeeded")
    released(play, "1.2.1")


def a_weight_moved_above_the_maximum(play: Play) -> None:
    play.begin(stepWeight=20, maxWeight=50)
    play.until_weight(20)
    play.weigh(80)
    assert play.run().plan.move == "promote"
    play.until_phase("Succeeded")
    released(play, "1.2.1")


def traffic_taken_off_by_hand_while_promoting(play: Play) -> None:
    play.begin(stepWeight=50)
    play.until_phase("Promoting")
    play.weigh(0)
    assert play.run().plan.move == "conclude"
    play.weigh(20)
    play.until_phase("Succeeded")
    released(play, "1.2.1")


def weights_at_rest_are_nobodys_business(play: Play) -> None:
    play.begin(stepWeight=50)
    play.until_phase("Succeeded")
    play.weigh(50)
    rest(play)
    assert play.weights == [50]


def split_traffic_without_state(play: Play) -> None:
    play.begin(virtual_service(30), stepWeight=20)
    play.meter.values[SUCCESS] = 50.0
    assert play.run().plan.move == "halt"
    assert (play.weights, play.phase, play.status["canaryWeight"]) == ([30], "Progressing", 30)
    play.meter.values[SUCCESS] = 100.0
    assert play.run().plan.move == "advance"
    play.until_phase("Succeeded")
    assert STARTING not in play.said
    released(play, "1.2.1")


def all_traffic_without_state(play: Play) -> None:
    play.begin(virtual_service(100))
    assert play.run().plan.move == "promote"
    play.until_phase("Succeeded")
    assert play.said == [COPYING, COMPLETE]
    released(play, "1.2.1")


def several_managed_routes(play: Play) -> None:
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
    play.begin(routes(before, hosts=["podinfo", "*.example.org"], gateways=["mesh"]), stepWeight=40)
    play.run()
    play.run()
    assert play.weights == [80, 80]
    play.edit(VS, {"spec": {"http": [others[0], {**managed[0], "route": uneven(80, 20)}, others[1], managed[1]]}})
    assert play.weights == [80, 0]
    assert play.run().plan.move == "start"  # counted from the lowest
    assert play.weights == [40, 40]
    play.until_phase("Succeeded")
    assert play.stored(VS)["spec"] == {"hosts": ["podinfo", "*.example.org"], "gateways": ["mesh"], "http": before}
    released(play, "1.2.1")


def omitted_and_odd_weights(play: Play) -> None:
    odd = [destination("podinfo-canary.elsewhere", 5), destination("podinfo", 95)]
    play.begin(
        routes(
            [
                {"match": [{"uri": {"prefix": "/odd"}}], "route": odd},
                {"route": [destination("podinfo", 100), destination("podinfo-canary")]},
                {"route": [destination("podinfo", 70), destination("podinfo-canary", 10)]},
            ]
        ),
        stepWeight=50,
    )
    assert play.run().plan.move == "start"
    assert play.weights == [50, 50]
    play.until_phase("Succeeded")
    assert play.stored(VS)["spec"]["http"][0]["route"] == odd
    released(play, "1.2.1")


# --- Trouble ---


def a_primary_that_takes_its_time(play: Play) -> None:
    play.begin(*pair(2), stepWeight=100)
    play.until_weight(100)
    play.stage.hold()
    assert play.run().plan.move == "promote"
    for _ in range(2):
        assert play.run().plan.move == "halt"
    assert (play.weights, play.replicas) == ([100], (2, 2))
    waiting = "Waiting for podinfo rollout to finish: 0 of 2 updated replicas are available"
    assert play.said[-1] == waiting
    play.stage.release()
    play.pause()
    play.until_phase("Succeeded")
    assert play.said == [STARTING, advance(100), COPYING, waiting, COMPLETE]
    released(play, "1.2.1", replicas=2)


def an_invalid_rollout_that_is_mended(play: Play) -> None:
    play.begin(stepWeight=50)
    play.until_weight(50)
    play.edit(R, {"spec": {"canaryAnalysis": {"metrics": [{"name": "nope", "threshold": 1}]}}})
    assert play.run().plan.move == "halt"
    assert [item["type"] for item in play.status["conditions"]] == ["Ready", "Stalled"]
    play.edit(R, {"spec": {"canaryAnalysis": {"metrics": None}}})
    play.until_phase("Succeeded")
    released(play, "1.2.1")


def a_spec_changed_on_the_way(play: Play) -> None:
    play.begin()
    play.until_weight(20)
    play.edit(R, {"spec": {"canaryAnalysis": {"stepWeight": 25, "maxWeight": 60}}})
    play.until_phase("Succeeded")
    assert play.said == steps(10, 20, 45, 60)
    released(play, "1.2.1")


def every_pass_dies_after_its_first_write(play: Play) -> None:
    play.begin(deployment("podinfo-canary", "1.2.1", 0), stepWeight=50)
    dying(play, 1)


def every_pass_dies_before_its_events(play: Play) -> None:
    play.begin(deployment("podinfo-canary", "1.2.1", 0), stepWeight=50)
    dying(play, 2)


def dying(play: Play, writes: int) -> None:
    for _ in range(20):
        play.die(writes)
        play.run()
        if play.phase == "Succeeded":
            break
    released(play, "1.2.1")


def routes(http: list[Manifest], **spec: Any) -> Manifest:
    spec = {"hosts": ["podinfo"], **spec, "http": http}
    return {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": meta("podinfo"), "spec": spec}


def uneven(canary: int, primary: int) -> list[Manifest]:
    return [destination("podinfo", primary), destination("podinfo-canary", canary)]


PLAYS: dict[str, Life] = {
    life.__name__.replace("_", " "): life
    for life in (
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
        weights_at_rest_are_nobodys_business,
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
