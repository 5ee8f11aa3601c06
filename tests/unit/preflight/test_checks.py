"""All checks of a Rollout together: each is reported, and none keeps another from being made."""

from __future__ import annotations

from reconcile.preflight.checks import FOLDER
from tests.support.world import DURATION, SUCCESS, C, standard
from tests.unit.preflight.examining import (
    ANALYSIS,
    CANARY,
    CANARY_SERVICE,
    PRIMARY,
    PRIMARY_SERVICE,
    ROLLOUT,
    ROUTE,
    YES,
    edited,
    examined,
    findings_of,
    metric,
    rows_of,
    standard_without,
)


def test_the_standard_world_has_nothing_in_the_way() -> None:
    (result,) = examined(standard(), FOLDER)
    assert rows_of([result]) == []
    assert {item.check: item.summary for item in result.results} == {
        "rollout": "valid",
        "rivals": "no other Rollout has its route or its Deployments",
        "deployments": "podinfo.test, podinfo-canary.test",
        "services": "podinfo and podinfo-canary expose HTTP",
        "routes": "VirtualService podinfo.test gives 0 % to podinfo-canary",
        "reach": "podinfo.test is reached with the template of podinfo-canary.test too",
        "keep": "nothing but what reaches the primary",
        "selectors": "none other",
        "autoscalers": "none",
        "capacity": "no autoscaler leaves the primary too small for its traffic",
        "neighbours": "no other VirtualService or ScaledObject acts on podinfo-canary.test",
        "metrics": f"{SUCCESS}, {DURATION}",
        "queries": "can be rendered",
        "steps": "",
        "primary": "neither paused nor without pods",
        "canary": "not paused",
        "replicas": "",
    }


def test_all_of_it_is_found_at_once() -> None:
    items = standard(stepWeight=0, maxWeight=101, metrics=[metric("latency"), metric(threshold=0.5, interval="1M")])
    items = edited(items, "spec", "ports", [{"port": 1}], kind="Service")
    items = edited(items, "spec", "ports", [], kind="Service", name="podinfo-canary")
    items = edited(items, "spec", "http", None, kind="VirtualService")
    items = edited(items, "spec", "paused", YES, kind="Deployment")
    items = edited(items, "spec", "replicas", 0, kind="Deployment")
    found = [(check, item.object, item.path) for check, item in findings_of(examined(items, FOLDER))]
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


def test_one_missing_deployment_keeps_no_other_thing_from_being_found() -> None:
    items = edited(standard_without(C), "spec", "selector", "matchLabels", {"app": "x"}, kind="Deployment")
    items = edited(items, "spec", "ports", [], kind="Service")
    assert [(check, item.object, item.path) for check, item in findings_of(examined(items, FOLDER))] == [
        ("deployments", CANARY, ""),
        ("deployments", PRIMARY, "spec.selector"),
        ("services", PRIMARY_SERVICE, "spec.ports"),
    ]
