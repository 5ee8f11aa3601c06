"""The metrics of each implementation on a real Prometheus, over series as that implementation has them.

`SETS` is the table: the metrics, the names of the series, and their labels. All of them get the same traffic, and have
to give the same numbers for it.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from reconcile.cli import adapters
from reconcile.core.judgement import Reading, judge
from reconcile.metrics.prometheus import Prometheus
from reconcile.metrics.templates import load
from reconcile.model.checks import Check
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import FAILED, PASSED, Answer, Asks, Failure, Question, Roles
from tests.components.fixtures import available
from tests.components.prometheus import PrometheusServer, openmetrics
from tests.prometheus.traffic import AT, SAMPLES, STEP
from tests.support.program import invoke

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.components.prometheus import Series

Labels = dict[str, str]
Samples = list[tuple[float, float]]

BUILTIN = load()
GRPC = "-calls"


@dataclass(frozen=True, kw_only=True)
class Set:
    """The metrics of an implementation, and its series. `{ns}`, `{who}`: the namespace, the workload or its Service.

    `others` are labels that series have which must not count. `good`, `bad` are those of an HTTP request, `called`,
    `failed` those of a gRPC call; empty = HTTP is all that it tells.
    """

    metrics: tuple[str, str]
    counter: str
    histogram: str
    labels: Labels
    others: tuple[Labels, ...]
    good: Labels
    bad: Labels
    called: Labels = field(default_factory=dict)
    failed: Labels = field(default_factory=dict)
    in_seconds: bool = False


def istio(reporter: str, rate: str, ending: str = "", *, grpc: bool = True) -> Set:
    call = {"request_protocol": "grpc", "response_code": "200"}
    return Set(
        metrics=(f"istio_requests_total{rate}", f"istio_request_duration_milliseconds_bucket{ending}"),
        counter="istio_requests_total",
        histogram="istio_request_duration_milliseconds_bucket",
        labels={
            "reporter": reporter,
            "destination_workload_namespace": "{ns}",
            "destination_workload": "{who}",
            "destination_service_name": "podinfo",
        },
        others=(
            {"reporter": "source" if reporter == "destination" else "destination"},
            {"destination_workload_namespace": "{ns}-2"},
            {"destination_workload": "{who}-2"},
        ),
        good={"request_protocol": "http", "response_code": "200"},
        bad={"request_protocol": "http", "response_code": "503"},
        called=call | {"grpc_response_status": "0"} if grpc else {},
        failed=call | {"grpc_response_status": "14"} if grpc else {},
    )


def envoy(name: str, prefix: str) -> Set:
    return Set(
        metrics=(f"{name}_upstream_rq", f"{name}_upstream_rq_time_bucket"),
        counter="envoy_cluster_upstream_rq",
        histogram="envoy_cluster_upstream_rq_time_bucket",
        labels={"namespace": "gateways", "envoy_cluster_name": prefix + "{ns}_{who}_80"},
        others=tuple(
            {"envoy_cluster_name": prefix + cluster}
            for cluster in ("{ns}-2_{who}_80", "{ns}_{who}-2_80", "{ns}_my-{who}_80", "x{ns}_{who}_80")
        ),
        good={"envoy_response_code": "200"},
        bad={"envoy_response_code": "503"},
    )


def traefik(service: str) -> Set:
    return Set(
        metrics=("traefik_service_requests_total", "traefik_service_request_duration_seconds_bucket"),
        counter="traefik_service_requests_total",
        histogram="traefik_service_request_duration_seconds_bucket",
        labels={"method": "GET", "protocol": "http", "service": service},
        others=tuple(
            {"service": service.replace("{ns}-{who}", other)}
            for other in ("{ns}-2-{who}", "my-{ns}-{who}", "{ns}-{who}-2", "{ns}-my-{who}", "{who}")
        ),
        good={"code": "200"},
        bad={"code": "503"},
        in_seconds=True,
    )


LINKERD = Set(
    metrics=("linkerd_response_total", "linkerd_response_latency_ms_bucket"),
    counter="response_total",
    histogram="response_latency_ms_bucket",
    labels={
        "direction": "inbound",
        "namespace": "{ns}",
        "deployment": "{who}",
        "tls": "true",
        "srv_port": "8080",
        "route_name": "default",
    },
    others=(
        {"direction": "outbound"},
        {"namespace": "{ns}-2"},
        {"deployment": "{who}-2"},
        {"srv_port": "4191"},
        {"route_name": "probe"},
    ),
    good={"status_code": "200", "classification": "success", "grpc_status": ""},
    bad={"status_code": "503", "classification": "failure", "grpc_status": ""},
    called={"status_code": "200", "classification": "success", "grpc_status": "0"},
    failed={"status_code": "200", "classification": "failure", "grpc_status": "14"},
)

SETS = {
    "istio-sidecars": istio("destination", "", grpc=False),
    "istio-sidecars-grpc": istio("destination", "_grpc"),
    "istio-ambient": istio("waypoint", "_waypoint", "_waypoint", grpc=False),
    "istio-ambient-grpc": istio("waypoint", "_grpc_waypoint", "_waypoint"),
    "istio-ingress": istio("source", "_source", "_source"),
    "linkerd": LINKERD,
    "contour": envoy("contour", ""),
    "kgateway": envoy("kgateway", "kube_"),
    "traefik": traefik("httproute-{ns}-podinfo-gw-infra-public-ep-web-0-svc-{ns}-{who}-80@kubernetesgateway"),
    "traefik-plain": traefik("{ns}-{who}-80@kubernetesgateway"),
    "traefik-http": traefik("{ns}-{who}-http-80@kubernetesgateway"),
    "traefik-grpc": traefik("{ns}-{who}-80-grpc@kubernetesgateway"),
}
GROUPED = [name for name in SETS if name.startswith(("istio", "linkerd"))]

LAST = SAMPLES - 1
RECENT = LAST - 4  # a minute ago: five samples since


def rising(count: int, *, first: int = 1000, since: int = 0, until: int = LAST) -> Samples:
    """Returns samples that rise by `count` from one to the next."""
    start = AT.timestamp() - LAST * STEP
    return [(start + at * STEP, first + (at - since) * count) for at in range(since, until + 1)]


def restarted(count: int) -> Samples:
    """Returns the samples of a counter that began anew a minute ago."""
    return rising(count, until=RECENT - 1) + rising(count, first=count, since=RECENT)


def resting(_: int) -> Samples:
    return rising(0)


# By workload: what ended well, and what badly; each is a list of counters, one for each pod or proxy.
TRAFFIC: dict[str, tuple[list[Samples], list[Samples]]] = {
    "healthy": ([rising(20)], []),
    "failing": ([rising(15)], [rising(5)]),
    "all-fail": ([], [rising(20)]),
    "idle": ([resting(0)], [resting(0)]),
    "restarted": ([restarted(19)], [restarted(1)]),
    "replaced": (
        [rising(19, until=RECENT - 1), rising(19, first=19, since=RECENT)],
        [rising(1, until=RECENT - 1), rising(1, first=1, since=RECENT)],
    ),
    "late-errors": ([rising(20)], [rising(5, first=1, since=RECENT)]),
    "new-with-errors": ([rising(15, first=15, since=RECENT)], [rising(5, first=5, since=RECENT)]),
    "one-error": ([rising(20)], [rising(0, first=1, since=RECENT)]),
}

# By workload: percent, requests and bad ones in two minutes. `one-error` is what `increase` misses: docs/metrics.md.
EXPECTED: dict[str, tuple[object, object, object]] = {
    "healthy": (100.0, 160, 0),
    "failing": (75, 160, 40),
    "all-fail": (0.0, 160, 160),
    "idle": (Failure.NOT_A_NUMBER, 0, 0),
    "restarted": (95, 160, 8),
    "late-errors": (100 * 160 / 181, 181, 21),
    "new-with-errors": (75, 90, 22.5),
    "one-error": (100.0, 160, 0),
    "nobody": (Failure.NO_DATA, Failure.NO_DATA, Failure.NO_DATA),
}

# Cumulative requests between two samples, by the upper bound of the bucket in milliseconds: P99 is 750 ms.
BUCKETS = {"100": 90, "300": 98, "1200": 100, "+Inf": 100}


def series() -> Iterator[Series]:
    """Yields the series of all sets, each in a namespace of its own."""
    for namespace, one in SETS.items():
        for workload in TRAFFIC:
            yield from _of(one, namespace, workload)


def _of(one: Set, namespace: str, workload: str) -> Iterator[Series]:
    """Yields the series of one workload, and those that look like its own and are not."""
    own = _named(one.labels, namespace, workload)
    calls = _named(one.labels, namespace, workload + GRPC)
    for labels, pods in zip((own | one.good, own | one.bad), TRAFFIC[workload], strict=True):
        yield from _pods(one, labels, pods)
    for labels, pods in zip((one.called, one.failed), TRAFFIC[workload], strict=True):
        yield from _pods(one, calls | labels, pods if labels else [])
    shape = {"healthy": rising, "restarted": restarted, "idle": resting}.get(workload)
    if shape is not None:
        yield from _durations(one, own | one.good, shape)
    for other in one.others:
        strange = _named(one.labels | other, namespace, workload) | {"instance": "10.0.9.9"}
        yield one.counter, strange | one.good, rising(37)
        yield one.counter, strange | one.bad, rising(31)
        yield from _durations(one, strange | one.good, lambda count: rising(3 * count if count > 98 else count))


def _named(labels: Labels, namespace: str, workload: str) -> Labels:
    return {label: value.format(ns=namespace, who=workload) for label, value in labels.items()}


def _pods(one: Set, labels: Labels, pods: Iterable[Samples]) -> Iterator[Series]:
    for number, samples in enumerate(pods):
        yield one.counter, labels | {"instance": f"10.0.0.{number}"}, samples


def _durations(one: Set, labels: Labels, shape: Callable[[int], Samples]) -> Iterator[Series]:
    for edge, count in BUCKETS.items():
        le = f"{float(edge) / 1000:g}" if one.in_seconds and edge != "+Inf" else edge
        yield one.histogram, labels | {"le": le}, shape(count)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[PrometheusServer]:
    with ExitStack() as stack:
        with available("Prometheus", pytestconfig):
            folder = tmp_path_factory.mktemp("prometheus")
            running = stack.enter_context(PrometheusServer(folder, openmetrics=openmetrics(series())))
        yield running


def question(name: str, metric: str, workload: str, asks: Asks = Asks.VALUE, threshold: float = 300.0) -> Question:
    return Question(
        rollout=Ref(ROLLOUT, name, "podinfo"),
        metric=metric,
        workload=workload,
        interval="2m",
        weight=10,
        roles=Roles(primary="podinfo", canary=workload, primary_service="podinfo", canary_service=workload),
        asks=asks,
        threshold=threshold,
    )


def asked_together(server: PrometheusServer, questions: list[Question]) -> list[Answer]:
    answers = Prometheus(server.url, BUILTIN).measure(questions, AT)
    return [answers[one] for one in questions]


def numbers(answers: list[Answer]) -> list[object]:
    return [answer.failure or answer.value for answer in answers]


@pytest.mark.parametrize("name", SETS)
def test_success_rate_requests_and_failures(server: PrometheusServer, name: str) -> None:
    """Rising counters, a restart, a series that begins with errors, all failing, none at all, and no series."""
    rate, _ = SETS[name].metrics
    asked = [question(name, rate, workload, asks) for workload in EXPECTED for asks in Asks]
    found = numbers(asked_together(server, asked))
    for number, (workload, wanted) in enumerate(EXPECTED.items()):
        for value, expected in zip(found[3 * number : 3 * number + 3], wanted, strict=True):
            assert value == (expected if isinstance(expected, Failure) else pytest.approx(expected)), workload


@pytest.mark.parametrize("name", SETS)
def test_a_share_of_all_is_exact(server: PrometheusServer, name: str) -> None:
    """A threshold of 100 % is one that a canary without errors can pass, and an outage is 0 % and not "no data"."""
    rate, _ = SETS[name].metrics
    asked = [question(name, rate, workload) for workload in ("healthy", "one-error", "all-fail")]
    assert numbers(asked_together(server, asked)) == [100.0, 100.0, 0.0]


@pytest.mark.parametrize("name", SETS)
def test_pods_that_were_replaced_are_one_workload(server: PrometheusServer, name: str) -> None:
    rate, _ = SETS[name].metrics
    share, total, bad = asked_together(server, [question(name, rate, "replaced", asks) for asks in Asks])
    assert share.value == pytest.approx(95)
    assert total.value is not None
    assert bad.value == pytest.approx(total.value / 20)


def verdict(answer: Answer, metric: str) -> str:
    check = Check(name=metric, interval="2m", threshold=90.0)
    return judge(Reading(check=check, metric=BUILTIN.metrics[metric], answer=answer, weight=10), AT).verdict


@pytest.mark.parametrize("ending", ["", GRPC])
@pytest.mark.parametrize("name", SETS)
def test_a_failing_canary_fails_and_a_healthy_one_passes(server: PrometheusServer, name: str, ending: str) -> None:
    """With gRPC, each call has the HTTP code 200. An implementation that tells HTTP codes alone has no such row."""
    rate, _ = SETS[name].metrics
    wanted = {
        "healthy": PASSED,
        "restarted": PASSED,
        "failing": FAILED,
        "all-fail": FAILED,
        "late-errors": FAILED,
        "new-with-errors": FAILED,
        "idle": Failure.NOT_A_NUMBER,
        "nobody": Failure.NO_DATA,
    }
    if ending and not SETS[name].failed:
        wanted = dict.fromkeys(wanted, Failure.NO_DATA)
    answers = asked_together(server, [question(name, rate, workload + ending) for workload in wanted])
    assert dict(zip(wanted, (verdict(answer, rate) for answer in answers), strict=True)) == wanted


@pytest.mark.parametrize("name", SETS)
def test_duration_and_what_is_slower_than_an_edge(server: PrometheusServer, name: str) -> None:
    _, duration = SETS[name].metrics
    workloads = ("healthy", "restarted", "idle", "failing")
    p99 = numbers(asked_together(server, [question(name, duration, workload) for workload in workloads]))
    assert p99 == [pytest.approx(750), pytest.approx(750), Failure.NOT_A_NUMBER, Failure.NO_DATA]
    edges = (100.0, 300.0, 1200.0, 400.0)
    for workload in ("healthy", "restarted"):
        asked = [question(name, duration, workload, Asks.FAILURES, edge) for edge in edges]
        total, *slow = numbers(asked_together(server, [question(name, duration, workload, Asks.REQUESTS), *asked]))
        assert total == pytest.approx(800)
        assert slow == [pytest.approx(80), pytest.approx(16), pytest.approx(0, abs=1e-9), Failure.NO_DATA]


@pytest.mark.parametrize("name", SETS)
def test_the_edges_of_its_buckets_are_those_that_can_be_counted_by(server: PrometheusServer, name: str) -> None:
    _, duration = SETS[name].metrics
    asked = replace(question(name, duration, "healthy"), query=BUILTIN.metrics[duration].edges)
    [answer] = asked_together(server, [asked])
    label, unit = ("seconds", 1000) if SETS[name].in_seconds else ("le", 1)
    found = {float(text) * unit for which, text in answer.labels if which == label}
    assert {100.0, 300.0, 1200.0} < found
    assert (400.0 in found, len(found)) == (False, len(answer.labels))


@pytest.mark.parametrize("name", GROUPED)
def test_a_group_answers_for_each_what_its_own_query_answers(server: PrometheusServer, name: str) -> None:
    asked = [
        question(name, metric, workload, asks)
        for metric in SETS[name].metrics
        for workload in (*TRAFFIC, "healthy-2", "nobody")
        for asks in Asks
    ]
    alone = [asked_together(server, [one])[0] for one in asked]
    assert asked_together(server, asked) == alone


def test_each_built_in_metric_is_in_a_set() -> None:
    # The seconds of Istio before 1.5 have tests of their own.
    shown = {metric for one in SETS.values() for metric in one.metrics} | {"istio_request_duration_seconds_bucket"}
    assert shown == set(BUILTIN.metrics)


def test_the_command_tells_which_metrics_have_series_for_a_workload(
    server: PrometheusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapters, "now", lambda: AT)
    found = invoke("metrics", "healthy", "nobody", "-n", "linkerd", "--metrics-server", server.url, "-o", "json")
    listed = json.loads(found.stdout)["metrics"]
    told = {item["name"]: [workload["value"] for workload in item["workloads"]] for item in listed}
    wanted = {"linkerd_response_total": [100, None], "linkerd_response_latency_ms_bucket": [pytest.approx(750), None]}
    assert told == {metric: [None, None] for metric in BUILTIN.metrics} | wanted
