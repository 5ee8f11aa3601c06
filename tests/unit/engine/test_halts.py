"""What is wrong with the objects halts a release, by the name of the object."""

from __future__ import annotations

import pytest

from reconcile.model.errors import ForbiddenError
from reconcile.model.kinds import AUTOSCALER, Ref
from tests.support.world import (
    CS,
    DURATION,
    PS,
    SUCCESS,
    VS,
    C,
    P,
    R,
    autoscaler,
    deployment,
    destination,
    rollout,
    service,
    virtual_service,
    world,
)


def test_a_canary_that_is_gone_halts_even_at_rest() -> None:
    play = world(stepWeight=50)
    play.until("Succeeded")
    del play.cluster.objects[C]
    assert play.tick(settle=False).plan.reason == "Deployment podinfo-canary.test is missing"


def test_a_primary_at_zero_halts() -> None:
    record = world(deployment("podinfo", "1.2.0", 0)).tick()
    assert record.plan.reason == "Deployment podinfo.test is scaled to 0 replicas"


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
