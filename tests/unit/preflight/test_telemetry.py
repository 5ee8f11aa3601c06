"""Metrics that do not see what the mesh reports: failed gRPC calls, and the requests in ambient mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconcile.metrics import templates
from reconcile.model.measurement import Metric
from reconcile.preflight.checks import FOLDER
from reconcile.preflight.examination import examine
from tests.support.world import CS, DURATION, SUCCESS, C, meta, standard
from tests.unit.preflight.examining import (
    ANALYSIS,
    ROLLOUT,
    edited,
    examined,
    findings_of,
    metric,
    rows_of,
    standard_with,
    standard_without,
    subjects_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.model.kinds import Manifest

BUILTIN = templates.load().metrics
NAME = f"{ANALYSIS}.metrics[0].name"
GRPC_PORT = {"name": "grpc", "port": 9898}
MODE, WAYPOINT = "istio.io/dataplane-mode", "istio.io/use-waypoint"


def served_by(*ports: dict[str, Any], **analysis: Any) -> list[Manifest]:
    items = standard(**analysis or {"metrics": [metric()]})
    return edited(items, "spec", "ports", list(ports), kind="Service", name="podinfo-canary")


def warned(items: Iterable[Manifest], *folder: Manifest, **settings: Any) -> list[tuple[str, str]]:
    """Returns message and advice of each warning about the name of a metric."""
    found = [
        examine(subject.in_folder(folder), FOLDER) for subject in subjects_of(items, **{"metrics": BUILTIN} | settings)
    ]
    return [(item.message, item.advice) for _, item in findings_of(found) if item.path == NAME]


def grpc(port: str = "grpc") -> str:
    return f"sees HTTP codes only, and a gRPC call that fails has the code 200: port {port} of {CS} is gRPC"


def test_a_warning_names_the_metric_and_its_rollout() -> None:
    assert rows_of(examined(served_by(GRPC_PORT), FOLDER, metrics=BUILTIN)) == [
        ("metrics", "warning", ROLLOUT, NAME, grpc())
    ]


@pytest.mark.parametrize(
    ("port", "named"),
    [
        (GRPC_PORT, "grpc"),
        ({"name": "grpc-api", "port": 9898}, "grpc-api"),
        ({"name": "api", "port": 9898, "appProtocol": "grpc"}, "api (appProtocol grpc)"),
        ({"name": "api", "port": 9898, "appProtocol": "GRPC"}, "api (appProtocol GRPC)"),
    ],
)
def test_http_codes_beside_a_grpc_port(port: dict[str, Any], named: str) -> None:
    assert warned(served_by(port)) == [(grpc(named), "write istio_requests_total_grpc")]


@pytest.mark.parametrize(
    "items",
    [
        served_by({"name": "http", "port": 9898}),
        served_by({"name": "http", "port": 9898}, {"name": "grpc", "port": 80}),
        served_by({"name": "grpc", "port": 9898, "appProtocol": "http"}),
        served_by({"name": "grpcs", "port": 9898}),
        served_by(GRPC_PORT, metrics=[metric("istio_requests_total_grpc")]),
        served_by(GRPC_PORT, metrics=[metric(DURATION)]),
        served_by(GRPC_PORT, metrics=[metric("unknown")]),
        standard_without(CS),
    ],
)
def test_nothing_to_say_of_grpc(items: list[Manifest]) -> None:
    assert [message for message, _ in warned(items) if "gRPC" in message] == []


def test_without_a_port_in_the_route_the_first_http_port_counts() -> None:
    hosts = (("podinfo", 100), ("podinfo-canary", 0))
    routes = [{"route": [{"destination": {"host": host}, "weight": weight} for host, weight in hosts]}]
    items = edited(served_by({"name": "tcp", "port": 80}, GRPC_PORT), "spec", "http", routes, kind="VirtualService")
    assert warned(items) == [(grpc(), "write istio_requests_total_grpc")]
    assert warned(edited(items, "spec", "http", [], kind="VirtualService")) == [
        (grpc(), "write istio_requests_total_grpc")
    ]


def test_a_metric_of_ones_own_gets_other_advice() -> None:
    own = Metric(
        name="own", title="t", unit="", bound="maximum", query='x{reporter=~"destination",response_code="500"}'
    )
    found = warned(served_by(GRPC_PORT, metrics=[metric("own")]), namespace(MODE, "ambient"), metrics={"own": own})
    assert [advice for _, advice in found] == [
        "count grpc_response_status as a failure too",
        'ask for reporter="waypoint" in a template of your own',
    ]


def test_a_metric_of_the_waypoint_has_its_own_for_grpc() -> None:
    found = warned(served_by(GRPC_PORT, metrics=[metric(f"{SUCCESS}_waypoint")]))
    assert found == [(grpc(), "write istio_requests_total_grpc_waypoint")]


def test_envoy_has_no_label_for_a_grpc_status() -> None:
    ((message, advice),) = warned(served_by(GRPC_PORT, metrics=[metric("contour_upstream_rq")]))
    assert message == grpc()
    assert advice.startswith("write one that counts gRPC statuses: Envoy tells them in other series")


def namespace(label: str, value: Any, name: str = "test") -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {label: value}}}


def pod(labels: dict[str, str]) -> list[Manifest]:
    return standard_with(
        "Deployment",
        "spec",
        "template",
        "metadata",
        "labels",
        {"app": "podinfo-canary"} | labels,
        name="podinfo-canary",
    )


def service(label: str, value: str) -> list[Manifest]:
    metadata = meta("podinfo-canary") | {"labels": {label: value}}
    return standard_with("Service", "metadata", metadata, name="podinfo-canary")


AMBIENT: dict[str, tuple[list[Manifest], list[Manifest], str]] = {
    "the namespace": (standard(), [namespace(MODE, "ambient")], f"Namespace test has {MODE}: ambient"),
    "a waypoint of the namespace": (standard(), [namespace(WAYPOINT, "w")], f"Namespace test has {WAYPOINT}: w"),
    "the pods": (
        pod({MODE: "ambient"}),
        [],
        f"Deployment podinfo-canary.test (spec.template) has {MODE}: ambient",
    ),
    "the Service": (service(WAYPOINT, "w"), [], f"{CS} has {WAYPOINT}: w"),
}


@pytest.mark.parametrize(("items", "folder", "label"), AMBIENT.values(), ids=AMBIENT)
def test_sidecars_in_ambient_mode(items: list[Manifest], folder: list[Manifest], label: str) -> None:
    assert warned(items, *folder) == [
        (
            f'asks for reporter="destination", which sidecars report: {label}, where the waypoint reports',
            "write istio_requests_total_waypoint",
        )
    ]


def test_each_built_in_for_sidecars_has_its_own_for_waypoints() -> None:
    for name in (DURATION, "istio_request_duration_milliseconds_bucket"):
        ((_, advice),) = warned(standard(metrics=[metric(name)]), namespace(MODE, "ambient"))
        assert advice == "write istio_request_duration_milliseconds_bucket_waypoint"


@pytest.mark.parametrize(
    ("items", "folder"),
    [
        (standard(), []),
        (standard(), [namespace(MODE, "ambient", "other")]),
        (standard(), [namespace(MODE, "none")]),
        (standard(), [namespace(WAYPOINT, "none")]),
        (standard(), [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "test", "labels": []}}]),
        (standard(), [{"apiVersion": "v1", "kind": "Namespace"}]),
        (standard(), [{"apiVersion": "v1", "kind": "Namespace", "metadata": ["test"]}]),
        (pod({MODE: "none"}), [namespace(MODE, "ambient")]),
        (pod({"sidecar.istio.io/inject": "true"}), [namespace(MODE, "ambient")]),
        (standard(metrics=[metric(f"{SUCCESS}_waypoint")]), [namespace(MODE, "ambient")]),
    ],
)
def test_nothing_to_say_of_ambient_mode(items: list[Manifest], folder: list[Manifest]) -> None:
    assert warned(items, *folder) == []


def test_without_metrics_there_is_nothing_to_see() -> None:
    (result,) = examined(standard_without(C), FOLDER, metrics=BUILTIN)
    assert {item.check: item.incomplete for item in result.results}["metrics"] == f"{C} is missing"
    bare = [item for item in standard(metrics=None) if item["metadata"]["name"] != C.name]
    (result,) = examined(bare, FOLDER, metrics=BUILTIN)
    assert {item.check: item.incomplete for item in result.results}["metrics"] == ""
