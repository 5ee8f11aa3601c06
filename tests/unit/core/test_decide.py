"""Decisions that the life of a release seldom needs: what is missing, moved or claimed at an awkward moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconcile.core.case import Case
from reconcile.core.decide import decide
from reconcile.engine.apply import apply
from reconcile.engine.observe import observe
from reconcile.engine.selection import Selection
from reconcile.model.errors import ForbiddenError, LostRaceError
from reconcile.model.kinds import AUTOSCALER, DEPLOYMENT, VIRTUAL_SERVICE, Manifest
from reconcile.model.measurement import Failure
from reconcile.model.plan import Outcome, Result
from reconcile.model.settings import Settings
from tests.support.world import (
    CS,
    METRICS,
    PS,
    START,
    SUCCESS,
    VS,
    C,
    P,
    R,
    World,
    autoscaler,
    deployment,
    destination,
    meta,
    service,
    virtual_service,
    world,
)


def test_a_primary_that_is_missing_while_promoting_halts_with_its_name() -> None:
    play = world(stepWeight=50)
    play.until("Promoting")
    del play.cluster.objects[P]
    record = play.tick(settle=False)
    assert (record.plan.move, record.plan.reason) == ("halt", "Deployment podinfo.test is missing")
    assert play.status["phase"] == "Promoting"


def test_a_canary_is_scaled_down_only_by_the_pass_that_has_the_ticket() -> None:
    play = world(stepWeight=100)
    play.until("Finalising")
    play.now += timedelta(seconds=60)
    one, other = (next(iter(play.pass_().plans())).plan for _ in range(2))
    assert [patch.target for patch in one.patches] == [R, C, R]
    play.cluster.patch(one.patches[0])
    assert apply(other, play.cluster, play.now).result is Result.LOST_RACE
    assert (play.replicas(C), play.status["phase"]) == (2, "Finalising")
    assert play.condition("Ready")["message"] == "scaling podinfo-canary.test down to 0"
    assert play.tick().plan.move == "wait"  # the one that has the ticket may still be at it
    assert play.tick().plan.move == "retire"
    assert (play.replicas(C), play.status["phase"]) == (0, "Succeeded")


def test_an_end_is_not_stored_over_the_move_of_another_pass() -> None:
    play = world(stepWeight=100)
    play.until("Finalising")
    play.now += timedelta(seconds=60)
    plan = next(iter(play.pass_().plans())).plan
    for patch in plan.patches[:2]:
        play.cluster.patch(patch)
    play.cluster.edit(R, "status", "canaryRevision", "v1-another")
    with pytest.raises(LostRaceError):
        play.cluster.patch(plan.patches[2])


def test_a_rollout_that_is_being_deleted_halts() -> None:
    play = world()
    play.cluster.edit(R, "metadata", "deletionTimestamp", "2026-01-31T12:00:00Z")
    record = play.tick()
    assert record.plan.reason == "Rollout podinfo.test is being deleted"
    assert play.weights == [(100, 0)]


@pytest.mark.parametrize(
    ("route", "reason"),
    [
        (None, "VirtualService podinfo.test is missing"),
        (
            {"http": []},
            "VirtualService podinfo.test cannot be used: spec.http: no route leads to podinfo and podinfo-canary",
        ),
    ],
)
def test_a_route_that_is_gone_while_promoting_halts_and_the_copy_is_not_lost(route: Any, reason: str) -> None:
    play = world(stepWeight=50)
    play.until("Promoting")
    kept = play.cluster.objects.pop(VS)
    if route is not None:
        play.cluster.put({**kept, "spec": route})
    record = play.tick()
    assert (record.plan.move, record.plan.reason) == ("halt", reason)
    assert play.status["promotedRevision"] == play.status["canaryRevision"]
    play.cluster.put(kept)
    play.until("Succeeded")


def test_autoscalers_that_cannot_be_read_or_used_halt() -> None:
    broken = autoscaler("podinfo-canary", 2, 2)
    broken["spec"]["minReplicas"] = "${MIN:=2}"
    record = world(broken).tick()
    assert record.plan.reason == (
        'HorizontalPodAutoscaler scaler.test cannot be used: spec.minReplicas: must be an integer, not "${MIN:=2}"'
    )
    broken["spec"]["scaleTargetRef"] = None
    assert world(broken).tick().plan.move != "halt"
    (observation,) = observe(world().cluster, Selection()).observations
    assert observation.surroundings is not None
    blind = replace(observation, surroundings=replace(observation.surroundings, autoscalers=ForbiddenError("no")))
    plan = decide(Case(blind, Settings(metrics=METRICS), START), {})
    assert plan.reason == "HorizontalPodAutoscalers cannot be read: no"


def test_what_was_observed_as_if_at_rest_cannot_be_decided_as_if_not() -> None:
    (observation,) = observe(world().cluster, Selection()).observations
    with pytest.raises(LookupError, match="was observed as if at rest"):
        decide(Case(replace(observation, surroundings=None), Settings(metrics=METRICS), START), {})


def test_a_canary_that_is_what_is_on_record_need_not_be_seen_for_a_rollout_to_be_idle() -> None:
    play = world(stepWeight=100)
    play.until("Succeeded")
    (observation,) = observe(play.cluster, Selection()).observations
    assert (observation.unchanged, observation.canary) == (True, None)
    settings = play.pass_().settings
    plan = decide(Case(observation, settings, START), {})
    assert (plan.move, plan.patches, plan.events) == ("idle", (), ())
    assert [gate.reason for gate in plan.gates] == [
        "valid",
        f"podinfo-canary.test has {play.status['canaryRevision']}",
    ]
    halted = decide(Case(observation, replace(settings, metrics={}), START), {})
    assert (halted.move, halted.events[0].revision) == ("halt", play.status["canaryRevision"])


def test_a_canary_that_was_not_seen_cannot_be_decided_about() -> None:
    (observation,) = observe(world().cluster, Selection()).observations
    with pytest.raises(LookupError, match="of no interest"):
        decide(Case(replace(observation, unchanged=True), Settings(metrics=METRICS), START), {})


def uneven(*weights: int) -> Manifest:
    routes = [{"route": [destination("podinfo", 100 - one), destination("podinfo-canary", one)]} for one in weights]
    return virtual_service() | {"spec": {"http": routes}}


def test_routes_with_different_weights_are_counted_from_the_lowest_and_made_equal() -> None:
    play = world(uneven(0, 40))
    assert play.tick().plan.move == "start"
    assert play.weights == [(90, 10), (90, 10)]
    play.cluster.put(uneven(30, 60))
    record = play.tick()
    assert play.weights == [(60, 40), (60, 40)]
    assert record.plan.gates[3].reason == "VirtualService podinfo.test gives 30 to 60 % to podinfo-canary"


def test_a_revision_that_was_promoted_once_and_is_no_longer_on_the_primary_is_promoted_anew() -> None:
    play = world(stepWeight=100)
    play.until("Succeeded")
    revision = play.status["canaryRevision"]
    play.cluster.edit(P, "spec", "template", "spec", "containers", [{"name": "podinfo", "image": "podinfo:9"}])
    play.release("1.3.0")
    play.until_weight(100)
    play.release("1.2.1")
    play.until("Promoting")
    assert "promotedRevision" not in play.status
    play.until("Succeeded")
    assert play.status["promotedRevision"] == play.status["canaryRevision"] == revision


def killed_before_the_copy() -> World:
    """Returns a world in which the promotion was decided, and the process died before the copy."""
    play = world(stepWeight=100)
    play.until_weight(100)
    play.cluster.patch(next(iter(play.pass_().plans())).plan.patches[0])
    assert (play.status["phase"], play.image(P)) == ("Promoting", "1.2.0")
    return play


def test_a_promotion_that_ended_without_its_copy_begins_anew_when_the_canary_comes_back() -> None:
    play = killed_before_the_copy()
    play.release("1.3.0")
    play.now = play.now.replace(minute=30)
    assert play.tick().plan.move == "conclude"
    play.release("1.2.1")
    assert play.tick().plan.move == "start"
    play.until("Succeeded")
    assert play.image(P) == "1.2.1"


def test_a_primary_that_somebody_wrote_while_its_copy_was_due_halts_and_names_them() -> None:
    play = killed_before_the_copy()
    fields: Manifest = {"f:spec": {"f:template": {"f:spec": {}}}}
    entry = {"manager": "helm", "operation": "Update", "time": "2026-01-31T13:00:00Z", "fieldsV1": fields}
    play.cluster.edit(P, "metadata", "managedFields", [entry])
    record = play.tick()
    assert record.plan.move == "halt"
    assert "the template of podinfo.test was changed by helm after the promotion" in record.plan.reason
    play.cluster.edit(P, "metadata", "managedFields", [entry | {"manager": "steerer"}])
    assert "was stored without what it changes" in play.tick().plan.reason


@pytest.mark.parametrize("manager", ["kustomize-controller", None])
def test_a_primary_that_lost_the_promoted_template_halts_whoever_wrote_it(manager: str | None) -> None:
    play = world(stepWeight=100)
    play.until("Finalising")
    containers = play.cluster.objects[P]["spec"]["template"]["spec"]["containers"]
    play.cluster.edit(P, "spec", "template", "spec", "containers", [{"name": "podinfo", "image": "podinfo:1.2.0"}])
    entry: Manifest = {"manager": manager, "fieldsV1": {"f:spec": {"f:template": {}}}}
    play.cluster.edit(P, "metadata", "managedFields", [entry] if manager else None)
    record = play.tick()
    assert f"the template of podinfo.test was changed by {manager or 'somebody'} after" in record.plan.reason
    assert (record.plan.move, play.replicas(C), play.status["phase"]) == ("halt", 2, "Finalising")
    play.cluster.edit(P, "spec", "template", "spec", "containers", containers)
    play.until("Succeeded")


def labelled(name: str, image: str, track: str) -> Manifest:
    manifest = deployment(name, image)
    manifest["spec"]["template"]["metadata"]["labels"]["track"] = track
    return manifest


def tracked(name: str, track: str) -> Manifest:
    manifest = service(name)
    manifest["spec"]["selector"] = {"track": track}
    return manifest


@pytest.mark.parametrize("ref", [PS, CS], ids=str)
def test_nothing_is_copied_while_a_service_cannot_be_read(ref: Any) -> None:
    play = world(
        labelled("podinfo", "1.2.0", "stable"),
        labelled("podinfo-canary", "1.2.1", "canary"),
        tracked("podinfo", "stable"),
        tracked("podinfo-canary", "canary"),
        stepWeight=100,
    )
    play.until_weight(100)
    play.cluster.patch(next(iter(play.pass_().plans())).plan.patches[0])
    play.cluster.refuse[ref] = ForbiddenError("no")
    record = play.tick()
    assert (record.plan.move, record.plan.reason) == ("halt", f"{ref} cannot be read: no")
    assert play.image(P) == "1.2.0"
    del play.cluster.refuse[ref]
    assert play.tick().plan.move == "copy"
    labels = play.cluster.objects[P]["spec"]["template"]["metadata"]["labels"]
    assert labels == {"app": "podinfo", "track": "stable"}


def test_a_status_without_a_phase_is_a_rollout_that_no_pass_has_seen() -> None:
    play = world()
    play.tick()
    play.cluster.edit(R, "status", "phase", None)
    play.split(0)
    assert play.tick().plan.move == "start"


def test_a_phase_of_another_version_is_kept_until_a_human_decides() -> None:
    play = world()
    play.until_weight(30)
    play.cluster.edit(R, "status", "phase", "Later")
    for _ in range(2):
        assert play.tick().plan.move == "halt"
        assert play.status["phase"] == "Later"
        assert play.condition("Stalled")["status"] == "True"
    assert play.weights == [(70, 30)]


def test_every_gate_is_in_the_plan_reached_or_not() -> None:
    play = world()
    play.until_weight(10)
    play.meter.values[SUCCESS] = Failure.NO_DATA
    play.cluster.edit(C, "spec", "paused", True)  # noqa: FBT003 - a field of the manifest
    plan = play.tick().plan
    assert [(gate.name, gate.outcome) for gate in plan.gates] == [
        *((name, Outcome.PASSED) for name in ("rollout", "deployments", "services", "routes", "reach", "primary")),
        ("canary", Outcome.FAILED),
        *((name, Outcome.UNREACHED) for name in ("scaling", "interval", "analysis")),
    ]
    assert plan.measurements == ()


def test_the_kinds_know_their_manifests_in_every_version() -> None:
    assert VIRTUAL_SERVICE.matches({"apiVersion": "networking.istio.io/v1alpha3", "kind": "VirtualService"})
    assert not VIRTUAL_SERVICE.matches({"apiVersion": "v1", "kind": "VirtualService"})
    assert not DEPLOYMENT.matches({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta("x")})
    assert AUTOSCALER.api_version("v2") == "autoscaling/v2"
    assert PS.kind.api_version("v1") == "v1"
