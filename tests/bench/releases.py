"""Whole releases, many at once: a pass begins every few seconds, as a process of its own, until all have succeeded."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.apiserver.steering import Steerer
from tests.bench import traffic
from tests.bench.controller import Controller
from tests.bench.cost import requests
from tests.bench.figures import Releases
from tests.bench.objects import App
from tests.bench.world import World

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.components.controlplane import ControlPlane
    from tests.components.prometheus import PrometheusServer

STEP = 20  # five of them
INTERVAL = 10  # seconds
MOST_PASSES = 40
_IMAGE = "quay.io/stefanprodan/podinfo:1.3.0"


def releases(plane: ControlPlane, prometheus: PrometheusServer, count: int) -> Releases:
    """Play so many releases in an empty cluster, from rest with the canaries at no replicas."""
    world = World(plane, step=STEP)
    apps = [App(number) for number in range(count)]
    world.add(apps, weight=0)
    with Controller(world.sender):
        resize(world, apps)
        steerer = Steerer(kubeconfig=plane.kubeconfig, metrics=prometheus.url)
        steerer("run", "-A")  # puts on record that all is at rest
        asked, mark = traffic.queries(prometheus), plane.mark()
        renew(world, apps)
        walls, records = _passes(steerer, count)
    last = records[-count:]
    return Releases(
        rollouts=count,
        interval=INTERVAL,
        requests=requests(plane.requests_since(mark)),
        queries=traffic.queries(prometheus) - asked,
        walls=[round(wall, 2) for wall in walls],
        late=sum(wall > INTERVAL for wall in walls),
        seconds=(len(walls) - 1) * INTERVAL + walls[-1],
        succeeded=sum(record["after"]["phase"] == "Succeeded" for record in last),
        told=sum(len(record["events"]) for record in records),
        stored=stored(world),
    )


def resize(world: World, apps: Collection[App]) -> None:
    """Let the canaries rest without pods."""
    world.sender.each(lambda app: world.sender.merge(app.deployment_path(app.canary), {"spec": {"replicas": 0}}), apps)


def renew(world: World, apps: Collection[App]) -> None:
    """Give each canary a new revision."""

    def image(app: App) -> None:
        patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": _IMAGE}]
        world.sender.send("PATCH", app.deployment_path(app.canary), patch, "application/json-patch+json")

    world.sender.each(image, apps)


def stored(world: World) -> int:
    """Count the Events that steerer stored, each as often as it says that it happened."""
    found = world.sender.send("GET", "/api/v1/events")["items"]
    return sum(item.get("count") or 1 for item in found if item["source"].get("component") == "steerer")


def _passes(steerer: Steerer, count: int) -> tuple[list[float], list[dict[str, Any]]]:
    """Make passes until all are done; gives the seconds of each, and all records."""
    walls: list[float] = []
    records: list[dict[str, Any]] = []
    due = time.monotonic()
    while len(walls) < MOST_PASSES:
        time.sleep(max(0.0, due - time.monotonic()))
        begun = time.monotonic()
        made = steerer("run", "-A", "-o", "json", f"--control-loop-interval={INTERVAL}s").records
        walls.append(time.monotonic() - begun)
        records += made
        due = max(due + INTERVAL, time.monotonic())
        if Counter(record["after"]["phase"] for record in made) == {"Succeeded": count}:
            break
    return walls, records
