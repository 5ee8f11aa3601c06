"""Each query of the dashboard has an answer in the real Prometheus that scrapes the real kube-state-metrics."""

from __future__ import annotations

import math
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.components.fixtures import available
from tests.components.processes import wait_for
from tests.components.prometheus import Exporter, PrometheusServer
from tests.gitops import states
from tests.monitoring.conftest import NAMESPACE, slug
from tests.monitoring.shipped import alerts, dashboard, queries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.components.controlplane import ControlPlane
    from tests.components.kubestate import KubeStateMetrics

CHOSEN = slug(states.PAUSED)
# Requests between two scrapes, and how many of them took up to so many milliseconds.
CODES = {"podinfo": {"200": 99, "503": 1}, "podinfo-canary": {"200": 90, "503": 10}}
DURATIONS = {"podinfo": {"100": 90, "250": 100, "+Inf": 100}, "podinfo-canary": {"250": 90, "500": 100, "+Inf": 100}}
QUERIES = [(f"{title} {number}", promql) for number, (title, promql) in enumerate(queries())]


def mesh(scrape: int) -> str:
    """Give what the sidecars of both workloads tell, the n-th time."""
    lines = []
    for workload, codes in CODES.items():
        labels = (
            f'destination_workload_namespace="{NAMESPACE}",destination_workload="{workload}",reporter="destination"'
        )
        lines += [
            f'istio_requests_total{{{labels},response_code="{code}"}} {scrape * count}' for code, count in codes.items()
        ]
        lines += [
            f'istio_request_duration_milliseconds_bucket{{{labels},le="{bound}"}} {scrape * count}'
            for bound, count in DURATIONS[workload].items()
        ]
    return "".join(f"{line}\n" for line in lines)


@pytest.fixture(scope="module")
def prometheus(
    state_metrics: KubeStateMetrics, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[PrometheusServer]:
    """Give a Prometheus that has scraped all of it."""
    with ExitStack() as stack:
        sidecars = stack.enter_context(Exporter())
        sidecars.set(mesh(1))
        jobs = {"kube-state-metrics": state_metrics.target, "sidecars": sidecars.target}
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [
                # As the scrape of it is usually set up: its labels are those of the objects.
                {"job_name": name, "honor_labels": True, "static_configs": [{"targets": [target]}]}
                for name, target in jobs.items()
            ],
        }
        with available("Prometheus", pytestconfig):
            server = stack.enter_context(PrometheusServer(tmp_path_factory.mktemp("prometheus"), config=config))
        wait_for(lambda: seen(server) == 1, "a first scrape of the sidecars")
        sidecars.set(mesh(2))
        wait_for(lambda: seen(server) == 2, "a second scrape of the sidecars")
        wait_for(lambda: bool(server.query("steerer_rollout_phase")), "a scrape of kube-state-metrics")
        yield server


def seen(server: PrometheusServer) -> float:
    """Give how many times the sidecars have told something new; 0 before."""
    found = server.query('istio_requests_total{destination_workload="podinfo", response_code="503"}')
    return max((float(item["value"][1]) for item in found), default=0)


def chosen(server: PrometheusServer) -> dict[str, str]:
    """Give the variables of the dashboard as Grafana would fill them in, for the namespace and Rollout of the test."""
    values = {"__rate_interval": "1m"}
    wanted = {"namespace": NAMESPACE, "rollout": CHOSEN, "reporter": "destination"}
    for variable in dashboard()["templating"]["list"]:
        name = variable["name"]
        if variable["type"] == "query":
            offered = label_values(server, filled(variable["query"]["query"], values))
            values[name] = wanted.get(name, offered[0])
            assert values[name] in offered, (name, offered)
        elif variable["type"] == "custom":
            values[name] = wanted[name]
            assert values[name] in variable["query"].split(",")
    return values


def filled(text: str, values: dict[str, str]) -> str:
    """Put values for variables; a variable that has none is an error."""
    return re.sub(r"\$(\w+)", lambda match: values[match[1]], text)


def label_values(server: PrometheusServer, query: str) -> list[str]:
    """Give the values of a label, as Grafana does for a query of this form."""
    match = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
    assert match, query
    answer = server.session.get(
        f"{server.url}/api/v1/label/{match[2]}/values", params={"match[]": match[1]}, timeout=10
    )
    answer.raise_for_status()
    found: list[str] = answer.json()["data"]
    return found


def answer(server: PrometheusServer, promql: str) -> list[dict[str, Any]]:
    return server.query(filled(promql, chosen(server)))


@pytest.mark.parametrize("promql", [promql for _, promql in QUERIES], ids=[name for name, _ in QUERIES])
def test_a_query_of_the_dashboard_has_numbers_for_an_answer(prometheus: PrometheusServer, promql: str) -> None:
    found = answer(prometheus, promql)
    assert found
    assert all(math.isfinite(float(item["value"][1])) for item in found)


def values(server: PrometheusServer, title: str) -> list[float]:
    """Give the one number of each query of a panel."""
    found = [answer(server, promql) for name, promql in queries() if name == title]
    return [float(item["value"][1]) for [item] in found]


def test_the_canary_is_held_against_the_primary(prometheus: PrometheusServer) -> None:
    assert values(prometheus, "Success rate") == pytest.approx([90, 99])
    assert values(prometheus, "P99 of request durations") == pytest.approx([475, 236.5], rel=0.05)


def test_the_weight_is_that_of_the_chosen_rollout(prometheus: PrometheusServer) -> None:
    assert values(prometheus, "Weight of the canary") == [50]


def test_halted_and_stalled_rollouts_are_counted(prometheus: PrometheusServer, control_plane: ControlPlane) -> None:
    # In all namespaces: other tests have left some behind, and make more meanwhile, which a scrape sees a little later.
    wait_for(
        lambda: (values(prometheus, "Halted"), values(prometheus, "Stalled")) == halted_and_stalled(control_plane),
        "the dashboard to count what there is",
    )


def halted_and_stalled(plane: ControlPlane) -> tuple[list[int], list[int]]:
    """Give how many Rollouts halt, and how many are stalled, by their conditions."""
    rollouts = plane.request("GET", "/apis/apps.weave.works/v1beta1/rollouts").json()["items"]
    conditions = [item for seen in rollouts for item in seen.get("status", {}).get("conditions", [])]
    halted = [
        item
        for item in conditions
        if (item["type"], item["status"]) == ("Ready", "False") and item["reason"] in {"Halted", "WriteFailed"}
    ]
    return [len(halted)], [sum(item["type"] == "Stalled" for item in conditions)]


def test_the_alerts_see_what_kube_state_metrics_makes(prometheus: PrometheusServer) -> None:
    stalled = alerted(prometheus, "SteererRolloutStalled")
    assert stalled == {slug(state) for state in (states.INVALID, states.PAUSED)}
    assert alerted(prometheus, "SteererRolloutFailed") == {slug(states.FAILED)}
    # Not the one that a person holds, though it stands at a step that has to be approved as well.
    assert alerted(prometheus, "SteererRolloutWaiting") == {slug(states.WAITING)}
    halted = alerted(prometheus, "SteererRolloutHalted")
    assert halted == {slug(state) for state in (states.HALTED, states.REFUSED, states.MISSING, states.RESPECIFIED)}
    assert alerted(prometheus, "SteererRolloutSlow") == set()  # all of it has happened just now
    assert prometheus.query(rule("SteererCronJobMissing")) == []


def rule(name: str) -> str:
    [found] = [rule["expr"] for rule in alerts() if rule["alert"] == name]
    return str(found)


def alerted(server: PrometheusServer, name: str) -> set[str]:
    """Give the Rollouts of the test that an alert is, or is about to be, raised for."""
    found = [item["metric"] for item in server.query(rule(name))]
    return {labels["name"] for labels in found if labels["exported_namespace"] == NAMESPACE}


def test_no_two_panels_overlap_or_share_a_number() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    cells = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
