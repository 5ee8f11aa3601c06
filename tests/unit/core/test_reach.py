"""Whether a Service leads to the pods of a template."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.core.reach import container_ports, unreached, without_endpoints
from reconcile.core.routers.split import UsedPort
from reconcile.model.service import Service, service

LABELS = {"app": "shop"}
HTTP, ANY = UsedPort(80, is_http=True), UsedPort(None, is_http=True)


def leads(selector: dict[str, Any] = LABELS, **port: Any) -> Service:
    ports = [{"name": "http", "port": 80, **port}]
    return service({"metadata": {"name": "shop"}, "spec": {"selector": selector, "ports": ports}})


def template(**spec: Any) -> dict[str, Any]:
    containers = [{"name": "app", "ports": [{"name": "http", "containerPort": 8080}, {"containerPort": 9}]}, "odd"]
    return {"metadata": {"labels": LABELS}, "spec": {"containers": containers, **spec}}


def test_pods_that_are_selected_over_a_port_that_they_have_are_reached() -> None:
    for target in ("http", 8080, 7, None):
        assert unreached(leads(targetPort=target), template(), "the pods", {HTTP, ANY}) is None


def test_what_a_service_without_a_selector_leads_to_cannot_be_told() -> None:
    assert unreached(leads({}, targetPort="nowhere"), {}, "the pods", {UsedPort(81, is_http=True)}) is None


@pytest.mark.parametrize(
    ("found", "ports", "words"),
    [
        (leads({"app": "other"}), {HTTP}, "(spec.selector) does not select the pods"),
        (leads(targetPort="web"), {HTTP}, '(spec.ports[].targetPort) leads to port "web", which the pods do not have'),
        (leads(), {UsedPort(81, is_http=True)}, "(spec.ports) has no port 81, which the route uses"),
        (leads(name="tcp"), {HTTP}, "(spec.ports): Istio takes port 80, which the route uses, for no HTTP (tcp)"),
    ],
)
def test_why_pods_are_not_reached(found: Service, ports: set[UsedPort], words: str) -> None:
    assert unreached(found, template(), "the pods", ports) == f"Service shop.default {words}"


def test_an_init_container_counts_that_goes_on_running() -> None:
    init = [
        {"name": "a", "restartPolicy": "Always", "ports": [{"name": "proxy"}]},
        {"name": "b", "ports": [{"name": "once"}]},
    ]
    assert container_ports(template(initContainers=init)) == {"http", "proxy"}
    assert container_ports({}) == set()


def test_traffic_over_a_port_without_a_ready_endpoint_would_be_lost() -> None:
    ready = [{"endpoints": [{}], "ports": [{"name": "http"}]}]
    for found in (leads(), leads({}), leads(targetPort="anything")):  # also without a selector
        assert without_endpoints(found, ready, {HTTP, ANY}) is None
        for slices in ([], [{"endpoints": [{}], "ports": [{"name": "other"}]}]):
            words = without_endpoints(found, slices, {HTTP})
            assert words is not None
            assert words.startswith("Service shop.default has no ready endpoint for port 80: see ")
    words = "Service shop.default (spec.ports) has no port {}, which the route uses"
    assert without_endpoints(leads(), ready, {UsedPort(81, is_http=True)}) == words.format(81)
    assert without_endpoints(leads(name="tcp"), ready, {ANY}) == words.format("for HTTP")
