"""Many canaries that fail in one pass: what they share may be at fault, and none is rolled back for it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Answer
from reconcile.model.settings import Settings
from tests.support.fakes import FixedMeter, MemoryCluster
from tests.support.world import DURATION, METRICS, START, SUCCESS, release

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from reconcile.model.measurement import Question
    from reconcile.model.plan import Record

NAMES = ("one", "two", "three", "four", "five")


class Bad(FixedMeter):
    """A Meter to which the canaries of some Rollouts are bad."""

    def __init__(self, names: Collection[str]) -> None:
        super().__init__(**{SUCCESS: 100.0, DURATION: 1.0})
        self.names = names

    def measure(self, questions: Collection[Question], at: datetime) -> Mapping[Question, Answer]:
        """Answers 0 for each metric of theirs."""
        good = super().measure(questions, at)
        bad = Answer(query="q", value=0.0)
        return {
            one: bad if one.rollout.name in self.names and one.metric == SUCCESS else good[one] for one in questions
        }


def five_releases() -> MemoryCluster:
    """Builds five releases that roll back at the first failed check."""
    objects: list[dict[str, Any]] = []
    for name in NAMES:
        found = release(name, 20)
        found[-1]["spec"]["canaryAnalysis"] |= {"onFailure": "Rollback", "failureLimit": 0}
        objects += found
    return MemoryCluster(objects)


def pass_over(
    bad: Collection[str], *, common_cause: bool = True, cluster: MemoryCluster | None = None, minutes: int = 0
) -> tuple[dict[str, Record], MemoryCluster]:
    """Makes a pass over five releases, so many minutes after the start."""
    cluster = cluster or five_releases()
    settings, now = replace(Settings(metrics=METRICS), common_cause=common_cause), START + timedelta(minutes=minutes)
    one = Pass(cluster=cluster, meter=Bad(bad), settings=settings, selection=Selection(), now=lambda: now)
    return {record.plan.rollout.name: record for record in one.run()}, cluster


@pytest.mark.parametrize("count", [3, 4, 5])
def test_three_of_five_are_held_and_told_why(count: int) -> None:
    records, cluster = pass_over(NAMES[:count])
    for name in NAMES[:count]:
        assert records[name].plan.move == "halt"
        words = (
            f"{count} of 5 Rollouts that this pass measured passed their limits at once, so the cause may be a common"
        )
        assert f"; not rolled back: {words} one; steerer abort {name} -n test does" in records[name].plan.reason
        assert cluster.objects[Ref(ROLLOUT, "test", name)]["status"]["analysis"]["failedChecks"] == 0


def test_once_the_cause_is_gone_the_good_go_on_and_the_bad_is_rolled_back() -> None:
    _, cluster = pass_over(NAMES)
    records, _ = pass_over(NAMES[:1], cluster=cluster, minutes=1)
    assert [records[name].plan.move for name in NAMES] == ["roll back"] + ["advance"] * 4


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_are_rolled_back(count: int) -> None:
    records, _ = pass_over(NAMES[:count])
    assert [records[name].plan.move for name in NAMES] == ["roll back"] * count + ["advance"] * (5 - count)


def test_the_guard_can_be_switched_off() -> None:
    records, _ = pass_over(NAMES, common_cause=False)
    assert {record.plan.move for record in records.values()} == {"roll back"}
