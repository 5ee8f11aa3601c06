"""The figures of a run: counted, kept in `measured.json`, and drawn into docs/metrics.md between their markers."""

from __future__ import annotations

from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.false_alarms.releases import Way, World, alarms
from tests.support import recorded
from tests.support.paths import DOCS

if TYPE_CHECKING:
    from collections.abc import Mapping

SEED = 14
# The canary is as good as the primary, or as bad as is tolerated: every alarm is false.
GOOD = {
    "1 request a second, 0.1 % errors": World(rps=1, rate=0.001),
    "1 a second, 0.5 %": World(rps=1, rate=0.005),
    "10 a second, 0.1 %": World(rps=10, rate=0.001),
    "10 a second, 0.5 %": World(rps=10, rate=0.005),
    "0.2 a second, 0.5 %": World(rps=0.2, rate=0.005),
    "10 a second, 0.5 %, four looks a minute": World(rps=10, rate=0.005, looks=4),
    "10 a second, 0.5 %, half of the looks missing": World(rps=10, rate=0.005, missed=0.5),
    "10 a second, 0.5 %, passes that died and began a step anew": World(rps=10, rate=0.005, restarts=True),
    "10 a second, 5 % errors of both in one minute of ten": World(rps=10, rate=0.001, incident=True),
    "10 a second, 0.5 %, canary 1.4 times worse, `maxRatio: 1.5`": World(rps=10, rate=0.005, times=1.4, tolerated=1.5),
}
TRAFFIC = {
    "10 a second, 0.5 %": (10, 0.005),
    "10 a second, 0.1 %": (10, 0.001),
    "1 a second, 0.5 %": (1, 0.005),
    "1 a second, 0.1 %": (1, 0.001),
    "0.2 a second, 0.5 %": (0.2, 0.005),
}
TIMES = (2, 5, 20)


def counted(releases: int) -> dict[str, Any]:
    """Returns the figures of so many releases of each kind."""
    return {
        "seed": SEED,
        "releases": releases,
        "good": {name: stopped(world, releases) for name, world in GOOD.items()},
        "worse": {
            name: {str(times): found(World(rps=rps, rate=rate, times=times), releases) for times in TIMES}
            for name, (rps, rate) in TRAFFIC.items()
        },
    }


def stopped(world: World, releases: int) -> dict[str, int]:
    """Returns how many of the releases each way of judging stops."""
    rng = Random(SEED)  # noqa: S311 - a seed is what is wanted
    every = [alarms(world, rng) for _ in range(releases)]
    return {way.value: sum(way in one for one in every) for way in Way}


def found(world: World, releases: int) -> dict[str, Any]:
    """Returns how many of the releases the sequential test stops, and after how many minutes half of those."""
    rng = Random(SEED)  # noqa: S311 - a seed is what is wanted
    times = [one[Way.SEQUENTIAL] for one in (alarms(world, rng) for _ in range(releases)) if Way.SEQUENTIAL in one]
    return {"found": len(times), "minutes": round(median(times), 1) if times else None}


def parts(figures: Mapping[str, Any]) -> dict[str, str]:
    """Returns the tables of the page."""
    releases = figures["releases"]
    good = ((name, *(_share(ways[way.value], releases) for way in Way)) for name, ways in figures["good"].items())
    worse = (
        (f"{times} times", *(_found(cells[str(times)], releases) for cells in figures["worse"].values()))
        for times in TIMES
    )
    return {
        "false alarms": recorded.table(("a canary that is no worse", *Way), good),
        "power": recorded.table(("the canary's errors are", *figures["worse"]), worse),
    }


def _share(number: int, releases: int) -> str:
    return f"{100 * number / releases:.1f} %"


def _found(cell: Mapping[str, Any], releases: int) -> str:
    after = "" if cell["minutes"] is None else f" ({cell['minutes']:.0f} min)"
    return f"{100 * cell['found'] / releases:.0f} %{after}"


RECORD = recorded.Record(
    command="make statistics", file=Path(__file__).parent / "measured.json", parts=parts, page=DOCS / "metrics.md"
)
