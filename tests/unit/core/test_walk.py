"""What is kept of a walk while its Rollout is decided again: nothing that another time or answer would change."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconcile.core import gates
from reconcile.core.case import DEADLINE_EXCEEDED, Case, Ending
from reconcile.core.decide import decide
from reconcile.core.stops import StopError
from reconcile.core.walk import TIMELESS
from reconcile.engine.observe import observe
from reconcile.engine.selection import Selection
from reconcile.model.measurement import Answer
from reconcile.model.settings import Settings
from tests.support.world import METRICS, START
from tests.unit.core.test_cases import CASES, given

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = Settings(interval=60, metrics=METRICS)
LATER = START + timedelta(days=100)


@pytest.fixture(params=sorted(CASES.iterdir()), ids=lambda path: str(path.name))
def world(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_gates_that_know_no_time_see_the_same_at_any_time(world: Path) -> None:
    for item in observe(given(world)[0], Selection()).observations:
        now, later = Case(item, SETTINGS, START), Case(item, SETTINGS, LATER)
        limited = Case(item, SETTINGS, START, Ending(DEADLINE_EXCEEDED, "too late"))
        for name in TIMELESS:
            assert _seen(name, now) == _seen(name, later) == _seen(name, limited), name


def test_a_decision_made_again_is_the_one_made_at_that_time(world: Path) -> None:
    for item in observe(given(world)[0], Selection()).observations:
        case = Case(item, SETTINGS, START)
        answers = {question: Answer(value=100.0) for question in decide(case, None).questions}
        for now in (START, START + timedelta(seconds=90), LATER):
            assert decide(case.at(now), answers) == decide(Case(item, SETTINGS, now), answers)


def _seen(name: str, case: Case) -> str:
    try:
        return gates.BY_NAME[name](case)
    except (StopError, ValueError) as stop:  # ValueError: the spec is invalid, which an earlier gate says
        return f"{type(stop).__name__}: {stop}"
