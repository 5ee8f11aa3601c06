"""A release over an HTTPRoute behind Contour: an implementation of the Gateway API that steers a real Envoy.

Contour itself says what it makes of the route, and Envoy's own metrics are those that the analysis asks for.
"""

from __future__ import annotations

import json
import math
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.apiserver.routed import manifests, plain
from tests.apiserver.steering import Steerer, rolled_out, store
from tests.components.contour import ADDRESS, CONTROLLER, GATEWAY, Contour
from tests.components.fixtures import available
from tests.components.processes import wait_for
from tests.components.xds import STORED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.components.controlplane import ControlPlane

PRIMARY, CANARY = "podinfo", "podinfo-canary"
REQUESTS = 500  # for each share
LONGEST = 60  # seconds for whatever is waited for
SIGMAS = 5  # a share is further off by chance once in more than a million times
METRICS = [
    {"name": "contour_upstream_rq", "threshold": 99, "interval": "10s"},
    {"name": "contour_upstream_rq_time_bucket", "threshold": 500, "interval": "10s"},
]
STEPS = [{"weight": 10}, {"weight": 50}, {"weight": 100}]


class Release:
    """The example over an HTTPRoute, in a namespace that Contour watches."""

    def __init__(self, plane: ControlPlane, contour: Contour) -> None:
        self.plane, self.contour, self.namespace = plane, contour, contour.namespace
        analysis = {"steps": STEPS, "stepWeight": None, "maxWeight": None, "metrics": METRICS}
        items = manifests(self.namespace, plain(), **analysis)
        for item in items:
            if item["kind"] == "Deployment":
                item["spec"]["template"]["metadata"]["annotations"] = {ADDRESS: STORED}
            if item["kind"] == "Service":
                item["spec"]["ports"][0]["targetPort"] = contour.ports[item["metadata"]["name"]]
        store(plane, items)
        rolled_out(plane, self.namespace, PRIMARY, CANARY)
        self.steerer = Steerer(
            kubeconfig=plane.kubeconfig_for(plane.token, namespace=self.namespace),
            metrics=contour.prometheus.url,
            namespace=self.namespace,
        )

    @property
    def path(self) -> str:
        """The path of the route in the API."""
        return f"/apis/gateway.networking.k8s.io/v1/namespaces/{self.namespace}/httproutes/podinfo"

    @property
    def route(self) -> dict[str, Any]:
        """The route as it is stored."""
        found: dict[str, Any] = self.plane.request("GET", self.path).json()
        return found

    def until(self, move: str) -> None:
        """Makes passes until one of them makes this move."""
        made = [self.steerer.passes().record]
        deadline = time.monotonic() + LONGEST
        while made[-1]["move"] != move:
            reasons = "\n".join(f"{record['move']}: {record['reason']}" for record in made)
            assert time.monotonic() < deadline, (
                f"no pass in {LONGEST} s moves on by {move}; these were made:\n{reasons}"
            )
            time.sleep(0.5)
            made.append(self.steerer.passes().record)
        rolled_out(self.plane, self.namespace, PRIMARY, CANARY)


@pytest.fixture
def release(
    control_plane: ControlPlane, namespace: str, tmp_path: Path, pytestconfig: pytest.Config
) -> Iterator[Release]:
    """Gives the example behind Contour, under steady requests; no pass has been made."""
    with ExitStack() as stack:
        with available("Contour", pytestconfig):
            contour = stack.enter_context(Contour(tmp_path / "contour", control_plane, namespace, PRIMARY, CANARY))
        release = Release(control_plane, contour)
        wait_for(contour.serves, "the Gateway to answer")
        stack.enter_context(contour.load())
        yield release


def test_shares_behind_contour_follow_the_weights_and_what_it_refuses_halts(release: Release) -> None:
    follows(release, 0)
    release.until("start")
    follows(release, 10)
    release.until("advance")
    follows(release, 50)
    halts_on_a_backend_that_is_not_permitted(release)
    release.until("advance")
    follows(release, 100)
    release.until("conclude")
    follows(release, 0)
    release.until("retire")


def follows(release: Release, weight: int) -> None:
    """The share of requests that the canary answers is its stored weight, within the error of so many requests."""
    backends = release.route["spec"]["rules"][0]["backendRefs"]
    assert {one["name"]: one["weight"] for one in backends} == {PRIMARY: 100 - weight, CANARY: weight}
    wait_for(lambda: release.contour.weight(CANARY) == weight, f"Envoy to have the weight {weight}")
    release.contour.answered_by(10)  # its worker may be a moment behind
    answered = release.contour.answered_by(REQUESTS)
    error = SIGMAS * math.sqrt(REQUESTS * weight / 100 * (1 - weight / 100))
    assert abs(answered[CANARY] - REQUESTS * weight / 100) <= error
    assert sum(answered.values()) == REQUESTS


def halts_on_a_backend_that_is_not_permitted(release: Release) -> None:
    elsewhere = {"name": "podinfo", "namespace": "elsewhere", "port": 9898}
    other = {"matches": [{"path": {"value": "/other"}}], "backendRefs": [elsewhere]}
    rules = release.route["spec"]["rules"]
    release.plane.merge(release.path, {"spec": {"rules": [*rules, other]}})
    wait_for(lambda: "RefNotPermitted" in json.dumps(release.route["status"]), "Contour to refuse the route")
    record = release.steerer.passes().record
    assert record["move"] == "halt"
    assert record["reason"].startswith(
        f"HTTPRoute podinfo.{release.namespace}: Gateway {GATEWAY} ({CONTROLLER}): "
        "ResolvedRefs is False, RefNotPermitted ("
    )
    assert record["measurements"] == []
    assert "ResolvedRefs is False, RefNotPermitted" in release.steerer("check", expect=4).out
    release.plane.merge(release.path, {"spec": {"rules": rules}})
