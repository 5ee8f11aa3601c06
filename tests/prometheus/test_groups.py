"""Batches on a real Prometheus: each workload has the answer that its single query has."""

from __future__ import annotations

import logging
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconcile.metrics.prometheus import Prometheus
from reconcile.metrics.templates import MetricFile, TemplateSet, load
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Answer, Failure, Metric, Question
from tests.components.prometheus import openmetrics
from tests.prometheus.traffic import AT, CALLS, DURATIONS, NAMES, REQUESTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.components.fixtures import StartPrometheus
    from tests.components.prometheus import PrometheusServer, Series

BUILTIN = load()
ISTIO = [name for name in BUILTIN.metrics if name.startswith("istio_")]
AMBIENT = [f"{name}-ambient" for name in REQUESTS]
WORKLOADS = [
    *REQUESTS,
    *AMBIENT,
    *CALLS,
    *DURATIONS,
    "nobody",
    "mixe",
    "mixed-",
    "mixed.primary",
    "good-primary",
    "mixed-primary",
]


def questions(metric: str, workloads: Iterable[str], namespace: str = "test", interval: str = "1m") -> list[Question]:
    return [
        Question(
            rollout=Ref(ROLLOUT, namespace, f"rollout-{number}"),
            metric=metric,
            workload=name,
            interval=interval,
            weight=10,
        )
        for number, name in enumerate(workloads)
    ]


def measured(server: PrometheusServer, asked: list[Question]) -> list[Answer]:
    answers = Prometheus(server.url, BUILTIN).measure(asked, AT)
    return [answers[one] for one in asked]


def both(
    server: PrometheusServer, caplog: pytest.LogCaptureFixture, asked: list[Question]
) -> tuple[list[Answer], list[Answer]]:
    """Measures in batches and one by one. Fails if a batch was split."""
    with caplog.at_level(logging.DEBUG, "steerer.metrics"):
        together = measured(server, asked)
    groups = [record.message for record in caplog.records if "in one query" in record.message]
    assert len(groups) == -(-len({one.workload for one in asked}) // 50)
    assert "alone" not in caplog.text
    return together, [answer for one in asked for answer in measured(server, [one])]


@pytest.mark.parametrize("interval", ["30s", "1m", "5m"])
@pytest.mark.parametrize("metric", [name for name in ISTIO if not name.endswith("_source")])
def test_a_group_answers_for_each_what_its_own_query_answers(
    prometheus: PrometheusServer, caplog: pytest.LogCaptureFixture, metric: str, interval: str
) -> None:
    together, apart = both(prometheus, caplog, questions(metric, WORKLOADS, interval=interval))
    assert together == apart
    kinds = {answer.failure for answer in together}
    assert kinds == {None, Failure.NO_DATA, Failure.NOT_A_NUMBER}


def test_what_the_groups_of_the_test_hold(prometheus: PrometheusServer) -> None:
    found = dict(zip(WORKLOADS, measured(prometheus, questions("istio_requests_total", WORKLOADS)), strict=True))
    assert {name: found[name].value for name in ("good", "mixed", "only-errors", "only-errors-now")} == {
        "good": 100.0,
        "mixed": pytest.approx(95),
        "only-errors": 0.0,
        "only-errors-now": 0.0,
    }
    assert {found[name].failure for name in ("idle", "idle-after-errors")} == {Failure.NOT_A_NUMBER}
    assert {found[name].failure for name in ("nobody", "mixe", "mixed-")} == {Failure.NO_DATA}


def test_names_that_mean_something_are_only_names(
    prometheus: PrometheusServer, caplog: pytest.LogCaptureFixture
) -> None:
    together, apart = both(prometheus, caplog, questions("istio_requests_total", NAMES, "names"))
    assert together == apart
    assert len({answer.value for answer in together}) == len(NAMES)


@pytest.mark.parametrize("namespace", NAMES)
def test_a_group_of_a_namespace_with_a_name_that_means_something(
    prometheus: PrometheusServer, caplog: pytest.LogCaptureFixture, namespace: str
) -> None:
    together, apart = both(prometheus, caplog, questions("istio_requests_total", ["names", "good"], namespace))
    assert together == apart
    assert [answer.failure for answer in together] == [None, Failure.NO_DATA]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    names=st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50)
        | st.text(r""""'`\.+*?()|[]{}^$#=~,ab""" + "\n\t ", min_size=1, max_size=20),
        min_size=2,
        max_size=30,
        unique=True,
    )
)
@pytest.mark.parametrize("metric", ISTIO)
def test_no_names_make_a_query_that_prometheus_refuses(
    prometheus: PrometheusServer, metric: str, names: list[str]
) -> None:
    [asked] = questions(metric, ["x"], "names")
    text = BUILTIN.render_batch(asked, "names", names)
    assert text is not None
    found = {series["metric"]["destination_workload"] for series in prometheus.query(text, at=AT.timestamp())}
    assert found <= set(names)


def crowd() -> Iterator[Series]:
    """Yields workloads with several pods and a few errors, under loads that are not round."""
    chance = random.Random(1)  # noqa: S311 no secret is made of it
    for number in range(120):
        for pod in range(3):
            for code in ("200", "404", "503"):
                labels = {
                    "reporter": "destination",
                    "destination_workload_namespace": "test",
                    "destination_workload": f"podinfo-{number}",
                    "response_code": code,
                    "pod": f"{pod}",
                }
                start, more = chance.random() * 1000, chance.random() * (1 if code == "503" else 90)
                samples = [(AT.timestamp() - 15 * step, start + more * (4 - step)) for step in (4, 3, 2, 1, 0)]
                yield "istio_requests_total", labels, samples


def test_the_last_digit_is_the_same(start_prometheus: StartPrometheus, caplog: pytest.LogCaptureFixture) -> None:
    server = start_prometheus(openmetrics=openmetrics(crowd()))
    asked = questions("istio_requests_total", [f"podinfo-{number}" for number in range(120)])
    together, apart = both(server, caplog, asked)
    assert together == apart
    assert len({answer.value for answer in together}) == 120


def test_what_one_workload_does_to_a_query_is_not_the_trouble_of_the_others(
    prometheus: PrometheusServer, caplog: pytest.LogCaptureFixture
) -> None:
    """With several series on both sides of a match, Prometheus refuses the whole batch."""
    requests = 'rate(istio_requests_total{reporter="destination",destination_workload_namespace="test",'
    alone, several = '="{{ workload | literal }}"', '=~"{{ workloads }}"'
    metric = Metric(name="own", title="own", unit="things", bound="minimum")
    templates = TemplateSet(
        {
            "own": MetricFile(
                path=Path("own.yaml"),
                metric=metric,
                query=f"sum({requests}destination_workload{alone}}}[1m]))",
                grouped=f"sum by (destination_workload) ({requests}destination_workload{several}}}[1m])"
                f" + on (destination_workload) 0 * {requests}destination_workload{several}}}[1m]))",
            )
        }
    )
    asked = questions("own", ["only-errors", "mixed", "idle"])
    answers = Prometheus(prometheus.url, templates).measure(asked, AT)
    assert [answers[one].value for one in asked] == [pytest.approx(7 / 15), pytest.approx(100 / 15), 0]
    assert "the query for 3 workloads tells nothing of them: execution: found duplicate series" in caplog.text
    fit = questions("own", ["only-errors", "idle"])
    caplog.clear()
    answers = Prometheus(prometheus.url, templates).measure(fit, AT)
    assert [answers[one].value for one in fit] == [pytest.approx(7 / 15), 0]
    assert not caplog.records
