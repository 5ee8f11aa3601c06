"""What is in the cluster, how it gets there, and what can be read of it: the example, a mesh for it, and the chart.

What is done with it and what has to come of it is the story's to say.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.components import proxy
from tests.components.processes import wait_for
from tests.components.tools import tool
from tests.e2e import gateway, images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.cluster import KindCluster

NAMESPACE, NAME, CANARY = "test", "podinfo", "podinfo-canary"
MESH = "istio-system"  # for steerer as well, as the seed has it
STEP, WINDOW, INTERVAL = 25, "15s", "10s"

_HERE = Path(__file__).parent
_ROOT = _HERE.parent.parent
_ARTIFACTS = _ROOT / "artifacts"


@dataclass(frozen=True, kw_only=True)
class World:
    """What the story needs of a cluster."""

    cluster: KindCluster

    # --- Doing ---

    def install(self) -> None:
        """Install the mesh and the two Deployments with theirs, and wait for requests to arrive."""
        crds = yaml.safe_load_all(tool("istio-crds").read_text())
        [virtual_services] = [crd for crd in crds if crd["metadata"]["name"] == "virtualservices.networking.istio.io"]
        self.cluster.apply([virtual_services])
        self.cluster.kubectl("wait", "--for=condition=Established", f"crd/{virtual_services['metadata']['name']}")
        self.cluster.apply([yaml.safe_load((_ARTIFACTS / "namespaces" / "test.yaml").read_text())])
        self.cluster.apply(list(_workloads()))
        self.cluster.apply(list(_mesh()))
        self.cluster.rolled_out(NAMESPACE, NAME)
        self.cluster.rolled_out(MESH, "prometheus", "gateway")
        self.cluster.apply([yaml.safe_load((_HERE / "users.yaml").read_text())])
        self.cluster.rolled_out(MESH, "users")
        wait_for(lambda: self.requests().get("200", 0) > 0, "requests to arrive", seconds=60)

    def install_chart(self) -> None:
        """Install steerer as its users do."""
        repository, _, tag = images.STEERER.partition(":")
        self.cluster.helm(
            *("upgrade", "--install", "steerer", str(_ROOT / "manifests" / "chart"), f"--namespace={MESH}"),
            *("--set", f"metricsServer=http://prometheus.{MESH}:9090"),
            *("--set", f"controlLoopInterval={INTERVAL}"),
            *("--set", f"image.repository={repository}", "--set-string", f"image.tag={tag}"),
        )

    def test_chart(self) -> str:
        """Let the chart test itself and give the last line of what it says. Raises CommandError where it fails."""
        self.cluster.helm("test", "steerer", f"--namespace={MESH}")
        log = self.cluster.kubectl("logs", "steerer-check", f"--namespace={MESH}")
        (self.cluster.folder / "check.log").write_text(log)
        *_, last = log.strip().splitlines()
        return last

    def uninstall_chart(self) -> None:
        """Remove steerer as its users do."""
        self.cluster.helm("uninstall", "steerer", f"--namespace={MESH}", "--wait")

    def wait_canary_gone(self) -> None:
        """Wait until no pod of the canary is left."""
        labelled = f"--selector=app={CANARY}"
        self.cluster.kubectl("wait", "--for=delete", "pod", labelled, f"--namespace={NAMESPACE}", "--timeout=60s")

    def create_rollout(self) -> None:
        """Create the example's Rollout, with a step and a window that fit a run of minutes."""
        rollout = yaml.safe_load((_ARTIFACTS / "rollouts" / "podinfo.yaml").read_text())
        analysis = rollout["spec"]["canaryAnalysis"]
        analysis["stepWeight"] = STEP
        for metric in analysis["metrics"]:
            metric["interval"] = WINDOW
        self.cluster.apply([rollout])

    def set_image(self, image: str) -> None:
        """Release a version, as its users do."""
        self.cluster.kubectl("set", "image", f"deployment/{CANARY}", f"podinfod={image}", f"--namespace={NAMESPACE}")

    # --- Looking ---

    def said(self, kind: str, about: str = "") -> dict[str, int]:
        """Give the messages of the Rollout's Events of a type, and how often each was said."""
        events = self.cluster.get(f"/api/v1/namespaces/{NAMESPACE}/events")["items"]
        told: Counter[str] = Counter()
        for event in events:
            if event["involvedObject"]["kind"] == "Rollout" and event["type"] == kind and about in event["message"]:
                told[event["message"]] += event["count"]
        return dict(told)

    def versions(self) -> dict[str, str]:
        """Give the resource version of each object that steerer could write: it is another after any write."""
        names = {
            "apis/apps.weave.works/v1beta1": [f"rollouts/{NAME}"],
            "apis/networking.istio.io/v1": [f"virtualservices/{NAME}"],
            "apis/apps/v1": [f"deployments/{NAME}", f"deployments/{CANARY}"],
        }
        paths = {name: f"/{group}/namespaces/{NAMESPACE}/{name}" for group, inside in names.items() for name in inside}
        return {name: self.cluster.get(path)["metadata"]["resourceVersion"] for name, path in paths.items()}

    def requests(self) -> dict[str, int]:
        """Count the requests of the users by how they ended."""
        log = self.cluster.kubectl("logs", "deployment/users", "--tail=1", f"--namespace={MESH}").strip()
        counted: dict[str, int] = json.loads(log) if log else {}
        return counted

    def failed(self) -> int:
        """Count those that did not end with 200."""
        return sum(count for how, count in self.requests().items() if how != "200")

    def restarts(self, component: str) -> int:
        """Count how often the kubelet has restarted a part of the control plane."""
        name = f"{component}-{self.cluster.control_plane}"
        [status] = self.cluster.get(f"/api/v1/namespaces/kube-system/pods/{name}")["status"]["containerStatuses"]
        return int(status["restartCount"])


def _workloads() -> Iterator[dict[str, Any]]:
    """Give the shipped example with images of this run, at rest: the canary runs nothing, and nothing new."""
    for file in sorted((_ARTIFACTS / "workloads").glob("*.yaml")):
        manifest = yaml.safe_load(file.read_text())
        if manifest["kind"] == "Deployment":
            spec = manifest["spec"]
            spec["template"]["spec"]["containers"][0]["image"] = images.OLD
            spec["replicas"] = 0 if manifest["metadata"]["name"] == CANARY else 2
        if manifest["kind"] != "HorizontalPodAutoscaler":  # without a metrics-server it would never know its size
            yield manifest


def _mesh() -> Iterator[dict[str, Any]]:
    """Give what stands for Istio, with the scrape configuration that gives its metrics their names."""
    yield from yaml.safe_load_all((_HERE / "mesh.yaml").read_text())
    scraped = proxy.scrape_config((f"gateway.{MESH}", gateway.ADMIN), namespace=NAMESPACE)
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "prometheus", "namespace": MESH},
        "data": {"prometheus.yaml": yaml.safe_dump(scraped)},
    }
