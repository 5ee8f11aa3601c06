"""The document of a saved plan: what is accepted, and the messages for everything else."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import reduce
from operator import getitem
from typing import Any

import pytest

from reconcile.engine import saved_plan
from reconcile.model.errors import UsageError
from reconcile.model.plan import Result
from tests.hostile.tally import End, ended
from tests.support.world import START, release
from tests.unit.engine.saved_plans import R, World, with_checksum


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[" + "1," * saved_plan.MAX_VALUES, "it has more than 2000000 values"),
        ('{"kind": "steerer plan", "kind": "steerer plan"}', "is no JSON"),
        ('{"kind": "steerer plan", "x": 1e999}', "is no JSON"),
        ('{"kind": "steerer plan", "x": NaN}', "is no JSON"),
        ("[]", "is no plan"),
        ('{"kind": "steerer plan", "format": 2}', "has format 2, and this steerer reads 1"),
        ('{"kind": "steerer plan", "format": 1}', "was changed"),
    ],
    ids=lambda text: text[:40],
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
            saved_plan.parse(json.dumps(with_checksum(content)), "plan.json")
        ended(End.REFUSED)


def test_a_rollout_cannot_be_in_it_twice() -> None:
    content = World().save()
    content["rollouts"] *= 2
    with pytest.raises(UsageError, match="is no plan"):
        saved_plan.parse(json.dumps(with_checksum(content)), "plan.json")


@pytest.mark.parametrize("path", [("rollout", "name"), ("patches", 1, "target", "name")])
def test_a_name_that_no_object_can_have_is_refused(path: tuple[Any, ...]) -> None:
    content = World().save()
    *parents, last = path
    reduce(getitem, parents, content["rollouts"][0])[last] = "../a"
    with pytest.raises(UsageError, match="is no plan"):
        saved_plan.parse(json.dumps(with_checksum(content)), "plan.json")


def test_an_old_plan_and_one_of_the_future_are_not_applied() -> None:
    plan = saved_plan.parse(json.dumps(World().save()), "plan.json")
    assert plan.age_problem(START + timedelta(minutes=10), 600) == ""
    assert plan.age_problem(START + timedelta(seconds=601), 600) == (
        "the plan is 601s old, and --max-age is 600s: make a new one"
    )
    assert "one of two clocks is wrong" in plan.age_problem(START - timedelta(minutes=2), 600)


def test_a_refused_plan_has_a_record_for_each_rollout() -> None:
    plan = saved_plan.parse(json.dumps(World(*release("a", 10), *release("b", 10)).save()), "plan.json")
    records = plan.refused("too old")
    assert [(record.plan.rollout.name, record.plan.move) for record in records] == [("a", "advance"), ("b", "advance")]
    assert {(record.result, record.error, record.at) for record in records} == {(Result.REFUSED, "too old", START)}
    assert not any(record.plan.patches or record.plan.events for record in records)
