"""`steerer check` on a real API server with RBAC, and with a real Prometheus: its findings, and no write."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import yaml

from reconcile.model import rights
from reconcile.preflight.selectors import PATHS
from tests.apiserver.routed import manifests, plain
from tests.apiserver.steering import ARTIFACTS, Steerer, account, apply, install, of_steerer, rolled_out, store
from tests.components.fixtures import own_control_plane
from tests.components.processes import wait_for
from tests.support.paths import CRD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.apiserver.steering import Done
    from tests.components.controlplane import ControlPlane
    from tests.components.fixtures import StartPrometheus

PODINFO = "podinfo"
SELECTING = {kind.plural for kind in PATHS if kind.group}


@pytest.fixture
def installed(control_plane: ControlPlane, namespace: str) -> str:
    """Returns a namespace with the example in it, rolled out."""
    install(control_plane, namespace)
    return namespace


def found(done: Done, *levels: str) -> list[dict[str, Any]]:
    """Returns the findings of `-o json`, each with its check; of these levels, by default errors and warnings."""
    return [
        finding | {"check": result["check"]}
        for result in json.loads(done.out)["results"]
        for finding in result["findings"]
        if finding["level"] in (levels or ("error", "warning"))
    ]


def without_metrics(plane: ControlPlane, namespace: str) -> None:
    patch = [{"op": "remove", "path": "/spec/canaryAnalysis/metrics"}]
    plane.patch(f"rollout/{PODINFO}", namespace, patch)


def test_the_account_of_a_pass_is_enough_and_nothing_is_written(control_plane: ControlPlane, installed: str) -> None:
    without_metrics(control_plane, installed)
    steerer = Steerer(kubeconfig=account(control_plane, installed, rights.rules(rights.PASS)), namespace=installed)
    mark = control_plane.mark()
    done = steerer("check", "--strict")
    assert done.out.splitlines()[-1] == "1 Rollout: 0 errors, 0 warnings"
    asked = of_steerer(control_plane.requests_since(mark))
    assert {(entry.verb, entry.resource) for entry in asked if entry.verb not in {"get", "list"}} == {
        ("create", "selfsubjectaccessreviews")
    }
    # What may select pods is discovered, and listed where it is installed: the account of a pass may not.
    selecting = [entry for entry in asked if entry.resource in SELECTING or entry.code == 404]
    assert {entry.resource for entry in selecting if entry.code == 403} == {"networkpolicies", "poddisruptionbudgets"}
    rest = [entry for entry in asked if entry not in selecting]
    assert [entry.code for entry in rest if entry.code >= 400] == []
    # A review for each right, discovery and schema of the Rollout, discovery of Istio, what a pass reads, and what acts
    # beside it.
    assert len(rest) <= len(rights.PASS) + 3 + 7 + 2 + len(SELECTING)
    said = [item for item in found(steerer("check", "-o", "json"), "info") if item["check"] == "selectors"]
    assert [item["object"] for item in said] == ["NetworkPolicy, PodDisruptionBudget"]
    assert "cannot list networkpolicies" in said[0]["message"]


def test_a_policy_that_a_promotion_would_take_the_primary_from_is_an_error(
    control_plane: ControlPlane, installed: str
) -> None:
    without_metrics(control_plane, installed)
    label = [{"op": "add", "path": "/spec/template/metadata/labels/track", "value": "stable"}]
    control_plane.patch(f"deployment/{PODINFO}", installed, label)
    rolled_out(control_plane, installed, PODINFO)
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "stable", "namespace": installed},
        "spec": {"podSelector": {"matchLabels": {"track": "stable"}}},
    }
    apply(control_plane, policy)
    steerer = Steerer(kubeconfig=control_plane.kubeconfig)
    [lost] = found(steerer("check", "-n", installed, "-o", "json", expect=4))
    assert (lost["check"], lost["object"]) == ("selectors", f"NetworkPolicy stable.{installed}")
    assert lost["advice"] == "add to spec.canaryAnalysis.promotion: keep: [/metadata/labels/track]"
    kept = {"spec": {"canaryAnalysis": {"promotion": {"keep": ["/metadata/labels/track"]}}}}
    control_plane.patch(f"rollout/{PODINFO}", installed, kept)
    assert found(steerer("check", "-n", installed, "-o", "json")) == []


@pytest.fixture(scope="module")
def unchanged(control_plane: ControlPlane) -> str:
    """Returns a namespace with the example in it, for tests that change nothing but the rights of its account."""
    name = f"check-{uuid4().hex[:8]}"
    control_plane.create_namespace(name)
    install(control_plane, name)
    return name


@pytest.mark.parametrize("right", rights.PASS, ids=lambda right: f"{right.verb} {right.resource}")
def test_each_right_that_is_missing_is_named_with_the_rule_to_add(
    control_plane: ControlPlane, unchanged: str, right: rights.Right
) -> None:
    kept = [other for other in rights.PASS if other != right]
    steerer = Steerer(kubeconfig=account(control_plane, unchanged, rights.rules(kept)), namespace=unchanged)
    done = steerer("check", "-o", "json", expect=None)
    [missing] = [item for item in found(done, "error", "warning", "info") if item["check"] == "rights"]
    [rule] = rights.rules([right])
    assert missing["object"] == f"Role of namespace {unchanged}"
    assert missing["message"].startswith(f"cannot {right.verb} {right.resource}")
    assert yaml.safe_load(missing["advice"].removeprefix("add to it: ")) == rule
    # With the rule of the message added, nothing is missing.
    account(
        control_plane, unchanged, [*rights.rules(kept), yaml.safe_load(missing["advice"].removeprefix("add to it: "))]
    )
    again = steerer("check", "-o", "json", expect=None)
    assert [item for item in found(again, "error", "warning", "info") if item["check"] == "rights"] == []


def test_of_several_namespaces_each_is_asked_for_its_own_rights(
    control_plane: ControlPlane, installed: str, namespace: str
) -> None:
    other = f"{namespace}-other"
    control_plane.create_namespace(other)
    install(control_plane, other)
    steerer = Steerer(kubeconfig=account(control_plane, installed, rights.rules(rights.PASS)), namespace=installed)
    done = steerer("check", "-n", f"{installed},{other}", "-o", "json", expect=4)
    findings = [item for item in found(done) if item["check"] in {"rights", "rollouts"}]
    assert {item["object"] for item in findings} == {f"Role of namespace {other}", "Rollouts"}
    assert json.loads(done.out)["results"][2]["seen"] == "1 looked at"


def test_a_cluster_role_is_asked_once_for_all_namespaces(control_plane: ControlPlane, unchanged: str) -> None:
    steerer = Steerer(kubeconfig=control_plane.kubeconfig, namespace=unchanged)
    mark = control_plane.mark()
    steerer("check", "-A", "-o", "json", expect=None)
    asked = of_steerer(control_plane.requests_since(mark))
    reviews = [entry for entry in asked if entry.resource == "selfsubjectaccessreviews"]
    # Other tests have Rollouts over other kinds in the same control plane.
    once = {json.dumps(entry.body["spec"]["resourceAttributes"], sort_keys=True) for entry in reviews}
    assert len(reviews) == len(once) >= len(rights.PASS)


def test_somebody_without_any_right_is_told_all_of_them(control_plane: ControlPlane, unchanged: str) -> None:
    steerer = Steerer(kubeconfig=account(control_plane, unchanged, []), namespace=unchanged)
    done = steerer("check", "-o", "json", expect=4)
    missing = [item for item in found(done, "error", "warning", "info") if item["check"] == "rights"]
    assert len(missing) == len(rights.PASS)
    assert [item["check"] for item in found(done) if item["check"] != "rights"] == ["rollouts"]


def test_what_is_broken_in_the_cluster_is_told_all_at_once(control_plane: ControlPlane, installed: str) -> None:
    without_metrics(control_plane, installed)
    service = yaml.safe_load((ARTIFACTS / "workloads" / "service-canary.yaml").read_text())
    service["metadata"]["namespace"] = installed
    service["spec"] |= {"selector": {"app": "nobody"}}
    service["spec"]["ports"][0]["name"] = "web"
    route = yaml.safe_load((ARTIFACTS / "workloads" / "virtual-service.yaml").read_text())
    route["metadata"]["namespace"] = installed
    route["spec"]["http"][0]["route"].pop()
    apply(control_plane, service, route)
    control_plane.patch("deployment/podinfo", installed, {"spec": {"paused": True}})
    control_plane.delete("horizontalpodautoscaler/podinfo-canary", installed)
    done = Steerer(kubeconfig=control_plane.kubeconfig)("check", "-n", installed, "-o", "json", expect=4)
    assert [(item["level"], item["check"], item["path"]) for item in found(done)] == [
        ("error", "services", "spec.ports"),
        ("error", "services", "spec.selector"),
        ("error", "routes", "spec.http"),
        ("error", "primary", "spec.paused"),
    ]


def test_a_gitops_tool_that_applied_the_route_is_named(control_plane: ControlPlane, installed: str) -> None:
    without_metrics(control_plane, installed)
    route = yaml.safe_load((ARTIFACTS / "workloads" / "virtual-service.yaml").read_text())
    route["metadata"]["namespace"] = installed
    routes = f"/apis/networking.istio.io/v1/namespaces/{installed}/virtualservices"
    control_plane.request(
        "DELETE", f"{routes}/{PODINFO}"
    ).raise_for_status()  # who wrote it in the same second is as late
    apply(control_plane, route, manager="argocd-controller")
    steerer = Steerer(kubeconfig=control_plane.kubeconfig)
    [finding] = found(steerer("check", "-n", installed, "-o", "json"))
    assert (finding["level"], finding["check"], finding["path"]) == ("warning", "gitops", "spec.http")
    assert "jqPathExpressions .spec.http[]?.route[]?.weight" in finding["advice"]
    steerer("check", "-n", installed, "--strict", expect=4)


# With a metrics server.


def test_before_there_is_traffic_a_query_without_data_is_a_warning(
    control_plane: ControlPlane, unchanged: str, start_prometheus: StartPrometheus
) -> None:
    server = start_prometheus()
    steerer = Steerer(kubeconfig=control_plane.kubeconfig, metrics=server.url)
    findings = found(steerer("check", "-n", unchanged, "-o", "json"))
    assert [(item["level"], item["check"]) for item in findings] == [("warning", "queries")] * 2
    said = [item["message"] for item in findings]
    assert all("no data" in text and "; nor has its primary podinfo: " in text for text in said), said
    assert all(item["advice"].startswith("query: ") for item in findings)
    steerer("check", "-n", unchanged, "--strict", expect=4)


def test_queries_that_are_wrong_are_errors_by_their_kind(
    control_plane: ControlPlane, installed: str, start_prometheus: StartPrometheus, tmp_path: Path
) -> None:
    queries = {"refused": "sum(", "several": 'vector(1) or label_replace(vector(2), "a", "b", "", "")', "typed": '"x"'}
    for name, query in queries.items():
        template = {"name": name, "title": name, "unit": "things", "threshold": "maximum", "query": query}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(template))
    metrics = [{"name": name, "threshold": 5} for name in queries]
    control_plane.patch(f"rollout/{PODINFO}", installed, {"spec": {"canaryAnalysis": {"metrics": metrics}}})
    server = start_prometheus()
    steerer = Steerer(kubeconfig=control_plane.kubeconfig, metrics=server.url)
    done = steerer("check", "-n", installed, "--templates", str(tmp_path), "-o", "json", expect=4)
    assert [(item["level"], item["path"], item["message"].split(" (")[0]) for item in found(done)] == [
        ("error", "spec.canaryAnalysis.metrics[0]", "refused: error from Prometheus"),
        ("error", "spec.canaryAnalysis.metrics[1]", "several: several series"),
        ("error", "spec.canaryAnalysis.metrics[2]", "typed: wrong type"),
    ]


def test_what_a_pass_with_the_same_options_would_refuse_is_an_error(
    control_plane: ControlPlane, installed: str
) -> None:
    own = {"name": "own", "query": "up", "thresholdRange": {"min": 1}}
    control_plane.patch(f"rollout/{PODINFO}", installed, {"spec": {"canaryAnalysis": {"metrics": [own]}}})
    steerer = Steerer(kubeconfig=control_plane.kubeconfig)
    done = steerer("check", "-n", installed, "--no-inline-queries", "-o", "json", expect=4)
    assert [item["message"] for item in found(done, "error") if "--no-inline-queries" in item["message"]]


@pytest.mark.parametrize(
    ("url", "words"),
    [("", "set --metrics-server"), ("http://127.0.0.1:1", "Connection refused")],
)
def test_a_metrics_server_that_is_unset_or_away_is_one_error(
    control_plane: ControlPlane, unchanged: str, url: str, words: str
) -> None:
    done = Steerer(kubeconfig=control_plane.kubeconfig, metrics=url)("check", "-n", unchanged, "-o", "json", expect=4)
    [finding] = found(done)
    assert finding["object"] == "metrics server"
    assert words in finding["message"]


def test_without_any_rollout_the_server_and_the_rights_are_tried_all_the_same(
    control_plane: ControlPlane, namespace: str, start_prometheus: StartPrometheus
) -> None:
    kubeconfig = account(control_plane, namespace, rights.rules(rights.PASS))
    server = start_prometheus()
    done = Steerer(kubeconfig=kubeconfig, metrics=server.url, namespace=namespace)("check", "--strict")
    assert "✓ metrics server  answers" in done.out
    done = Steerer(kubeconfig=kubeconfig, metrics="http://127.0.0.1:1", namespace=namespace)("check", expect=4)
    assert "Connection refused" in done.out


# What is installed.


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[ControlPlane]:
    """Yields a control plane without the CRDs of Istio and steerer."""
    with own_control_plane(pytestconfig, tmp_path_factory.mktemp("bare"), controllers=False, kinds=False) as plane:
        yield plane


def test_kinds_are_missing_then_old_then_there_but_for_those_of_the_gateway_api(bare: ControlPlane) -> None:
    steerer = Steerer(kubeconfig=bare.kubeconfig)

    def resources() -> list[str]:
        return [
            item["message"]
            for item in found(steerer("check", "-o", "json", expect=None))
            if item["check"] == "resources"
        ]

    def served(wanted: str) -> None:
        wait_for(lambda: wanted in "".join(resources()), f"a definition that {wanted}")

    assert resources() == [
        "the API server has no rollouts.apps.weave.works",
        "the API server has no virtualservices.networking.istio.io",
    ]
    steerer("check", expect=4)
    bare.install_istio_crds()
    assert resources() == ["the API server has no rollouts.apps.weave.works"]

    crd = yaml.safe_load(CRD.read_text())
    old = deepcopy(crd)
    [version] = old["spec"]["versions"]
    del version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["canaryReplicas"]
    bare.install_crds([written(bare, old)])
    served("would drop status.canaryReplicas")

    del version["subresources"]
    bare.install_crds([written(bare, old)])
    served("has no status subresource")

    bare.install_crds([CRD])
    wait_for(lambda: resources() == [], "the definition of today")
    assert steerer("check", "--strict").out.splitlines()[-1] == "0 Rollouts: 0 errors, 0 warnings"
    a_route_of_an_api_that_is_not_installed_is_told_by_its_definition(bare)


def a_route_of_an_api_that_is_not_installed_is_told_by_its_definition(bare: ControlPlane) -> None:
    steerer = Steerer(kubeconfig=bare.kubeconfig)
    *objects, _, rollout = manifests("default", plain("GRPCRoute"))
    store(bare, [*objects, rollout])
    for name in ("podinfo", "podinfo-canary"):
        counts = dict.fromkeys(
            ("observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1
        )
        bare.merge(f"/apis/apps/v1/namespaces/default/deployments/{name}/status", {"status": counts})
    missing = "the API server has no grpcroutes.gateway.networking.k8s.io"
    errors = found(steerer("check", "-o", "json", expect=4), "error")
    assert [(item["object"], item["message"]) for item in errors if item["check"] == "resources"] == [
        ("CustomResourceDefinition grpcroutes.gateway.networking.k8s.io", missing)
    ]
    record = steerer.passes(expect=None).record
    assert record["reason"] == (
        f"GRPCRoute podinfo.default cannot be read: {missing}: install its CustomResourceDefinition"
    )


def written(plane: ControlPlane, crd: dict[str, Any]) -> Path:
    path = plane.directory / "old-crd.yaml"
    path.write_text(yaml.safe_dump(crd))
    return path


def test_a_server_that_is_away_is_no_finding(tmp_path: Path) -> None:
    cluster = {"name": "x", "cluster": {"server": "http://127.0.0.1:1"}}
    context = {"name": "x", "context": {"cluster": "x", "user": "x"}}
    config = {
        "clusters": [cluster],
        "users": [{"name": "x", "user": {}}],
        "contexts": [context],
        "current-context": "x",
    }
    (tmp_path / "config").write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config"} | config))
    done = Steerer(kubeconfig=tmp_path / "config")("check", expect=1)
    assert "no answer from http://127.0.0.1:1" in done.err
