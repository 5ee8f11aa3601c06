"""The endpoints of Services, which follow the pods: a pass reads them after a Deployment is rolled out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.components.processes import wait_for

if TYPE_CHECKING:
    from tests.components.controlplane import ControlPlane

SERVICE_NAME = "kubernetes.io/service-name"


def endpoints_follow(plane: ControlPlane, namespace: str) -> None:
    """Waits until each ready pod is an endpoint of each Service of the namespace that selects it."""
    wait_for(lambda: _follow(plane, namespace), f"the endpoints of {namespace} to follow its pods")


def _follow(plane: ControlPlane, namespace: str) -> bool:
    def items(api: str, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = plane.request("GET", f"{api}/namespaces/{namespace}/{kind}").json()["items"]
        return found

    pods = filter(_is_ready, items("/api/v1", "pods"))
    ready = {pod["metadata"]["name"]: pod["metadata"].get("labels", {}) for pod in pods}
    selectors = {item["metadata"]["name"]: item["spec"].get("selector") or {} for item in items("/api/v1", "services")}
    slices = items("/apis/discovery.k8s.io/v1", "endpointslices")
    for service, selector in selectors.items():
        wanted = {name for name, labels in ready.items() if selector and selector.items() <= labels.items()}
        if not wanted <= _endpoints(slices, service):
            return False
    return True


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return "deletionTimestamp" not in pod["metadata"] and any(
        one["type"] == "Ready" and one["status"] == "True" for one in conditions
    )


def _endpoints(slices: list[dict[str, Any]], service: str) -> set[str]:
    return {
        endpoint["targetRef"]["name"]
        for item in slices
        if item["metadata"].get("labels", {}).get(SERVICE_NAME) == service
        for endpoint in item.get("endpoints") or []
        if endpoint.get("conditions", {}).get("ready") and "targetRef" in endpoint
    }
