"""Comparisons, counts and the sequential test, played: what is asked, what is stored, and when it begins anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.model.measurement import Asks, Failure, Metric
from tests.support import world as worlds
from tests.support.world import DURATION, SUCCESS, R, World, world_at

CANARY, PRIMARY = "podinfo-canary", "podinfo"
RATIO = {"name": DURATION, "comparison": {"maxRatio": 1.5}}
TEST = {"name": SUCCESS, "threshold": 90, "comparison": {"maxRatio": 1.5, "falseAlarmRate": 0.05}}


def served(world: World, canary: tuple[float, float], primary: tuple[float, float]) -> None:
    """Sets what is counted on both sides: requests, and bad ones."""
    for workload, counts in ((CANARY, canary), (PRIMARY, primary)):
        world.meter.others |= {(Asks.REQUESTS, workload): counts[0], (Asks.FAILURES, workload): counts[1]}


def good(weight: int = 10, metric: dict[str, Any] = TEST, **fields: Any) -> World:
    """A release whose canary is as good as its primary, at a weight."""
    world = world_at(0, metrics=[metric], **fields)
    served(world, (600, 3), (5400, 27))
    world.until_weight(weight)
    return world


def evidence(world: World) -> list[dict[str, Any]]:
    return list((world.status.get("analysis") or {}).get("evidence", []))


def test_the_primary_is_asked_in_the_same_pass_and_a_worse_canary_halts() -> None:
    world = world_at(10, metrics=[RATIO])
    world.meter.others[Asks.VALUE, PRIMARY] = 50.0
    world.meter.asked.clear()
    assert world.tick().plan.reason == "request duration 100ms, primary 50ms: 2.00 > 1.5 times"
    assert [(question.workload, question.asks) for question in world.meter.asked] == [
        (CANARY, Asks.VALUE),
        (PRIMARY, Asks.VALUE),
    ]
    [stored] = world.status["measurements"]
    assert (stored["value"], stored["primaryValue"]) == (100.0, 50.0)
    assert stored["message"] == "request duration 100ms, primary 50ms: 2.00 > 1.5 times"


def test_a_common_outage_of_both_halts_nobody_who_compares() -> None:
    world = world_at(10, metrics=[{"name": SUCCESS, "comparison": {"maxRatio": 1.5}}])
    world.meter.values[SUCCESS] = 40.0  # of both
    world.until_weight(20, most=1)


ANSWERS = st.sampled_from([*Failure]) | st.floats(-10, 1000)


@settings(max_examples=60)
@given(canary=ANSWERS, primary=ANSWERS)
def test_no_answer_of_one_side_raises_a_weight(canary: float | Failure, primary: float | Failure) -> None:
    world = world_at(10, metrics=[RATIO])
    world.meter.others = {(Asks.VALUE, CANARY): canary, (Asks.VALUE, PRIMARY): primary}
    moved = world.tick().plan.move == "advance"
    assert not moved or not (isinstance(canary, Failure) or isinstance(primary, Failure))


def test_too_few_requests_hold_a_release_and_say_how_many() -> None:
    world = world_at(10, metrics=[{"name": SUCCESS, "threshold": 99, "minRequests": 500}], warmUp="1s")
    world.meter.others[Asks.REQUESTS, CANARY] = 312.0
    record = world.tick()
    assert (record.plan.move, record.plan.reason) == ("halt", "success rate: no data (312 of 500 requests)")
    world.meter.others[Asks.REQUESTS, CANARY] = 500.0
    world.until_weight(20, most=1)


def test_a_release_stores_what_each_step_counted_and_forgets_it_at_the_end() -> None:
    world = good(30)
    assert [(item["metric"], item["weight"], item["canary"]) for item in evidence(world)] == [
        (SUCCESS, 10, {"total": 600.0, "bad": 3.0}),
        (SUCCESS, 20, {"total": 600.0, "bad": 3.0}),
    ]
    world.until("Succeeded")
    assert "analysis" not in world.status


def test_counts_are_asked_since_the_step_began() -> None:
    world = good(20)
    world.now -= timedelta(seconds=60)
    world.now += timedelta(seconds=1000)
    world.meter.asked.clear()
    world.tick()
    counted = [question for question in world.meter.asked if question.asks is not Asks.VALUE]
    assert [(question.workload, question.asks, question.threshold) for question in counted] == [
        (CANARY, Asks.REQUESTS, None),
        (CANARY, Asks.FAILURES, 90.0),
        (PRIMARY, Asks.REQUESTS, None),
        (PRIMARY, Asks.FAILURES, 90.0),
    ]
    assert {question.interval for question in counted} == {"970s"}  # a scrape less


def test_many_bad_requests_end_the_release_by_the_evidence() -> None:
    world = good(20, onFailure="Rollback", failureLimit=0)
    served(world, (600, 40), (5400, 10))
    record = world.tick()
    assert record.plan.move == "roll back"
    assert "evidence" in record.plan.reason
    assert "that the canary is worse than 1.5 times the primary, limit 20 to 1" in record.plan.reason


def test_a_few_more_at_each_step_add_up() -> None:
    world = good(20)
    served(world, (600, 12), (5400, 27))
    reasons = [world.tick().plan for _ in range(6)]
    halted = next(number for number, plan in enumerate(reasons) if plan.move == "halt")
    assert halted > 0
    assert "in 3 steps" in reasons[halted].reason or "in 4 steps" in reasons[halted].reason


def test_a_new_revision_begins_without_evidence() -> None:
    world = good(30)
    world.release("1.2.2")
    world.until_weight(10)
    assert evidence(world) == []
    assert world.tick().plan.move == "advance"
    assert [item["weight"] for item in evidence(world)] == [10]


def test_a_new_attempt_begins_without_evidence() -> None:
    world = good(30, onFailure="Rollback", failureLimit=0)
    served(world, (600, 300), (5400, 10))
    world.until("Failed")
    served(world, (600, 3), (5400, 27))
    revision = world.status["canaryRevision"]
    world.cluster.edit(R, "metadata", "annotations", {"apps.weave.works/retry": f"{revision}/again"})
    world.until_weight(20)
    assert [item["weight"] for item in evidence(world)] == [10]


def test_a_weight_that_was_moved_by_hand_is_not_counted_until_it_is_on_record() -> None:
    world = good(30)
    world.split(20)
    record = world.tick()
    assert record.plan.move == "halt"
    assert record.plan.reason.endswith("no data (the routes do not give the canary the weight that is on record)")
    assert world.tick().plan.move == "advance"
    assert [(item["weight"], item["canary"]["total"]) for item in evidence(world)] == [(10, 600.0), (20, 1200.0)]


@pytest.mark.parametrize(
    ("metric", "problem"),
    [
        (
            {"name": DURATION, "comparison": {"maxRatio": 1.5, "falseAlarmRate": 0.05}},
            f"comparison.falseAlarmRate: {DURATION} counts nothing: its template needs requests and failures",
        ),
        (
            {"name": "own", "query": "up", "thresholdRange": {"min": 1}, "minRequests": 5},
            "minRequests: own counts no requests: its template needs requests",
        ),
    ],
)
def test_a_metric_that_cannot_count_is_told_before_anything_is_asked(metric: dict[str, Any], problem: str) -> None:
    world = world_at(0, metrics=[metric])
    assert world.tick().plan.reason == f"spec.canaryAnalysis.metrics[0].{problem}"
    assert world.meter.asked == []


def test_a_pass_that_wrote_its_status_and_no_weight_counts_nothing_twice() -> None:
    world = good(20)
    stored = evidence(world)
    world.split(10)  # as if the pass to 20 had died before the route
    world.cluster.edit(R, "status", "provenWeight", 10)
    moves = [world.tick().plan.move for _ in range(2)]
    assert moves == ["halt", "advance"]
    assert [item["weight"] for item in evidence(world)] == [10]
    assert evidence(world)[0]["canary"]["total"] == stored[0]["canary"]["total"] + 600


@pytest.mark.parametrize(("seconds", "window"), [(60, "60s"), (70, "60s"), (91, "61s"), (46, "46s")])
def test_a_step_that_is_young_is_counted_from_its_beginning(seconds: float, window: str) -> None:
    world = good(20)
    world.now += timedelta(seconds=seconds - 60)
    world.meter.asked.clear()
    world.tick()
    assert {question.interval for question in world.meter.asked if question.asks is not Asks.VALUE} == {window}


def test_a_release_that_was_found_with_traffic_is_counted_over_the_interval() -> None:
    world = world_at(0, metrics=[TEST | {"interval": "2m"}])
    served(world, (600, 3), (5400, 27))
    world.split(30)
    world.tick()
    assert {question.interval for question in world.meter.asked} == {"2m"}


def test_an_observed_metric_takes_no_share_of_the_rate() -> None:
    world = good(10)
    metrics = [TEST, TEST | {"interval": "2m"}, TEST | {"interval": "3m", "observe": True}]
    world.cluster.edit(R, "spec", "canaryAnalysis", "metrics", metrics)
    record = world.tick()
    assert [item.limit for item in record.plan.measurements] == [40, 40, 40]


def test_a_minimum_that_is_no_percentage_cannot_be_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    throughput = Metric(name=DURATION, title="throughput", unit="rps", bound="minimum")
    monkeypatch.setattr(worlds, "METRICS", {DURATION: throughput})
    words = f"comparison: {DURATION} has a minimum and is no percentage: write a thresholdRange"
    assert world_at(0, metrics=[RATIO]).tick().plan.reason == f"spec.canaryAnalysis.metrics[0].{words}"
