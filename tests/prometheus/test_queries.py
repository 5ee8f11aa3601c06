"""The queries and the meter on a real Prometheus: what is counted, and what its responses become."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconcile.metrics.prometheus import Prometheus
from reconcile.metrics.templates import MetricFile, TemplateSet, load
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Answer, Failure, Metric, Question, Roles
from tests.hostile.tally import End, ended
from tests.prometheus.traffic import AT, NAMES, P99, share
from tests.support.share import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from tests.components.prometheus import PrometheusServer

SUCCESS = "istio_requests_total"
SECONDS = "istio_request_duration_seconds_bucket"
MILLISECONDS = "istio_request_duration_milliseconds_bucket"
SUCCESS_GRPC, SUCCESS_WAYPOINT = f"{SUCCESS}_grpc", f"{SUCCESS}_waypoint"
MILLISECONDS_WAYPOINT = f"{MILLISECONDS}_waypoint"
BUILTIN = load()
ISTIO = [name for name in BUILTIN.metrics if name.startswith("istio_")]


def question(metric: str, workload: str, namespace: str = "test", interval: str = "1m") -> Question:
    rollout = Ref(ROLLOUT, namespace, "podinfo")
    roles = Roles(primary="podinfo", canary=workload, primary_service="podinfo", canary_service=workload)
    return Question(rollout=rollout, metric=metric, workload=workload, interval=interval, weight=10, roles=roles)


def measure(
    server: PrometheusServer, questions: Iterable[Question], templates: TemplateSet = BUILTIN, at: datetime = AT
) -> list[Answer]:
    asked = list(questions)
    answers = Prometheus(server.url, templates).measure(asked, at)
    return [answers[one] for one in asked]


def query(server: PrometheusServer, text: str) -> Answer:
    """Measures with a metric of a user."""
    metric = Metric(name="own", title="own", unit="things", bound="minimum")
    templates = TemplateSet({"own": MetricFile(path=Path("own.yaml"), metric=metric, query=text)})
    [answer] = measure(server, [question("own", "mixed")], templates)
    return answer


@pytest.mark.parametrize("metric", BUILTIN.metrics)
@pytest.mark.parametrize("interval", ["30s", "1m", "90s", "1h", "1h30m", "2m500ms", "1d"])
def test_every_built_in_query_is_promql(prometheus: PrometheusServer, metric: str, interval: str) -> None:
    [answer] = measure(prometheus, [question(metric, "nobody", interval=interval)])
    assert answer.failure is Failure.NO_DATA
    assert answer.warnings == ()


@pytest.mark.parametrize(
    ("workload", "percent"), [("good", 100), ("mixed", 95), ("only-errors", 0), ("only-errors-now", 0)]
)
@pytest.mark.parametrize("interval", ["30s", "1m", "5m"])
def test_success_rate(prometheus: PrometheusServer, workload: str, percent: float, interval: str) -> None:
    [answer] = measure(prometheus, [question(SUCCESS, workload, interval=interval)])
    assert answer.value == pytest.approx(percent, abs=1e-9)


@pytest.mark.parametrize(
    ("workload", "failure"),
    [
        ("nobody", Failure.NO_DATA),
        ("mixe", Failure.NO_DATA),
        ("mixed-", Failure.NO_DATA),
        ("idle", Failure.NOT_A_NUMBER),
        ("idle-after-errors", Failure.NOT_A_NUMBER),
    ],
)
def test_without_traffic_there_is_no_success_rate(
    prometheus: PrometheusServer, workload: str, failure: Failure
) -> None:
    [answer] = measure(prometheus, [question(SUCCESS, workload)])
    assert (answer.value, answer.failure) == (None, failure)


@pytest.mark.parametrize(
    ("workload", "calls", "requests"),
    [
        ("calls-good", 100, 100),
        ("calls-mixed", 95, 100),
        ("calls-all-fail", 0, 100),
        ("mixed", 95, 95),
        ("only-errors", 0, 0),
    ],
)
def test_a_failed_grpc_call_counts_by_its_status_and_other_requests_by_their_code(
    prometheus: PrometheusServer, workload: str, calls: float, requests: float
) -> None:
    grpc, http = measure(prometheus, [question(name, workload) for name in (SUCCESS_GRPC, SUCCESS)])
    assert [grpc.value, http.value] == pytest.approx([calls, requests])


@pytest.mark.parametrize(
    ("workload", "percent"), [("good-ambient", 100), ("mixed-ambient", 95), ("only-errors-ambient", 0)]
)
def test_in_ambient_mode_the_waypoint_reports_the_success_rate(
    prometheus: PrometheusServer, workload: str, percent: float
) -> None:
    waypoint, sidecar = measure(prometheus, [question(name, workload) for name in (SUCCESS_WAYPOINT, SUCCESS)])
    assert waypoint.value == pytest.approx(percent)
    assert sidecar.failure is Failure.NO_DATA


def test_in_ambient_mode_the_waypoint_reports_the_duration(prometheus: PrometheusServer) -> None:
    metrics = (MILLISECONDS_WAYPOINT, MILLISECONDS)
    waypoint, sidecar = measure(prometheus, [question(name, "fast-in-milliseconds") for name in metrics])
    assert [waypoint.value, sidecar.value] == pytest.approx([2 * P99["fast"], P99["fast"]])


def test_the_time_of_the_pass_is_the_time_of_the_answer(prometheus: PrometheusServer) -> None:
    before, after = (
        measure(prometheus, [question(SUCCESS, "mixed")], at=AT + timedelta(hours=hours))[0] for hours in (-1, 1)
    )
    assert before.failure is after.failure is Failure.NO_DATA


@pytest.mark.parametrize(
    ("workload", "p99"),
    [
        ("fast-in-seconds", "fast"),
        ("fast-in-milliseconds", "fast"),
        ("fast-in-both", "fast"),
        ("slower-in-seconds", "slower"),
        ("slower-in-milliseconds", "slow"),
        ("idle-in-seconds", "slow"),
        ("idle-in-milliseconds", "slow"),
    ],
)
def test_the_duration_in_milliseconds_under_either_name(prometheus: PrometheusServer, workload: str, p99: str) -> None:
    [answer] = measure(prometheus, [question(SECONDS, workload)])
    assert answer.value == pytest.approx(P99[p99])


@pytest.mark.parametrize(
    ("workload", "failure"),
    [
        ("idle-only-in-seconds", Failure.NOT_A_NUMBER),
        ("idle-in-both", Failure.NOT_A_NUMBER),
        ("nobody", Failure.NO_DATA),
    ],
)
def test_without_traffic_there_is_no_duration(prometheus: PrometheusServer, workload: str, failure: Failure) -> None:
    [answer] = measure(prometheus, [question(SECONDS, workload)])
    assert (answer.value, answer.failure) == (None, failure)


def test_the_duration_under_its_modern_name(prometheus: PrometheusServer) -> None:
    fast, seconds, idle = measure(
        prometheus, [question(MILLISECONDS, name) for name in ("fast-in-both", "fast-in-seconds", "idle-in-both")]
    )
    assert fast.value == pytest.approx(P99["fast"])
    assert seconds.failure is Failure.NO_DATA
    assert idle.failure is Failure.NOT_A_NUMBER


@pytest.mark.hostile("A metric template", "names that a real Prometheus is asked with")
@pytest.mark.parametrize("name", NAMES)
def test_a_workload_is_counted_under_its_own_name_only(prometheus: PrometheusServer, name: str) -> None:
    [answer] = measure(prometheus, [question(SUCCESS, name, "names")])
    assert answer.value == pytest.approx(share(name))
    ended(End.SAFE)


@pytest.mark.hostile("A metric template", "names that a real Prometheus is asked with")
@pytest.mark.parametrize("name", NAMES)
def test_a_namespace_is_counted_under_its_own_name_only(prometheus: PrometheusServer, name: str) -> None:
    [answer] = measure(prometheus, [question(SUCCESS, "names", name)])
    assert answer.value == pytest.approx(share(name))
    ended(End.SAFE)


@pytest.mark.hostile("A metric template", "names that a real Prometheus is asked with")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "matcher",
    [
        '=~"{{ workload }}"',
        "=~'{{ workload }}'",
        '="{{ workload | literal }}"',
        "='{{ workload | literal }}'",
        '=~"nobody|{{ workload }}"',
    ],
)
def test_every_matcher_that_an_author_may_write(prometheus: PrometheusServer, name: str, matcher: str) -> None:
    text = 'sum(irate(istio_requests_total{response_code="200",destination_workload_namespace="names",'
    metric = Metric(name="own", title="own", unit="things", bound="minimum")
    file = MetricFile(path=Path("own.yaml"), metric=metric, query=text + f"destination_workload{matcher}}}[1m])) * 15")
    [answer] = measure(prometheus, [question("own", name)], TemplateSet({"own": file}))
    assert answer.value == pytest.approx(share(name))
    ended(End.SAFE)


@pytest.mark.hostile("A metric template", "names that a real Prometheus is asked with")
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    names=st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50)
        | st.text(r""""'`\.+*?()|[]{}^$#=~,ab""" + "\n\t ", min_size=1, max_size=20),
        min_size=20,
        max_size=60,
        unique=True,
    )
)
def test_no_name_makes_a_query_that_prometheus_refuses(prometheus: PrometheusServer, names: list[str]) -> None:
    strangers = [name for name in names if name not in NAMES]
    answers = measure(prometheus, [question(SUCCESS, name, "names") for name in strangers])
    assert {answer.failure for answer in answers} <= {Failure.NO_DATA}
    for _ in answers:
        ended(End.SAFE)


def parsed(server: PrometheusServer, query: str) -> list[tuple[str, str, str]]:
    """Returns the matchers of a query as Prometheus parses them: label, operator, text."""
    reply = server.session.post(f"{server.url}/api/v1/parse_query", data={"query": query}, timeout=30)
    assert reply.ok, (query, reply.text)
    return [*_matchers(reply.json()["data"])]


def _matchers(node: object) -> Iterator[tuple[str, str, str]]:
    if isinstance(node, list):
        for one in node:
            yield from _matchers(one)
    elif isinstance(node, dict):
        for matcher in node.get("matchers") or ():
            yield matcher["name"], matcher["type"], matcher["value"]
        for one in node.values():
            yield from _matchers(one)


ODD_NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50) | st.text(
    r""""'`\.+*?()|[]{}^$#=~,ab""" + "\n\t ", min_size=1, max_size=20
)


@cache  # the plain names are asked for with each example
def both(
    server: PrometheusServer, metric: str, namespace: str, workload: str, other: str
) -> list[list[tuple[str, str, str]]]:
    """Returns the matchers of the single query, and those of the batch of two workloads."""
    single = BUILTIN.render(question(metric, workload), namespace)
    grouped = BUILTIN.render_batch(question(metric, workload), namespace, [workload, other])
    return [parsed(server, text) for text in (single, grouped or "")]


@pytest.mark.hostile("A metric template", "names in queries that a real Prometheus takes apart")
@pytest.mark.parametrize("metric", ISTIO)
@settings(max_examples=number(40, 2), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(workload=ODD_NAMES, other=ODD_NAMES, namespace=ODD_NAMES)
def test_no_name_adds_or_moves_a_matcher(
    prometheus: PrometheusServer, metric: str, workload: str, other: str, namespace: str
) -> None:
    alone, together = both(prometheus, metric, "n", "w", "v"), both(prometheus, metric, namespace, workload, other)
    for plain, found in zip(alone, together, strict=True):
        assert [(label, op) for label, op, _ in found] == [(label, op) for label, op, _ in plain]
        for (label, _, text), (_, _, plain_text) in zip(found, plain, strict=True):
            if label == "destination_workload":
                assert re.fullmatch(text, workload)
                assert not re.fullmatch(text, f"{workload}x") or f"{workload}x" == other
            elif label == "destination_workload_namespace":
                assert re.fullmatch(text, namespace)
            else:
                assert text == plain_text
    ended(End.SAFE)


@pytest.mark.hostile("The metrics server", "what a real Prometheus says instead of a number")
@pytest.mark.parametrize(
    ("text", "failure", "words"),
    [
        ("istio_requests_total", Failure.SEVERAL_SERIES, "series and must give one"),
        ("istio_requests_total[1m]", Failure.WRONG_TYPE, "the query gives a matrix"),
        ("'text'", Failure.WRONG_TYPE, "the query gives a string"),
        ("sum(", Failure.QUERY_ERROR, "bad_data: "),
        ("rate(a[0s])", Failure.QUERY_ERROR, "bad_data: "),
        ("istio_requests_total * on(reporter) istio_requests_total", Failure.QUERY_ERROR, "execution: "),
        ("vector(1) / 0", Failure.NOT_A_NUMBER, "the query gives +Inf"),
        ("-1 / 0", Failure.NOT_A_NUMBER, "the query gives -Inf"),
        ("vector(0) / 0", Failure.NOT_A_NUMBER, "the query gives NaN"),
        ("nothing_of_the_kind", Failure.NO_DATA, "the query finds no series"),
    ],
)
def test_what_prometheus_says_instead_of_a_number(
    prometheus: PrometheusServer, text: str, failure: Failure, words: str
) -> None:
    answer = query(prometheus, text)
    assert (answer.value, answer.failure) == (None, failure)
    assert words in answer.detail
    ended(End.HELD)


@pytest.mark.parametrize(("text", "value"), [("scalar(vector(1.5))", 1.5), ("1e-9", 1e-9), ("vector(-3)", -3.0)])
def test_one_number_is_a_value(prometheus: PrometheusServer, text: str, value: float) -> None:
    assert query(prometheus, text).value == value


def test_a_warning_of_prometheus_is_passed_on(prometheus: PrometheusServer) -> None:
    answer = query(prometheus, "count(quantile(2, istio_requests_total))")
    assert answer.value == 1
    assert len(answer.warnings) == 1
    assert "quantile" in answer.warnings[0]
