"""What a real Prometheus remembers of a metric, and what `steerer report` makes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reconcile.metrics.prometheus import Prometheus
from reconcile.metrics.templates import load
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Question
from reconcile.model.series import Window
from tests.prometheus.traffic import AT

if TYPE_CHECKING:
    from tests.components.prometheus import PrometheusServer

WINDOW = Window(begin=AT - timedelta(minutes=2), end=AT, step=15.0)


def test_the_last_point_of_a_series_is_the_value_of_then(prometheus: PrometheusServer) -> None:
    meter = Prometheus(prometheus.url, load())
    questions = [
        Question(rollout=Ref(ROLLOUT, "test", "podinfo"), metric=metric, workload=workload, interval="1m", weight=10)
        for metric in ("istio_requests_total", "istio_request_duration_milliseconds_bucket")
        for workload in ("mixed", "fast-in-milliseconds")
    ]
    series, values = meter.series(questions, WINDOW), meter.measure(questions, AT)
    assert {question: found.problem for question, found in series.items()} == dict.fromkeys(questions, "")
    told = [question for question in questions if series[question].points]
    assert len(told) >= 2
    assert [series[question].points[-1] for question in told] == [(AT, values[question].value) for question in told]
    assert all(len(series[question].points) >= 4 for question in told)


def test_what_a_server_cannot_parse_or_does_not_have_is_told(prometheus: PrometheusServer) -> None:
    found = Prometheus(prometheus.url, load()).series(["sum(", "no_such_metric", "istio_requests_total"], WINDOW)
    assert found["sum("].problem.startswith("bad_data: ")
    assert (found["no_such_metric"].points, found["no_such_metric"].problem) == ((), "")
    assert "series and must give one" in found["istio_requests_total"].problem
