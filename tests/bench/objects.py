"""The objects of one release, of the size that they have in real clusters, and what a status says of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.apiserver.steering import DURATION, LONG_AGO, SUCCESS, deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

TEAMS = 20
HEALTHY = {
    "replicas": 1,
    "updatedReplicas": 1,
    "readyReplicas": 1,
    "availableReplicas": 1,
    "conditions": [
        {
            "type": "Available",
            "status": "True",
            "reason": "MinimumReplicasAvailable",
            "message": "Deployment has minimum availability.",
            "lastUpdateTime": LONG_AGO,
            "lastTransitionTime": LONG_AGO,
        },
        {
            "type": "Progressing",
            "status": "True",
            "reason": "NewReplicaSetAvailable",
            "message": "ReplicaSet has successfully progressed.",
            "lastUpdateTime": LONG_AGO,
            "lastTransitionTime": LONG_AGO,
        },
    ],
}


@dataclass(frozen=True, slots=True)
class App:
    """What one Rollout is about, by its number; every 20th is in the same namespace unless another one is named."""

    number: int
    team: str = ""

    @property
    def namespace(self) -> str:
        """The namespace of all of its objects."""
        return self.team or f"team-{self.number % TEAMS:02}"

    @property
    def name(self) -> str:
        """The name of the Rollout, of the primary, of its Service and of the VirtualService."""
        return f"app-{self.number:04}"

    @property
    def canary(self) -> str:
        """The name of the canary and of its Service."""
        return f"{self.name}-canary"

    @property
    def path(self) -> str:
        """Where the Rollout is."""
        return f"/apis/apps.weave.works/v1beta1/namespaces/{self.namespace}/rollouts/{self.name}"

    def deployment_path(self, name: str) -> str:
        """Where one of the Deployments is."""
        return f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{name}"

    def deployments(self) -> Iterator[dict[str, Any]]:
        """Build the primary, then the canary: both of one replica."""
        for name in (self.name, self.canary):
            yield deployment(self.namespace, name, replicas=1)

    def network(self, weight: int) -> Iterator[dict[str, Any]]:
        """Build the Services, headless so that no address has to be found for them, the VirtualService, an endpoint."""
        for name in (self.name, self.canary):
            ports = [{"name": "http", "port": 9898, "targetPort": "http"}]
            spec = {"clusterIP": "None", "selector": {"app": name}, "ports": ports}
            yield self._object("v1", "Service", spec, name)
        route = [
            {"destination": {"host": host, "port": {"number": 9898}}, "weight": share}
            for host, share in ((self.name, 100 - weight), (self.canary, weight))
        ]
        yield self._object(
            "networking.istio.io/v1", "VirtualService", {"hosts": [self.name], "http": [{"route": route}]}
        )
        labels = {"kubernetes.io/service-name": self.name}
        yield {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": self.name, "namespace": self.namespace, "labels": labels},
            "addressType": "IPv4",
            "endpoints": [{"addresses": ["10.0.0.1"]}],
            "ports": [{"name": "http", "port": 9898}],
        }

    def http_route(self, weight: int) -> dict[str, Any]:
        """Build the HTTPRoute of an app that has one beside its VirtualService."""
        backends = [
            {"name": name, "port": 9898, "weight": share}
            for name, share in ((self.name, 100 - weight), (self.canary, weight))
        ]
        spec = {"parentRefs": [{"name": "web"}], "rules": [{"backendRefs": backends}]}
        return self._object("gateway.networking.k8s.io/v1", "HTTPRoute", spec)

    def rollout(self, *, step: int, route: str = "", both: bool = False) -> dict[str, Any]:
        """Build the Rollout: two metrics, as in the example. `route` is a VirtualService that it shares with others.

        `both`: it has an HTTPRoute as well.
        """
        kinds = ("VirtualService", "HTTPRoute") if both else ()
        routes = [{"kind": kind, "name": self.name} for kind in kinds]
        spec = {
            "targetKind": "Deployment",
            **({"routes": routes} if both else {"virtualService": {"name": route or self.name}}),
            "primary": {"name": self.name, "host": self.name},
            "canary": {"name": self.canary, "host": self.canary},
            "canaryAnalysis": {
                "maxWeight": 100,
                "stepWeight": step,
                "metrics": [
                    {"name": SUCCESS, "threshold": 99, "interval": "1m"},
                    {"name": DURATION, "threshold": 500, "interval": "1m"},
                ],
            },
        }
        return self._object("apps.weave.works/v1beta1", "Rollout", spec)

    def _object(self, version: str, kind: str, spec: dict[str, Any], name: str = "") -> dict[str, Any]:
        metadata = {"name": name or self.name, "namespace": self.namespace, "labels": {"app": name or self.name}}
        return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def gateway(name: str, namespace: str, routes: list[dict[str, Any]]) -> dict[str, Any]:
    """Build the VirtualService of a gateway, with the routes of many apps."""
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"hosts": ["shop.example"], "gateways": ["edge"], "http": routes},
    }


def namespace(name: str) -> dict[str, Any]:
    """Build a namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def strangers(app: App) -> Iterator[dict[str, Any]]:
    """Build a Deployment and a Service that no Rollout is about, in the namespace of an app."""
    name = f"stranger-{app.number:04}"
    yield deployment(app.namespace, name)
    yield next(App(app.number, app.namespace).network(0)) | {"metadata": {"name": name, "namespace": app.namespace}}
