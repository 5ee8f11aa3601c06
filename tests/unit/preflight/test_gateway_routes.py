"""Routes of the Gateway API, and several objects that split the traffic of one Rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconcile.preflight.checks import CLUSTER, FOLDER
from tests.support.gateway_routes import backend, http_route, over, rule, said
from tests.support.world import VS
from tests.unit.preflight.examining import edited, examined, rows_of

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest

ROUTE = "HTTPRoute podinfo.test"
BOTH = ("VirtualService/podinfo", "HTTPRoute/podinfo")
ABSENT = {"backendRefs": [backend("podinfo"), backend("podinfo-canary")]}


def taken_up(reason: str = "", generation: int = 1) -> Manifest:
    """Builds a route of generation 1 with what a controller says."""
    route = http_route()
    route["metadata"]["generation"] = 1
    return route | {"status": said(route, generation, reason)}


def released(*names: str, routes: tuple[Manifest, ...] = ()) -> list[Manifest]:
    """Builds the example over these routes, after its first release."""
    return edited(over(*names, routes=routes), "status", "phase", "Succeeded", kind="Rollout")


FOUND: dict[str, tuple[list[Manifest], list[tuple[str, str, str, str]]]] = {
    "nothing": (released("HTTPRoute/podinfo"), []),
    "nothing of what a controller has taken up": (released("HTTPRoute/podinfo", routes=(taken_up(),)), []),
    "nothing of weights that do not add up to 100": (
        released(
            "HTTPRoute/podinfo",
            routes=(http_route({"backendRefs": [backend("podinfo", 3), backend("podinfo-canary", 0)]}),),
        ),
        [],
    ),
    "a refused route": (
        released("HTTPRoute/podinfo", routes=(taken_up("RefNotPermitted"),)),
        [
            (
                "error",
                ROUTE,
                "status.parents",
                "Gateway web (example.com/gateway): ResolvedRefs is False, RefNotPermitted",
            )
        ],
    ),
    "one that is not taken up": (
        released("HTTPRoute/podinfo", routes=(taken_up(generation=0),)),
        [("warning", ROUTE, "status.parents", "Gateway web has not taken up generation 1 yet")],
    ),
    "absent weights": (
        released("HTTPRoute/podinfo", routes=(http_route(ABSENT),)),
        [
            (
                "warning",
                ROUTE,
                "spec.rules[0]",
                "the canary's backend has no weight, which counts as 1: it gets 50 % at once",
            )
        ],
    ),
    "rules that differ": (
        released("HTTPRoute/podinfo", routes=(http_route(rule(0), rule(30)),)),
        [("warning", ROUTE, "spec.rules", "its managed routes give the canary from 0 to 30 %; all move together")],
    ),
    "objects that differ": (
        released(*BOTH, routes=(http_route(rule(30)),)),
        [
            (
                "warning",
                f"{VS}, {ROUTE}",
                "",
                "its managed routes give the canary from 0 to 30 %; all move together",
            )
        ],
    ),
    "a missing one of two": (
        released(*BOTH, routes=(http_route(name="other"),)),
        [("error", ROUTE, "", f"{ROUTE} is missing")],
    ),
    "a third backend": (
        released("HTTPRoute/podinfo", routes=(http_route({"backendRefs": [*rule(0)["backendRefs"], backend("old")]}),)),
        [
            (
                "error",
                ROUTE,
                "spec.rules[0]",
                "gives traffic to old beside the two: write weight: 0 there",
            )
        ],
    ),
}


@pytest.mark.parametrize(("items", "rows"), FOUND.values(), ids=FOUND)
def test_what_may_surprise_is_found_and_nothing_else(
    items: list[Manifest], rows: list[tuple[str, str, str, str]]
) -> None:
    assert [row[1:] for row in rows_of(examined(items, FOLDER)) if row[0] == "routes"] == rows


def test_a_port_that_a_service_lacks_is_an_error() -> None:
    ends = [backend("podinfo", 100), backend("podinfo-canary", 0, port=1234)]
    found = rows_of(examined(released("HTTPRoute/podinfo", routes=(http_route({"backendRefs": ends}),)), FOLDER))
    message = "Service podinfo-canary.test (spec.ports) has no port 1234, which the route uses"
    assert [(row[0], row[1], row[4]) for row in found] == [("reach", "error", message)]


def test_weights_that_a_gitops_tool_wrote_are_told_with_the_rule_for_their_kind() -> None:
    route = http_route()
    fields: Manifest = {"f:spec": {"f:rules": {}}}
    entry = {"manager": "kustomize-controller", "operation": "Apply", "time": "2026-01-01T00:00:00Z"}
    route["metadata"]["managedFields"] = [entry | {"fieldsV1": fields}]
    found = [
        (finding.path, finding.advice)
        for item in examined(released("HTTPRoute/podinfo", routes=(route,)), CLUSTER)
        for result in item.results
        if result.check == "gitops"
        for finding in result.findings
    ]
    assert [path for path, _ in found] == ["spec.rules"]
    assert "let kustomize-controller ignore the weights" in found[0][1]
    assert "/spec/rules/0/backendRefs/0/weight" in found[0][1]
