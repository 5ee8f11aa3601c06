"""The rights of the chart's own account, on a real API server: enough for a whole release, and no verb more.

The passes are the Jobs' own: their arguments and environment are those of the stored CronJob, and the token is the
account's. Only the container around the process is missing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model.kinds import HTTP_ROUTE, VIRTUAL_SERVICE
from reconcile.model.rights import PASS, Impact, Right, of_pass
from tests.apiserver.routed import Routed, plain
from tests.apiserver.steering import SUCCESS, apply, at_rest, get, install, of_steerer
from tests.helm.installed import chart_on, decisions, new_namespace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconcile.model.kinds import Kind
    from tests.components.audit import AuditEntry
    from tests.components.controlplane import ControlPlane
    from tests.helm.installed import Installed

CROWD = 9
"""More of a kind than are read one by one."""


def used(entries: list[AuditEntry]) -> set[tuple[str, str, str]]:
    """Give what was asked of the API server, as rules name it. Nothing of it was denied."""
    assert [entry for entry in entries if entry.code in {401, 403}] == []
    return {
        (entry.verb, entry.group, f"{entry.resource}/{entry.subresource}" if entry.subresource else entry.resource)
        for entry in entries
    }


def granted(kind: Kind) -> set[tuple[str, str, str]]:
    return {(right.verb, right.kind.group, right.resource) for right in of_pass([kind])}


@pytest.mark.parametrize(("scope", "kind"), [("Role", VIRTUAL_SERVICE), ("ClusterRole", HTTP_ROUTE)])
def test_a_release_uses_each_right_that_the_account_has_and_none_that_it_has_not(
    installed: Installed, scope: str, kind: Kind
) -> None:
    plane, shop = installed.plane, new_namespace(installed.plane)
    controller = over(installed, shop, kind)
    kinds = {"routeKinds": f"{{{kind.name}}}"}
    installed.values(*([shop] if scope == "Role" else []), **kinds)
    mark = plane.mark()
    # The same Warning twice: the second is counted.
    installed.metrics.values[SUCCESS] = "50"
    assert moves(installed, shop, 5, controller) == ["start", "halt", "halt", "roll back", "give up"]
    assert installed.phase(shop) == "Failed"
    installed.metrics.good()
    plane.kubectl("set", "env", "deployment/podinfo-canary", "ATTEMPT=2", namespace=shop)
    released = ["scale up", "start", "promote", "conclude", "retire", "idle"]
    assert moves(installed, shop, 6, controller) == released
    assert installed.phase(shop) == "Succeeded"

    crowd = new_namespace(plane)
    items = [item for number in range(CROWD) for item in at_rest(crowd, f"app-{number}")]
    for rollout in items[2::3]:
        rollout["spec"]["routes"] = [{"kind": kind.name} | rollout["spec"].pop("virtualService")]
    apply(plane, *items)
    installed.values(*([shop, crowd] if scope == "Role" else []), **kinds)
    done = installed.job()
    assert [line["move"] for line in decisions(done, crowd)] == ["initialize"] * CROWD

    # The server is everybody's: what others have there is not always of this kind.
    own = [entry for entry in of_steerer(plane.requests_since(mark)) if entry.namespace in {"", shop, crowd}]
    assert used(own) == granted(kind)


def over(installed: Installed, namespace: str, kind: Kind) -> Callable[[], None]:
    """Install the example over a route of this kind, and give what the controller of the route does after a pass."""
    analysis = {"stepWeight": 100, "onFailure": "Rollback", "failureLimit": 2}
    if kind == HTTP_ROUTE:
        installed.plane.install_gateway_kinds()
        return Routed(installed.plane, namespace, plain(), **analysis).controller
    install(installed.plane, namespace, **analysis)
    name_subset(installed.plane, namespace)
    return lambda: None


def moves(
    installed: Installed, namespace: str, passes: int, controller: Callable[[], None] = lambda: None
) -> list[str]:
    """Let so many Jobs run, an interval apart, and give what they did for a Rollout."""
    found = []
    for _ in range(passes):
        done = installed.job()
        assert done.code == 0, done.err
        found += [line["move"] for line in decisions(done, namespace)]
        controller()
        installed.later(namespace)
    return found


def test_the_account_may_write_nothing_of_a_rollout_but_its_status(installed: Installed) -> None:
    plane, shop = installed.plane, new_namespace(installed.plane)
    install(plane, shop, stepWeight=50)
    installed.values()
    assert moves(installed, shop, 1) == ["start"]
    before = get(plane, "rollout/podinfo", shop)
    path = f"/apis/{before['apiVersion']}/namespaces/{shop}/rollouts"
    token = plane.account_token(installed.home, installed.home)

    def answered(verb: str, path: str, **sent: Any) -> int:
        return plane.request(verb, path, token=token, **sent).status_code

    merge = {"content_type": "application/merge-patch+json"}
    asked = {"metadata": {"annotations": {"apps.weave.works/abort": before["status"]["canaryRevision"]}}}
    changed = asked | {"spec": {"canaryAnalysis": {"stepWeight": 100}}}
    for body in (asked, changed):
        assert answered("PATCH", f"{path}/podinfo", body=body, **merge) == 403
    assert answered("PUT", f"{path}/podinfo", body=before) == 403
    assert answered("POST", path, body=before) == 403
    assert answered("DELETE", f"{path}/podinfo") == 403
    assert answered("PUT", f"{path}/podinfo/status", body=before) == 403

    # What it may patch is the status, and nothing else comes along.
    noted = {"status": {"canaryReplicas": 7}}
    assert answered("PATCH", f"{path}/podinfo/status", body=changed | noted, **merge) == 200
    after = get(plane, "rollout/podinfo", shop)
    assert after["status"]["canaryReplicas"] == 7
    assert (after["spec"], after["metadata"]["annotations"]) == (before["spec"], before["metadata"]["annotations"])


def lacking(*lacks: Impact) -> list[Right]:
    """Give the rights whose lack comes to one of these."""
    return [right for right in PASS if right.impact in lacks]


def named(right: Right) -> str:
    return f"{right.verb} {right.resource}"


def name_subset(plane: ControlPlane, namespace: str) -> None:
    """Let the route of the example name a subset of the primary's pods: all of them."""
    group = f"/apis/networking.istio.io/v1/namespaces/{namespace}"
    metadata = {"name": "podinfo", "namespace": namespace}
    spec = {"host": "podinfo", "subsets": [{"name": "stable", "labels": {"app": "podinfo"}}]}
    rule = {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": metadata, "spec": spec}
    plane.request("POST", f"{group}/destinationrules", body=rule).raise_for_status()
    patch = [{"op": "add", "path": "/spec/http/0/route/0/destination/subset", "value": "stable"}]
    path, kind = f"{group}/virtualservices/podinfo", "application/json-patch+json"
    plane.request("PATCH", path, body=patch, content_type=kind).raise_for_status()


def without(installed: Installed, namespace: str, right: Right) -> None:
    """Take one verb out of a Role."""
    plane = installed.plane
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles/{installed.home}"
    rules = plane.request("GET", path).json()["rules"]
    for rule in rules:
        if (rule["apiGroups"], rule["resources"]) == ([right.kind.group], [right.resource]):
            rule["verbs"].remove(right.verb)
    plane.merge(path, {"rules": [rule for rule in rules if rule["verbs"]]})


AT_ONCE = 3
"""Rollouts without a right in one pass: with a fourth, Deployments are listed, and `get` is not missed."""


@dataclass(frozen=True)
class Played:
    """What Jobs did for a namespace without one right and for one that has all; `said` is what they wrote."""

    said: str
    poor: str
    rich: str
    phases: dict[str, str]


@pytest.fixture(scope="module")
def played(bare_plane: ControlPlane) -> Iterator[dict[Right, Played]]:
    """Make releases that lack one right each, some at a time."""
    with chart_on(bare_plane) as chart:
        halting, silent = lacking(Impact.BLIND, Impact.HALT), lacking(Impact.SILENCE)
        groups = [halting[start : start + AT_ONCE] for start in range(0, len(halting), AT_ONCE)]
        played = [play(chart, rights, passes=4) for rights in groups]
        # The same Warning twice: only the second is read and counted.
        played += [play(chart, silent, passes=7, pauses={1: True, 3: False})]
        yield {right: one for group in played for right, one in group.items()}


def play(
    chart: Installed, rights: list[Right], *, passes: int, pauses: dict[int, bool] | None = None
) -> dict[Right, Played]:
    """Make passes over a namespace without each right, and over one that has all."""
    plane, rich = chart.plane, new_namespace(chart.plane)
    poor = {right: new_namespace(plane) for right in rights}
    all_of_them = [rich, *poor.values()]
    install(plane, *all_of_them, stepWeight=100)
    chart.values(*all_of_them)
    for namespace in all_of_them:
        name_subset(plane, namespace)
    for right, namespace in poor.items():
        without(chart, namespace, right)
    said = ""
    for number in range(passes):
        for namespace in all_of_them if number in (pauses or {}) else ():
            pause(plane, namespace, paused=(pauses or {})[number])
        said += chart.job().err
        for namespace in all_of_them:
            if chart.phase(namespace):
                chart.later(namespace)
    phases = {namespace: chart.phase(namespace) for namespace in all_of_them}
    return {right: Played(said, namespace, rich, phases) for right, namespace in poor.items()}


def pause(plane: ControlPlane, namespace: str, *, paused: bool) -> None:
    """Pause the rollout of the canary's Deployment, or let it go on."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/podinfo-canary"
    plane.merge(path, {"spec": {"paused": paused}})


@pytest.mark.parametrize("right", lacking(Impact.BLIND, Impact.HALT), ids=named)
def test_a_right_that_is_missing_is_named_and_touches_no_other_rollout(
    played: dict[Right, Played], right: Right
) -> None:
    one = played[right]
    assert "Traceback" not in one.said
    assert one.phases[one.rich] == "Succeeded"
    assert one.phases[one.poor] != "Succeeded"
    group = f".{right.kind.group}" if right.kind.group else ""
    part = f"/{right.subresource}" if right.subresource else ""
    assert f"{right.verb} {right.kind.plural}{group}{part} in namespace {one.poor}" in one.said
    assert "verbs" in one.said


@pytest.mark.parametrize("right", lacking(Impact.COST), ids=named)
def test_what_costs_more_requests_without_its_right_is_said_and_done(installed: Installed, right: Right) -> None:
    plane, crowd = installed.plane, new_namespace(installed.plane)
    apply(plane, *(item for number in range(CROWD) for item in at_rest(crowd, f"app-{number}")))
    installed.values(crowd)
    without(installed, crowd, right)

    done = installed.job()
    assert [line["move"] for line in decisions(done, crowd)] == ["initialize"] * CROWD
    said = [json.loads(line) for line in done.err.splitlines() if "read one by one instead" in line]
    assert {(line["level"], line["logger"]) for line in said} == {("warning", "steerer.kube")}
    group = f".{right.kind.group}" if right.kind.group else ""
    assert f"cannot list {right.kind.plural}{group} in namespace {crowd}" in said[0]["message"]


@pytest.mark.parametrize("right", lacking(Impact.SILENCE), ids=named)
def test_an_event_that_cannot_be_stored_is_named_and_holds_no_rollout_up(
    played: dict[Right, Played], right: Right
) -> None:
    one = played[right]
    assert {one.phases[one.poor], one.phases[one.rich]} == {"Succeeded"}
    assert f"cannot {right.verb} events in namespace {one.poor}" in one.said
    assert f"events in namespace {one.rich}" not in one.said
