"""Releases of a backtest beside the same ones made by passes: of any policy, each ends alike, and halts alike."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from reconcile.core.analysis import sharing
from reconcile.lookback.judged import Judged
from reconcile.lookback.recorded import Recorded
from reconcile.lookback.releases import Releases, alone, ended
from reconcile.lookback.schedule import schedule
from reconcile.model import durations
from reconcile.model.measurement import Answer, Asks, Failure
from reconcile.model.rollout_manifest import parse
from tests.support.fakes import MemoryCluster
from tests.support.world import METRICS, START, SUCCESS, World, standard

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from reconcile.model.measurement import Question

CHECKS = 40
EMPTY = Answer(failure=Failure.NO_DATA, is_empty=True)


@dataclass
class Split:
    """A Meter that answers for a canary that is a part of its primary, as it was drawn for a release."""

    item: Judged
    start: int
    begin: datetime

    def measure(self, questions: Collection[Question], at: datetime) -> dict[Question, Answer]:
        """Returns an answer to every question."""
        place = self.start + round((at - self.begin).total_seconds() / 60)
        return {question: self._answer(question, place) for question in questions}

    def _answer(self, question: Question, place: int) -> Answer:
        recorded, is_canary = self.item.recorded, question.workload == "podinfo-canary"
        if question.interval.endswith("m") and question.asks is Asks.REQUESTS:
            return Answer(value=(recorded.requests[place] or 0.0) * question.weight / 100)
        if question.asks is not Asks.VALUE:
            checks = math.ceil((durations.seconds(question.interval) or 0.0) / 60)
            both = self.item.sums(place - checks, place, question.weight)
            counts = both.canary if is_canary else both.primary
            return Answer(value=counts.total if question.asks is Asks.REQUESTS else counts.bad)
        value = recorded.values[place]
        if value is not None and recorded.check.comparison is not None:
            both = self.item.sums(place - 1, place, question.weight)
            counts = both.canary if is_canary else both.primary
            value = 100 - 100 * counts.bad / counts.total if counts.total else None
        return EMPTY if value is None else Answer(value=value)


def policy(random: Random) -> dict[str, Any]:
    """Draws what is asked for: one metric with a threshold or a comparison, and limits or deadlines."""
    metric: dict[str, Any] = {"name": SUCCESS, "interval": "1m"}
    kind = random.choice(["threshold", "ratio", "test"])
    if kind == "threshold":
        metric |= {"threshold": 99} | random.choice([{}, {"fromWeight": 40}])
    else:
        rate = {"falseAlarmRate": 0.5} if kind == "test" else {}
        metric["comparison"] = {"maxRatio": 1} | rate | random.choice([{}, {"ignoreBelow": 1}])
    metric |= random.choice([{}, {"onNoData": "Fail"}, {"onNoData": "Pass"}])
    metric |= random.choice([{}, {"minRequests": 60}])
    limits: list[dict[str, Any]] = [
        random.choice([{"failureLimit": 1}, {"consecutiveFailureLimit": 1}]),
        random.choice([{"stepDeadline": "3m"}, {"deadline": "8m"}]),
    ]
    steps = [{"weight": 20, "hold": "3m"}, {"weight": 50}, {"weight": 80, "hold": "90s"}]
    found: dict[str, Any] = {
        "metrics": [metric],
        "onFailure": "Rollback",
        "stepWeight": None,
        "maxWeight": None,
        "steps": steps,
    }
    for limit in random.sample(limits, k=random.choice([1, 2])):
        found |= limit
    return found | random.choice([{}, {"warmUp": "100s"}])


def by_passes(manifests: list[Any], item: Judged, start: int) -> tuple[bool, str]:
    """Makes passes from the one that begins a release on. Returns whether it halts, and why it ends."""
    world = World(cluster=MemoryCluster(manifests))
    while world.tick().plan.move != "start":
        pass
    world.meter = Split(item, start, world.now - timedelta(minutes=1))  # type: ignore[assignment]
    halts = False
    for _ in range(start + 1, CHECKS):
        record = world.tick()
        if record.plan.move in {"promote", "roll back"}:
            return halts, str(world.status["analysis"].get("reason", ""))
        halts |= record.plan.move == "halt"
    return halts, ""


def releases_of(seed: int) -> Iterator[tuple[str, bool, str]]:
    """Yields what is compared in a release, whether it halts, and why it ends, once passes have found the same."""
    random = Random(seed)  # noqa: S311 - no secret
    manifests = standard(**policy(random))
    [rollout] = [parse(manifest) for manifest in manifests if manifest["kind"] == "Rollout"]
    [check] = rollout.draft.checks
    totals = [random.choice([0.0, 100.0, 400.0]) if random.random() < 0.3 else 400.0 for _ in range(CHECKS)]
    bads = [random.choice([0.0, 2.0, min(total, 30.0)]) for total in totals]
    values = [100 - 100 * bad / total if total else None for bad, total in zip(bads, totals, strict=True)]
    recorded = Recorded(
        check=check, metric=METRICS[SUCCESS], values=values, requests=[*totals], totals=[*totals], bads=[*bads]
    )
    item = Judged(recorded=recorded, sharing=sharing(rollout.draft.checks), step=60.0, at=START)
    plan = schedule(rollout.draft, 60.0, None)
    starts = range(0, CHECKS - plan.checks, 11)
    releases = Releases(policy=rollout.draft.failure, schedule=plan, starts=starts, end=CHECKS, step=60.0, begin=START)
    halted = {start for start in starts if alone(item, start, plan)[0]}
    over = ended([item], releases, halted) or {}
    for start in starts:
        halts, why = by_passes(manifests, item, start)
        assert over.get(start, "") == why, (seed, start)
        # One that ends at its first check that is not good was not halted before.
        assert halts == (start in halted) or why, (seed, start)
        yield "test" if check.is_sequential else "ratio" if check.comparison else "value", halts, why


def test_each_release_ends_as_passes_end_it() -> None:
    found = [release for seed in range(24) for release in releases_of(seed)]
    kinds = Counter((kind, halts) for kind, halts, _ in found)
    assert {(kind, halts) for kind in ("test", "ratio", "value") for halts in (False, True)} == set(kinds)
    ends = Counter(why for _, _, why in found)
    assert min(ends[why] for why in ("", "AnalysisFailed", "DeadlineExceeded")) > 5
