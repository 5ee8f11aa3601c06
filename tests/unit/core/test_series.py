"""The gate before the first step: a metric that has no series for the primary either raises no weight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model.actions import ANY_REVISION, Action
from reconcile.model.measurement import Asks, Failure
from tests.support.world import DURATION, SUCCESS, R, World, world

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECK: dict[str, Any] = {"name": SUCCESS, "threshold": 99}
MISSING = (
    "success rate: no series for podinfo-canary, nor for its primary podinfo, so that the canary would be held without "
    "data at 10 %. Look at the labels in the query, at what Prometheus scrapes, and at the proxies; steerer check "
    "shows the query. A metric that is new with this version takes a fromWeight above 10, or onNoData: Pass"
)
OWN = {"name": "queue", "query": "max(queue_length)", "thresholdRange": {"max": 9}}


def beginning(values: Mapping[str, float | Failure], *metrics: Mapping[str, Any], **analysis: Any) -> World:
    """Builds a release that is about to begin."""
    played = world(metrics=list(metrics), **analysis)
    played.meter.values = dict(values)
    return played


def test_without_series_of_either_workload_nothing_begins_until_there_are_some() -> None:
    played = beginning({}, CHECK)
    held = [played.tick().plan for _ in range(2)]
    assert [(plan.move, plan.reason) for plan in held] == [("halt", MISSING)] * 2
    assert held[0].gates[-1].name == "series"
    assert (played.weights, played.status.get("measurements")) == ([(100, 0)], None)
    assert [event.message for event in held[0].events] == [f"Halt rollout podinfo.test {MISSING}"]
    assert (held[1].patches, len(MISSING) < 1024) == ((), True)
    played.meter.values[SUCCESS] = 12.0
    assert played.tick().plan.move == "start"


def test_each_metric_without_series_is_named() -> None:
    played = beginning({}, CHECK, {"name": DURATION, "threshold": 500})
    assert played.tick().plan.reason.startswith("success rate, request duration: no series for podinfo-canary, nor for")


@pytest.mark.parametrize("workload", ["podinfo", "podinfo-canary"])
@pytest.mark.parametrize("value", [0.0, Failure.NOT_A_NUMBER])
def test_series_of_one_workload_are_enough_whatever_they_say(workload: str, value: float | Failure) -> None:
    played = beginning({}, CHECK)
    played.meter.others[Asks.VALUE, workload] = value
    assert played.tick().plan.move == "start"


@pytest.mark.parametrize("failure", sorted(set(Failure) - {Failure.NO_DATA}))
def test_an_answer_that_tells_nothing_of_series_holds_nothing_up(failure: Failure) -> None:
    plan = beginning({SUCCESS: failure}, CHECK).tick().plan
    [gate] = [gate for gate in plan.gates if gate.name == "series"]
    unknown = failure is not Failure.NOT_A_NUMBER
    expected = (
        f"whether there are series is not known: success rate: {failure}" if unknown else "each metric has series"
    )
    assert (plan.move, gate.reason) == ("start", expected)


@pytest.mark.parametrize("more", [{"observe": True}, {"fromWeight": 20}, {"onNoData": "Pass"}, {"onNoData": "Fail"}])
def test_a_metric_that_would_not_hold_the_first_step_for_it_is_not_asked(more: dict[str, Any]) -> None:
    played = beginning({}, CHECK | more)
    plan = played.tick().plan
    assert (plan.move, played.meter.asked) == ("start", [])
    assert "series" not in {gate.name for gate in plan.gates}


def test_a_metric_that_gates_from_the_first_step_on_is_asked() -> None:
    assert beginning({}, CHECK | {"fromWeight": 10}).tick().plan.reason == MISSING


def test_a_query_that_asks_the_same_of_both_tells_nothing_of_the_canary() -> None:
    assert beginning({}, OWN).tick().plan.move == "start"


def test_before_a_paused_release_nothing_is_asked() -> None:
    played = beginning({}, CHECK)
    played.cluster.edit(R, "metadata", "annotations", {Action.PAUSE.annotation: ANY_REVISION})
    assert (played.tick().plan.move, played.meter.asked) == ("hold", [])
