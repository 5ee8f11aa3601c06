"""A Service: its ports, as Istio takes them, and the pods that it leads to."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.model.errors import InvalidObjectError
from reconcile.model.kinds import SERVICE, Ref
from reconcile.model.service import ServicePort, service
from tests.support import world


def port(**fields: Any) -> ServicePort:
    manifest = {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80, **fields}]}}
    return service(manifest).ports[0]


def test_a_service_has_ports_and_a_selector() -> None:
    found = service(world.service("podinfo"))
    assert (found.ref, found.external) == (Ref(SERVICE, "test", "podinfo"), False)
    assert [item.name for item in found.ports] == ["http"]
    assert found.selects({"app": "podinfo", "more": "x"})
    assert not found.selects({"app": "other"})
    assert not found.selects({})


def test_a_service_without_a_selector_has_no_pods() -> None:
    found = service({"kind": "Service", "metadata": {"name": "a"}, "spec": {"type": "ExternalName", "ports": [{}]}})
    assert (found.external, [item.name for item in found.ports], found.ref.namespace) == (True, [""], "default")
    assert not found.selects({"app": "podinfo"})
    assert service({"metadata": {"name": "a"}}).ports == ()


@pytest.mark.parametrize(
    ("fields", "is_http"),
    [
        ({"name": "http"}, True),
        ({"name": "http-web"}, True),
        ({"name": "grpc-web"}, True),
        ({"name": "web"}, False),
        ({}, False),
        *(
            ({"name": "web", "appProtocol": protocol}, True)
            for protocol in (
                *("http", "HTTP", "https", "http2", "grpc", "grpc-web"),
                *("kubernetes.io/h2c", "kubernetes.io/ws", "kubernetes.io/wss", "k8s.io/h2c"),
            )
        ),
        ({"name": "http-web", "appProtocol": "tcp"}, False),
        ({"name": "http", "appProtocol": "mysql"}, False),
        ({"name": "http", "appProtocol": ""}, True),
    ],
)
def test_the_application_protocol_goes_before_the_name(fields: dict[str, str], is_http: bool) -> None:  # noqa: FBT001
    assert port(**fields).is_http is is_http


@pytest.mark.parametrize(
    ("fields", "is_grpc"),
    [
        ({"name": "grpc"}, True),
        ({"name": "grpc-web"}, True),
        ({"name": "api", "appProtocol": "GRPC"}, True),
        ({"name": "grpcs"}, False),
        ({"name": "grpc", "appProtocol": "http"}, False),
        ({"name": "http"}, False),
        ({}, False),
    ],
)
def test_which_ports_are_grpc(fields: dict[str, str], is_grpc: bool) -> None:  # noqa: FBT001
    assert port(**fields).is_grpc is is_grpc


@pytest.mark.parametrize(("labels", "found"), [({"a": "b"}, {"a": "b"}), (None, {}), ([], {})])
def test_a_service_has_labels(labels: Any, found: dict[str, str]) -> None:
    assert service({"metadata": {"name": "a", "labels": labels}}).labels == found


@pytest.mark.parametrize(
    ("target", "wanted"), [(8080, 8080), ("web", "web"), (None, 80), ("", 80), (True, 80), ([], 80)]
)
def test_a_port_leads_to_its_target_or_to_its_own_number(target: Any, wanted: int | str) -> None:
    assert port(targetPort=target).target == wanted


@pytest.mark.parametrize(("number", "name"), [(80, "tcp"), (81, "http"), (None, "http"), (82, None)])
def test_the_port_that_a_route_uses(number: int | None, name: str | None) -> None:
    ports = [{"name": "tcp", "port": 80}, {"name": "http", "port": 81}]
    used = service({"metadata": {"name": "a"}, "spec": {"ports": ports}}).used_by(number)
    assert (used.name if used else None) == name


def test_how_a_port_is_called() -> None:
    assert [str(port(name="web")), str(port())] == ["web", "one without a name"]
    assert str(port(name="http", appProtocol="tcp")) == "http (appProtocol tcp)"


def test_a_port_that_no_server_would_store_is_refused() -> None:
    with pytest.raises(InvalidObjectError):
        port(port="80")
