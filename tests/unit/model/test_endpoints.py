"""Which ports of a Service have a ready endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.model.endpoints import ready_ports

PORTS = [{"name": "http", "port": 8080}, {"name": "grpc", "port": 9090}]


def an_endpoint_slice(*endpoints: Any, ports: Any = PORTS) -> dict[str, Any]:
    return {"endpoints": list(endpoints), "ports": ports}


@pytest.mark.parametrize("conditions", [{"ready": True}, {"ready": None}, {}, None])
def test_an_endpoint_is_ready_unless_it_says_that_it_is_not(conditions: Any) -> None:
    found = an_endpoint_slice({"conditions": {"ready": False}}, {"conditions": conditions})
    assert ready_ports([found]) == {"http", "grpc"}


@pytest.mark.parametrize(
    "found",
    [
        an_endpoint_slice(),
        an_endpoint_slice({"conditions": {"ready": False, "serving": True, "terminating": True}}),
        an_endpoint_slice({}, ports=[]),
        an_endpoint_slice({}, ports=None),
        {"endpoints": None, "ports": PORTS},
    ],
    ids=["none", "terminating", "no port that a pod has", "ports unknown", "no list"],
)
def test_a_slice_without_a_ready_endpoint_or_without_a_port_counts_for_nothing(found: dict[str, Any]) -> None:
    assert ready_ports([found]) == set()


def test_the_slices_of_a_service_add_up_and_a_port_may_have_no_name() -> None:
    one, other = an_endpoint_slice({}, ports=[{"port": 1}]), an_endpoint_slice({}, ports=[{"name": "web"}])
    assert ready_ports([one, other, an_endpoint_slice()]) == {"", "web"}
