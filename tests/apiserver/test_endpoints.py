"""The traffic stays on the canary until the primary's Service has ready endpoints, as a controller reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.apiserver.steering import Metrics, Steerer, apply, get, let_interval_pass, of_steerer, rolled_out, started
from tests.components.processes import wait_for

if TYPE_CHECKING:
    from tests.components.controlplane import ControlPlane

NO_ENDPOINT = "Service podinfo.{} has no ready endpoint for port 9898: "


@pytest.fixture
def promoting(control_plane: ControlPlane, metrics: Metrics) -> Steerer:
    """A release of the example after its copy, with the primary rolled out."""
    steerer = started(control_plane, metrics, 100, step=100)
    let_interval_pass(control_plane, steerer.namespace, "podinfo")
    assert steerer.passes().record["after"]["phase"] == "Promoting"
    rolled_out(control_plane, steerer.namespace, "podinfo")
    return steerer


def weights(plane: ControlPlane, namespace: str) -> list[int]:
    [route] = get(plane, "virtualservice/podinfo", namespace)["spec"]["http"]
    return [entry["weight"] for entry in route["route"]]


def change_service(plane: ControlPlane, namespace: str, spec: dict[str, Any], *, ready: bool) -> None:
    """Changes the primary's Service, and waits until the controller has seen it."""
    plane.patch("service/podinfo", namespace, {"spec": spec})
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"

    def followed() -> bool:
        found = plane.request("GET", f"{path}?labelSelector=kubernetes.io/service-name%3Dpodinfo").json()["items"]
        return ready == any(
            item["ports"] and any(e["conditions"]["ready"] for e in item["endpoints"]) for item in found
        )

    wait_for(followed, "the endpoints of podinfo")


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ({"selector": {"app": "nowhere"}}, {"selector": {"app": "podinfo"}}),
        (
            {"ports": [{"name": "http", "port": 9898, "targetPort": "nowhere"}]},
            {"ports": [{"name": "http", "port": 9898, "targetPort": 9898}]},
        ),
    ],
    ids=["selector", "target port"],
)
def test_endpoints_that_do_not_become_ready_hold_the_traffic_on_the_canary(
    control_plane: ControlPlane, promoting: Steerer, broken: dict[str, Any], mended: dict[str, Any]
) -> None:
    plane, namespace = control_plane, promoting.namespace
    change_service(plane, namespace, broken, ready=False)
    mark = plane.mark()
    for _ in range(2):
        record = promoting.passes().record
        assert (record["move"], weights(plane, namespace)) == ("halt", [0, 100])
        assert record["reason"].startswith(NO_ENDPOINT.format(namespace))
    asked = [entry for entry in of_steerer(plane.requests_since(mark)) if entry.resource == "endpointslices"]
    assert [(entry.verb, entry.namespace) for entry in asked] == [("list", namespace)] * 2
    change_service(plane, namespace, mended, ready=True)
    assert (promoting.passes().record["move"], weights(plane, namespace)) == ("conclude", [100, 0])


def test_endpoints_written_by_hand_count_where_the_service_has_no_selector(
    control_plane: ControlPlane, promoting: Steerer
) -> None:
    plane, namespace = control_plane, promoting.namespace
    change_service(plane, namespace, {"selector": {"app": "nowhere"}}, ready=False)
    endpoints: dict[str, Any] = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "podinfo-by-hand",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": "podinfo"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 9898}],
        "endpoints": [{"addresses": ["10.9.9.9"], "conditions": {"ready": False}}],
    }
    plane.patch("service/podinfo", namespace, {"spec": {"selector": None}})
    apply(plane, endpoints)
    assert promoting.passes().record["move"] == "halt"
    endpoints["endpoints"][0]["conditions"]["ready"] = True
    apply(plane, endpoints)
    assert (promoting.passes().record["move"], weights(plane, namespace)) == ("conclude", [100, 0])
