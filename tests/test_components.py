"""The components of the tests do what the tests rely on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from tests.components.controlplane import HOLD
from tests.components.processes import wait_for

if TYPE_CHECKING:
    from tests.components.controlplane import ControlPlane


def deployment(name: str, *, image: str = "podinfo:1", hold: bool = False) -> dict[str, Any]:
    labels = {"app": name}
    annotations = {HOLD: "true"} if hold else {}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": {"containers": [{"name": "podinfo", "image": image}]},
            },
        },
    }


def apply(control_plane: ControlPlane, namespace: str, manifest: dict[str, Any]) -> None:
    control_plane.apply(yaml.safe_dump(manifest), namespace=namespace)


def status(control_plane: ControlPlane, namespace: str, name: str) -> dict[str, Any]:
    found = json.loads(control_plane.kubectl("get", "deployment", name, "--output=json", namespace=namespace))
    return {"observed": found["status"].get("observedGeneration") == found["metadata"]["generation"], **found["status"]}


def test_deployment_rolls_out_and_so_does_its_next_image(control_plane: ControlPlane, namespace: str) -> None:
    apply(control_plane, namespace, deployment("podinfo"))
    control_plane.kubectl("rollout", "status", "deployment/podinfo", "--timeout=30s", namespace=namespace)
    assert status(control_plane, namespace, "podinfo")["availableReplicas"] == 2

    apply(control_plane, namespace, deployment("podinfo", image="podinfo:2"))
    control_plane.kubectl("rollout", "status", "deployment/podinfo", "--timeout=30s", namespace=namespace)
    now = status(control_plane, namespace, "podinfo")
    assert (now["observed"], now["updatedReplicas"], now["replicas"], now["availableReplicas"]) == (True, 2, 2, 2)


def test_held_pods_stay_unready_until_let_go(control_plane: ControlPlane, namespace: str) -> None:
    apply(control_plane, namespace, deployment("podinfo"))
    control_plane.kubectl("rollout", "status", "deployment/podinfo", "--timeout=30s", namespace=namespace)
    apply(control_plane, namespace, deployment("podinfo", image="podinfo:2", hold=True))

    def under_way() -> bool:
        now = status(control_plane, namespace, "podinfo")
        return bool(now["observed"]) and now["replicas"] == 3 and now.get("updatedReplicas") == 1

    wait_for(under_way, "the rolling update to have begun")
    # Another Deployment that comes up meanwhile shows that time enough has gone by for the held one.
    apply(control_plane, namespace, deployment("other"))
    control_plane.kubectl("rollout", "status", "deployment/other", "--timeout=30s", namespace=namespace)
    assert under_way()

    pods = json.loads(control_plane.kubectl("get", "pods", "--output=json", namespace=namespace))["items"]
    [held] = [pod["metadata"]["name"] for pod in pods if HOLD in pod["metadata"].get("annotations", {})]
    control_plane.kubectl("annotate", "pod", held, f"{HOLD}-", namespace=namespace)
    wait_for(
        lambda: status(control_plane, namespace, "podinfo").get("updatedReplicas") == 2,
        "the pod that was let go to make way for the next",
    )


def test_without_room_a_rolling_update_waits_and_then_goes_on(control_plane: ControlPlane, namespace: str) -> None:
    apply(control_plane, namespace, deployment("podinfo"))
    control_plane.kubectl("rollout", "status", "deployment/podinfo", "--timeout=30s", namespace=namespace)

    with control_plane.no_room():
        apply(control_plane, namespace, deployment("podinfo", image="podinfo:2"))

        def under_way() -> bool:
            now = status(control_plane, namespace, "podinfo")
            return bool(now["observed"]) and (now["replicas"], now.get("unavailableReplicas")) == (3, 1)

        wait_for(under_way, "the rolling update to have begun")

    control_plane.kubectl("rollout", "status", "deployment/podinfo", "--timeout=30s", namespace=namespace)


def test_audit_log_has_every_request_with_what_a_write_sent(control_plane: ControlPlane, namespace: str) -> None:
    mark = control_plane.mark()
    apply(control_plane, namespace, deployment("podinfo"))
    control_plane.kubectl("get", "deployments", namespace=namespace)
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/podinfo"
    patch = [{"op": "add", "path": "/spec/replicas", "value": 0}]
    control_plane.request("PATCH", path, body=patch, content_type="application/json-patch+json").raise_for_status()

    ours = [entry for entry in control_plane.requests_since(mark) if entry.resource == "deployments"]
    assert {entry.user for entry in ours} == {"admin"}
    assert [entry.verb for entry in ours] == ["get", "create", "list", "patch"]
    assert [entry.code for entry in ours] == [404, 201, 200, 200]
    assert ours[2].user_agent.startswith("kubectl/")
    assert (ours[3].namespace, ours[3].name, ours[3].body) == (namespace, "podinfo", patch)
    assert control_plane.requests_since(control_plane.mark()) == []


def test_rights_of_an_account_are_checked(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "serviceaccount", "reader", namespace=namespace)
    control_plane.kubectl("create", "role", "reader", "--verb=list", "--resource=deployments.apps", namespace=namespace)
    control_plane.kubectl(
        "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:reader", namespace=namespace
    )
    token = control_plane.account_token(namespace, "reader")
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    wait_for(lambda: control_plane.request("GET", path, token=token).ok, "the new role to count")

    mark = control_plane.mark()
    assert control_plane.request("POST", path, token=token, body=deployment("podinfo")).status_code == 403
    assert control_plane.request("GET", "/apis/apps/v1/deployments", token=token).status_code == 403
    [created, listed] = control_plane.requests_since(mark)
    assert (created.user, created.code) == (f"system:serviceaccount:{namespace}:reader", 403)
    assert (listed.verb, listed.namespace) == ("list", "")


def test_job_runs_to_its_end_and_a_namespace_can_be_deleted(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "job", "once", "--image=podinfo", namespace=namespace)
    control_plane.kubectl("wait", "--for=condition=Complete", "job/once", "--timeout=30s", namespace=namespace)
    control_plane.kubectl("delete", "namespace", namespace, "--timeout=30s")


def test_virtual_services_are_served_in_all_three_versions(control_plane: ControlPlane, namespace: str) -> None:
    route = [{"destination": {"host": host}, "weight": 50} for host in ("podinfo", "podinfo-canary")]
    manifest = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "podinfo"},
        "spec": {"hosts": ["podinfo"], "http": [{"route": route}]},
    }
    apply(control_plane, namespace, manifest)
    for version in ("v1", "v1beta1", "v1alpha3"):
        path = f"/apis/networking.istio.io/{version}/namespaces/{namespace}/virtualservices/podinfo"
        found = control_plane.request("GET", path).json()
        assert (found["apiVersion"], found["spec"]) == (f"networking.istio.io/{version}", manifest["spec"])
