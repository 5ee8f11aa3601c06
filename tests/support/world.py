"""A small world for the tests of the core: podinfo as primary and canary, a clock, metrics, and passes over them.

Only builders and a driver; what is expected stands in the tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.model.kinds import DEPLOYMENT, ROLLOUT, SERVICE, VIRTUAL_SERVICE, Ref
from reconcile.model.measurement import Metric
from reconcile.model.settings import Settings
from reconcile.model.times import timestamp
from reconcile.simulation.deployment_controller import DeploymentController
from tests.support.fakes import FixedMeter, MemoryCluster

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Record

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
P, C = Ref(DEPLOYMENT, "test", "podinfo"), Ref(DEPLOYMENT, "test", "podinfo-canary")
VS = Ref(VIRTUAL_SERVICE, "test", "podinfo")
R = Ref(ROLLOUT, "test", "podinfo")
PS, CS = Ref(SERVICE, "test", "podinfo"), Ref(SERVICE, "test", "podinfo-canary")

SUCCESS, DURATION = "istio_requests_total", "istio_request_duration_seconds_bucket"
METRICS = {
    SUCCESS: Metric(name=SUCCESS, title="success rate", unit="percent", bound="minimum", requests=True, failures=True),
    DURATION: Metric(name=DURATION, title="request duration", unit="milliseconds", bound="maximum", requests=True),
}


def deployment(name: str, image: str, replicas: int | None = 2, **template: Any) -> Manifest:
    """Builds a Deployment whose pods carry `app: name`; `template` are members of the pod spec."""
    spec: dict[str, Any] = {
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "podinfo", "image": f"podinfo:{image}"}], **template},
        },
    }
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(name), "spec": spec}


def service(name: str, port: str = "http") -> Manifest:
    """Builds a Service that selects `app: name`."""
    spec = {"selector": {"app": name}, "ports": [{"name": port, "port": 9898}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta(name), "spec": spec}


def virtual_service(weight: int = 0) -> Manifest:
    """Builds a VirtualService with one managed route."""
    route = [destination("podinfo", 100 - weight), destination("podinfo-canary", weight)]
    spec = {"hosts": ["podinfo"], "http": [{"route": route}]}
    return {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": meta("podinfo"), "spec": spec}


def destination(host: str, weight: int | None = None) -> Manifest:
    """Builds one entry of `route`."""
    entry: Manifest = {"destination": {"host": host, "port": {"number": 9898}}}
    return entry if weight is None else entry | {"weight": weight}


def rollout(**analysis: Any) -> Manifest:
    """Builds the example's Rollout; `analysis` replaces members of `canaryAnalysis`, None takes one out."""
    wanted = {
        "maxWeight": 100,
        "stepWeight": 10,
        "metrics": [
            {"name": SUCCESS, "threshold": 99, "interval": "1m"},
            {"name": DURATION, "threshold": 500, "interval": "1m"},
        ],
    } | analysis
    spec = {
        "targetKind": "Deployment",
        "virtualService": {"name": "podinfo"},
        "primary": {"name": "podinfo", "host": "podinfo"},
        "canary": {"name": "podinfo-canary", "host": "podinfo-canary"},
        "canaryAnalysis": {key: value for key, value in wanted.items() if value is not None},
    }
    return {"apiVersion": "apps.weave.works/v1beta1", "kind": "Rollout", "metadata": meta("podinfo"), "spec": spec}


def autoscaler(target: str, current: int, desired: int, least: int = 2) -> Manifest:
    """Builds a HorizontalPodAutoscaler, whose name has nothing to do with its target."""
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
        "minReplicas": least,
        "maxReplicas": 9,
    }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": meta("scaler"),
        "spec": spec,
        "status": {"currentReplicas": current, "desiredReplicas": desired},
    }


def meta(name: str) -> Manifest:
    """Builds metadata in the namespace of the tests."""
    return {"name": name, "namespace": "test"}


def standard(**analysis: Any) -> list[Manifest]:
    """Builds the whole example: a canary with a new image, two pods each, no traffic on it yet."""
    return [
        deployment("podinfo", "1.2.0"),
        deployment("podinfo-canary", "1.2.1"),
        service("podinfo"),
        service("podinfo-canary"),
        virtual_service(),
        rollout(**analysis),
    ]


def release(name: str, weight: int = 0) -> list[Manifest]:
    """Builds a whole release under a name, rolled out, its canary at a weight."""
    canary = f"{name}-canary"
    split = virtual_service(weight) | {"metadata": meta(name)}
    split["spec"]["http"] = [{"route": [destination(name, 100 - weight), destination(canary, weight)]}]
    spec = rollout()["spec"] | {
        "virtualService": {"name": name},
        "primary": {"name": name, "host": name},
        "canary": {"name": canary, "host": canary},
    }
    counts = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "observedGeneration": 1}
    deployments = [deployment(name, "1") | {"status": counts}, deployment(canary, "2") | {"status": counts}]
    return [*deployments, service(name), service(canary), split, rollout() | {"metadata": meta(name), "spec": spec}]


@dataclass(kw_only=True)
class World:
    """A cluster in memory whose Deployments roll out, metrics that are good, and a clock that a pass moves on."""

    cluster: MemoryCluster
    meter: FixedMeter = field(default_factory=lambda: FixedMeter(**{SUCCESS: 100.0, DURATION: 100.0}))
    now: datetime = START
    interval: float = 60.0
    rollout_ticks: int = 1
    managers: tuple[str, ...] = Settings().gitops_managers
    appliers: tuple[str, ...] = ()
    inline_queries: bool = True

    def __post_init__(self) -> None:
        self.workloads = DeploymentController(cluster=self.cluster, rollout_ticks=self.rollout_ticks)
        self.workloads.step()

    def tick(self, *, seconds: float = 60.0, settle: bool = True) -> Record:
        """Makes one pass over the one Rollout, then lets the world and the clock go on."""
        record = next(iter(self.pass_().run()))
        self.now += timedelta(seconds=seconds)
        if settle:
            self.workloads.step()
        return record

    def pass_(self) -> Pass:
        """Returns a pass at the present time."""
        settings = Settings(
            interval=self.interval,
            metrics=METRICS,
            gitops_managers=self.managers,
            appliers=self.appliers,
            inline_queries=self.inline_queries,
        )
        now = self.now
        return Pass(cluster=self.cluster, meter=self.meter, settings=settings, selection=Selection(), now=lambda: now)

    def until(self, phase: str, most: int = 40) -> list[str]:
        """Makes passes until the Rollout is in a phase. Returns the texts of the Events meanwhile."""
        said = len(self.cluster.events)
        for _ in range(most):
            self.tick()
            if self.status.get("phase") == phase:
                return list(self.cluster.messages[said:])
        raise AssertionError(f"not {phase} after {most} ticks: {self.status}")

    def until_weight(self, weight: int, most: int = 40) -> None:
        """Makes passes until the canary has a weight."""
        for _ in range(most):
            self.tick()
            if self.weights == [(100 - weight, weight)]:
                return
        raise AssertionError(f"not at {weight} after {most} ticks: {self.weights}")

    @property
    def status(self) -> Manifest:
        """The stored status."""
        return dict(self.cluster.objects[R].get("status") or {})

    def condition(self, kind: str) -> Manifest:
        """One stored condition, or nothing."""
        return next((item for item in self.status.get("conditions", []) if item["type"] == kind), {})

    @property
    def weights(self) -> list[tuple[int | None, int | None]]:
        """The (primary, canary) weights of every route that has both."""
        found = []
        for route in self.cluster.objects[VS]["spec"]["http"]:
            by_host = {item["destination"]["host"]: item.get("weight") for item in route.get("route", ())}
            if {"podinfo", "podinfo-canary"} <= set(by_host):
                found.append((by_host["podinfo"], by_host["podinfo-canary"]))
        return found

    def image(self, ref: Ref) -> str:
        """Returns the version of the image that a Deployment asks for."""
        image: str = self.cluster.objects[ref]["spec"]["template"]["spec"]["containers"][0]["image"]
        return image.removeprefix("podinfo:")

    def replicas(self, ref: Ref) -> int:
        """Returns the size that a Deployment asks for."""
        size: int = self.cluster.objects[ref]["spec"].get("replicas", 1)
        return size

    def release(self, image: str) -> None:
        """Returns the canary a new image, as a user or a GitOps tool does."""
        containers = [{"name": "podinfo", "image": f"podinfo:{image}"}]
        self.cluster.edit(C, "spec", "template", "spec", "containers", containers)
        self.workloads.step()

    def split(self, weight: int) -> None:
        """Moves the weights by hand."""
        self.cluster.put(virtual_service(weight))

    def owned(self, *managers: str, at: str = "", ref: Ref = VS, field: str = "http") -> None:
        """Records the owners of a member of `spec`, by default since now, as an API server does after forced applies.

        Several owners wrote the same value.
        """
        fields: Manifest = {"f:spec": {f"f:{field}": {}}}
        time = at or timestamp(self.now)
        entries = [{"manager": name, "operation": "Apply", "time": time, "fieldsV1": fields} for name in managers]
        self.cluster.edit(ref, "metadata", "managedFields", entries)


def world(*extra: Manifest, without: tuple[Ref, ...] = (), interval: float = 60.0, **analysis: Any) -> World:
    """Builds the standard world with more objects, or some replaced by others of their name, or some left out."""
    cluster = MemoryCluster([*standard(**analysis), *extra])
    for ref in without:
        del cluster.objects[ref]
    return World(cluster=cluster, interval=interval)


def world_at(weight: int = 20, **analysis: Any) -> World:
    """Builds the standard world, played until its canary has a weight; 0 = the release has not begun."""
    played = World(cluster=MemoryCluster(standard(**analysis)))
    if weight:
        played.until_weight(weight)
    return played
