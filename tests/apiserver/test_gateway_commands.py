"""The commands over an HTTPRoute on a real API server, with the rights of a pass over that kind and no others."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from reconcile.model import rights
from reconcile.model.kinds import HTTP_ROUTE
from tests.apiserver.routed import Routed, edge, manifests
from tests.apiserver.steering import Metrics, Steerer, account, changes, of_steerer, server_side_apply
from tests.support import fast_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.components.controlplane import ControlPlane

pytestmark = pytest.mark.usefixtures("gateway_kinds")

RIGHTS = rights.of_pass([HTTP_ROUTE])
NOW = "--control-loop-interval=0s"
WEIGHTS = {"/spec/rules/0/backendRefs/0/weight", "/spec/rules/0/backendRefs/1/weight"}
OTHERS = {"/spec/rules/2/backendRefs/0/weight", "/spec/rules/2/backendRefs/2/weight"}


@pytest.fixture
def release(control_plane: ControlPlane, namespace: str) -> Iterator[Routed]:
    """Yields the example over an HTTPRoute, before its first step."""
    with Routed(control_plane, namespace, edge(), stepWeight=50) as release:
        yield release


@pytest.fixture
def steerer(release: Routed, metrics: Metrics) -> Steerer:
    """Returns the program, as an account with the rights of a pass over HTTPRoutes."""
    kubeconfig = account(release.plane, release.namespace, rights.rules(RIGHTS))
    return Steerer(kubeconfig=kubeconfig, metrics=metrics.url, namespace=release.namespace)


def test_a_route_is_checked_planned_reviewed_and_moved(release: Routed, steerer: Steerer, tmp_path: Path) -> None:
    mark = release.plane.mark()
    assert steerer("check", "--strict").out.splitlines()[-1] == "1 Rollout: 0 errors, 0 warnings"

    [before] = release.routes
    (tmp_path / "route.yaml").write_text(json.dumps(before))
    printed = steerer("plan", NOW, "-o", "patch").out
    (tmp_path / "kustomization.yaml").write_text(f"resources:\n- route.yaml\n{printed}")
    [patched] = fast_yaml.load_all(release.plane.kubectl("kustomize", str(tmp_path)))
    assert changes(before, patched).keys() == WEIGHTS | OTHERS

    saved = str(tmp_path / "plan.json")
    steerer("plan", NOW, "--out", saved)
    asked = [entry for entry in of_steerer(release.plane.requests_since(mark)) if entry.verb not in {"get", "list"}]
    assert {(entry.verb, entry.resource) for entry in asked} == {("create", "selfsubjectaccessreviews")}
    steerer("apply", saved, NOW)
    assert release.routes[0]["spec"] == patched["spec"]
    assert "/spec/rules/0/backendRefs/1/weight was 0 and is 50" in steerer("apply", saved, NOW, expect=4).out


def test_a_tool_that_applied_the_route_is_named_with_what_it_has_to_ignore(release: Routed, steerer: Steerer) -> None:
    path = f"/apis/gateway.networking.k8s.io/v1/namespaces/{release.namespace}/httproutes/podinfo"
    release.plane.request("DELETE", path).raise_for_status()  # who wrote it in the same second is as late
    server_side_apply(release.plane, release.namespace, [edge()], manager="argocd-controller")
    release.controller()
    results = json.loads(steerer("check", "-o", "json").out)["results"]
    [(check, finding)] = [
        (result["check"], finding)
        for result in results
        for finding in result["findings"]
        if finding["level"] == "warning"
    ]
    assert (check, finding["path"]) == ("gitops", "spec.rules")
    assert "jqPathExpressions .spec.rules[]?.backendRefs[]?.weight" in finding["advice"]


def test_a_checkout_gets_the_two_weights_of_each_rule_and_the_cluster_none(
    release: Routed, steerer: Steerer, tmp_path: Path
) -> None:
    without = [right for right in RIGHTS if (right.kind, right.verb) != (HTTP_ROUTE, "patch")]
    steerer.kubeconfig = account(release.plane, release.namespace, rights.rules(without))
    deploy = tmp_path / "deploy"
    deploy.mkdir()
    for item in manifests(release.namespace, edge(), stepWeight=50):
        file = deploy / f"{item['kind']}-{item['metadata']['name']}.yaml".lower()
        file.write_text(json.dumps(item, indent=2))
    file = deploy / "httproute-podinfo.yaml"
    before = fast_yaml.load(file.read_text())
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True, timeout=60)

    assert steerer("run", NOW, "--write-to", str(deploy), "-o", "json").record["move"] == "start"
    after = fast_yaml.load(file.read_text())
    assert changes(before, after) == {
        "/spec/rules/0/backendRefs/0/weight": (100, 50),
        "/spec/rules/0/backendRefs/1/weight": (0, 50),
        "/spec/rules/2/backendRefs/0/weight": (0, 50),
        "/spec/rules/2/backendRefs/2/weight": (7, 50),
    }
    assert release.weights == [0]
    server_side_apply(release.plane, release.namespace, [after])
    release.controller()
    assert steerer("run", NOW, "--write-to", str(deploy), "-o", "json").record["move"] == "advance"
    assert [each["weight"] for each in fast_yaml.load(file.read_text())["spec"]["rules"][0]["backendRefs"]] == [0, 100]
