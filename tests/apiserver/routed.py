"""The example over other routes on a real API server, for tests that need no process for each pass.

A pass reads and writes through the adapter; metrics have fixed values. Where no controller of the Gateway API runs, the
test says through the status subresource what one would.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from reconcile.clusters.kube.cluster import connect
from reconcile.core.routers import ROUTERS
from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.model.kinds import DEPLOYMENT, KINDS
from reconcile.model.settings import Settings
from tests.apiserver.steering import ARTIFACTS, DURATION, SUCCESS, changes, rolled_out, store, wait_until_after
from tests.support import fast_yaml
from tests.support.fakes import FixedMeter
from tests.support.gateway_routes import backend, http_route, rule, said
from tests.support.world import METRICS

if TYPE_CHECKING:
    from reconcile.core.routers.split import Split
    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Plan, Record
    from reconcile.model.ports import Cluster
    from tests.components.controlplane import ControlPlane

GATEWAY = "gateway.networking.k8s.io"


def edge(kind: str = "HTTPRoute") -> Manifest:
    """Returns a route with more than the pair: names, matches, filters, backends and rules that are not steerer's."""
    header = {"name": "x-edge", "value": "1"}
    filters = [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"add": [header]}}]
    match = {"path": {"value": "/api"}} if kind == "HTTPRoute" else {"method": {"service": "api.Podinfo"}}
    pair = [backend("podinfo", 100) | {"filters": filters}, backend("podinfo-canary", 0) | {"filters": filters}]
    return _of_git(
        {"name": "pair", "matches": [match], "filters": filters, "backendRefs": pair},
        {"name": "primary", "backendRefs": [backend("podinfo")]},
        {"backendRefs": [backend("podinfo-canary", 0), backend("old", 0), backend("podinfo", 7)]},
        kind=kind,
    )


def plain(kind: str = "HTTPRoute") -> Manifest:
    """Returns a route with the pair alone."""
    return _of_git(rule(), kind=kind)


def _of_git(*rules: Manifest, kind: str) -> Manifest:
    return http_route(*rules, kind=kind) | {"metadata": {"name": "podinfo"}}


def virtual_service() -> Manifest:
    """Returns the example's."""
    manifest: Manifest = fast_yaml.load((ARTIFACTS / "workloads" / "virtual-service.yaml").read_text())
    return manifest


def manifests(namespace: str, *routes: Manifest, **analysis: Any) -> list[Manifest]:
    """Returns the example over these routes, with one pod each; `analysis` replaces fields, None takes one out."""
    names = ("deployment", "deployment-canary", "service", "service-canary")
    files = [*(ARTIFACTS / "workloads" / f"{name}.yaml" for name in names), ARTIFACTS / "rollouts" / "podinfo.yaml"]
    items = [*map(fast_yaml.load, (file.read_text() for file in files))]
    rollout = items[-1]
    del rollout["spec"]["virtualService"]
    rollout["spec"]["routes"] = [{"kind": one["kind"], "name": one["metadata"]["name"]} for one in routes]
    wanted = rollout["spec"]["canaryAnalysis"] | analysis
    rollout["spec"]["canaryAnalysis"] = {key: value for key, value in wanted.items() if value is not None}
    for deployment in items[:2]:
        deployment["spec"]["replicas"] = 1
    items[-1:] = [*routes, rollout]
    return [item | {"metadata": item["metadata"] | {"namespace": namespace}} for item in items]


class Routed:
    """A release over routes, in a namespace. It checks after each pass what was written to a route."""

    def __init__(self, plane: ControlPlane, namespace: str, *routes: Manifest, **analysis: Any) -> None:
        self.plane, self.namespace = plane, namespace
        self.refused = ""
        self.meter = FixedMeter(**{SUCCESS: 100.0, DURATION: 150.0})
        self._paths = [
            f"{_collection(namespace, one['apiVersion'], one['kind'])}/{one['metadata']['name']}" for one in routes
        ]
        self._stack = ExitStack()
        store(plane, manifests(namespace, *routes, **analysis))
        self.controller()
        self.settle()
        # Who wrote a template in the second of a promotion counts as later than that.
        wait_until_after(plane.get("deployment/podinfo", namespace)["metadata"]["creationTimestamp"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def cluster(self) -> Cluster:
        """The adapter, for the passes; it is used in a `with` only."""
        return self._stack.enter_context(connect(str(self.plane.kubeconfig), environ={}))

    # --- The controllers ---

    def controller(self) -> None:
        """Says of the present generation of each route of the Gateway API that it is taken up, or `refused`."""
        for path, route in zip(self._paths, self.routes, strict=True):
            if route["apiVersion"].startswith(GATEWAY):
                self.plane.merge(f"{path}/status", {"status": status_of(route, self.refused)})

    def settle(self) -> None:
        """Waits until the Deployments are rolled out."""
        rolled_out(self.plane, self.namespace, "podinfo", "podinfo-canary")

    # --- What is stored ---

    @property
    def routes(self) -> list[Manifest]:
        """The routes as they are stored."""
        return [self.plane.request("GET", path).json() for path in self._paths]

    @property
    def splits(self) -> list[Split]:
        """The same, as a pass reads them."""
        return [
            ROUTERS[KINDS[one["kind"]]].read(one, namespace=self.namespace, primary="podinfo", canary="podinfo-canary")
            for one in self.routes
        ]

    @property
    def weights(self) -> list[int]:
        """The canary's lowest weight in each route."""
        return [split.lowest for split in self.splits]

    @property
    def status(self) -> Manifest:
        """The Rollout's status."""
        return dict(self.plane.get("rollout/podinfo", self.namespace).get("status") or {})

    # --- Passes ---

    def revise(self, image: str) -> None:
        """Changes the image of the canary."""
        containers = [{"name": "podinfod", "image": image}]
        path = f"/apis/apps/v1/namespaces/{self.namespace}/deployments/podinfo-canary"
        body = {"spec": {"template": {"spec": {"containers": containers}}}}
        kind = "application/strategic-merge-patch+json"
        self.plane.request("PATCH", path, body=body, content_type=kind).raise_for_status()
        self.settle()

    def edit(self, change: Manifest, manager: str) -> None:
        """Changes the first route in the name of a field manager; `change` is a JSON merge patch."""
        self.plane.merge(f"{self._paths[0]}?fieldManager={manager}", change)

    def new_pass(self) -> Pass:
        """Returns a pass without an interval."""
        return Pass(
            cluster=self.cluster,
            meter=self.meter,
            settings=Settings(interval=0, metrics=METRICS),
            selection=Selection(namespaces=(self.namespace,)),
            now=lambda: datetime.now(UTC),
        )

    def tick(self) -> Record:
        """Makes a pass, and lets the controllers follow."""
        before = self.routes
        record = next(iter(self.new_pass().run()))
        self._follow(before, record.plan)
        return record

    def killed(self, writes: int) -> Plan:
        """Makes a pass whose process is killed after so many writes, and lets the controllers follow."""
        before = self.routes
        plan = next(iter(self.new_pass().plans())).plan
        for patch in plan.patches[:writes]:
            self.cluster.patch(patch)
        self._follow(before, plan)
        return plan

    def moves(self, count: int) -> list[str]:
        """Makes passes and returns their moves."""
        return [self.tick().plan.move for _ in range(count)]

    def _follow(self, before: list[Manifest], plan: Plan) -> None:
        only_weights(before, self.routes)
        self.controller()
        if any(patch.target.kind == DEPLOYMENT for patch in plan.patches):
            self.settle()


def only_weights(before: list[Manifest], after: list[Manifest]) -> None:
    """Fails where something else than the two weights of a managed route was changed, or they do not add up to 100."""
    for old, new in zip(before, after, strict=True):
        split = ROUTERS[KINDS[new["kind"]]].read(
            new, namespace=new["metadata"]["namespace"], primary="podinfo", canary="podinfo-canary"
        )
        pairs = [
            {f"{end.pointer}/weight": end.weight for end in (route.primary, route.canary)} for route in split.routes
        ]
        written = changes(old, new)
        assert written.keys() <= {path for pair in pairs for path in pair}, written
        for pair in pairs:
            assert not written.keys() & pair.keys() or sum(pair.values()) == 100


def status_of(route: Manifest, refused: str = "") -> Manifest:
    """Returns what a controller says of the present generation of a route, as the API server accepts it."""
    return said(route, route["metadata"]["generation"], refused)


def _collection(namespace: str, version: str, kind: str) -> str:
    return f"/apis/{version}/namespaces/{namespace}/{kind.lower()}s"
