"""Routes of the Gateway API for tests: builders, and a controller that takes up what is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconcile.model.kinds import GRPC_ROUTE, HTTP_ROUTE, Ref
from tests.support.world import meta, rollout, standard

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest
    from tests.support.fakes import MemoryCluster

HR = Ref(HTTP_ROUTE, "test", "podinfo")
CONTROLLER = "example.com/gateway"
THEN = "2026-01-30T00:00:00Z"


def backend(name: str, weight: int | None = None, **more: Any) -> Manifest:
    """Builds one entry of `backendRefs`."""
    entry: Manifest = {"name": name, "port": 9898, **more}
    return entry if weight is None else entry | {"weight": weight}


def rule(weight: int = 0, **more: Any) -> Manifest:
    """Builds a rule that gives the canary a weight."""
    return {"backendRefs": [backend("podinfo", 100 - weight), backend("podinfo-canary", weight)], **more}


def http_route(*rules: Manifest, kind: str = "HTTPRoute", name: str = "podinfo") -> Manifest:
    """Builds a route with these rules; with none, it gives the canary no traffic."""
    spec = {"parentRefs": [{"name": "web"}], "rules": list(rules) or [rule()]}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": kind, "metadata": meta(name), "spec": spec}


def routed(*names: str, **analysis: Any) -> Manifest:
    """Builds the example's Rollout over routes that are named like `HTTPRoute/podinfo`."""
    manifest = rollout(**analysis)
    del manifest["spec"]["virtualService"]
    manifest["spec"]["routes"] = [dict(zip(("kind", "name"), name.split("/"), strict=True)) for name in names]
    return manifest


def over(*names: str, routes: tuple[Manifest, ...] = (), **analysis: Any) -> list[Manifest]:
    """Builds the whole example over these routes; its VirtualService is there all the same."""
    return [*standard()[:-1], *(routes or (http_route(),)), routed(*names, **analysis)]


def said(manifest: Manifest, generation: int, reason: str = "", message: str = "") -> Manifest:
    """Returns what a controller says of a generation: that it took it up, or the `reason` why it refuses it."""
    resolved = {
        "type": "ResolvedRefs",
        "status": "False" if reason else "True",
        "reason": reason or "ResolvedRefs",
        "message": message,
    }
    conditions = [{"type": "Accepted", "status": "True", "reason": "Accepted", "message": ""}, resolved]
    parents = [
        {
            "parentRef": parent,
            "controllerName": CONTROLLER,
            "conditions": [
                item | {"observedGeneration": generation, "lastTransitionTime": THEN} for item in conditions
            ],
        }
        for parent in manifest["spec"]["parentRefs"]
    ]
    return {"parents": parents}


@dataclass
class GatewayController:
    """Says of each route of a cluster in memory that its present generation is taken up, or refused."""

    cluster: MemoryCluster
    refuses: str = ""
    sleeps: bool = field(default=False)

    def step(self) -> None:
        """Looks at all routes, unless it sleeps."""
        for ref, manifest in [*self.cluster.objects.items()]:
            if ref.kind in {HTTP_ROUTE, GRPC_ROUTE} and not self.sleeps:
                status = said(manifest, manifest["metadata"]["generation"], self.refuses)
                self.cluster.edit(ref, "status", status)
