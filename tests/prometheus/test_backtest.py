"""`steerer backtest` on what a real Prometheus remembers, against a replay by hand of the samples in it."""

from __future__ import annotations

import json
import math
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.lookback.drawn import drawn
from reconcile.lookback.judged import SEED
from tests.components.fixtures import available
from tests.components.prometheus import PrometheusServer, openmetrics
from tests.prometheus.traffic import AT
from tests.support.program import example, invoke

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.components.prometheus import Series

WEEK, SCRAPE, STEP = 7 * 86_400, 150, 300
SERVED = 10_009
"""Requests between two scrapes: a bound of whole percents is never met exactly."""
BEGIN = int(AT.timestamp())
LATE = 7
"""Seconds from a scrape to a check: no sample is at the edge of an interval of five minutes."""
GAP = range(BEGIN + 40_000, BEGIN + 42_000)
STEPS = {10 * number: 1 for number in range(1, 11)}
"""The checks at each weight of the example."""


def bad_requests() -> dict[int, int]:
    """Returns the time of each scrape of three weeks, and how many requests had failed by then. One gap is in it."""
    random, bad, found = Random(17), 0, {}  # noqa: S311 - no secret
    for at in range(BEGIN - 600, BEGIN + 3 * WEEK + 1, SCRAPE):
        bad += int(random.expovariate(1 / 30))
        if at not in GAP:
            found[at] = bad
    return found


BAD = bad_requests()


def series() -> Iterator[Series]:
    labels = {
        "reporter": "destination",
        "destination_workload_namespace": "test",
        "destination_workload": "podinfo",
    }
    served = {at: 10**6 + (at - BEGIN) // SCRAPE * SERVED for at in BAD}
    for code, counts in (("500", BAD), ("200", {at: served[at] - bad for at, bad in BAD.items()})):
        samples = [(float(at), float(10**6 + count)) for at, count in counts.items()]
        yield "istio_requests_total", labels | {"response_code": code}, samples


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[str]:
    """Returns the address of a server with three weeks of these series."""
    with ExitStack() as stack:
        with available("Prometheus", pytestconfig):
            folder = tmp_path_factory.mktemp("weeks")
            server = stack.enter_context(PrometheusServer(folder, openmetrics=openmetrics(series()), blocks="60d"))
        yield server.url


def scrapes(first: int, last: int) -> Iterator[list[int]]:
    """Yields the scrapes in the five minutes before each check of these weeks."""
    for at in range(BEGIN + first * WEEK, BEGIN + last * WEEK + 1, STEP):
        yield [time for time in (at - SCRAPE, at) if time in BAD]


def rates(first: int, last: int) -> list[float | None]:
    """Returns the success rate at each check of these weeks, by hand: between the two scrapes of five minutes."""
    found: list[float | None] = []
    for seen in scrapes(first, last):
        if len(seen) < 2:
            found.append(None)
        else:
            found.append(100 - 100 * (BAD[seen[1]] - BAD[seen[0]]) / SERVED)
    return found


@dataclass
class Release:
    """A release, played by hand. `checks` are those at each weight, by which `verdict` says: good, failed, or none."""

    checks: dict[int, int]
    verdict: Callable[[int, int, int, list[int]], str]
    end: int
    forgiven: int = 1
    warming: int = 0
    at_step: float = math.inf
    halted: list[bool] = field(default_factory=list)
    ended: list[bool] = field(default_factory=list)

    def play(self, start: int) -> None:
        """Plays the one whose first weight is set at this place."""
        place, failed, begins, halts = start, 0, [start], False
        length = sum(self.checks.values())
        for weight, least in self.checks.items():
            since = place
            while True:
                place += 1
                if place >= min(self.end, start + 4 * length + 1):
                    return self._over(halts, ends=False)
                if (place - since) * STEP > self.at_step:
                    return self._over(halts, ends=True)
                if place - since < self.warming:
                    continue
                found = self.verdict(place, since, weight, begins)
                halts |= found != "good"
                failed += found == "failed"
                if failed > self.forgiven:
                    return self._over(halts, ends=True)
                if found == "good" and place - since >= least:
                    break
            begins = [*begins, place]
        return self._over(halts, ends=False)

    def _over(self, halts: bool, *, ends: bool) -> None:  # noqa: FBT001 - what was found, not a flag
        self.halted.append(halts)
        self.ended.append(ends)

    def shares(self, starts: range) -> tuple[float, float]:
        """Returns the share of releases that halt, and of those that end."""
        for start in starts:
            self.play(start)
        return sum(self.halted) / len(starts), sum(self.ended) / len(starts)


def by_threshold(values: list[float | None], threshold: float) -> Release:
    def verdict(place: int, *_: Any) -> str:
        value = values[place]
        return "none" if value is None else "good" if value >= threshold else "failed"

    return Release(checks=STEPS, verdict=verdict, end=len(values))


def starts(values: list[float | None], checks: dict[int, int] = STEPS) -> range:
    return range(-1, len(values) - sum(checks.values()))


def test_two_weeks_are_those_of_a_replay_by_hand_and_a_threshold_keeps_its_promise(tmp_path: Path, url: str) -> None:
    found = backtest(tmp_path / "first", url, weeks=(0, 2), threshold=99.0)
    [metric] = found["metrics"]
    values = rates(0, 2)
    assert (found["checks"], found["releases"]) == (len(values), len(starts(values)))
    assert metric["checks"] == {
        "failed": pytest.approx(sum(value is not None and value < 99 for value in values) / len(values)),
        "inconclusive": pytest.approx(values.count(None) / len(values)),
        "good": pytest.approx(sum(value is not None and value >= 99 for value in values) / len(values)),
    }
    halted, ended = by_threshold(values, 99.0).shares(starts(values))
    assert (found["halted"], found["ended"]) == (pytest.approx(halted), pytest.approx(ended))
    assert 0 < ended < halted < 1
    step = metric["steps"][0]
    assert (step["weight"], step["typical"]) == (10, pytest.approx(2 * SERVED / 10))

    # What it proposes for 5 % has 5 % on the same data, and about as much in the following week.
    five, one = metric["proposals"]
    for proposal, target in ((five, 0.05), (one, 0.01)):
        again = backtest(tmp_path / f"same-{target}", url, weeks=(0, 2), threshold=proposal["threshold"])
        assert target - 10 / len(values) < again["halted"] == proposal["halted"] <= target
    following = backtest(tmp_path / "following", url, weeks=(2, 3), threshold=five["threshold"])
    week = rates(2, 3)
    assert following["halted"] == pytest.approx(by_threshold(week, five["threshold"]).shares(starts(week))[0])
    assert following["halted"] == pytest.approx(0.05, abs=0.02)


HELD = {20: 3, 50: 2}
OF_STEPS = "steps: [{weight: 20, hold: 15m}, {weight: 50, hold: 10m}]"


def split(bad: list[int], place: int, weight: int) -> tuple[int, int, int, int]:
    """Returns what a canary of this weight served since the check before, and the primary: requests, and bad ones."""
    total = 2 * SERVED
    random = Random(f"{SEED} istio_requests_total {place} {weight}")  # noqa: S311 - no secret
    mine = drawn(bad[place], weight / 100, random)
    requests = mine + drawn(total - bad[place], weight / 100, random)
    return requests, mine, total - requests, bad[place] - mine


def counted() -> list[int]:
    """Returns the bad requests between two checks of the last week: `increase` makes twice of what two scrapes show."""
    return [2 * (BAD[seen[1]] - BAD[seen[0]]) for seen in scrapes(2, 3)]


def slices(bad: list[int], begins: list[int], place: int) -> Iterator[tuple[int, int, int, int]]:
    """Yields the sums of each step of a release, the last of them until now."""
    for (since, weight), end in zip(zip(begins, HELD, strict=False), [*begins[1:], place], strict=True):
        parts = [split(bad, each, weight) for each in range(since + 1, end + 1)]
        yield tuple(map(sum, zip(*parts, strict=True)))  # type: ignore[misc]


def evidence(parts: list[tuple[int, int, int, int]]) -> float:
    """Returns how much likelier it is that the canary is worse, by the formula as it is published."""
    found = []
    for worse in (1.5, 2, 3, 5, 10, 30):
        log = 0.0
        for requests, bad, beside, bad_beside in parts:
            fair, more = requests / (requests + beside), worse * requests / (worse * requests + beside)
            log += bad * math.log(more / fair) + bad_beside * math.log((1 - more) / (1 - fair))
        found.append(math.exp(log))
    return sum(found) / len(found)


def test_a_week_of_comparisons_is_that_of_a_replay_by_hand(tmp_path: Path, url: str) -> None:
    bad = counted()

    def by_ratio(place: int, _: int, weight: int, __: list[int]) -> str:
        requests, mine, beside, theirs = split(bad, place, weight)
        return "good" if mine / requests <= 2 * theirs / beside else "failed"

    def by_evidence(place: int, _: int, __: int, begins: list[int]) -> str:
        return "failed" if evidence([*slices(bad, begins, place)]) >= 2 else "good"

    for name, comparison, verdict in (
        ("ratio", "{maxRatio: 2}", by_ratio),
        ("test", "{maxRatio: 1, falseAlarmRate: 0.5}", by_evidence),
    ):
        found = backtest(
            tmp_path / name,
            url,
            weeks=(2, 3),
            comparison=comparison,
            policy=f"{OF_STEPS}\n    warmUp: 10m\n    stepDeadline: 15m",
        )
        end = len(bad)
        by_hand = Release(checks=HELD, verdict=verdict, end=end, warming=2, at_step=900.0)
        places = range(-1, end - 5, round(found["checksApart"]))
        halted, ended = by_hand.shares(places)
        assert (found["releases"], found["checksOfARelease"]) == (len(places), 5), name
        assert (found["halted"], found["ended"]) == (pytest.approx(halted), pytest.approx(ended)), name
        assert found["metrics"][0]["worse"] == found["halted"]
        assert 0 < found["endedByDeadline"] < found["ended"] < found["halted"] < 0.9, name


def backtest(
    target: Path,
    url: str,
    *,
    weeks: tuple[int, int],
    threshold: float | None = None,
    comparison: str = "",
    policy: str = "stepWeight: 10",
) -> dict[str, Any]:
    """Replays these weeks, of the three that there are."""
    folder = example(target, metrics=False)
    file = folder / "rollouts" / "podinfo.yaml"
    text = file.read_text(encoding="utf-8").replace("maxWeight: 100\n", "").replace("stepWeight: 10", policy)
    asked = f"comparison: {comparison}" if comparison else f"threshold: {threshold!r}"
    file.write_text(
        f"{text}    onFailure: Rollback\n    failureLimit: 1\n"
        f"    metrics: [{{name: istio_requests_total, {asked}, interval: 5m}}]\n",
        encoding="utf-8",
    )
    until = datetime.fromtimestamp(BEGIN + weeks[1] * WEEK + LATE, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    since = f"{(weeks[1] - weeks[0]) * 7}d"
    options = ("--metrics-server", url, "--since", since, "--until", until, "--control-loop-interval", "5m")
    done = invoke("backtest", "-f", folder, *options, "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    [found] = json.loads(done.stdout)["rollouts"]
    told: dict[str, Any] = found
    return told
