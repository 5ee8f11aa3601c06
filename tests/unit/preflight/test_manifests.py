"""Each thing that a manifest can have wrong is found, by object and field, and all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model.errors import ForbiddenError
from reconcile.model.kinds import AUTOSCALER, Kind, Manifest, Scope
from reconcile.model.plan import Answer, Failure, Metric
from reconcile.preflight import OFFLINE, examine
from reconcile.preflight.findings import Level
from reconcile.preflight.manifests import PASSES_BESIDE_WEIGHTS
from tests.support.fakes import MemoryCluster
from tests.support.world import (
    DURATION,
    METRICS,
    PS,
    SUCCESS,
    VS,
    C,
    P,
    autoscaler,
    deployment,
    destination,
    meta,
    rollout,
    service,
    standard,
    world,
)
from tests.unit.preflight.looking import at, examined, findings, looked, told

if TYPE_CHECKING:
    from collections.abc import Sequence

ROLLOUT, PRIMARY, CANARY = "Rollout podinfo.test", "Deployment podinfo.test", "Deployment podinfo-canary.test"
PRIMARY_SERVICE, CANARY_SERVICE = "Service podinfo.test", "Service podinfo-canary.test"
ROUTE = "VirtualService podinfo.test"
ANALYSIS = "spec.canaryAnalysis"
YES = True


def set_in(kind: str, *path_and_value: Any, name: str = "podinfo") -> list[Manifest]:
    """Give the standard world with one field set, or taken out with None."""
    return at(standard(), *path_and_value, kind=kind, name=name)


def with_objects(*items: Manifest) -> list[Manifest]:
    return [*standard(), *items]


def without(*refs: Any) -> list[Manifest]:
    cluster = MemoryCluster(standard(), books=False)
    return [item for ref, item in cluster.objects.items() if ref not in refs]


def metric(name: str = SUCCESS, threshold: object = 99, **fields: Any) -> dict[str, Any]:
    return {"name": name, "threshold": threshold, "interval": "1m"} | fields


def routed(*routes: Sequence[Manifest]) -> list[Manifest]:
    return set_in("VirtualService", "spec", "http", [{"route": list(route)} for route in routes])


def test_the_standard_world_has_nothing_in_the_way() -> None:
    (result,) = examined(standard(), OFFLINE)
    assert told([result]) == []
    assert {item.check: item.seen for item in result.results} == {
        "rollout": "valid",
        "rivals": "no other Rollout has its route or its Deployments",
        "deployments": "podinfo.test, podinfo-canary.test",
        "services": "podinfo and podinfo-canary expose HTTP",
        "routes": "VirtualService podinfo.test gives 0 % to podinfo-canary",
        "autoscalers": "none",
        "metrics": f"{SUCCESS}, {DURATION}",
        "queries": "can be rendered",
        "steps": "",
        "primary": "neither paused nor without pods",
        "canary": "not paused",
        "replicas": "",
    }


BOTH_LABELS = {"app": "podinfo-canary", "of": "podinfo"}
BROKEN: dict[str, tuple[list[Manifest], tuple[str, str, str, str, str]]] = {
    # The Rollout's own fields.
    "a step of 0": (
        standard(stepWeight=0),
        ("rollout", "error", ROLLOUT, f"{ANALYSIS}.stepWeight", "must be between 1 and 100, not 0"),
    ),
    "an unknown metric": (
        standard(metrics=[metric("latency")]),
        (
            "rollout",
            "error",
            ROLLOUT,
            f"{ANALYSIS}.metrics[0].name",
            f'"latency" is no metric template (known: {DURATION}, {SUCCESS})',
        ),
    ),
    "a metric without a name": (
        standard(metrics=[{"threshold": 1}]),
        ("rollout", "error", ROLLOUT, f"{ANALYSIS}.metrics[0].name", "is required"),
    ),
    "a phase that nobody knows": (
        set_in("Rollout", "status", "phase", "Odd"),
        (
            "rollout",
            "error",
            ROLLOUT,
            "status.phase",
            '"Odd" is no phase that this version knows; remove the status to start anew',
        ),
    ),
    "another version": (
        set_in("Rollout", "apiVersion", "apps.weave.works/v1"),
        ("rollout", "error", ROLLOUT, "apiVersion", 'must be apps.weave.works/v1beta1, not "apps.weave.works/v1"'),
    ),
    "a Rollout that is being deleted": (
        set_in("Rollout", "metadata", "deletionTimestamp", "2026-01-01T00:00:00Z"),
        ("rollout", "error", ROLLOUT, "", f"{ROLLOUT} is being deleted"),
    ),
    # The Deployments.
    "a primary that is missing": (
        without(P),
        ("deployments", "error", PRIMARY, "", f"{PRIMARY} is missing"),
    ),
    "a canary that is missing": (
        without(C),
        ("deployments", "error", CANARY, "", f"{CANARY} is missing"),
    ),
    "a Deployment that is none": (
        set_in("Deployment", "spec", "replicas", "two"),
        ("deployments", "error", PRIMARY, "spec.replicas", 'must be an integer, not "two"'),
    ),
    "a selector that misses its own template": (
        set_in("Deployment", "spec", "selector", "matchLabels", {"app": "podinf"}),
        ("deployments", "error", PRIMARY, "spec.selector", f"{PRIMARY} does not select the pods of its own template"),
    ),
    "a selector that is empty": (
        set_in("Deployment", "spec", "selector", {}),
        ("deployments", "error", PRIMARY, "spec.selector", f"{PRIMARY} does not select the pods of its own template"),
    ),
    "a primary that selects the canary's pods": (
        at(
            set_in("Deployment", "spec", "selector", {"matchExpressions": [{"key": "app", "operator": "Exists"}]}),
            "spec",
            "template",
            "metadata",
            "labels",
            BOTH_LABELS,
            kind="Deployment",
            name="podinfo-canary",
        ),
        (
            "deployments",
            "error",
            PRIMARY,
            "spec.selector",
            f"{PRIMARY} selects the pods of podinfo-canary.test as well",
        ),
    ),
    "a canary that selects the primary's pods": (
        set_in(
            "Deployment",
            "spec",
            "selector",
            {"matchExpressions": [{"key": "app", "operator": "In", "values": ["podinfo", "podinfo-canary"]}]},
            name="podinfo-canary",
        ),
        ("deployments", "error", CANARY, "spec.selector", f"{CANARY} selects the pods of podinfo.test as well"),
    ),
    "a primary that is paused": (
        set_in("Deployment", "spec", "paused", YES),
        ("primary", "error", PRIMARY, "spec.paused", f"{PRIMARY} is paused"),
    ),
    "a primary without pods": (
        set_in("Deployment", "spec", "replicas", 0),
        ("primary", "error", PRIMARY, "spec.replicas", f"{PRIMARY} is scaled to 0 replicas"),
    ),
    "a canary that is paused": (
        set_in("Deployment", "spec", "paused", YES, name="podinfo-canary"),
        ("canary", "error", CANARY, "spec.paused", f"{CANARY} is paused"),
    ),
    # The Services.
    "a Service that is missing": (
        without(PS),
        ("services", "error", PRIMARY_SERVICE, "", f"{PRIMARY_SERVICE} is missing"),
    ),
    "a Service that is none": (
        set_in("Service", "spec", "ports", "http"),
        ("services", "error", PRIMARY_SERVICE, "spec.ports", 'must be a list, not "http"'),
    ),
    "a Service without an HTTP port": (
        with_objects(service("podinfo-canary", port="web")),
        (
            "services",
            "error",
            CANARY_SERVICE,
            "spec.ports",
            f"{CANARY_SERVICE} has no port named http or https, but web",
        ),
    ),
    "a Service of another place": (
        set_in("Service", "spec", {"type": "ExternalName", "externalName": "example.com"}),
        ("services", "error", PRIMARY_SERVICE, "spec.type", f"{PRIMARY_SERVICE} is of type ExternalName"),
    ),
    "a Service that misses its pods": (
        set_in("Service", "spec", "selector", {"app": "podinf"}),
        (
            "services",
            "error",
            PRIMARY_SERVICE,
            "spec.selector",
            f"{PRIMARY_SERVICE} does not select the pods of podinfo.test",
        ),
    ),
    "a Service without a selector": (
        set_in("Service", "spec", "selector", None),
        (
            "services",
            "warning",
            PRIMARY_SERVICE,
            "spec.selector",
            f"{PRIMARY_SERVICE} has no selector: which pods it leads to cannot be told",
        ),
    ),
    "a primary Service that leads to the canary as well": (
        at(
            set_in("Deployment", "spec", "template", "metadata", "labels", BOTH_LABELS, name="podinfo-canary"),
            "spec",
            "template",
            "metadata",
            "labels",
            {"app": "podinfo", "of": "podinfo"},
            kind="Deployment",
        )[:2]
        + at(standard(), "spec", "selector", {"of": "podinfo"}, kind="Service")[2:],
        (
            "services",
            "error",
            PRIMARY_SERVICE,
            "spec.selector",
            f"{PRIMARY_SERVICE} selects the pods of podinfo-canary.test as well",
        ),
    ),
    "a canary Service that leads to the primary as well": (
        at(
            at(
                set_in("Service", "spec", "selector", {"of": "podinfo"}, name="podinfo-canary"),
                "spec",
                "template",
                "metadata",
                "labels",
                BOTH_LABELS,
                kind="Deployment",
                name="podinfo-canary",
            ),
            "spec",
            "template",
            "metadata",
            "labels",
            {"app": "podinfo", "of": "podinfo"},
            kind="Deployment",
        ),
        (
            "services",
            "error",
            CANARY_SERVICE,
            "spec.selector",
            f"{CANARY_SERVICE} selects the pods of podinfo.test as well",
        ),
    ),
    # The routes.
    "a VirtualService that is missing": (without(VS), ("routes", "error", ROUTE, "", f"{ROUTE} is missing")),
    "no route for the pair": (
        routed([destination("podinfo", 100)]),
        ("routes", "error", ROUTE, "spec.http", "no route leads to podinfo and podinfo-canary"),
    ),
    "a third destination": (
        routed([destination("podinfo", 90), destination("podinfo-canary", 5), destination("other", 5)]),
        (
            "routes",
            "error",
            ROUTE,
            "spec.http[0]",
            "has a destination beside the two, so that its weights are not steerer's to set",
        ),
    ),
    "no weights": (
        routed([destination("podinfo"), destination("podinfo-canary")]),
        ("routes", "error", ROUTE, "spec.http[0]", "both weights are absent or 0"),
    ),
    "weights that do not add up": (
        at(
            routed([destination("podinfo", 50), destination("podinfo-canary", 0)]),
            "status",
            "phase",
            "Succeeded",
            kind="Rollout",
        ),
        (
            "routes",
            "warning",
            ROUTE,
            "spec.http",
            "the weights do not add up to 100: they are counted from the canary's, 0",
        ),
    ),
    "weights that differ from route to route": (
        at(
            routed(
                [destination("podinfo", 100), destination("podinfo-canary", 0)],
                [destination("podinfo", 70), destination("podinfo-canary", 30)],
            ),
            "status",
            "phase",
            "Succeeded",
            kind="Rollout",
        ),
        (
            "routes",
            "warning",
            ROUTE,
            "spec.http",
            "its managed routes give the canary from 0 to 30 %; all move together",
        ),
    ),
    "traffic on the canary before any release": (
        routed([destination("podinfo", 60), destination("podinfo-canary", 40)]),
        (
            "routes",
            "warning",
            ROUTE,
            "spec.http",
            "gives 40 % to podinfo-canary already: the first pass goes on from there",
        ),
    ),
    # The autoscalers.
    "an autoscaler that may take all pods away": (
        with_objects(autoscaler("podinfo-canary", 2, 2, least=0)),
        (
            "autoscalers",
            "warning",
            "HorizontalPodAutoscaler scaler.test",
            "spec.minReplicas",
            f"HorizontalPodAutoscaler scaler.test may scale {CANARY} to 0 replicas, which halts a release",
        ),
    ),
    "two autoscalers of one Deployment": (
        with_objects(autoscaler("podinfo", 2, 2), autoscaler("podinfo", 2, 2) | {"metadata": meta("second")}),
        (
            "autoscalers",
            "warning",
            PRIMARY,
            "",
            (
                f"{PRIMARY} is the target of several HorizontalPodAutoscalers (scaler, second): Kubernetes then "
                "follows none"
            ),
        ),
    ),
    "an autoscaler that is none": (
        with_objects(autoscaler("podinfo", 2, 2) | {"spec": {}}),
        (
            "autoscalers",
            "error",
            ROLLOUT,
            "",
            "a HorizontalPodAutoscaler cannot be used: spec.scaleTargetRef: is required",
        ),
    ),
    # The metrics.
    "a success rate above everything": (
        standard(metrics=[metric(threshold=101)]),
        ("metrics", "error", ROLLOUT, f"{ANALYSIS}.metrics[0].threshold", "101 % can never be reached"),
    ),
    "a success rate as a fraction": (
        standard(metrics=[metric(threshold=0.99)]),
        (
            "metrics",
            "warning",
            ROLLOUT,
            f"{ANALYSIS}.metrics[0].threshold",
            "is 0.99 percent: if 99 percent are meant, write 99",
        ),
    ),
    "a duration below nothing": (
        standard(metrics=[metric(DURATION, -5)]),
        ("metrics", "error", ROLLOUT, f"{ANALYSIS}.metrics[0].threshold", "-5 milliseconds: nothing is that little"),
    ),
    "a duration in seconds": (
        standard(metrics=[metric(), metric(DURATION, 0.5)]),
        (
            "metrics",
            "warning",
            ROLLOUT,
            f"{ANALYSIS}.metrics[1].threshold",
            "is 0.5 milliseconds: if seconds are meant, write 500",
        ),
    ),
    "an interval between two scrapes": (
        standard(metrics=[metric(interval="15s")]),
        (
            "metrics",
            "warning",
            ROLLOUT,
            f"{ANALYSIS}.metrics[0].interval",
            "15s holds less than two samples where Prometheus scrapes every 15s or less often",
        ),
    ),
    "a canary without a proxy": (
        set_in(
            "Deployment",
            "spec",
            "template",
            "metadata",
            "annotations",
            {"sidecar.istio.io/inject": "false"},
            name="podinfo-canary",
        ),
        (
            "metrics",
            "warning",
            CANARY,
            "spec.template.metadata",
            'has sidecar.istio.io/inject: "false": without a proxy nobody reports its requests',
        ),
    ),
    # The steps.
    "a step larger than the maximum": (
        standard(stepWeight=60, maxWeight=50),
        (
            "steps",
            "warning",
            ROLLOUT,
            f"{ANALYSIS}.stepWeight",
            "60 is larger than the maxWeight of 50: there is one step, to 50",
        ),
    ),
}


@pytest.mark.parametrize(("items", "row"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_found_and_nothing_else(items: list[Manifest], row: tuple[str, ...]) -> None:
    assert told(examined(items, OFFLINE)) == [row]


def test_all_of_it_is_found_at_once() -> None:
    items = standard(stepWeight=0, maxWeight=101, metrics=[metric("latency"), metric(threshold=0.5, interval="1M")])
    items = at(items, "spec", "ports", [{"port": 1}], kind="Service")
    items = at(items, "spec", "ports", [], kind="Service", name="podinfo-canary")
    items = at(items, "spec", "http", None, kind="VirtualService")
    items = at(items, "spec", "paused", YES, kind="Deployment")
    items = at(items, "spec", "replicas", 0, kind="Deployment")
    found = [(check, item.object, item.path) for check, item in findings(examined(items, OFFLINE))]
    assert found == [
        ("rollout", ROLLOUT, f"{ANALYSIS}.maxWeight"),
        ("rollout", ROLLOUT, f"{ANALYSIS}.stepWeight"),
        ("rollout", ROLLOUT, f"{ANALYSIS}.metrics[1].interval"),
        ("rollout", ROLLOUT, f"{ANALYSIS}.metrics[0].name"),
        ("services", PRIMARY_SERVICE, "spec.ports"),
        ("services", CANARY_SERVICE, "spec.ports"),
        ("routes", ROUTE, "spec.http"),
        ("metrics", ROLLOUT, f"{ANALYSIS}.metrics[1].threshold"),
        ("primary", PRIMARY, "spec.paused"),
        ("primary", PRIMARY, "spec.replicas"),
    ]


def test_a_rollout_that_names_nothing_is_told_so_and_nothing_is_said_of_objects_without_a_name() -> None:
    (result,) = examined([rollout() | {"spec": {}}], OFFLINE)
    assert {(check, item.object) for check, item in findings([result])} == {("rollout", ROLLOUT)}
    assert {item.path for _, item in findings([result])} == {
        "spec.virtualService",
        "spec.virtualService.name",
        "spec.primary",
        "spec.primary.name",
        "spec.primary.host",
        "spec.canary",
        "spec.canary.name",
        "spec.canary.host",
        "spec.canaryAnalysis",
        "spec.canaryAnalysis.stepWeight",
    }
    assert {item.check for item in result.results if item.unseen} >= {"deployments", "services", "routes"}


def test_one_missing_deployment_keeps_no_other_thing_from_being_found() -> None:
    items = at(without(C), "spec", "selector", "matchLabels", {"app": "x"}, kind="Deployment")
    items = at(items, "spec", "ports", [], kind="Service")
    assert [(check, item.object, item.path) for check, item in findings(examined(items, OFFLINE))] == [
        ("deployments", CANARY, ""),
        ("deployments", PRIMARY, "spec.selector"),
        ("services", PRIMARY_SERVICE, "spec.ports"),
    ]


def test_a_second_rollout_on_the_route_and_the_deployments_is_found_on_both() -> None:
    second = rollout() | {"metadata": meta("second")}
    found = told(examined(with_objects(second), OFFLINE))
    assert ("rivals", "error", "Rollout second.test", "", f"{ROUTE} is already claimed by the older {ROLLOUT}") in found
    for ref in (PRIMARY, CANARY):
        assert ("rivals", "error", ref, "", f"{ref} is a Deployment of {ROLLOUT} as well") in found
        assert ("rivals", "error", ref, "", f"{ref} is a Deployment of Rollout second.test as well") in found
    assert len(found) == 5


def test_a_rollout_of_another_namespace_is_no_rival() -> None:
    other = rollout() | {"metadata": {"name": "podinfo", "namespace": "other"}}
    found = told(examined(with_objects(other), OFFLINE))
    assert "rivals" not in {check for check, *_ in found}


def test_one_deployment_for_both_sides_is_a_problem_of_the_rollout_and_no_overlap() -> None:
    items = set_in("Rollout", "spec", "canary", {"name": "podinfo", "host": "podinfo-canary"})
    items = at(items, "spec", "selector", {"app": "podinfo"}, kind="Service", name="podinfo-canary")
    assert [row[:4] for row in told(examined(items, OFFLINE))] == [
        ("rollout", "error", ROLLOUT, "spec.canary.name"),
    ]


def test_autoscalers_that_cannot_be_read_are_told_by_the_gates_own_words() -> None:
    class Blind(MemoryCluster):
        def list(self, kind: Kind, scope: Scope) -> list[Manifest]:
            if kind == AUTOSCALER:
                raise ForbiddenError("forbidden")
            return super().list(kind, scope)

    found = told(examined(Blind(standard()), OFFLINE))
    assert found == [("autoscalers", "error", ROLLOUT, "", "HorizontalPodAutoscalers cannot be read: forbidden")]


def test_an_object_that_may_not_be_read_is_told_without_advice_to_create_it() -> None:
    cluster = MemoryCluster(standard())
    cluster.refuse[PS] = ForbiddenError("forbidden: grant it")
    ((check, finding),) = findings(examined(cluster, OFFLINE))
    assert (check, finding.message, finding.advice) == (
        "services",
        f"{PRIMARY_SERVICE} cannot be read: forbidden: grant it",
        "",
    )


# What is only information.


def test_a_size_that_nobody_else_moves_is_well() -> None:
    (result,) = examined(with_objects(deployment("podinfo-canary", "1.2.1", replicas=None)), OFFLINE)
    assert result.results[-1].seen == "none that somebody else moves as well"


def infos(items: Sequence[Manifest], check: str, **settings: Any) -> list[str]:
    every = findings(examined(items, OFFLINE, **settings), infos=True)
    return [item.message for name, item in every if name == check and item.level is Level.INFO]


@pytest.mark.parametrize(
    ("step", "most", "interval", "words"),
    [
        (30, 50, 60.0, "30, 50 %: 5 passes at least, 4m at a control-loop interval of 1m"),
        (50, 100, 10.0, "50, 100 %: 5 passes at least, 40s at a control-loop interval of 10s"),
        (100, 100, 3600.0, "100 %: 4 passes at least, 3h at a control-loop interval of 1h"),
        (1, 100, 60.0, "1, 2, 3, …, 100 %: 103 passes at least, 1h42m at a control-loop interval of 1m"),
        (60, 50, 0.0, "50 %: 4 passes at least, 0s at a control-loop interval of 0s"),
    ],
)
def test_the_weights_of_a_release_and_its_least_time_are_told(
    step: int, most: int, interval: float, words: str
) -> None:
    assert infos(standard(stepWeight=step, maxWeight=most), "steps", interval=interval) == [words]


@pytest.mark.parametrize(("step", "most", "weights"), [(30, 50, 2), (10, 100, 10), (100, 100, 1), (60, 50, 1)])
def test_a_release_takes_as_many_passes_as_is_told(step: int, most: int, weights: int) -> None:
    w = world(stepWeight=step, maxWeight=most)
    w.workloads.step()
    passes = 0
    while w.status.get("phase") != "Succeeded":
        w.tick()
        passes += 1
    assert passes == weights + PASSES_BESIDE_WEIGHTS


@pytest.mark.parametrize(
    ("items", "words"),
    [
        (standard(), ["states 2 replicas, which steerer set as well"]),
        (
            with_objects(autoscaler("podinfo-canary", 2, 2)),
            ["states 2 replicas, which HorizontalPodAutoscaler scaler and steerer set as well"],
        ),
        (
            with_objects(autoscaler("podinfo", 2, 2), deployment("podinfo-canary", "1.2.1", replicas=None)),
            ["states 2 replicas, which HorizontalPodAutoscaler scaler set as well"],
        ),
    ],
)
def test_a_size_in_git_beside_somebody_who_moves_it_is_told(items: list[Manifest], words: list[str]) -> None:
    assert infos(items, "replicas") == words


def test_without_metrics_health_alone_decides() -> None:
    (result,) = examined(standard(metrics=None), OFFLINE)
    assert {item.check: item.seen for item in result.results if item.check in {"metrics", "queries"}} == {
        "metrics": "none: health alone decides",
        "queries": "none",
    }


# Queries.


def queried(*answers: Answer) -> list[tuple[str, str, str, str]]:
    every = findings(examined(standard(), OFFLINE, *answers))
    assert {check for check, _ in every} <= {"queries"}
    return [(str(item.level), item.path, item.message, item.advice) for _, item in every]


def test_answers_are_seen() -> None:
    (look,) = looked(standard())
    (result,) = examined(standard(), OFFLINE, Answer(value=100.0), Answer(value=150.0))
    seen = next(item.seen for item in result.results if item.check == "queries")
    assert seen == "success rate 100.00% >= 99%; request duration 150ms <= 500ms"
    assert examine(look, OFFLINE).rollout == look.case.rollout.ref


@pytest.mark.parametrize(
    ("answer", "level", "words"),
    [
        (Answer(failure=Failure.NO_DATA), "warning", "success rate: no data"),
        (Answer(failure=Failure.NOT_A_NUMBER), "warning", "success rate: not a number"),
        (Answer(value=50.0), "warning", "success rate 50.00% < 99%"),
        (Answer(failure=Failure.SEVERAL_SERIES, detail="3"), "error", "success rate: several series (3)"),
        (Answer(failure=Failure.WRONG_TYPE), "error", "success rate: wrong type"),
        (Answer(failure=Failure.QUERY_ERROR, detail="bad"), "error", "success rate: error from Prometheus (bad)"),
        (Answer(failure=Failure.TEMPLATE, detail="x"), "error", "success rate: template error (x)"),
    ],
)
def test_no_data_yet_is_a_warning_and_a_broken_query_an_error(answer: Answer, level: str, words: str) -> None:
    assert queried(answer) == [(level, f"{ANALYSIS}.metrics[0]", words, "")]


def test_the_query_is_shown_beside_what_came_of_it() -> None:
    answer = Answer(failure=Failure.NO_DATA, query="sum(\n  x)")
    assert queried(answer)[0][3] == "query: sum( x)"


def test_a_server_that_cannot_be_asked_is_told_once() -> None:
    broken = Answer(failure=Failure.UNREACHABLE, detail="no metrics server is named")
    assert queried(broken, broken) == [("error", "", "no metrics server is named", "")]


def test_a_metric_in_a_unit_of_its_own_is_taken_as_it_is() -> None:
    own = METRICS | {"errors": Metric(name="errors", title="errors", unit="errors", bound="maximum")}
    assert told(examined(standard(metrics=[metric("errors", -1)]), OFFLINE, metrics=own)) == []
