"""Flux's own build and apply over a release: what the Kustomizations leave to steerer, and what still arrives."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model import rights
from reconcile.model.kinds import HTTP_ROUTE
from tests.apiserver.routed import plain
from tests.apiserver.steering import ARTIFACTS, account, get
from tests.components.controlplane import GATEWAY_API
from tests.components.verdicts import VerdictError
from tests.gitops.flux import kustomization
from tests.support import fast_yaml

if TYPE_CHECKING:
    from tests.apiserver.steering import Steerer
    from tests.components.controlplane import ControlPlane
    from tests.components.verdicts import Verdicts
    from tests.gitops.flux import Flux

Manifest = dict[str, Any]


@pytest.fixture(name="deploy")
def under_way(flux: Flux, steerer: Steerer) -> Manifest:
    """Let Flux deploy, and begin a release with steps of 50; gives the Kustomization."""
    rollout = fast_yaml.load((ARTIFACTS / "rollouts" / "podinfo.yaml").read_text())
    flux.edit(
        "artifacts/rollouts/podinfo.yaml", {"canaryAnalysis": rollout["spec"]["canaryAnalysis"] | {"stepWeight": 50}}
    )
    deploy = kustomization("podinfo-deploy")
    assert set(flux.reconcile(deploy).values()) == {"created"}
    flux.plane.apply((flux.root / "artifacts/rollouts/podinfo.yaml").read_text())
    flux.settled()
    assert steerer.passes().record["move"] == "start"
    assert flux.weights == [50, 50]
    return deploy


def test_the_canary_is_deployed_in_the_version_and_without_a_size(flux: Flux) -> None:
    objects = {(item["kind"], item["metadata"]["name"]): item for item in flux.build(kustomization("podinfo-deploy"))}
    canary, primary = objects["Deployment", "podinfo-canary"], objects["Deployment", "podinfo"]
    assert canary["spec"]["template"]["spec"]["containers"][0]["image"] == "quay.io/stefanprodan/podinfo:1.2.1"
    assert "replicas" not in canary["spec"]
    assert primary["spec"] == fast_yaml.load((ARTIFACTS / "workloads" / "deployment.yaml").read_text())["spec"]


def test_flux_leaves_alone_what_a_release_changes(flux: Flux, steerer: Steerer, deploy: Manifest) -> None:
    assert set(flux.reconcile(deploy).values()) == {"unchanged"}
    assert flux.weights == [50, 50]

    moves = [steerer.passes().record["move"] for _ in range(2)]
    flux.settled()
    moves += [steerer.passes().record["move"] for _ in range(2)]

    assert moves == ["advance", "promote", "conclude", "retire"]
    assert set(flux.reconcile(deploy).values()) == {"unchanged"}
    assert (
        flux.live("deployment/podinfo")["template"]["spec"]
        == flux.live("deployment/podinfo-canary")["template"]["spec"]
    )
    assert flux.live("deployment/podinfo-canary")["replicas"] == 0


def test_what_else_changes_in_git_arrives_and_the_weights_and_the_template_stay(
    flux: Flux, steerer: Steerer, deploy: Manifest
) -> None:
    steerer.passes()
    assert steerer.passes().record["move"] == "promote"
    promoted = flux.live("deployment/podinfo")["template"]
    route = fast_yaml.load((ARTIFACTS / "workloads" / "virtual-service.yaml").read_text())["spec"]["http"][0]
    flux.edit("artifacts/workloads/virtual-service.yaml", {"http": [route | {"timeout": "5s"}]})
    flux.edit("artifacts/workloads/deployment.yaml", {"replicas": 3})

    done = flux.reconcile(deploy)

    assert {subject for subject, action in done.items() if action == "configured"} == {
        "Deployment/podinfo",
        "VirtualService/podinfo",
    }
    assert (flux.live("virtualservice/podinfo")["http"][0]["timeout"], flux.weights) == ("5s", [0, 100])
    primary = flux.live("deployment/podinfo")
    assert (primary["replicas"], primary["template"]) == (3, promoted)


@pytest.mark.usefixtures("gateway_kinds")
def test_flux_brings_what_changes_of_an_http_route_and_leaves_its_weights_alone(
    verdicts: Verdicts, control_plane: ControlPlane, namespace: str
) -> None:
    git = plain() | {"metadata": {"name": "podinfo", "namespace": namespace}}
    paths = [f"/spec/rules/0/backendRefs/{index}/weight" for index in range(2)]
    target = {"group": HTTP_ROUTE.group, "kind": HTTP_ROUTE.name, "name": "podinfo"}

    def applied() -> list[str]:
        [actions] = verdicts.ask("flux-apply", {"objects": [git], "ignore": [{"paths": paths, "target": target}]})
        return [*actions.values()]

    assert applied() == ["created"]
    route = f"/apis/{GATEWAY_API}/namespaces/{namespace}/httproutes/podinfo"
    moved = [{"op": "add", "path": path, "value": weight} for path, weight in zip(paths, (70, 30), strict=True)]
    kind = "application/json-patch+json"
    control_plane.request("PATCH", f"{route}?fieldManager=steerer", body=moved, content_type=kind).raise_for_status()
    assert applied() == ["unchanged"]
    git["spec"]["rules"][0]["timeouts"] = {"request": "7s"}
    assert applied() == ["configured"]
    [rule] = control_plane.request("GET", route).json()["spec"]["rules"]
    assert (rule["timeouts"], [end["weight"] for end in rule["backendRefs"]]) == ({"request": "7s"}, [70, 30])


def test_without_the_rules_flux_puts_gits_weights_back_and_the_next_pass_those_of_the_release(
    flux: Flux, steerer: Steerer, deploy: Manifest
) -> None:
    bare = deploy | {"spec": {key: value for key, value in deploy["spec"].items() if key != "ignore"}}
    assert flux.reconcile(bare)["VirtualService/podinfo"] == "configured"
    assert flux.weights == [100, 0]

    restored = steerer.passes().record

    assert (restored["move"], flux.weights) == ("restore", [50, 50])
    assert [event["message"] for event in restored["events"] if "kustomize-controller" in event["message"]]


def test_a_new_version_starts_the_release_over_and_keeps_the_size_of_the_canary(
    flux: Flux, steerer: Steerer, deploy: Manifest
) -> None:
    flux.plane.kubectl("scale", "deployment/podinfo-canary", "--replicas=3", namespace=flux.namespace)
    flux.settled()
    flux.version("1.2.2")

    done = flux.reconcile(deploy)

    assert {subject for subject, action in done.items() if action != "unchanged"} == {"Deployment/podinfo-canary"}
    assert flux.live("deployment/podinfo-canary")["replicas"] == 3
    flux.settled()
    assert [steerer.passes().record["move"] for _ in range(2)] == ["reset", "start"]


def test_a_route_before_the_managed_one_is_refused_as_a_whole_and_one_behind_it_arrives(
    flux: Flux, deploy: Manifest
) -> None:
    managed = fast_yaml.load((ARTIFACTS / "workloads" / "virtual-service.yaml").read_text())["spec"]["http"][0]
    other = {"match": [{"uri": {"prefix": "/v1"}}], "route": [{"destination": {"host": "podinfo"}}]}
    before = flux.live("virtualservice/podinfo")

    flux.edit("artifacts/workloads/virtual-service.yaml", {"http": [other, managed]})
    with pytest.raises(VerdictError, match="doc is missing key: /spec/http/0/route/0/weight"):
        flux.reconcile(deploy)
    assert flux.live("virtualservice/podinfo") == before

    flux.edit("artifacts/workloads/virtual-service.yaml", {"http": [managed, other]})
    flux.reconcile(deploy)
    assert flux.live("virtualservice/podinfo")["http"] == [*before["http"], other]


def test_before_flux_knew_such_rules_a_virtual_service_could_be_left_alone_as_a_whole(
    flux: Flux, deploy: Manifest
) -> None:
    bare = deploy | {"spec": {key: value for key, value in deploy["spec"].items() if key != "ignore"}}
    annotated = "  annotations:\n    kustomize.toolkit.fluxcd.io/ssa: IfNotPresent\n"
    flux.replace("kind: VirtualService\nmetadata:\n", f"kind: VirtualService\nmetadata:\n{annotated}")
    assert flux.reconcile(bare)["VirtualService/podinfo"] == "skipped"
    assert flux.weights == [50, 50]


ABORT, PAUSE = "apps.weave.works/abort", "apps.weave.works/pause"


def asked(flux: Flux) -> Manifest:
    found: Manifest = get(flux.plane, "rollout/podinfo", flux.namespace)["metadata"].get("annotations", {})
    return {key: value for key, value in found.items() if key.startswith("apps.weave.works/")}


def test_an_action_arrives_by_a_commit_and_one_of_a_person_in_the_cluster_stays(flux: Flux, steerer: Steerer) -> None:
    account(flux.plane, flux.namespace, rights.rules([*rights.PASS, *rights.ACTION]))
    deploy = kustomization("podinfo-deploy")
    shutil.move(flux.root / "artifacts/rollouts/podinfo.yaml", flux.root / "artifacts/workloads/rollout.yaml")
    assert set(flux.reconcile(deploy).values()) == {"created"}
    flux.settled()
    assert steerer.passes().record["move"] == "start"

    steerer("pause", "podinfo")
    revision = steerer("revision", "podinfo").out.strip()
    assert set(flux.reconcile(deploy).values()) == {"unchanged"}
    assert asked(flux) == {PAUSE: revision}

    checkout = str(flux.root / "artifacts")
    steerer("abort", "podinfo", "-f", checkout, "--revision", revision, "--unchecked")
    assert flux.reconcile(deploy)["Rollout/podinfo"] == "configured"
    assert asked(flux) == {PAUSE: revision, ABORT: revision}
    assert steerer("abort", "podinfo").out.endswith(": unchanged\n")
