"""Queries that a Rollout brings itself: what they need, what they are asked with, and an install that refuses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.core import metrics
from reconcile.model.measurement import Metric, Roles
from tests.support import world as worlds
from tests.support.world import SUCCESS, World, world, world_at

if TYPE_CHECKING:
    import pytest

OWN: dict[str, Any] = {"name": "memory", "query": "max(x)", "unit": "MB", "thresholdRange": {"max": 400}}


def test_a_query_of_a_rollout_is_a_gate_with_its_own_words() -> None:
    played = world_at(10, metrics=[OWN | {"title": "memory of the pods"}])
    played.meter.values["memory"] = 500.0
    assert played.tick().plan.reason == "memory of the pods 500.00 MB > 400 MB"
    [asked] = [question for question in played.meter.asked if question.weight == 10][-1:]
    roles = Roles(
        primary="podinfo", canary="podinfo-canary", primary_service="podinfo", canary_service="podinfo-canary"
    )
    assert (asked.query, asked.roles, asked.workload) == ("max(x)", roles, "podinfo-canary")
    played.meter.values["memory"] = 400.0
    assert played.tick().plan.reason.startswith("the canary is well")
    assert played.status["measurements"][0]["message"] == "memory of the pods 400.00 MB <= 400 MB"


def test_without_a_title_it_is_called_by_its_name() -> None:
    played = world_at(10, metrics=[OWN])
    played.meter.values["memory"] = 500.0
    assert played.tick().plan.reason == "memory 500.00 MB > 400 MB"


def test_an_install_that_refuses_them_halts_before_any_is_asked() -> None:
    played = world(metrics=[OWN])
    played.inline_queries = False
    assert played.tick().plan.reason == (
        "spec.canaryAnalysis.metrics[0].query: queries in a Rollout are not allowed here (--no-inline-queries): "
        "name a metric template"
    )
    assert (played.meter.asked, played.weights) == ([], [(100, 0)])


def test_the_name_of_a_file_is_no_name_for_a_query() -> None:
    played = world(metrics=[OWN | {"name": SUCCESS}])
    words = (
        "spec.canaryAnalysis.metrics[0].name: istio_requests_total is a metric template: give the query another name"
    )
    assert played.tick().plan.reason == words


def test_a_metric_that_nobody_knows_raises_no_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    played: World = world_at(10, metrics=[{"name": SUCCESS, "threshold": 99}])
    monkeypatch.setattr(metrics, "problems", lambda _: [])
    monkeypatch.setattr(worlds, "METRICS", {"other": Metric(name="other", title="", unit="", bound="")})
    assert played.tick().plan.reason == "istio_requests_total is no metric template"
    assert played.weights == [(90, 10)]
