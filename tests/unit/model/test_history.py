"""The weights of a release that are on record: bounded, of this release alone, and never a reason to halt."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from reconcile.core.status import Readiness, render
from reconcile.model import rollout_manifest
from reconcile.model.rollout import MOST_WEIGHTS, State
from tests.support.paths import ARTIFACTS

AT = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


def after(*weights: int) -> State:
    """Returns the state after these weights, one a minute."""
    state = State()
    for index, weight in enumerate(weights):
        state = state.with_weight(AT + timedelta(minutes=index), weight)
    return state


def stored(history: Any) -> list[tuple[datetime, int]]:
    """Returns what is read of a stored history; the Rollout is valid whatever it is."""
    manifest = yaml.safe_load((ARTIFACTS / "rollouts" / "podinfo.yaml").read_text(encoding="utf-8"))
    found = rollout_manifest.parse(manifest | {"status": {"history": history}})
    assert found.problems == ()
    return [*found.state.history]


def test_each_weight_is_on_record_once_and_a_release_after_weight_0_begins_anew() -> None:
    assert [weight for _, weight in after(10, 20, 20, 30, 0).history] == [10, 20, 30, 0]
    assert [weight for _, weight in after(10, 20, 0, 0, 5, 10).history] == [5, 10]
    assert after(10, 20).canary_weight == 20


def test_a_long_release_keeps_its_beginning_and_its_end_in_four_kibibytes() -> None:
    state = after(*range(1, 101))
    weights = [weight for _, weight in state.history]
    assert len(weights) <= MOST_WEIGHTS
    assert (weights[0], weights[-1], weights) == (1, 100, sorted(weights))
    assert weights[-32:] == [*range(69, 101)]
    manifest = yaml.safe_load((ARTIFACTS / "rollouts" / "podinfo.yaml").read_text(encoding="utf-8"))
    readiness = Readiness(ready="Unknown", reason="Progressing", message="")
    written = render(rollout_manifest.parse(manifest), state, readiness, None, AT)
    assert len(json.dumps(written["history"], separators=(",", ":"))) < 4096


def test_a_history_is_read_as_it_was_written() -> None:
    assert stored([{"time": "2026-01-31T12:00:00Z", "weight": 10}]) == [(AT, 10)]


@pytest.mark.parametrize(
    "history",
    [None, 5, "x", {}, [None], [{}], [{"time": "x", "weight": 5}], [{"time": "2026-01-31T12:00:00Z", "weight": 101}]],
)
def test_what_cannot_be_read_is_left_out_and_is_no_problem(history: Any) -> None:
    assert stored(history) == []
