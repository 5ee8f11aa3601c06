"""What is counted on a real Prometheus: requests and bad ones, alone and in groups, and slower than an edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from reconcile.metrics.prometheus import Prometheus
from reconcile.metrics.templates import load
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Asks, Failure, Question
from tests.prometheus.traffic import AT

if TYPE_CHECKING:
    from tests.components.prometheus import PrometheusServer

BUILTIN = load()


def counted(server: PrometheusServer, metric: str, *workloads: str, threshold: float | None = None) -> list[object]:
    """Returns requests and bad ones of each workload, all asked together, over two minutes."""
    one = Question(rollout=Ref(ROLLOUT, "test", "podinfo"), metric=metric, workload="", interval="2m", weight=10)
    asked = [
        replace(one, workload=workload, asks=asks, threshold=threshold)
        for workload in workloads
        for asks in (Asks.REQUESTS, Asks.FAILURES)
    ]
    together = Prometheus(server.url, BUILTIN).measure(asked, AT)
    alone = [Prometheus(server.url, BUILTIN).measure([question], AT)[question] for question in asked]
    assert [together[question] for question in asked] == alone
    return [answer.failure or answer.value for answer in alone]


def test_requests_and_failures_are_counted_over_the_interval(prometheus: PrometheusServer) -> None:
    found = counted(prometheus, "istio_requests_total", "good", "mixed", "only-errors", "idle", "nobody")
    assert found == [
        *(pytest.approx(200), 0.0),
        *(pytest.approx(800), pytest.approx(40)),
        *(pytest.approx(56), pytest.approx(56)),
        *(0.0, 0.0),
        *(Failure.NO_DATA, Failure.NO_DATA),
    ]


def test_failed_calls_are_counted_by_their_status(prometheus: PrometheusServer) -> None:
    found = counted(prometheus, "istio_requests_total_grpc", "calls-good", "calls-mixed", "calls-all-fail")
    assert found == [
        *(pytest.approx(200), pytest.approx(0)),
        *(pytest.approx(800), pytest.approx(40)),
        *(pytest.approx(56), pytest.approx(56)),
    ]


@pytest.mark.parametrize(
    ("metric", "workload"),
    [
        ("istio_request_duration_milliseconds_bucket", "fast-in-milliseconds"),
        ("istio_request_duration_milliseconds_bucket", "fast-in-both"),
        ("istio_request_duration_seconds_bucket", "fast-in-seconds"),
        ("istio_request_duration_seconds_bucket", "fast-in-milliseconds"),
    ],
)
def test_slower_than_an_edge_is_counted(prometheus: PrometheusServer, metric: str, workload: str) -> None:
    for edge, bad in ((100.0, 80), (250.0, 16), (500.0, 0)):
        requests, slow = counted(prometheus, metric, workload, threshold=edge)
        assert (requests, slow) == (pytest.approx(800), pytest.approx(bad, abs=1e-9))


def test_slower_than_what_is_no_edge_is_no_data(prometheus: PrometheusServer) -> None:
    found = counted(prometheus, "istio_request_duration_milliseconds_bucket", "fast-in-milliseconds", threshold=300.0)
    assert found == [pytest.approx(800), Failure.NO_DATA]


def test_a_histogram_in_both_units_counts_what_either_has(prometheus: PrometheusServer) -> None:
    found = counted(prometheus, "istio_request_duration_seconds_bucket", "fast-in-both", threshold=250.0)
    assert found == [pytest.approx(1600), pytest.approx(32)]
