"""What may not be exceeded, as a table: each bound with where its figure is found. Pure.

A count holds on any machine, and `make bench-check` fails where it is over. Times and memory are of the machine that
measured them: they are printed beside their bounds, and fail nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.figures import ALL, BOTH, IDLE, SHARDS, SHARED

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.cost import Cost
    from tests.bench.figures import Figures, Hanging, Releases

PAGE = 500
MEGABYTE = 2**20
COUNT, TIME, MEMORY = "count", "time", "memory"


@dataclass(frozen=True)
class Bound:
    """`figure` may be `most` at most; None = it was not measured."""

    about: str
    what: str
    most: float
    unit: str
    kind: str
    figure: Callable[[Figures], float | None]


@dataclass(frozen=True, kw_only=True)
class Held:
    """A bound against what was measured."""

    bound: Bound
    figure: float | None

    @property
    def met(self) -> bool | None:
        """Say whether it holds; None = not measured."""
        return None if self.figure is None else self.figure <= self.bound.most

    @property
    def broken(self) -> bool:
        """Say whether this is an error on any machine."""
        return self.bound.kind == COUNT and self.met is False


def held(figures: Figures) -> list[Held]:
    """Hold all bounds against a run."""
    return [Held(bound=bound, figure=bound.figure(figures)) for bound in BOUNDS]


def pages(objects: int) -> int:
    """Give how many pages hold so many objects."""
    return -(-objects // PAGE)


def _pass(n: int, state: str, of: Callable[[Cost], float]) -> Callable[[Figures], float | None]:
    def figure(figures: Figures) -> float | None:
        cost = figures.of(n, state)
        return None if cost is None else of(cost)

    return figure


def _ratio(state: str, of: Callable[[Cost], float]) -> Callable[[Figures], float | None]:
    """Compare 5,000 with 1,000."""

    def figure(figures: Figures) -> float | None:
        small, big = figures.of(1000, state), figures.of(5000, state)
        return None if small is None or big is None else of(big) / of(small)

    return figure


def _crowd(state: str, of: Callable[[Cost], float], *, ratio: bool = False) -> Callable[[Figures], float | None]:
    def figure(figures: Figures) -> float | None:
        crowd = figures.crowd(state)
        if crowd is None:
            return None
        return of(crowd.among) / of(crowd.alone) if ratio else of(crowd.among)

    return figure


def _releases(of: Callable[[Releases], float]) -> Callable[[Figures], float | None]:
    return lambda figures: None if figures.releases is None else of(figures.releases)


def _hanging(of: Callable[[Hanging], float]) -> Callable[[Figures], float | None]:
    return lambda figures: None if figures.hanging is None else of(figures.hanging)


def _start(figures: Figures) -> float | None:
    return None if figures.start is None else figures.start.idle / figures.start.floor


def _megabytes(cost: Cost) -> float:
    return cost.peak / MEGABYTE


def _writes(cost: Cost) -> float:
    return (cost.writes - cost.events) / cost.rollouts


def _cpu_of_each(cost: Cost) -> float:
    """Give milliseconds."""
    return 1000 * cost.cpu / cost.rollouts


def _growth(figures: Figures) -> float | None:
    """Compare 5,000 with 1,000, both advancing: 1 is in proportion to their number."""
    ratio = _ratio(ALL, lambda cost: cost.cpu)(figures)
    return None if ratio is None else ratio / 5


def _against_floor(n: int) -> Callable[[Figures], float | None]:
    def figure(figures: Figures) -> float | None:
        cost, floor = figures.of(n, ALL), figures.floor(n)
        return None if cost is None or floor is None else cost.wall / floor.wall

    return figure


def _shards(n: int, state: str) -> Callable[[Figures], float | None]:
    return lambda figures: figures.lists_of_shards(n, state)


def _behind(cost: Cost) -> int:
    """Count the Rollouts that made no step although they were due."""
    return cost.rollouts - cost.moves.get("advance", 0)


def _against_own(of: Callable[[Cost], float]) -> Callable[[Figures], float | None]:
    """Compare 1,000 that share 20 VirtualServices with 1,000 that have one each."""

    def figure(figures: Figures) -> float | None:
        own, shared = figures.of(1000, ALL), figures.of(1000, SHARED)
        return None if own is None or shared is None else of(shared) / of(own)

    return figure


_FOREIGN = "LISTs of all Deployments or Services"
_SHARED = "1,000 advancing on 20 VirtualServices"
_BOTH = "1,000 advancing, two routes each"
_ALONE = "time against the same 10 alone"
_PAGES = pages(5000) + pages(2 * 5000) + 2

BOUNDS = (
    Bound("idle pass, N = 1,000", "requests", 8, "", COUNT, _pass(1000, IDLE, lambda cost: cost.total)),
    Bound("idle pass, N = 1,000", "writes", 0, "", COUNT, _pass(1000, IDLE, lambda cost: cost.writes)),
    Bound("idle pass, N = 1,000", "queries", 0, "", COUNT, _pass(1000, IDLE, lambda cost: cost.queries)),
    Bound("idle pass, N = 1,000", "time", 1.5, "s", TIME, _pass(1000, IDLE, lambda cost: cost.wall)),
    Bound("idle pass, N = 1,000", "memory", 150, "MB", MEMORY, _pass(1000, IDLE, _megabytes)),
    Bound(
        "idle pass, N = 5,000", "requests: pages, and 2", _PAGES, "", COUNT, _pass(5000, IDLE, lambda cost: cost.total)
    ),
    Bound("idle pass, N = 5,000", "time against N = 1,000", 5, "times", TIME, _ratio(IDLE, lambda cost: cost.wall)),
    Bound("idle pass, N = 5,000", "memory against N = 1,000", 5, "times", MEMORY, _ratio(IDLE, _megabytes)),
    Bound("idle pass, N = 5,000", "memory", 400, "MB", MEMORY, _pass(5000, IDLE, _megabytes)),
    Bound("10 idle among 5,000", "requests", 45, "", COUNT, _crowd(IDLE, lambda cost: cost.total)),
    Bound("10 idle among 5,000", _FOREIGN, 0, "", COUNT, _crowd(IDLE, lambda cost: cost.everywhere)),
    Bound("10 idle among 5,000", _ALONE, 1.3, "times", TIME, _crowd(IDLE, lambda cost: cost.wall, ratio=True)),
    Bound("10 advancing among 5,000", "reads", 45, "", COUNT, _crowd(ALL, lambda cost: cost.reads)),
    Bound("10 advancing among 5,000", _FOREIGN, 0, "", COUNT, _crowd(ALL, lambda cost: cost.everywhere)),
    Bound("10 advancing among 5,000", _ALONE, 1.3, "times", TIME, _crowd(ALL, lambda cost: cost.wall, ratio=True)),
    Bound("1,000 advancing at once", "writes of each, Events aside", 2, "", COUNT, _pass(1000, ALL, _writes)),
    Bound("1,000 advancing at once", "queries", 100, "", COUNT, _pass(1000, ALL, lambda cost: cost.queries)),
    Bound("1,000 advancing at once", "Rollouts left behind", 0, "", COUNT, _pass(1000, ALL, _behind)),
    Bound("1,000 advancing at once", "time", 20, "s", TIME, _pass(1000, ALL, lambda cost: cost.wall)),
    Bound("1,000 advancing at once", "time against the barest client", 1.6, "times", TIME, _against_floor(1000)),
    Bound("1,000 advancing at once", "CPU time of each", 3, "ms", TIME, _pass(1000, ALL, _cpu_of_each)),
    Bound("5,000 advancing at once", "time", 50, "s", TIME, _pass(5000, ALL, lambda cost: cost.wall)),
    Bound("5,000 advancing at once", "time against the barest client", 1.6, "times", TIME, _against_floor(5000)),
    Bound("5,000 advancing at once", "growth of the CPU time", 1.1, "times", TIME, _growth),
    Bound("5,000 advancing at once", "memory", 350, "MB", MEMORY, _pass(5000, ALL, _megabytes)),
    *(
        Bound(
            f"{SHARDS} shards, N = {n:,}, {state}", "LISTs together against one", 1.5, "times", COUNT, _shards(n, state)
        )
        for n in (1000, 5000)
        for state in (IDLE, ALL)
    ),
    Bound(_SHARED, "requests against one each", 1, "times", COUNT, _against_own(lambda cost: cost.total)),
    Bound(_SHARED, "writes of each, Events aside", 2, "", COUNT, _pass(1000, SHARED, _writes)),
    Bound(_SHARED, "Rollouts left behind", 0, "", COUNT, _pass(1000, SHARED, _behind)),
    Bound(_BOTH, "writes of each, Events aside", 3, "", COUNT, _pass(1000, BOTH, _writes)),
    Bound(_BOTH, "Rollouts left behind", 0, "", COUNT, _pass(1000, BOTH, _behind)),
    Bound("300 releases at once", "requests of each", 60, "", COUNT, _releases(lambda found: found.each)),
    Bound("300 releases at once", "that did not end", 0, "", COUNT, _releases(lambda found: found.unfinished)),
    Bound("300 releases at once", "Events lost", 0, "", COUNT, _releases(lambda found: found.told - found.stored)),
    Bound("300 releases at once", "passes late", 0, "", TIME, _releases(lambda found: found.late)),
    Bound("cold start", "idle pass of one against the floor", 1.5, "times", TIME, _start),
    Bound("one query hangs", "others left behind", 0, "", COUNT, _hanging(lambda found: found.others - found.moved)),
    Bound("one query hangs", "time", 50, "s", TIME, _hanging(lambda found: found.wall)),
)
