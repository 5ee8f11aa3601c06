"""Routes of the Gateway API on a real API server with the API's own kinds: whole releases, crashes, other writers.

Every pass here is followed by a look at the stored routes: two weights a managed rule, and nothing else.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from reconcile.model.errors import LostRaceError
from tests.apiserver.routed import Routed, edge, plain, virtual_service
from tests.apiserver.steering import SUCCESS, Metrics, Steerer, server_side_apply
from tests.components.faults import Once, killed_when_done
from tests.components.gateway import Gateway

if TYPE_CHECKING:
    import subprocess

    from reconcile.model.kinds import Manifest
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


def test_one_of_two_that_lags_is_the_only_one_that_is_written(
    control_plane: ControlPlane, namespace: str, metrics: Metrics
) -> None:
    with Routed(control_plane, namespace, virtual_service(), plain(), stepWeight=20) as release:
        assert release.moves(2) == ["start", "advance"]
        killed_when_stored(release, metrics, "virtualservices")
        assert release.weights == [60, 40]
        release.controller()
        written = {patch.target.kind.name for patch in release.tick().plan.patches}
        assert written - {"Rollout"} == {"HTTPRoute"}
        assert release.weights == [60, 60]


def killed_when_stored(release: Routed, metrics: Metrics, resource: str) -> None:
    """Makes a pass in a process that is killed when its write to this resource is stored, before it hears of that."""
    running: list[subprocess.Popen[str]] = []

    def kill() -> None:
        running[0].kill()

    once = Once(killed_when_done(kill), lambda request: request.writes and request.resource == resource)
    with Gateway(release.plane, once).serving() as gateway:
        kubeconfig = gateway.before(release.plane.kubeconfig)
        steerer = Steerer(kubeconfig=kubeconfig, metrics=metrics.url)
        with steerer.begin("run", "--control-loop-interval=0s", f"--namespace={release.namespace}") as process:
            running.append(process)
            process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


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


def test_what_else_writes_the_route_in_a_release_is_kept_and_only_drift_is_undone(
    control_plane: ControlPlane, namespace: str
) -> None:
    route = edge()
    with Routed(control_plane, namespace, route, stepWeight=25) as release:
        assert release.moves(1) == ["start"]

        # A tool between the status and the weight: the patch is refused, and the next pass restores what was lost.
        status, weights = next(iter(release.new_pass().plans())).plan.patches
        release.cluster.patch(status)
        synced(release, route)
        with pytest.raises(LostRaceError):
            release.cluster.patch(weights)
        assert (release.moves(1), release.weights) == (["restore"], [25])

        # What else comes from Git in a fight stays.
        timeouts = {"request": "7s"}
        route["spec"]["rules"] = [{"backendRefs": [{"name": "podinfo", "port": 9898}]}, *route["spec"]["rules"]]
        route["spec"]["rules"][1]["timeouts"] = timeouts
        synced(release, route)
        assert (release.moves(1), release.weights) == (["advance"], [50])
        rules = release.routes[0]["spec"]["rules"]
        assert [rule.get("name") for rule in rules] == [None, "pair", "primary", None]
        assert rules[1]["timeouts"] == timeouts

        # Applying what is stored is no drift, and neither is what a person wrote, though a tool applies it too.
        route["spec"]["rules"] = rules
        synced(release, route)
        assert (release.moves(1), release.weights) == (["advance"], [75])
        for one in (rules[1]["backendRefs"], reversed(rules[3]["backendRefs"])):
            for backend, weight in zip(one, (100, 0, 0), strict=False):
                backend["weight"] = weight
        release.edit({"spec": {"rules": rules}}, "kubectl-edit")
        synced(release, route)
        record = release.tick()
        assert (record.plan.move, release.weights) == ("start", [25])
        assert not [event for event in record.plan.events if "put back" in event.message]


def synced(release: Routed, route: Manifest) -> None:
    """Applies the route as Flux does."""
    server_side_apply(release.plane, release.namespace, [route])
    release.controller()
