"""The weights of a release, and the least time that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconcile.preflight.checks import FOLDER
from reconcile.preflight.steps import PASSES_BESIDE_WEIGHTS
from tests.support.world import standard, world
from tests.unit.preflight.examining import ANALYSIS, ROLLOUT, Broken, examined, infos, rows_of

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest

HELD = [{"weight": 5, "hold": "30m"}, {"weight": 50}]


def _warning(field: str, words: str) -> tuple[str, str, str, str, str]:
    return ("steps", "warning", ROLLOUT, f"{ANALYSIS}.{field}", words)


BROKEN: dict[str, Broken] = {
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
    "a limit that nothing follows from": (
        standard(failureLimit=2),
        _warning("onFailure", "is Halt: a limit or a deadline that is passed changes nothing; say Pause or Rollback"),
    ),
    "a limit without a metric": (
        standard(onFailure="Rollback", failureLimit=2, metrics=None),
        _warning("failureLimit", "can never be reached: no metric is asked for, so that no check fails"),
    ),
    "a limit behind another one": (
        standard(onFailure="Rollback", failureLimit=2, consecutiveFailureLimit=2),
        _warning("consecutiveFailureLimit", "2 can never be reached: the failureLimit of 2 is passed before"),
    ),
    "a limit that a deadline comes before": (
        standard(onFailure="Rollback", failureLimit=20, deadline="20m"),
        _warning(
            "failureLimit", "20 can never be reached: 21 checks take 21m, and the deadline of 20m is passed before"
        ),
    ),
    "a limit in a row that the deadline of a step comes before": (
        standard(onFailure="Rollback", consecutiveFailureLimit=5, failureLimit=9, stepDeadline="4m"),
        _warning(
            "consecutiveFailureLimit",
            "5 can never be reached: 6 checks take 6m, and the stepDeadline of 4m is passed before",
        ),
    ),
    "a deadline that no release keeps": (
        standard(onFailure="Rollback", deadline="5m", stepWeight=20),
        _warning("deadline", "5m is shorter than the 7m that the steps need at least"),
    ),
    "a deadline of a step that no step keeps": (
        standard(onFailure="Rollback", stepDeadline="30m", stepWeight=None, maxWeight=None, steps=HELD),
        _warning("stepDeadline", "30m is not longer than the 30m that a step takes at least"),
    ),
}


@pytest.mark.parametrize(("items", "row"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_found_and_nothing_else(items: list[Manifest], row: tuple[str, ...]) -> None:
    assert rows_of(examined(items, FOLDER)) == [row]


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


def test_the_time_of_steps_and_of_the_way_back_is_told() -> None:
    items = standard(stepWeight=None, maxWeight=None, steps=HELD, promotion={"stepWeight": 20, "drain": "5m"})
    words = "5, 50 %: 7 passes at least, 39m at a control-loop interval of 1m"
    assert infos(items, "steps") == [words]


@pytest.mark.parametrize(("step", "most", "weights"), [(30, 50, 2), (10, 100, 10), (100, 100, 1), (60, 50, 1)])
def test_a_release_takes_as_many_passes_as_is_told(step: int, most: int, weights: int) -> None:
    w = world(stepWeight=step, maxWeight=most)
    w.workloads.step()
    passes = 0
    while w.status.get("phase") != "Succeeded":
        w.tick()
        passes += 1
    assert passes == weights + PASSES_BESIDE_WEIGHTS
