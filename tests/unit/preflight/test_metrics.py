"""Thresholds, intervals, and a canary whose requests are measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model.measurement import Metric
from reconcile.preflight.checks import FOLDER
from tests.support.world import DURATION, METRICS, standard
from tests.unit.preflight.examining import ANALYSIS, CANARY, ROLLOUT, Broken, examined, metric, rows_of, standard_with

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest

LONG = (
    "5m is longer than the 1m at a step: the first checks at a weight see what was before, and those of a new revision "
    "the one before it"
)
BROKEN: dict[str, Broken] = {
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
    "a window that is longer than a step": (
        standard(metrics=[metric(interval="5m")]),
        (
            "metrics",
            "warning",
            ROLLOUT,
            f"{ANALYSIS}.metrics[0].interval",
            LONG,
        ),
    ),
    "a metric that never holds anything up": (
        standard(maxWeight=50, metrics=[metric(fromWeight=60)]),
        (
            "metrics",
            "warning",
            ROLLOUT,
            f"{ANALYSIS}.metrics[0].fromWeight",
            "60 is above the maximum weight of 50: it never holds anything up",
        ),
    ),
    "a comparison with a primary that has no traffic any more": (
        standard(maxWeight=100, metrics=[metric(comparison={"maxRatio": 1.5})]),
        (
            "metrics",
            "warning",
            ROLLOUT,
            f"{ANALYSIS}.metrics[0].comparison",
            "the primary has no requests to compare with once the canary has all: the release would be held there",
        ),
    ),
    "a canary without a proxy": (
        standard_with(
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
}


@pytest.mark.parametrize(
    "fields",
    [
        {"metrics": [metric(interval="5m")], "warmUp": "5m"},
        {"metrics": [metric(interval="5m")], "interval": "5m"},
        {"metrics": [metric(observe=True, fromWeight=60)], "maxWeight": 50},
        {"metrics": [metric(comparison={"maxRatio": 1.5})], "maxWeight": 99},
        {"metrics": [metric(comparison={"maxRatio": 1.5}, observe=True)], "maxWeight": 100},
        {"metrics": [{"name": DURATION, "thresholdRange": {"max": -5}}]},
    ],
)
def test_what_is_right_has_no_finding(fields: dict[str, Any]) -> None:
    assert not rows_of(examined(standard(**fields), FOLDER))


@pytest.mark.parametrize(("items", "row"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_found_and_nothing_else(items: list[Manifest], row: tuple[str, ...]) -> None:
    assert rows_of(examined(items, FOLDER)) == [row]


def test_without_metrics_health_alone_decides() -> None:
    (result,) = examined(standard(metrics=None), FOLDER)
    assert {item.check: item.summary for item in result.results if item.check in {"metrics", "queries"}} == {
        "metrics": "none: health alone decides",
        "queries": "none",
    }


def test_a_metric_in_a_unit_of_its_own_is_taken_as_it_is() -> None:
    own = METRICS | {"errors": Metric(name="errors", title="errors", unit="errors", bound="maximum")}
    assert rows_of(examined(standard(metrics=[metric("errors", -1)]), FOLDER, metrics=own)) == []
