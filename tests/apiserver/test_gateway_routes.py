"""Routes of the Gateway API on a real API server with the API's own kinds: whole releases, crashes, other writers.

Every pass here is followed by a look at the stored routes: two weights a managed rule, and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.apiserver.routed import Routed, edge, plain, virtual_service
from tests.apiserver.steering import SUCCESS, server_side_apply

if TYPE_CHECKING:
    from tests.components.controlplane import ControlPlane

pytestmark = pytest.mark.usefixtures("gateway_kinds")

FLUX, ARGO = "kustomize-controller", "argocd-controller"
ROLLBACK = {"onFailure": "Rollback", "failureLimit": 0}


def test_a_release_over_both_kinds_is_promoted_and_the_next_one_rolled_back(
    control_plane: ControlPlane, namespace: str
) -> None:
    with Routed(control_plane, namespace, edge(), edge("GRPCRoute"), stepWeight=50, **ROLLBACK) as release:
        before = [route["spec"] for route in release.routes]
        assert release.moves(1) == ["start"]
        assert [[route.lowest for route in split.routes] for split in release.splits] == [[50, 50]] * 2
        assert release.moves(5) == ["advance", "promote", "conclude", "retire", "idle"]
        assert release.status["phase"] == "Succeeded"
        after = [route["spec"] for route in release.routes]
        before[0]["rules"][2]["backendRefs"][2]["weight"] = before[1]["rules"][2]["backendRefs"][2]["weight"] = 100
        assert after == before

        release.revise("podinfo:sick")
        assert release.moves(2) == ["scale up", "start"]
        release.meter.values[SUCCESS] = 50.0
        assert release.moves(3) == ["roll back", "give up", "idle"]
        assert release.weights == [0, 0]
        assert release.status["phase"] == "Failed"


@pytest.mark.parametrize("writes", [1, 2], ids=["the status", "the first route"])
def test_a_release_whose_every_pass_is_killed_after_a_write_ends_all_the_same(
    control_plane: ControlPlane, namespace: str, writes: int
) -> None:
    with Routed(control_plane, namespace, virtual_service(), plain(), stepWeight=50, **ROLLBACK) as release:
        ends(release, writes, "Succeeded")
        release.revise("podinfo:sick")
        while not max(release.weights):
            killed_then_whole(release, writes)
        release.meter.values[SUCCESS] = 50.0
        ends(release, writes, "Failed")


def ends(release: Routed, writes: int, phase: str) -> None:
    """Goes on to the end of a release: each pass is killed once before it is made."""
    for _ in range(10):
        killed_then_whole(release, writes)
        if release.status["phase"] == phase:
            assert release.weights == [0, 0]
            return
    raise AssertionError(f"not {phase}: {release.status}")


def killed_then_whole(release: Routed, writes: int) -> None:
    release.killed(writes)
    left = release.weights
    release.tick()
    assert len({*release.weights}) == 1, "the next pass ends what was begun"
    if len({*left}) > 1:
        assert max(release.weights) <= max(left), "no rise while one lags"


def test_one_of_two_that_lags_is_the_only_one_that_is_written(control_plane: ControlPlane, namespace: str) -> None:
    with Routed(control_plane, namespace, virtual_service(), plain(), stepWeight=20) as release:
        assert release.moves(2) == ["start", "advance"]
        plan = release.killed(2)
        assert [patch.target.kind.name for patch in plan.patches] == ["Rollout", "VirtualService", "HTTPRoute"]
        assert release.weights == [60, 40]
        written = {patch.target.kind.name for patch in release.tick().plan.patches}
        assert written - {"Rollout"} == {"HTTPRoute"}
        assert release.weights == [60, 60]


def test_two_tools_that_apply_the_route_after_every_pass_do_not_hold_the_release_up(
    control_plane: ControlPlane, namespace: str
) -> None:
    route = edge()
    with Routed(control_plane, namespace, route, stepWeight=50) as release:
        server_side_apply(control_plane, namespace, [route])
        release.controller()
        seen, said = [], []
        for number in range(8):
            record = release.tick()
            seen.append((record.plan.move, release.weights[0]))
            said += [event.message for event in record.plan.events if "put back" in event.message]
            server_side_apply(control_plane, namespace, [route], manager=ARGO if number % 2 else FLUX)
            release.controller()
        assert seen == [
            ("start", 50),
            ("restore", 50),
            ("advance", 100),
            ("promote", 0),
            ("conclude", 0),
            ("retire", 0),
            *[("idle", 0)] * 2,
        ]
        assert [message.partition(";")[0].partition("put back ")[2] for message in said] == [
            f"to 0 by {FLUX}, restoring 50",
            f"to 0 by {ARGO}, restoring 100",
        ]
