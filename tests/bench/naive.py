"""What naive ways cost, on the same servers in the same minute: one request after the other, each for one thing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconcile.metrics.templates import load
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Question
from tests.apiserver.steering import DURATION, SUCCESS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tests.bench.objects import App
    from tests.components.controlplane import ControlPlane
    from tests.components.prometheus import PrometheusServer


@dataclass(frozen=True, kw_only=True)
class Naive:
    """A way, how many requests it took for how many Rollouts, and seconds."""

    way: str
    rollouts: int
    requests: int
    wall: float


def naive(plane: ControlPlane, prometheus: PrometheusServer, apps: Collection[App]) -> list[Naive]:
    """Look at each canary by a GET, at each Rollout with all that is around it, and ask each metric of each canary."""
    metrics = load()

    def canary(app: App) -> int:
        plane.request("GET", app.deployment_path(app.canary)).raise_for_status()
        return 1

    def around(app: App) -> int:
        base = f"/namespaces/{app.namespace}"
        paths = [app.path, *(app.deployment_path(name) for name in (app.name, app.canary))]
        paths += [f"/api/v1{base}/services/{name}" for name in (app.name, app.canary)]
        paths.append(f"/apis/networking.istio.io/v1{base}/virtualservices/{app.name}")
        for path in paths:
            plane.request("GET", path).raise_for_status()
        return len(paths)

    def ask(app: App) -> int:
        rollout = Ref(ROLLOUT, app.namespace, app.name)
        for metric in (SUCCESS, DURATION):
            question = Question(rollout=rollout, metric=metric, workload=app.canary, interval="1m", weight=10)
            prometheus.query(metrics.render(question, app.namespace))
        return 2

    return [
        _timed("a GET of each canary", apps, canary),
        _timed("a GET of each object of each Rollout", apps, around),
        _timed("a query for each metric of each Rollout", apps, ask),
    ]


def _timed(way: str, apps: Collection[App], act: Callable[[App], int]) -> Naive:
    begun = time.perf_counter()
    requests = sum(act(app) for app in apps)
    return Naive(way=way, rollouts=len(apps), requests=requests, wall=time.perf_counter() - begun)
