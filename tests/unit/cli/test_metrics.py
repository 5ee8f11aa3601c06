"""`steerer metrics`: the list, and what it says without a server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reconcile.metrics.templates import load
from tests.support.program import invoke
from tests.unit.metrics.metric_folder import file

if TYPE_CHECKING:
    from pathlib import Path


def test_the_metrics_are_listed_with_what_they_need() -> None:
    done = invoke("metrics")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == len(load().metrics)
    assert "\nistio_requests_total: success rate in percent, minimum; needs sidecars of Istio\n" in done.stdout
    assert "\nlinkerd_response_total: success rate in percent, minimum; needs proxies of Linkerd\n" in done.stdout


def test_every_built_in_metric_says_what_it_needs() -> None:
    listed = json.loads(invoke("metrics", "-o", "json").stdout)["metrics"]
    assert [item["name"] for item in listed] == list(load().metrics)
    assert all(item["needs"] and item["requests"] and item["failures"] for item in listed)
    assert {item["threshold"] for item in listed} == {"minimum", "maximum"}


def test_a_metric_of_ones_own_is_among_them(tmp_path: Path) -> None:
    file(tmp_path, title="memory", unit="MB", threshold="")
    assert "\nm: memory in MB, a range\n" in invoke("metrics", "--templates", tmp_path).stdout


@pytest.mark.parametrize("options", [("-n", "test"), ("--metrics-server", "http://localhost:1")])
def test_a_workload_needs_a_namespace_and_a_server(options: tuple[str, str]) -> None:
    done = invoke("metrics", "podinfo", *options)
    assert done.returncode == 2
    assert "name its namespace (-n) and the server (--metrics-server)" in done.stderr


def test_a_server_that_does_not_answer_is_told_for_each_metric() -> None:
    done = invoke("metrics", "podinfo", "-n", "test", "--metrics-server", "http://127.0.0.1:1")
    assert done.returncode == 0
    assert done.stdout.count("  podinfo: unreachable (") == len(load().metrics)
