"""The laws of a pass in random worlds in which people and policies ask for something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from reconcile.core.state_machine import Move
from reconcile.model.actions import Action
from reconcile.model.plan import Result
from reconcile.model.template_hash import revision
from tests.random_worlds.test_laws import ASKED, examples, least_seen, sample
from tests.support.asking import asked_scene, asked_scenes
from tests.support.json_values import copied
from tests.support.laws import (
    Turn,
    law_aborted,
    law_approved,
    law_counts,
    law_failed,
    law_held,
    law_rolled_back,
    law_silence,
    shares,
    turns,
)
from tests.support.share import number
from tests.support.strategies import Scene, calm_scene, troubled_scene
from tests.support.world import C

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconcile.model.kinds import Manifest, Ref

LEAST = 5


def test_every_turn_keeps_the_laws_whatever_is_asked_for() -> None:
    rare = least_seen(asked_scenes(), 1800, ASKED, LEAST)
    assert not rare, f"the sample has too few of {rare}"


@examples(number(300, 2))
@given(asked_scenes())
def test_at_the_same_time_no_weight_rises_again_and_no_check_is_counted_twice(scene: Scene) -> None:
    scene = replace(scene, interval=scene.interval or 60.0)
    cluster = scene.cluster()
    first = list(turns(scene, cluster))
    for earlier, later in zip(first, turns(scene, cluster), strict=True):
        if earlier.moved and earlier.result is Result.APPLIED:
            risen = [new > old for old, new in zip(shares(later.before), shares(later.after), strict=True)]
            assert not any(risen), (earlier.plan, later.plan)
        if not scene.unwritable:
            assert counted(later, later.after) <= counted(later, later.before)


def counted(turn: Turn, objects: Mapping[Ref, Manifest]) -> Any:
    """Returns how many checks are on record; 0 before the first."""
    return ((objects[turn.plan.rollout].get("status") or {}).get("analysis") or {}).get("checks", 0)


# The laws notice what is broken.


@pytest.fixture(scope="module")
def sampled() -> list[Turn]:
    return sample(600, lambda pick: asked_scene(pick, pick((calm_scene, troubled_scene))(pick)))


def _asked(turn: Turn, change: Callable[[Manifest, str], None]) -> Turn:
    """Returns the turn as if the Rollout had been another one before it."""
    if C not in turn.before:
        return turn
    rollout = copied(turn.before[turn.plan.rollout])
    template = turn.before[C]["spec"].get("template")
    if not isinstance(rollout.get("spec"), dict) or not isinstance(rollout["spec"].get("canaryAnalysis"), dict):
        return turn
    if not isinstance(template, dict) or not isinstance(rollout.get("status"), dict):
        return turn
    change(rollout, revision(template))
    return replace(turn, before=turn.before | {turn.plan.rollout: rollout})


def _suspended(rollout: Manifest, _: str) -> None:
    rollout["spec"]["suspend"] = True


def _paused(rollout: Manifest, _: str) -> None:
    rollout["metadata"]["annotations"] = {Action.PAUSE.annotation: "*"}


def _aborted(rollout: Manifest, present: str) -> None:
    rollout["metadata"]["annotations"] = {Action.ABORT.annotation: present}


def _failed(rollout: Manifest, present: str) -> None:
    rollout["metadata"]["annotations"] = {}
    rollout["status"] |= {"phase": "Failed", "canaryRevision": present}


def _unapproved(rollout: Manifest, _: str) -> None:
    rollout["metadata"]["annotations"] = {}
    rollout["spec"]["canaryAnalysis"]["steps"] = [{"weight": 1, "approval": True}, {"weight": 100}]


def _nobody(rollout: Manifest, _: str) -> None:
    rollout["metadata"]["annotations"] = {}
    rollout["spec"]["canaryAnalysis"] |= {"onFailure": "Halt"}


def _counted_twice(turn: Turn) -> Turn:
    rollout = copied(turn.after[turn.plan.rollout])
    analysis = (rollout.get("status") or {}).get("analysis")
    if analysis:
        analysis["failedChecks"] += 2
    return replace(turn, after=turn.after | {turn.plan.rollout: rollout})


def _told_of_a_wait(turn: Turn) -> Turn:
    return replace(turn, plan=replace(turn.plan, move=Move.WAIT)) if turn.plan.move == Move.HOLD else turn


BROKEN: dict[str, tuple[Callable[[Turn], Turn], Callable[[Turn], None]]] = {
    "a move under a suspension": (lambda turn: _asked(turn, _suspended), law_held),
    "a move under a pause": (lambda turn: _asked(turn, _paused), law_held),
    "more traffic after an abort": (lambda turn: _asked(turn, _aborted), law_aborted),
    "traffic left after a rollback": (lambda turn: replace(turn, after=turn.before), law_rolled_back),
    "a rollback without a cause": (lambda turn: _asked(turn, _nobody), law_rolled_back),
    "traffic for a revision that failed": (lambda turn: _asked(turn, _failed), law_failed),
    "a check that is counted twice": (_counted_twice, law_counts),
    "a step that nobody approved": (lambda turn: _asked(turn, _unapproved), law_approved),
    "a hold that is a wait": (_told_of_a_wait, law_silence),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_turn_is_noticed_by_its_law(name: str, sampled: list[Turn]) -> None:
    broken, law = BROKEN[name]
    for turn in sampled:
        law(turn)
        try:
            law(broken(turn))
        except (AssertionError, pytest.fail.Exception):
            return
    pytest.fail(f"{law.__name__} lets {name} pass")
