"""A canary without errors has a success rate of exactly 100: a threshold may be 100."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.metrics.prometheus import Prometheus
from reconcile.metrics.templates import load
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Question
from tests.components.prometheus import openmetrics
from tests.prometheus.traffic import AT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.components.fixtures import StartPrometheus
    from tests.components.prometheus import Series

METRIC = "istio_requests_total"
WORKLOADS = [f"podinfo-{number}" for number in range(1, 201)]


def series() -> Iterator[Series]:
    """Yields workloads under many loads, scraped every 15 seconds: few of the rates are exact in binary."""
    for number, name in enumerate(WORKLOADS, start=1):
        labels = {
            "reporter": "destination",
            "destination_workload_namespace": "test",
            "destination_workload": name,
            "response_code": "200",
        }
        yield METRIC, labels, [(AT.timestamp() - 15 * step, 1000 - number * step) for step in (4, 3, 2, 1, 0)]


def test_a_canary_without_errors_reads_exactly_100(start_prometheus: StartPrometheus) -> None:
    server = start_prometheus(openmetrics=openmetrics(series()))
    rollout = Ref(ROLLOUT, "test", "podinfo")
    questions = [
        Question(rollout=rollout, metric=METRIC, workload=name, interval="1m", weight=10) for name in WORKLOADS
    ]

    answers = Prometheus(server.url, load()).measure(questions, AT)

    assert {answer.value for answer in answers.values()} == {100.0}
