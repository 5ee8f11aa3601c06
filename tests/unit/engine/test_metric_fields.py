"""The fields of a metric, played: what a release does with ranges, no data, observed metrics and a warm-up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconcile.model.measurement import Failure
from tests.support import world as worlds
from tests.support.world import DURATION, SUCCESS, R, world_at

if TYPE_CHECKING:
    import pytest

RATE = {"name": SUCCESS, "threshold": 99}
ROLLBACK: dict[str, Any] = {"onFailure": "Rollback", "failureLimit": 0}


def metric(name: str = DURATION, threshold: object = 500, **fields: Any) -> dict[str, Any]:
    return {"name": name, "threshold": threshold} | fields


ANY_ANSWER = st.sampled_from([*Failure]) | st.floats(-10, 1000)


@settings(max_examples=40)
@given(answer=ANY_ANSWER, policy=st.sampled_from(["Halt", "Fail", "Pass"]))
def test_an_observed_metric_changes_no_weight_whatever_it_answers(answer: float | Failure, policy: str) -> None:
    world = world_at(10, metrics=[RATE, metric(observe=True, onNoData=policy)], **ROLLBACK)
    world.meter.values[DURATION] = answer
    world.until_weight(30, most=2)
    assert "failedChecks" not in world.status.get("analysis", {}) or world.status["analysis"]["failedChecks"] == 0


def test_an_observed_metric_lets_no_bad_one_pass() -> None:
    world = world_at(metrics=[RATE, metric(observe=True)])
    world.meter.values[SUCCESS] = 50.0
    assert world.tick().plan.move == "halt"
    assert world.weights == [(80, 20)]


def test_a_metric_is_shown_and_holds_nothing_up_below_its_weight() -> None:
    world = world_at(10, metrics=[RATE, metric(fromWeight=30)])
    world.meter.values[DURATION] = 900.0
    world.until_weight(30)
    [_, shown] = world.status["measurements"]
    assert (shown["verdict"], shown["gate"]) == ("failed", False)
    assert shown["message"] == "request duration 900ms > 500ms (holds nothing up below 30 %)"
    assert world.tick().plan.reason == "request duration 900ms > 500ms"


def test_no_data_that_is_a_failure_counts_and_rolls_back() -> None:
    world = world_at(metrics=[metric(onNoData="Fail")], **ROLLBACK)
    world.meter.values[DURATION] = Failure.NO_DATA
    assert world.tick().plan.move == "roll back"


def test_no_data_that_is_skipped_lets_the_release_go_on_and_is_not_told_as_passed() -> None:
    world = world_at(metrics=[RATE, metric(onNoData="Pass")])
    world.meter.values[DURATION] = Failure.NOT_A_NUMBER
    world.until_weight(30, most=1)
    assert [item["verdict"] for item in world.status["measurements"]] == ["passed", "skipped"]


def test_a_range_is_told_in_the_status() -> None:
    world = world_at(10, metrics=[{"name": DURATION, "thresholdRange": {"min": 150, "max": 300}}])
    assert world.tick().plan.reason == "request duration 100ms < 150ms"
    [shown] = world.status["measurements"]
    assert (shown["thresholdRange"], "threshold" in shown) == ({"min": 150.0, "max": 300.0}, False)


def test_a_range_is_what_a_metric_without_a_better_side_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    undirected = {name: replace(item, bound="") for name, item in worlds.METRICS.items()}
    world = world_at(metrics=[RATE])
    monkeypatch.setattr(worlds, "METRICS", undirected)
    words = "spec.canaryAnalysis.metrics[0].threshold: istio_requests_total has no better side: write thresholdRange"
    assert world.tick().plan.reason == words
    world.cluster.edit(R, "spec", "canaryAnalysis", "metrics", [{"name": SUCCESS, "thresholdRange": {"min": 99}}])
    world.until_weight(30, most=1)


def test_nothing_is_asked_and_nothing_counted_while_a_canary_warms_up() -> None:
    world = world_at(20, warmUp="3m", **ROLLBACK)
    world.meter.values[SUCCESS] = 50.0
    asked, counted = len(world.meter.asked), world.status["analysis"]["checks"]
    waits = [world.tick().plan for _ in range(2)]
    assert [(plan.move, plan.patches, plan.events) for plan in waits] == [("wait", (), ())] * 2
    assert waits[0].reason == "2m of the 3m left in which the canary warms up: nothing is measured"
    assert (len(world.meter.asked), world.status["analysis"]["checks"]) == (asked, counted)
    assert world.tick().plan.move == "roll back"


def test_a_deadline_passes_while_a_canary_warms_up() -> None:
    world = world_at(10, warmUp="1h", onFailure="Rollback", stepDeadline="30m")
    assert world.tick().plan.move == "wait"
    assert world.tick(seconds=1800).plan.move == "wait"
    assert world.tick().plan.move == "roll back"
