"""Five releases beside one real Prometheus: what it lacks, or says of all of them, rolls none of them back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.apiserver.steering import SUCCESS, Steerer, get, rolled_out, small_release, store
from tests.components.processes import wait_for
from tests.components.prometheus import Exporter

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tests.components.controlplane import ControlPlane
    from tests.components.fixtures import StartPrometheus
    from tests.components.prometheus import PrometheusServer

NAMES = ("one", "two", "three", "four", "five")
WINDOW = "3s"
ANALYSIS = {
    "stepWeight": 10,
    "onFailure": "Rollback",
    "failureLimit": 0,
    "metrics": [{"name": SUCCESS, "threshold": 99, "interval": WINDOW}],
}
# Nothing listens there.
NO_SERVER = "http://127.0.0.1:9"


class Sidecars:
    """What the sidecars of the canaries tell a real Prometheus: ten more requests at each scrape, good or bad."""

    def __init__(self, namespace: str, exporter: Exporter, server: PrometheusServer) -> None:
        self.namespace = namespace
        self.server = server
        self.bad: Collection[str] = ()
        self._counts: dict[tuple[str, str], int] = {}
        self._exporter = exporter

    def tell(self, bad: Collection[str]) -> None:
        """Let these canaries answer 500, and the others 200; returns when Prometheus sees no other requests."""
        self.bad = bad
        self._exporter.set(self._page)
        failing = f'sum by (destination_workload) (rate({SUCCESS}{{response_code="%s"}}[{WINDOW}])) > 0'
        wanted = {f"{name}-canary" for name in bad}, {f"{name}-canary" for name in NAMES if name not in bad}
        wait_for(lambda: (self._workloads(failing % 500), self._workloads(failing % 200)) == wanted, f"{bad} to fail")

    def _workloads(self, query: str) -> set[str]:
        return {item["metric"]["destination_workload"] for item in self.server.query(query)}

    def _page(self) -> str:
        for name in NAMES:
            for code in ("200", "500"):
                more = 10 if (code == "500") == (name in self.bad) else 0
                self._counts[name, code] = self._counts.get((name, code), 0) + more
        labels = f'reporter="destination",destination_workload_namespace="{self.namespace}"'
        return "".join(
            f'{SUCCESS}{{{labels},destination_workload="{name}-canary",response_code="{code}"}} {count}\n'
            for (name, code), count in self._counts.items()
        )


@pytest.fixture
def steerer(control_plane: ControlPlane, namespace: str) -> Steerer:
    """Installs five releases, each with its first weight; returns the program."""
    items = [item for name in NAMES for item in small_release(namespace, name)]
    for item in items:
        if item["kind"] == "Rollout":
            item["spec"]["canaryAnalysis"] = ANALYSIS
    store(control_plane, items)
    rolled_out(control_plane, namespace, *(f"{name}{suffix}" for name in NAMES for suffix in ("", "-canary")))
    program = Steerer(kubeconfig=control_plane.kubeconfig, metrics=NO_SERVER, namespace=namespace)
    assert moves(program) == dict.fromkeys(NAMES, "start")
    return program


@pytest.fixture
def sidecars(namespace: str, start_prometheus: StartPrometheus) -> Iterator[Sidecars]:
    with Exporter() as exporter:
        yield Sidecars(namespace, exporter, start_prometheus(config=exporter.scrape_config()))


def moves(steerer: Steerer) -> dict[str, str]:
    """Makes a pass; returns the move of each Rollout."""
    return {record["rollout"]["name"]: record["move"] for record in steerer.passes("-n", steerer.namespace).records}


def counted(plane: ControlPlane, namespace: str) -> dict[str, int]:
    """Returns how many failed checks each Rollout has on record."""
    return {name: get(plane, f"rollout/{name}", namespace)["status"]["analysis"]["failedChecks"] for name in NAMES}


def test_what_a_prometheus_lacks_or_says_of_all_canaries_rolls_none_back(
    control_plane: ControlPlane, namespace: str, steerer: Steerer, sidecars: Sidecars
) -> None:
    assert moves(steerer) == dict.fromkeys(NAMES, "halt")  # nobody listens
    steerer.metrics = sidecars.server.url
    assert moves(steerer) == dict.fromkeys(NAMES, "halt")  # it has no data
    assert counted(control_plane, namespace) == dict.fromkeys(NAMES, 0)

    sidecars.tell(NAMES)
    assert moves(steerer) == dict.fromkeys(NAMES, "halt")  # it says of all that they fail
    assert counted(control_plane, namespace) == dict.fromkeys(NAMES, 0)
    sidecars.tell(NAMES[:3])
    assert moves(steerer) == dict.fromkeys(NAMES[:3], "halt") | dict.fromkeys(NAMES[3:], "advance")
    told = control_plane.events(namespace)
    words = "3 of 5 Rollouts that this pass measured passed their limits at once"
    assert {one["involvedObject"]["name"] for one in told if words in one["message"]} == set(NAMES[:3])

    sidecars.tell(NAMES[:1])
    assert moves(steerer) == {"one": "roll back"} | dict.fromkeys(NAMES[1:], "advance")
