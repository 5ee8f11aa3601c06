"""The weights of the routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconcile.preflight.checks import FOLDER
from tests.support.gateway_routes import http_route, over, said
from tests.support.world import VS, destination
from tests.unit.preflight.examining import ROUTE, Broken, edited, examined, rows_of, standard_with, standard_without

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.model.kinds import Manifest

HTTP_ROUTE = "HTTPRoute podinfo.test"


def routed(*routes: Sequence[Manifest]) -> list[Manifest]:
    return standard_with("VirtualService", "spec", "http", [{"route": list(route)} for route in routes])


def judged(refused: str = "", generation: int = 99) -> Manifest:
    """Builds an HTTPRoute of which its controller has said something, of this generation; it has the third."""
    route = http_route()
    route["metadata"]["generation"] = 3
    return route | {"status": said(route, generation, refused)}


BROKEN: dict[str, Broken] = {
    "a VirtualService that is missing": (standard_without(VS), ("routes", "error", ROUTE, "", f"{ROUTE} is missing")),
    "no route for the pair": (
        routed([destination("podinfo", 100)]),
        ("routes", "error", ROUTE, "spec.http", "no route leads to podinfo and podinfo-canary"),
    ),
    "a third destination": (
        routed([destination("podinfo", 90), destination("podinfo-canary", 5), destination("other", 5)]),
        (
            "routes",
            "error",
            ROUTE,
            "spec.http[0]",
            "has a destination beside the two, so that its weights are not steerer's to set",
        ),
    ),
    "a route of the Gateway API that is refused": (
        over("HTTPRoute/podinfo", routes=(judged("RefNotPermitted"),)),
        (
            "routes",
            "error",
            HTTP_ROUTE,
            "status.parents",
            "Gateway web (example.com/gateway): ResolvedRefs is False, RefNotPermitted",
        ),
    ),
    "a route of the Gateway API that is not taken up": (
        over("HTTPRoute/podinfo", routes=(judged(generation=2),)),
        (
            "routes",
            "warning",
            HTTP_ROUTE,
            "status.parents",
            "Gateway web has not taken up generation 3 yet",
        ),
    ),
    "no weights": (
        routed([destination("podinfo"), destination("podinfo-canary")]),
        ("routes", "error", ROUTE, "spec.http[0]", "both weights are absent or 0"),
    ),
    "weights that do not add up": (
        edited(
            routed([destination("podinfo", 50), destination("podinfo-canary", 0)]),
            "status",
            "phase",
            "Succeeded",
            kind="Rollout",
        ),
        (
            "routes",
            "warning",
            ROUTE,
            "spec.http",
            "the weights do not add up to 100: they are counted from the canary's, 0",
        ),
    ),
    "weights that differ from route to route": (
        edited(
            routed(
                [destination("podinfo", 100), destination("podinfo-canary", 0)],
                [destination("podinfo", 70), destination("podinfo-canary", 30)],
            ),
            "status",
            "phase",
            "Succeeded",
            kind="Rollout",
        ),
        (
            "routes",
            "warning",
            ROUTE,
            "spec.http",
            "its managed routes give the canary from 0 to 30 %; all move together",
        ),
    ),
    "a route that gets no request": (
        standard_with(
            "VirtualService",
            "spec",
            "http",
            [
                {"match": [{"uri": {"prefix": "/"}}], "route": [destination("podinfo", 100)]},
                {"route": [destination("podinfo", 100), destination("podinfo-canary", 0)]},
            ],
        ),
        (
            "routes",
            "warning",
            ROUTE,
            "spec.http[1]",
            "gets no request: spec.http[0] comes before it and takes them all",
        ),
    ),
    "traffic on the canary before any release": (
        routed([destination("podinfo", 60), destination("podinfo-canary", 40)]),
        (
            "routes",
            "warning",
            ROUTE,
            "spec.http",
            "gives 40 % to podinfo-canary already: the first pass goes on from there",
        ),
    ),
}


@pytest.mark.parametrize(("items", "row"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_found_and_nothing_else(items: list[Manifest], row: tuple[str, ...]) -> None:
    assert rows_of(examined(items, FOLDER)) == [row]
