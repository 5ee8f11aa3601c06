"""The laws of a pass in random worlds whose metrics answer for each side on their own."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from reconcile.core.state_machine import Move
from reconcile.model.measurement import Asks, Failure
from reconcile.model.plan import Outcome
from tests.random_worlds.test_laws import sample
from tests.support.laws import LAWS, Turn, checks, law_rises, law_says_which, shares, turns
from tests.support.measuring import SIDES, measured_scene, side
from tests.support.strategies import calm_scene
from tests.support.world import C, P, R

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconcile.model.kinds import Manifest
    from tests.support.strategies import Scene

WORLDS = 1500
LEAST = 5


@pytest.fixture(scope="module")
def sampled() -> list[Turn]:
    return sample(WORLDS, lambda pick: measured_scene(pick, calm_scene(pick)))


def test_every_turn_keeps_the_laws_whatever_each_side_answers(sampled: list[Turn]) -> None:
    seen: Counter[str] = Counter()
    for turn in sampled:
        for law in LAWS:
            law(turn)
        seen[turn.plan.move] += 1
        seen.update(set(situations(turn)))
    wanted = {Move.START, Move.ADVANCE, Move.PROMOTE, *SITUATIONS}
    assert not {name: seen[name] for name in wanted if seen[name] < LEAST}


SITUATIONS = {
    *("the canary has a value, the primary none", "the primary has a value, the canary none"),
    *("NaN of the canary alone", "NaN of the primary alone", "no request to either"),
    *("a primary at 0 replicas", "no series before the first step"),
    *("observed, and good beside a bad one", "observed, and bad beside a good one"),
}


def situations(turn: Turn) -> Iterator[str]:
    """Yields what is special about a turn in which metrics were asked."""
    if any(gate.name == "series" and gate.outcome is Outcome.FAILED for gate in turn.plan.gates):
        yield "no series before the first step"
    if turn.before[P]["spec"].get("replicas") == 0 and turn.plan.move == Move.HALT:
        yield "a primary at 0 replicas"
    compared = [check for check in checks(turn) if "comparison" in check] if turn.plan.measurements else []
    for check in compared:
        canary, primary = (side(turn.scene, check, ref.name) for ref in (C, P))
        numbers = [isinstance(one, float) for one in (canary, primary)]
        if numbers == [True, False]:
            yield "the canary has a value, the primary none"
        if numbers == [False, True]:
            yield "the primary has a value, the canary none"
        if [canary is Failure.NOT_A_NUMBER, primary is Failure.NOT_A_NUMBER] in ([True, False], [False, True]):
            yield f"NaN of the {'canary' if canary is Failure.NOT_A_NUMBER else 'primary'} alone"
        if {turn.scene.answer(check["name"], Asks.REQUESTS, name) for name in SIDES} == {0.0}:
            yield "no request to either"
    observed = {
        (bool(check.get("observe")), found.verdict)
        for check, found in zip(checks(turn), turn.plan.measurements, strict=False)
    }
    if {(True, "passed"), (False, "failed")} <= observed:
        yield "observed, and good beside a bad one"
    if {(True, "failed"), (False, "passed")} <= observed:
        yield "observed, and bad beside a good one"


def test_a_metric_that_is_only_observed_changes_no_weight(sampled: list[Turn]) -> None:
    """Without it the same pass does the same, whatever it was answered."""
    found = 0
    for turn in sampled:
        kept = [check for check in checks(turn) if not check.get("observe")]
        if len(kept) == len(checks(turn)) or not (turn.plan.measurements or turn.moved):
            continue
        found += 1
        [other] = turns(scene := _with(turn.scene, kept), scene.cluster())
        assert (other.plan.move, other.plan.after) == (turn.plan.move, turn.plan.after)
        assert shares(other.after) == shares(turn.after)
        assert [other.after[ref]["spec"] for ref in (P, C)] == [turn.after[ref]["spec"] for ref in (P, C)]
        assert [event.message for event in other.plan.events] == [event.message for event in turn.plan.events]
    assert found > WORLDS / 20


def _with(scene: Scene, metrics: list[Manifest]) -> Scene:
    """Returns the world with other metrics in the Rollout."""
    scene = replace(scene, manifests=deepcopy(scene.manifests))
    rollout = scene.of(R)
    assert rollout is not None
    rollout["spec"]["canaryAnalysis"]["metrics"] = metrics
    return scene


# The laws notice what is broken.


def _answered(value: Any, *workloads: str) -> Callable[[Turn], Turn]:
    """Returns what changes a turn as if these workloads had answered something else."""

    def changed(turn: Turn) -> Turn:
        sides = {key: value if key[2] in workloads else old for key, old in turn.scene.sides.items()}
        return replace(turn, scene=replace(turn.scene, sides=sides))

    return changed


BROKEN: dict[str, tuple[Callable[[Turn], Turn], Callable[[Turn], None]]] = {
    "a rise, and the canary has no value": (_answered(Failure.NO_DATA, C.name), law_rises),
    "a rise, and the primary has no value": (_answered(Failure.NO_DATA, P.name), law_rises),
    "a rise, and the canary has NaN": (_answered(float("nan"), C.name), law_rises),
    "a rise, and the primary has NaN": (_answered(Failure.NOT_A_NUMBER, P.name), law_rises),
    "a rise, and nobody has a request": (_answered(0.0, *SIDES), law_rises),
    "a first step, and nobody has series": (_answered(Failure.NO_DATA, *SIDES), law_rises),
    "nothing is said of the primary": (_answered(Failure.NO_DATA, P.name), law_says_which),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_turn_is_noticed_by_its_law(name: str, sampled: list[Turn]) -> None:
    broken, law = BROKEN[name]
    for turn in sampled:
        try:
            law(broken(turn))
        except AssertionError:
            return
    pytest.fail(f"{law.__name__} lets {name} pass")
