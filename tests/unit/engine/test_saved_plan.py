"""The document of a saved plan: what is read, and in which words anything else is refused."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from reconcile.engine import saved_plan
from reconcile.model.errors import UsageError
from tests.hostile.tally import End, ended
from tests.support.world import START
from tests.unit.engine.saved_plans import R, World, again


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "is no plan"),
        ('{"kind": "steerer plan", "format": 2}', "has format 2, and this steerer reads 1"),
        ('{"kind": "steerer plan", "format": 1}', "was changed"),
    ],
)
def test_what_is_no_plan_is_refused_as_a_whole(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        saved_plan.parse(text, "plan.json")


def test_a_file_that_was_cut_or_edited_is_noticed() -> None:
    content = World().save()
    text = json.dumps(content)
    assert saved_plan.parse(text, "plan.json").entries.keys() == {R}
    with pytest.raises(UsageError, match=r"plan\.json is no plan that steerer saved, or not the whole of one"):
        saved_plan.parse(text[:-10], "plan.json")
    with pytest.raises(UsageError, match=r"plan\.json was changed since steerer saved it"):
        saved_plan.parse(text.replace('"weight": 20', '"weight": 30'), "plan.json")


@pytest.mark.hostile("A saved plan", "members that are absent or of a wrong type")
@pytest.mark.parametrize("member", ["rollout", "before", "gates", "measurements", "patches", "events", "uid", "reason"])
def test_a_forged_file_with_holes_is_no_plan(member: str) -> None:
    for value in (None, 7, [7], {"x": 7}):
        content = World().save()
        content["rollouts"][0][member] = value
        if member in {"uid", "reason"}:
            del content["rollouts"][0][member]
        with pytest.raises(UsageError, match="is no plan that steerer saved"):
            saved_plan.parse(json.dumps(again(content)), "plan.json")
        ended(End.REFUSED)


def test_a_rollout_cannot_be_in_it_twice() -> None:
    content = World().save()
    content["rollouts"] *= 2
    with pytest.raises(UsageError, match="is no plan"):
        saved_plan.parse(json.dumps(again(content)), "plan.json")


def test_it_does_not_keep() -> None:
    plan = saved_plan.parse(json.dumps(World().save()), "plan.json")
    assert plan.age_problem(START + timedelta(minutes=10), 600) == ""
    assert plan.age_problem(START + timedelta(seconds=601), 600) == (
        "the plan is 601s old, and --max-age is 600s: make a new one"
    )
    assert "one of two clocks is wrong" in plan.age_problem(START - timedelta(minutes=2), 600)
