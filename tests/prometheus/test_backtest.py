"""`steerer backtest` on what a real Prometheus remembers, against a replay by hand of the samples in it."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.components.prometheus import openmetrics
from tests.prometheus.traffic import AT
from tests.support.program import example, invoke

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.components.fixtures import StartPrometheus
    from tests.components.prometheus import Series

DAY, SCRAPE, STEP, RELEASE = 86_400, 30, 60, 30
SERVED = 1009
"""Requests between two scrapes: a bound of whole percents is never met exactly."""
BEGIN = int(AT.timestamp())
LATE = 7
"""Seconds from a scrape to a check: no sample is at the edge of an interval of two minutes."""
GAP = range(BEGIN + 40_000, BEGIN + 40_600)


def bad_requests() -> dict[int, int]:
    """Returns the time of each scrape of two days, and how many requests had failed by then. One gap is in it."""
    random, bad, found = Random(17), 0, {}  # noqa: S311 - no secret
    for at in range(BEGIN - 300, BEGIN + 2 * DAY + 1, SCRAPE):
        bad += int(random.expovariate(1 / 4))
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


def rates(day: int) -> list[float | None]:
    """Returns the success rate at each check of a day, by hand: between the first and last scrape of two minutes."""
    found: list[float | None] = []
    for at in range(BEGIN + day * DAY, BEGIN + (day + 1) * DAY + 1, STEP):
        seen = [time for time in range(at - 90, at + 1, SCRAPE) if time in BAD]
        if len(seen) < 2:
            found.append(None)
        else:
            bad = BAD[seen[-1]] - BAD[seen[0]]
            found.append(100 - 100 * bad / ((seen[-1] - seen[0]) // SCRAPE * SERVED))
    return found


def by_hand(values: list[float | None], threshold: float, forgiven: int) -> tuple[float, float]:
    """Returns the share of releases that halt, and of those in which more checks fail than are forgiven."""
    starts = len(values) - RELEASE + 1
    halted = ended = 0
    for start in range(starts):
        first = values[start : start + RELEASE]
        halted += any(value is None or value < threshold for value in first)
        good = failed = 0
        for value in values[start:]:
            good += value is not None and value >= threshold
            failed += value is not None and value < threshold
            if failed > forgiven or good == RELEASE:
                break
        ended += failed > forgiven
    return halted / starts, ended / starts


def test_the_numbers_are_those_of_a_replay_by_hand(tmp_path: Path, start_prometheus: StartPrometheus) -> None:
    url = start_prometheus(openmetrics=openmetrics(series())).url
    found = backtest(tmp_path / "first", url, threshold=99.0)
    [metric] = found["metrics"]
    values = rates(day=0)
    assert (found["checks"], found["releases"]) == (len(values), len(values) - RELEASE + 1)
    assert metric["checks"] == {
        "failed": pytest.approx(sum(value is not None and value < 99 for value in values) / len(values)),
        "inconclusive": pytest.approx(values.count(None) / len(values)),
        "good": pytest.approx(sum(value is not None and value >= 99 for value in values) / len(values)),
    }
    halted, ended = by_hand(values, 99.0, forgiven=1)
    assert (found["halted"], found["ended"]) == (pytest.approx(halted), pytest.approx(ended))
    assert 0 < ended < halted < 1
    step = metric["steps"][0]
    assert (step["weight"], step["typical"]) == (10, pytest.approx(4 * SERVED / 10, rel=0.01))

    # What it proposes for 5 % has 5 % on the same data, and about as much on the next day. The gap alone halts more
    # than 1 %: there is no threshold for that.
    five, one = metric["proposals"]
    assert one["threshold"] is None
    again = backtest(tmp_path / "same", url, threshold=five["threshold"])
    assert again["halted"] == five["halted"] == pytest.approx(0.05, abs=RELEASE / len(values))
    assert five["halted"] <= 0.05
    following = backtest(tmp_path / "following", url, threshold=five["threshold"], day=1)
    assert following["halted"] == pytest.approx(by_hand(rates(day=1), five["threshold"], forgiven=1)[0])
    assert following["halted"] == pytest.approx(0.05, abs=0.02)


def backtest(target: Path, url: str, *, threshold: float, day: int = 0) -> dict[str, Any]:
    """Replays one day with this threshold."""
    folder = example(target, metrics=False)
    with (folder / "rollouts" / "podinfo.yaml").open("a", encoding="utf-8") as file:
        file.write(
            "    onFailure: Rollback\n    failureLimit: 1\n"
            f"    metrics: [{{name: istio_requests_total, threshold: {threshold!r}, interval: 2m}}]\n"
        )
    until = f"2026-01-0{2 + day}T01:00:{LATE:02}Z"
    done = invoke("backtest", "-f", folder, "--metrics-server", url, "--since", "1d", "--until", until, "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    [found] = json.loads(done.stdout)["rollouts"]
    told: dict[str, Any] = found
    return told
