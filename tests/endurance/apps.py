"""The Rollouts that the passes are made over, and how their objects are read and written by others than steerer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import yaml

from tests.apiserver.steering import ARTIFACTS, store
from tests.components.processes import wait_for

if TYPE_CHECKING:
    from tests.components.controlplane import ControlPlane

    Operations = list[dict[str, Any]]

NAMESPACES = 5
STEP = 30
_GROUPS = {
    "deployments": "/apis/apps/v1",
    "virtualservices": "/apis/networking.istio.io/v1",
    "rollouts": "/apis/apps.weave.works/v1beta1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
}
# Gone, or written by somebody else a moment ago: who was too slow looks again another time.
_TOO_SLOW = (404, 409, 422)


@dataclass(frozen=True, kw_only=True, eq=False)
class App:
    """One Rollout and all that belongs to it; primary, primary's Service and route have its name."""

    plane: ControlPlane
    namespace: str
    name: str

    @property
    def canary(self) -> str:
        """The name of the canary and of its Service and autoscaler."""
        return f"{self.name}-canary"

    def get(self, what: str, name: str = "", *, every: bool = False) -> dict[str, Any]:
        """Read one object by its plural, such as `deployments`; or `every` one of the namespace."""
        answer = self.plane.request("GET", self._path(what, "" if every else name or self.name))
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def merge(self, what: str, name: str, change: dict[str, Any], *, manager: str = "kubectl-edit") -> None:
        """Change members of an object."""
        self._patch(what, name, change, "application/merge-patch+json", manager)

    def edit(self, what: str, name: str, operations: Operations, *, manager: str = "kubectl-edit") -> None:
        """Change an object by a JSON patch; who was too slow looks again another time."""
        self._patch(what, name, operations, "application/json-patch+json", manager)

    def pods(self, workload: str) -> list[dict[str, Any]]:
        """Read the pods of a Deployment."""
        path = f"/api/v1/namespaces/{self.namespace}/pods?labelSelector=app%3D{workload}"
        found: list[dict[str, Any]] = self.plane.request("GET", path).json()["items"]
        return found

    def judge(self, pod: dict[str, Any], condition: dict[str, str]) -> None:
        """Say of a pod whether it is ready, as its kubelet would."""
        change = {"status": {"conditions": [condition]}}
        self._patch("pods", f"{pod['metadata']['name']}/status", change, "application/strategic-merge-patch+json", "")

    def _patch(self, what: str, name: str, body: object, kind: str, manager: str) -> None:
        path = self._path(what, name)
        answer = self.plane.request(
            "PATCH", f"{path}?fieldManager={manager or 'kubelet'}", body=body, content_type=kind
        )
        if answer.status_code not in _TOO_SLOW:
            answer.raise_for_status()

    def _path(self, what: str, name: str) -> str:
        return f"{_GROUPS.get(what, '/api/v1')}/namespaces/{self.namespace}/{what}/{name}".rstrip("/")


def install(plane: ControlPlane, count: int) -> list[App]:
    """Make so many Rollouts at rest, spread over a few new namespaces, and wait until all their pods are there."""
    prefix = f"endure-{uuid4().hex[:6]}"
    apps = [
        App(plane=plane, namespace=f"{prefix}-{number % NAMESPACES}", name=f"app-{number:02}")
        for number in range(count)
    ]
    names = sorted({app.namespace for app in apps})
    store(plane, ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names))
    files = [*sorted((ARTIFACTS / "workloads").glob("*.yaml")), ARTIFACTS / "rollouts" / "podinfo.yaml"]
    texts = [file.read_text(encoding="utf-8") for file in files]
    store(plane, (_named(app, text) for app in apps for text in texts))
    for name in names:
        wait_for(lambda name=name: _rolled_out(plane, name), f"the Deployments of {name} to be rolled out", seconds=120)  # type: ignore[misc]
    return apps


def _named(app: App, example: str) -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load(re.sub(r"\bpodinfo\b", app.name, example))
    manifest["metadata"]["namespace"] = app.namespace
    if manifest["kind"] == "Deployment":
        manifest["spec"]["replicas"] = 1
    if manifest["kind"] == "Rollout":
        manifest["spec"]["canaryAnalysis"]["stepWeight"] = STEP
    return manifest


def _rolled_out(plane: ControlPlane, namespace: str) -> bool:
    items = plane.request("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments").json()["items"]
    return all(item.get("status", {}).get("availableReplicas") == item["spec"]["replicas"] for item in items)
