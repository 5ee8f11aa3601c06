"""What a pass costs when there is nothing to do: no write, requests that grow with the Rollouts, bounded memory.

On a control plane of its own, as every Deployment and Rollout in it counts. `pytest -rP` shows the figures.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.apiserver.steering import Steerer, at_rest, of_steerer, store
from tests.components.fixtures import own_control_plane

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.components.controlplane import ControlPlane

PAGE = 500
FOREIGN = PAGE + 100
TEAMS, PER_TEAM = 25, 20
MEGABYTE = 2**20
MOST_MEMORY = 150 * MEGABYTE


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[ControlPlane]:
    """Yields a control plane with many Deployments that no Rollout names, and without controllers to follow them."""
    with own_control_plane(pytestconfig, tmp_path_factory.mktemp("crowded"), controllers=False) as plane:
        namespaces = [f"crowd-{number}" for number in range(4)]
        store(plane, map(namespace, namespaces))
        store(
            plane,
            (foreign_deployment(namespaces[number % len(namespaces)], f"app-{number:04}") for number in range(FOREIGN)),
        )
        yield plane


def foreign_deployment(namespace: str, name: str) -> dict[str, Any]:
    """Returns a small, paused Deployment: it costs the server and the controllers little."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "app"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": 0, "paused": True, "selector": {"matchLabels": labels}, "template": template},
    }


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def idle_pass(plane: ControlPlane, scratch: Path, *args: str) -> tuple[Counter[tuple[str, str]], int]:
    """Makes two passes, the first of which may store statuses; returns the requests and the memory of the second."""
    steerer = Steerer(kubeconfig=plane.kubeconfig)
    first = steerer("run", *args, "-o", "json")
    assert {record["move"] for record in first.records} <= {"initialize", "idle"}
    mark = plane.mark()
    done, used = steerer.measured(scratch, "run", *args, "-o", "json")
    asked = Counter((entry.verb, entry.resource) for entry in of_steerer(plane.requests_since(mark)))
    assert {record["move"] for record in done.records} == {"idle"}
    assert {record["after"]["phase"] for record in done.records} == {"Initialized"}
    words = ", ".join(f"{count} {verb} {resource}" for (verb, resource), count in sorted(asked.items()))
    print(f"{len(done.records)} Rollouts at rest: {words}; {used.peak / MEGABYTE:.0f} MB")  # noqa: T201 - the figures
    return asked, used.peak


@pytest.mark.parametrize("scope", [("-A",), ("-n", "crowd-0")])
def test_three_rollouts_in_a_crowd_are_four_requests(
    plane: ControlPlane, tmp_path: Path, scope: tuple[str, ...]
) -> None:
    if scope == ("-A",):
        store(plane, (item for name in ("one", "two", "three") for item in at_rest("crowd-0", name)))

    asked, peak = idle_pass(plane, tmp_path, *scope)

    # One page of Rollouts, and the canary of each: at rest, only a new revision can change the decision.
    assert asked == {("list", "rollouts"): 1, ("get", "deployments"): 3}
    assert peak < MOST_MEMORY


def test_five_hundred_rollouts_are_pages_only(plane: ControlPlane, tmp_path: Path) -> None:
    teams = [f"team-{number:02}" for number in range(TEAMS)]
    store(plane, map(namespace, teams))
    store(
        plane,
        (
            item
            for team in teams
            for number in range(PER_TEAM)
            for item in at_rest(team, f"app-{number:02}", paused=True)
        ),
    )

    asked, peak = idle_pass(plane, tmp_path, "-A")

    rollouts = TEAMS * PER_TEAM + 3
    deployments = FOREIGN + 2 * rollouts
    assert asked.keys() == {("list", "rollouts"), ("list", "deployments")}
    assert asked["list", "rollouts"] == pages(rollouts)
    assert asked["list", "deployments"] <= pages(deployments)
    assert peak < MOST_MEMORY

    asked, _ = idle_pass(plane, tmp_path, "-n", teams[0])

    assert asked == {("list", "rollouts"): 1, ("list", "deployments"): 1}


def pages(objects: int) -> int:
    return -(-objects // PAGE)
