"""A search over worlds, and the broken programs that a law has to notice."""

from __future__ import annotations

import gc
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconcile.core.state_machine import Move
from tests.explorer import numbers
from tests.explorer.mutants import MUTANTS, caught
from tests.explorer.program import Program
from tests.explorer.search import BESIDE_ANOTHER, BY_WORD, SEEDS, TWO_OBJECTS, Search
from tests.explorer.serial import interleaved, serial
from tests.explorer.story import follow, seen, tell
from tests.support.share import number, share

if TYPE_CHECKING:
    from collections.abc import Iterator

# The moves that a person's word or a failure policy asks for: the worlds of BY_WORD have either.
WORD_MOVES = {Move.GIVE_UP, Move.HOLD, Move.ROLL_BACK, Move.PROMOTE_NOW}
FEW = {"a new canary": SEEDS["a new canary"]}
PART = 1000
"""So many worlds of each, those with fewer disturbances first; `make explore` visits all."""
REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*.json"))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Turns off the log of a million writes, and the search for cycles among a million worlds, which have none."""
    logging.disable()
    gc.disable()
    yield
    gc.enable()
    logging.disable(logging.NOTSET)


MANY = number(120_000, 24)
"""So many worlds after one disturbance of the plainest beginning, of some 110,000."""


@pytest.mark.timeout(900)  # half a minute on an idle core, with --whole
def test_worlds_within_one_disturbance_keep_the_laws_and_end_well() -> None:
    search = Search()
    search.run(seeds=FEW, levels=1, states=MANY)
    assert len(search.worlds) >= min(MANY, 100_000)
    # Most of what happens from the other beginnings is the same; `make explore` goes on from all of them.
    others = Search(program=search.program)
    others.run(seeds={name: world for name, world in SEEDS.items() if name not in FEW}, levels=0)
    assert others.complete == 0
    assert {plot.plan.move for plot in search.program.plots} == {move.value for move in {*Move} - WORD_MOVES}
    for one in (search, others):
        assert not one.violations, "\n".join(tell(found, one) for found in one.violations.values())
    # Every action happens at least once.
    assert set(search.taken + others.taken) >= {
        "the interval passes",
        "another pass begins",
        "a pass begins, metrics are absent",
        "a pass begins, there are no series",
        "the pass goes on, its answer is lost",
        "the pass goes on, and gets 500",
        "pass B is killed",
        "somebody gives the canary 1.1 restarted",
        "a GitOps tool puts the weights back",
        "a GitOps tool gives the primary 1.0, in the same second",
        "somebody mends the primary",
        "somebody puts a copy of the route in front",
        "somebody sets the analysis to: invalid",
        "the autoscaler wants another size",
    }


def test_a_canary_that_somebody_elses_route_splits_traffic_to_is_never_scaled_to_zero() -> None:
    search = Search()
    search.run(seeds=BESIDE_ANOTHER, levels=0)
    assert not search.violations, "\n".join(tell(one, search) for one in search.violations.values())
    assert search.calm.people["another VirtualService splits traffic to the canary"] > 100
    assert {plot.plan.move for plot in search.program.plots} >= {"retire", "halt", "idle"}
    assert search.taken["somebody has the other VirtualService give the canary 60"] > 100


def test_two_objects_that_split_the_traffic_move_together_whoever_writes_either() -> None:
    search = Search()
    search.run(seeds=TWO_OBJECTS, levels=1, states=PART)
    assert not search.violations, "\n".join(tell(one, search) for one in search.violations.values())
    assert {plot.plan.move for plot in search.program.plots} >= {"advance", "promote", "reset", "restore", "retire"}
    assert set(search.taken) >= {
        "somebody sets the canary's weight to 100 in the HTTPRoute",
        "a GitOps tool puts the weights of the HTTPRoute back",
    }


@pytest.mark.parametrize(
    ("seed", "moves", "waits"),
    [
        ("failed checks roll back", {"halt", "roll back", "give up", "start", "idle", "retire"}, set()),
        ("failed checks freeze", {"halt", "promote now", "reset", "retire"}, {"the failure policy holds it"}),
        ("people steer", {"hold", "roll back", "give up", "retire"}, {"somebody paused it", "it is suspended"}),
        ("a step is approved", {"hold", "advance", "conclude", "wait"}, {"nobody approved", "somebody paused it"}),
    ],
)
def test_what_people_ask_for_and_a_failure_policy_keep_the_laws(seed: str, moves: set[str], waits: set[str]) -> None:
    search = Search()
    search.run(seeds={seed: BY_WORD[seed]}, levels=1, states=PART)
    assert not search.violations, "\n".join(tell(one, search) for one in search.violations.values())
    assert {plot.plan.move for plot in search.program.plots} >= moves
    assert set(search.calm.people) >= waits
    assert set(search.taken) >= {"a pass begins, metrics are bad", "the interval passes"}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_program_is_caught(name: str) -> None:
    assert caught(name)


def test_two_passes_at_once_leave_what_two_in_a_row_leave_or_less() -> None:
    search = Search()
    search.run(levels=0)
    assert not search.violations, "\n".join(tell(one, search) for one in search.violations.values())
    worlds = [world for world in search.worlds if not world.flights]
    assert len(worlds) > 1000
    for world in share(worlds, "two passes at once", 8):
        assert interleaved(search.program, world) <= serial(search.program, world), seen(world)


def test_two_passes_without_a_ticket_leave_what_no_two_in_a_row_leave() -> None:
    with MUTANTS["the ticket is not tested"](), MUTANTS["the weights are written without a test"]():
        search = Search(program=Program(whole=False))
        search.run(seeds=FEW, levels=0)
        worlds = [world for world in search.worlds if not world.flights]
        assert any(not interleaved(search.program, one) <= serial(search.program, one) for one in worlds)


def test_a_retry_that_counts_again_gives_a_failed_revision_traffic() -> None:
    on, later = "the pass goes on", "the interval passes"
    begins, fails = ("a pass begins", on, on), (later, "a pass begins, metrics are bad", on)
    failed = (*fails, *fails, on, later, *begins, on)
    again = (later, *begins, "the canary is rolled out and well", later, *begins)
    way = (*begins, *failed, "somebody asks for retry of 1.1, first", *again, *failed, *again)

    def laws() -> set[str]:
        scenes = follow(Search(program=Program(whole=False)), "failed checks roll back", way)
        return {law.partition(":")[0] for scene in scenes for law in scene.broken}

    assert laws() == set()
    with MUTANTS["a retry counts again and again"]():
        assert "19" in laws()


@pytest.mark.parametrize("path", REGRESSIONS, ids=[path.stem for path in REGRESSIONS])
def test_what_was_mended_stays_so(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    for scene in follow(Search(), case["seed"], case["way"]):
        assert scene.broken == ()


def test_a_way_can_be_followed_again() -> None:
    search = Search()
    search.run(seeds=FEW, levels=0)
    world, number = list(search.worlds.items())[-1]
    *_, last = follow(search, *search.way(number))
    assert last.world == world


def test_the_numbers_of_the_page_are_those_of_a_run() -> None:
    numbers.RECORD.check()
