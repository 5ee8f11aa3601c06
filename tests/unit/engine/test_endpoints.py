"""After the copy all traffic goes to the primary only once its Service has ready endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconcile.engine.observe import observe
from reconcile.engine.selection import Selection
from reconcile.model.errors import ForbiddenError, UnreachableError
from reconcile.model.kinds import ENDPOINT_SLICE, Ref
from tests.support.world import DURATION, PS, SUCCESS, P, World, service, standard
from tests.unit.engine.counting import Counting

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest

SLICE = Ref(ENDPOINT_SLICE, "test", "podinfo-x7x2b")
LISTED = ("EndpointSlice", "test")
NO_ENDPOINT = "Service podinfo.test has no ready endpoint for port 9898: "


def endpoint_slice(*, ready: bool, of: str = "podinfo", port: str = "http") -> Manifest:
    metadata = {"name": f"{of}-x7x2b", "namespace": "test", "labels": {"kubernetes.io/service-name": of}}
    endpoints = [{"addresses": ["10.0.0.1"], "conditions": {"ready": ready}}]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "endpoints": endpoints,
        "ports": [{"name": port, "port": 9898}],
    }


def promoting(*extra: Manifest) -> World:
    play = World(cluster=Counting(*standard(stepWeight=50), *extra))
    play.until("Promoting")
    return play


def listed(play: World) -> int:
    assert isinstance(play.cluster, Counting)
    return play.cluster.listed.count(LISTED)


def test_the_traffic_stays_on_the_canary_until_an_endpoint_is_ready() -> None:
    play = promoting(endpoint_slice(ready=False))
    for _ in range(3):
        record = play.tick()
        assert (record.plan.move, play.weights) == ("halt", [(0, 100)])
        assert record.plan.reason.startswith(NO_ENDPOINT)
    assert play.condition("Ready")["message"] == record.plan.reason
    assert play.cluster.messages[-1] == f"Halt rollout podinfo.test {record.plan.reason}"
    play.cluster.put(endpoint_slice(ready=True))
    assert play.until("Succeeded") == ["Promotion complete! Scaling down podinfo-canary.test"]


@pytest.mark.parametrize(
    "other",
    [endpoint_slice(ready=True, of="podinfo-canary"), endpoint_slice(ready=True, port="metrics")],
    ids=["of another Service", "of another port"],
)
def test_endpoints_of_something_else_do_not_count(other: Manifest) -> None:
    play = promoting(other)
    assert play.tick().plan.reason.startswith(NO_ENDPOINT)


@pytest.mark.parametrize("spec", [{"clusterIP": "None"}, {"selector": None}], ids=["headless", "without a selector"])
def test_a_service_of_another_kind_has_endpoints_too(spec: Manifest) -> None:
    primary = service("podinfo")
    primary["spec"] |= spec
    play = promoting(primary, endpoint_slice(ready=False))
    assert play.tick().plan.reason.startswith(NO_ENDPOINT)
    play.cluster.put(endpoint_slice(ready=True))
    assert play.tick().plan.move == "conclude"


@pytest.mark.parametrize("error", [ForbiddenError("no right"), UnreachableError("no answer")])
def test_endpoints_that_cannot_be_read_hold_the_traffic(error: Exception) -> None:
    play = promoting(endpoint_slice(ready=True))
    assert isinstance(play.cluster, Counting)
    play.cluster.unlisted[ENDPOINT_SLICE] = error  # type: ignore[assignment]
    words = f"whether Service podinfo.test has ready endpoints cannot be seen: {error}"
    assert (play.tick().plan.reason, play.weights) == (words, [(0, 100)])
    del play.cluster.unlisted[ENDPOINT_SLICE]
    assert play.tick().plan.move == "conclude"


def test_without_controllers_it_cannot_be_known_and_holds_nothing_up() -> None:
    play = promoting()
    said = {gate.name: gate.reason for gate in play.tick().plan.gates}
    words = "whether Service podinfo.test has ready endpoints cannot be known: no controller makes them"
    assert (said["endpoints"], play.weights) == (words, [(100, 0)])


def test_a_service_that_is_gone_holds_the_traffic() -> None:
    play = promoting()
    del play.cluster.objects[PS]
    assert (play.tick().plan.reason, play.weights) == ("Service podinfo.test is missing", [(0, 100)])


def test_endpoints_are_read_only_where_the_traffic_may_be_routed_back() -> None:
    play = World(cluster=Counting(*standard(stepWeight=50), endpoint_slice(ready=True)), rollout_ticks=2)
    play.until("Promoting")
    assert (listed(play), play.tick().plan.reason[:11]) == (0, "Waiting for")
    assert listed(play) == 0
    assert play.tick().plan.move == "conclude"
    assert listed(play) == 1
    assert play.tick().plan.move == "retire"
    assert play.tick().plan.move == "idle"
    assert listed(play) == 1


def test_traffic_that_came_back_after_the_promotion_is_routed_to_ready_endpoints_too() -> None:
    play = promoting(endpoint_slice(ready=True))
    assert play.tick().plan.move == "conclude"
    play.split(30)
    play.cluster.put(endpoint_slice(ready=False))
    assert (play.tick().plan.reason.startswith(NO_ENDPOINT), play.weights) == (True, [(70, 30)])


def test_a_primary_that_is_gone_has_no_endpoints_to_read() -> None:
    play = promoting(endpoint_slice(ready=True))
    del play.cluster.objects[P]
    observe(play.cluster, Selection())
    assert listed(play) == 0


def test_no_metric_is_asked_after_the_copy() -> None:
    play = promoting(endpoint_slice(ready=True))
    play.meter.values = {SUCCESS: 0.0, DURATION: 9000.0}
    asked = len(play.meter.asked)
    assert (play.tick().plan.move, len(play.meter.asked)) == ("conclude", asked)
