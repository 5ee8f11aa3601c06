"""A cluster that holds so many Rollouts in the state that is to be measured.

No controller runs in it, so that the server does nothing but answer: what they would report of a Deployment is written
instead. A Rollout at rest was promoted before, so that it is at rest whatever else there is; to let it advance, only
its status is turned back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.model.template_hash import revision
from tests.apiserver.steering import LONG_AGO
from tests.bench.objects import HEALTHY, App, gateway, namespace, strangers
from tests.bench.sender import Sender
from tests.support.gateway_routes import said

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from tests.components.controlplane import ControlPlane

WEIGHT = 10
GATEWAY = "gateway"
FOR_GOOD = 1_000_000
"""A generation later than any of a route."""


class World:
    """The objects in a control plane. `apps` are those that have a Rollout.

    `shared`: all Rollouts of a namespace have their routes in one VirtualService; they are added at once. `both`: each
    has an HTTPRoute beside its VirtualService, and a controller has taken it up for good.
    """

    def __init__(self, plane: ControlPlane, *, step: int = 1, shared: bool = False, both: bool = False) -> None:
        self.plane = plane
        self.sender = Sender(plane)
        self.apps: list[App] = []
        self._step = step
        self._shared = shared
        self._both = both
        self._namespaces: set[str] = set()

    def add(self, apps: Collection[App], *, weight: int = WEIGHT) -> None:
        """Store new Rollouts, at rest, with all that they are about."""
        self._make_namespaces(app.namespace for app in apps)
        if self._shared:
            self.sender.each(self.sender.create, self._gateways(apps, weight))
        self.sender.each(lambda app: self._store(app, weight), apps)
        self.apps += apps

    def crowd(self, apps: Collection[App]) -> None:
        """Store a Deployment and a Service for each that no Rollout is about."""
        self._make_namespaces(app.namespace for app in apps)
        self.sender.each(self.sender.create, (item for app in apps for item in strangers(app)))

    def rest(self, apps: Collection[App]) -> None:
        """Let these have nothing to do."""
        self._turn(apps, {"phase": "Succeeded"})

    def advance(self, apps: Collection[App]) -> None:
        """Let these be due for their next step."""
        self._turn(apps, {"phase": "Progressing", "lastAdvanceTime": LONG_AGO})

    def _turn(self, apps: Iterable[App], status: dict[str, Any]) -> None:
        self.sender.each(lambda app: self.sender.merge(f"{app.path}/status", {"status": status}), apps)

    def _gateways(self, apps: Collection[App], weight: int) -> Iterator[dict[str, Any]]:
        for name in sorted({app.namespace for app in apps}):
            own = (item for app in apps if app.namespace == name for item in app.network(weight))
            routes = [route for item in own if item["kind"] == "VirtualService" for route in item["spec"]["http"]]
            yield gateway(GATEWAY, name, routes)

    def _make_namespaces(self, names: Iterable[str]) -> None:
        fresh = sorted(set(names) - self._namespaces)
        self.sender.each(self.sender.create, map(namespace, fresh))
        self._namespaces.update(fresh)

    def _store(self, app: App, weight: int) -> None:
        for manifest in app.deployments():
            stored = self.sender.create(manifest)
            path = app.deployment_path(stored["metadata"]["name"])
            self.sender.merge(f"{path}/status", {"status": {"observedGeneration": 1, **HEALTHY}})
        for manifest in app.network(weight):
            if not self._shared or manifest["kind"] != "VirtualService":
                self.sender.create(manifest)
        if self._both:
            route = self.sender.create(app.http_route(weight))
            path = f"/apis/{route['apiVersion']}/namespaces/{app.namespace}/httproutes/{app.name}"
            self.sender.merge(f"{path}/status", {"status": said(route, FOR_GOOD)})
        self.sender.create(app.rollout(step=self._step, route=GATEWAY if self._shared else "", both=self._both))
        found = revision(stored["spec"]["template"])  # the canary is the last
        status = {
            "observedGeneration": 1,
            "phase": "Succeeded",
            "canaryRevision": found,
            "canaryGeneration": 1,
            "canaryUID": stored["metadata"]["uid"],
            "promotedRevision": found,
            "canaryWeight": weight,
            "lastAdvanceTime": LONG_AGO,
            "lastTransitionTime": LONG_AGO,
        }
        self.sender.merge(f"{app.path}/status", {"status": status})
