"""A part of all trials, in which each way of each kind is met once. `make faults` makes all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from reconcile.core.state_machine import Move
from reconcile.engine import apply, one_pass
from tests.components.faults import FAULTS
from tests.explorer.mutants import MUTANTS
from tests.faults import laws, matrix, numbers, replay
from tests.faults.trials import AWAY, DELETED, HANDS, KILLS, LATE, RACES, READS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.components.controlplane import ControlPlane
    from tests.faults.matrix import Calm
    from tests.faults.trials import Ended, Trial

pytestmark = pytest.mark.timeout(900)  # a minute or two on two cores of their own

APART = 7
"""The points between two ways: it has no factor with the number of points in common."""
SHORT = 6
"""The passes of a short story. A trial makes all of them; what disturbs one of them disturbs those of the others."""
WAYS = {
    "write": {*FAULTS, AWAY, LATE, *KILLS},
    "read": {*READS},
    "race": {*RACES},
    "hand": {*HANDS, DELETED},
}


@pytest.fixture(scope="module")
def calm(control_plane: ControlPlane) -> Calm:
    """Tell the stories undisturbed."""
    return matrix.calm(control_plane)


@pytest.fixture(scope="module")
def ended(control_plane: ControlPlane, calm: Calm) -> Sequence[Ended]:
    """Make the trials, all of them before any test goes on: pytest writes into the environment that requests reads."""
    wanted = [one for kind in WAYS for one in each_way(of_short_stories(calm, kind))]
    return [*matrix.tried(control_plane, calm, wanted)]


def each_way(every: Sequence[Trial]) -> Iterator[Trial]:
    """Yields each way once, at points from all over the stories."""
    for number, what in enumerate(dict.fromkeys(one.what for one in every)):
        places = [one for one in every if one.what == what]
        yield places[number * APART % len(places)]


def of_kind(calm: Calm, kind: str) -> list[Trial]:
    return [one for one in calm.trials if one.kind == kind]


def of_short_stories(calm: Calm, kind: str) -> list[Trial]:
    return [one for one in of_kind(calm, kind) if len(calm.told[one.point.story].passes) <= SHORT]


def test_the_stories_make_every_move_and_keep_the_laws(calm: Calm) -> None:
    moves = {one.move for told in calm.told.values() for one in told.passes}
    # What only a fault brings about is in the trials; the idle pass at the end of each story is not kept.
    assert moves == {move.value for move in Move} - {"idle", "copy"}
    for name, told in calm.told.items():
        assert told.trouble == ""
        assert laws.broken(replay.steps(calm.logs[name])) == []


def test_no_write_is_missed(calm: Calm) -> None:
    for name, told in calm.told.items():
        by_the_server = [entry for entry in calm.logs[name] if entry.verb not in {"get", "list", "watch"}]
        ours = [entry.name for entry in by_the_server if entry.user_agent.startswith(replay.OURS)]
        assert len(ours) == sum(len(one.writes) for one in told.passes)
    points = {one.point for one in of_kind(calm, "write")}
    assert len(points) > 30
    assert {point.what for point in points} == {
        *("PATCH rollouts/status", "PATCH virtualservices", "PATCH deployments", "POST events", "PATCH events")
    }


@pytest.mark.parametrize("kind", WAYS)
def test_whatever_happens_the_laws_hold_and_the_end_is_the_same(ended: Sequence[Ended], kind: str) -> None:
    mine = [one for one in ended if one.trial.kind == kind]
    assert {one.trial.what for one in mine} == WAYS[kind]
    broken = [f"{one.trial} ({one.how}): {text}" for one in mine for text in one.broken]
    assert not broken, "\n".join(broken)


# Broken programs, each with a trial that it must not come through: kind, way, move, write.
CAUGHT = {
    "the ticket is not tested": ("race", "held before, at once", "start", "PATCH rollouts/status"),
    "the weights are written without a test": ("hand", "weights", "advance", "PATCH virtualservices"),
    "a failed write does not end the pass": ("write", "500", "advance", "PATCH rollouts/status"),
    "Events are written first": ("write", "dropped", "start", "PATCH rollouts/status"),
    "the end is stored before it is reached": ("write", "500", "retire", "PATCH deployments"),
    "a promotion that was not copied is not taken up": ("write", "dropped", "promote", "PATCH deployments"),
}


@pytest.mark.parametrize("name", CAUGHT)
def test_a_broken_program_is_caught(control_plane: ControlPlane, calm: Calm, name: str) -> None:
    wanted = [one for one in calm.trials if (one.kind, one.what, one.point.move, one.point.what) == CAUGHT[name]]
    # The engine knows the function by a name of its own.
    with MUTANTS[name](), patch.object(one_pass, "apply", apply.apply):
        broken = [text for one in matrix.tried(control_plane, calm, wanted[:1]) for text in one.broken]
    assert any(text[0].isdigit() for text in broken), broken


def test_the_numbers_of_the_page_are_those_of_a_run() -> None:
    numbers.RECORD.check()
