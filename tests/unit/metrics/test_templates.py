"""The metrics that are known, and that no name changes more of a query than the name in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconcile.metrics import templates
from reconcile.metrics.templates import MetricFile, TemplateSet, load
from reconcile.model.errors import TemplateError
from reconcile.model.measurement import Asks, Metric, Question, Roles
from tests.hostile.tally import End, ended
from tests.unit.metrics.metric_folder import BUILTIN, NAMES, SUCCESS, file, question, rendered
from tests.unit.metrics.promql import matchers, text_of, tokens

ISTIO = [name for name in BUILTIN.metrics if name.startswith("istio_")]
WORKLOADS = [*ISTIO, *(name for name in BUILTIN.metrics if name.startswith("linkerd_"))]
GATEWAYS = [name for name in BUILTIN.metrics if name not in WORKLOADS]
SECONDS, MILLISECONDS = "istio_request_duration_seconds_bucket", "istio_request_duration_milliseconds_bucket"


def test_the_built_in_metrics() -> None:
    rate: dict[str, Any] = {"title": "success rate", "unit": "percent", "bound": "minimum"}
    duration: dict[str, Any] = {"title": "request duration", "unit": "milliseconds", "bound": "maximum"}
    expected = {
        SUCCESS: rate,
        f"{SUCCESS}_grpc": rate,
        f"{SUCCESS}_waypoint": rate,
        f"{SUCCESS}_grpc_waypoint": rate,
        f"{SUCCESS}_source": rate,
        SECONDS: duration,
        MILLISECONDS: duration,
        f"{MILLISECONDS}_waypoint": duration,
        f"{MILLISECONDS}_source": duration,
        "linkerd_response_total": rate,
        "linkerd_response_latency_ms_bucket": duration,
        "contour_upstream_rq": rate,
        "contour_upstream_rq_time_bucket": duration,
        "kgateway_upstream_rq": rate,
        "kgateway_upstream_rq_time_bucket": duration,
        "traefik_service_requests_total": rate,
        "traefik_service_request_duration_seconds_bucket": duration,
    }
    decides = {name: replace(item, query="", needs="", edges="") for name, item in BUILTIN.metrics.items()}
    assert decides == {
        name: Metric(name=name, requests=True, failures=True, **fields) for name, fields in expected.items()
    }


def test_each_built_in_metric_has_a_file_of_its_name() -> None:
    folder = Path(__file__).parents[3] / "templates"
    files = [path.stem for path in folder.rglob("*.yaml")]
    assert sorted(files) == [metric.name for metric in BUILTIN.metrics.values()] == list(BUILTIN.metrics)


def test_a_built_in_metric_for_several_workloads_is_one_whose_series_name_the_workload() -> None:
    asked = {name: BUILTIN.render_batch(question(name), "test", ["a", "b"]) for name in BUILTIN.metrics}
    assert [name for name, text in asked.items() if text is not None] == WORKLOADS


@pytest.mark.parametrize("metric", ISTIO)
@pytest.mark.parametrize("interval", ["30s", "1m", "90s", "1h30m", "500ms"])
def test_a_built_in_query_looks_at_one_workload_over_the_interval(metric: str, interval: str) -> None:
    query = BUILTIN.render(question(metric, interval=interval), "test")
    ranges = 1 if "milli" in metric else 2
    ending = metric.rpartition("_")[2]
    assert query.count(f"[{interval}]") == query.count("[") == ranges
    wanted = {
        ("reporter", "=", ending if ending in {"waypoint", "source"} else "destination"),
        ("destination_workload_namespace", "=~", "test"),
        ("destination_workload", "=~", "podinfo-canary"),
    }
    errors = {("response_code", "!~", "5.*"), ("grpc_response_status", "!~", "2|4|8|12|13|14|15")}
    assert set(matchers(query)) - errors == wanted
    assert "#" not in query


@pytest.mark.hostile("A metric template", "names with quotes, braces, regular expressions (drawn at random)")
@pytest.mark.parametrize("metric", WORKLOADS)
@settings(max_examples=50)
@given(workload=NAMES, namespace=NAMES)
def test_a_name_is_the_name_and_nothing_else(metric: str, workload: str, namespace: str) -> None:
    plain = BUILTIN.render(question(metric, workload="w"), "n")
    query = BUILTIN.render(question(metric, workload=workload), namespace)
    assert [kind for kind, _ in tokens(query)] == [kind for kind, _ in tokens(plain)]
    assert len(query.splitlines()) == len(plain.splitlines())
    for (label, op, text), (plain_label, plain_op, plain_text) in zip(matchers(query), matchers(plain), strict=True):
        assert (label, op) == (plain_label, plain_op)
        raw = {"w": workload, "n": namespace}.get(plain_text)
        if raw is None:
            assert text == plain_text
        else:
            assert re.fullmatch(text, raw)
    ended(End.SAFE)


def of_service(metric: str, service: str, asks: Asks) -> Question:
    roles = Roles(primary="podinfo", canary="podinfo-canary", primary_service="main", canary_service=service)
    return replace(question(metric), roles=roles, asks=asks, threshold=500.0)


@pytest.mark.hostile("A metric template", "names with quotes, braces, regular expressions (drawn at random)")
@pytest.mark.parametrize("metric", GATEWAYS)
@settings(max_examples=20)
@given(service=NAMES, namespace=NAMES)
def test_a_gateway_is_asked_for_one_service_and_nothing_else(metric: str, service: str, namespace: str) -> None:
    for asks in Asks:
        plain = BUILTIN.render(of_service(metric, "s", asks), "n")
        query = BUILTIN.render(of_service(metric, service, asks), namespace)
        assert [kind for kind, _ in tokens(query)] == [kind for kind, _ in tokens(plain)]
        for (label, op, text), (plain_label, plain_op, plain_text) in zip(
            matchers(query), matchers(plain), strict=True
        ):
            assert (label, op) == (plain_label, plain_op)
            if label in {"envoy_cluster_name", "service"}:
                join = "-" if label == "service" else "_"
                head = "kube_" if metric.startswith("kgateway_") else ""
                tail = "@kubernetesgateway" if label == "service" else ""
                assert re.fullmatch(text, f"{head}{join.join((namespace, service, '80'))}{tail}")
            else:
                assert text == plain_text
    ended(End.SAFE)


@pytest.mark.parametrize(("workload", "service"), [("podinfo", "main"), ("podinfo-canary", "beside")])
def test_the_service_is_that_of_the_workload_that_is_measured(workload: str, service: str) -> None:
    asked = of_service("contour_upstream_rq", "beside", Asks.VALUE)
    assert f'"test_{service}_[0-9]+"' in BUILTIN.render(replace(asked, workload=workload), "test")


@pytest.mark.hostile("A metric template", "names with quotes, braces, regular expressions (drawn at random)")
@given(name=NAMES, other=NAMES)
def test_a_name_matches_no_other_name(name: str, other: str) -> None:
    query = BUILTIN.render(question(SUCCESS, workload=name), "test")
    expression = next(text for label, _, text in matchers(query) if label == "destination_workload")
    assert bool(re.fullmatch(expression, other, re.DOTALL)) == (name == other)
    ended(End.SAFE)


@pytest.mark.hostile("A metric template", "names with quotes, braces, regular expressions (drawn at random)")
@given(name=NAMES)
def test_every_kind_of_string_ends_where_the_author_ended_it(
    name: str,
) -> None:
    plain = """a{b="{{ workload }}",c='{{ workload }}',d=`{{ workload }}`,"""
    literal = """e="{{ workload | literal }}",f='{{ workload | literal }}'}"""
    query = plain + literal
    metric = MetricFile(path=Path("m.yaml"), metric=BUILTIN.metrics[SUCCESS], query=query)
    text = TemplateSet({SUCCESS: metric}).render(question(SUCCESS, workload=name), "test")
    assert [kind for kind, _ in tokens(text)] == [kind for kind, _ in tokens(query.replace("{{ workload }}", "w"))]
    assert [text_of(string) for kind, string in tokens(text) if kind == "string"][-2:] == [name, name]
    ended(End.SAFE)


@pytest.mark.parametrize("metric", WORKLOADS)
@settings(max_examples=50)
@given(workloads=st.lists(NAMES, min_size=1, max_size=5), other=NAMES, namespace=NAMES)
def test_a_built_in_query_for_several_matches_these_workloads_and_no_other(
    metric: str, workloads: list[str], other: str, namespace: str
) -> None:
    query = BUILTIN.render_batch(question(metric), namespace, workloads)
    assert query is not None
    found = matchers(query)
    for text in {text for label, _, text in found if label in {"destination_workload", "deployment"}}:
        assert all(re.fullmatch(text, name) for name in workloads)
        assert bool(re.fullmatch(text, other, re.DOTALL)) == (other in workloads)
    places = [(label, op) for label, op, _ in found]
    assert places == [
        (label, op) for label, op, _ in matchers(BUILTIN.render_batch(question(metric), "n", ["w"]) or "")
    ]
    assert all(re.fullmatch(text, namespace) for label, _, text in found if label.endswith("namespace"))


def test_a_metric_need_not_have_a_query_for_several(tmp_path: Path) -> None:
    file(tmp_path)
    assert load(tmp_path).render_batch(question(), "test", ["a", "b"]) is None


def test_a_query_is_for_one_workload(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="query: 'workloads' is undefined"):
        rendered(tmp_path, "{{ workloads }}")


def test_a_broken_query_harms_no_other_metric(tmp_path: Path) -> None:
    file(tmp_path, query="'{% if %}'")
    metrics = load(tmp_path)
    assert metrics.render(question(SUCCESS), "test")
    with pytest.raises(TemplateError):
        metrics.render(question(), "test")


@pytest.mark.hostile("A metric template", "names and intervals that cannot be put into words")
@pytest.mark.parametrize(
    ("asked", "namespace", "words"),
    [
        (question("nope"), "test", "metric 'nope' is not known; there are: contour_upstream_rq, "),
        (question(SUCCESS, workload=""), "test", "workload: must be"),
        (question(SUCCESS, workload="\ud800"), "test", "workload: must be"),
        (question(SUCCESS, workload="a" * 1025), "test", "workload: must be"),
        (question(SUCCESS), "", "namespace: must be"),
        *(
            (question(SUCCESS, interval=interval), "test", "is no PromQL duration")
            for interval in [
                "",
                "1M",
                "1.5m",
                "-1m",
                "0s",
                "1m]) or vector(100",
                "1s1m",
                "1m\n",
                "٣m",
                "1" * 2000 + "s",
            ]
        ),
    ],
)
def test_a_question_that_cannot_be_put_into_words(asked: Question, namespace: str, words: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(words)):
        BUILTIN.render(asked, namespace)
    ended(End.HELD)


def test_a_file_of_the_same_metric_replaces_the_built_in_one(tmp_path: Path) -> None:
    file(tmp_path, "other-file-name.yml", name=SUCCESS, title="share of good answers", unit="per mille")
    file(tmp_path, "more.yaml", name="more")
    metrics = load(tmp_path)
    assert set(metrics.metrics) == {*BUILTIN.metrics, "more"}
    assert metrics.metrics[SUCCESS].title == "share of good answers"
    assert metrics.render(question(SUCCESS), "test") == "up"
    assert BUILTIN.render(question(SUCCESS), "test") != "up"


def test_an_installed_package_brings_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "builtin_templates").mkdir()
    file(tmp_path / "builtin_templates")
    monkeypatch.setattr(templates, "_PACKAGE", tmp_path)
    assert set(load().metrics) == {"m"}


def own(query: str, **fields: Any) -> Question:
    return replace(question("saturation"), query=query, **fields)


def test_a_query_of_a_rollout_has_the_names_of_its_objects() -> None:
    roles = Roles(primary="a", canary="b.c", primary_service="d", canary_service="e")
    variables = ("rollout", "primary", "canary", "primary_service", "canary_service", "workload", "service")
    text = " ".join(f"{{{{ {variable} }}}}" for variable in variables)
    assert BUILTIN.render(own(text, roles=roles), "test") == r"podinfo a b\\.c d e podinfo-canary e"
    assert BUILTIN.render_batch(own(text, roles=roles), "test", ["a", "b"]) is None


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("{{ nothing }}", "Rollout podinfo.test saturation: query: 'nothing' is undefined; there are args, interval"),
        ("{{ ''.__class__ }}", "Rollout podinfo.test saturation: query: "),
        ("{% for a in ['b'] %}{% for c in ['d'] %}{% endfor %}{% endfor %}", "a for within a for"),
        ("{% if namespace == 'x' %}up{% endif %}", "query: renders to nothing for podinfo-canary.test"),
        ("{% for a in [" + "'b'," * 500 + "] %}" + "x" * 100 + "{% endfor %}", "more than 16384 characters"),
    ],
)
def test_a_query_of_a_rollout_is_bounded_as_files_are(query: str, words: str) -> None:
    with pytest.raises(TemplateError) as caught:
        BUILTIN.render(own(query), "test")
    assert words in str(caught.value)


def test_two_rollouts_with_queries_of_one_name_have_each_their_own() -> None:
    assert [BUILTIN.render(own(text), "test") for text in ("up", "down", "up")] == ["up", "down", "up"]


@pytest.mark.parametrize("metric", WORKLOADS)
@pytest.mark.parametrize("asks", [Asks.REQUESTS, Asks.FAILURES])
def test_a_count_is_one_template_for_one_workload_and_for_several(metric: str, asks: Asks) -> None:
    asked = replace(question(metric, interval="345s"), asks=asks, threshold=500.0)
    one, both = BUILTIN.render(asked, "test"), BUILTIN.render_batch(asked, "test", ["a.b", "c"])
    assert both is not None
    assert r"(?:podinfo-canary)" in one
    assert r"(?:a\\.b|c)" in both
    assert one == both.replace(r"(?:a\\.b|c)", "(?:podinfo-canary)")
    assert "[345s]" in one


@pytest.mark.parametrize(
    ("threshold", "milliseconds", "seconds"), [(500.0, "500", r"0\\.5"), (2.5, r"2\\.5", r"0\\.0025")]
)
def test_a_threshold_is_written_as_the_edge_of_a_bucket(threshold: float, milliseconds: str, seconds: str) -> None:
    asked = replace(question(SECONDS), asks=Asks.FAILURES, threshold=threshold)
    text = BUILTIN.render(asked, "test")
    assert f'le=~"{milliseconds}([.]0)?"' in text
    assert f'le=~"{seconds}([.]0)?"' in text


def test_a_count_that_needs_a_threshold_says_so() -> None:
    with pytest.raises(TemplateError, match="failures: 'threshold' is undefined"):
        BUILTIN.render(replace(question(MILLISECONDS), asks=Asks.FAILURES), "test")


def test_a_count_of_one_workload_alone(tmp_path: Path) -> None:
    file(tmp_path, requests="'{{ workload }}'")
    loaded, asked = load(tmp_path), replace(question(), asks=Asks.REQUESTS)
    assert loaded.render(asked, "test") == "podinfo-canary"
    assert loaded.render_batch(asked, "test", ["a", "b"]) is None
    assert (loaded.metrics["m"].requests, loaded.metrics["m"].failures) == (True, False)
