"""All that a run of the bench has found, as values: kept as JSON, held against the bounds, drawn into the page."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.cost import Cost, Floor
from tests.bench.naive import Naive
from tests.bench.profile import Profile
from tests.bench.ways import Way

KEPT = Path(__file__).parent / "measured.json"

IDLE, SOME, ALL = "all idle", "1 % advancing", "all advancing"
SHARED = "all advancing, on 20 VirtualServices"
SHARDS = 4
BOTH = "all advancing, on a VirtualService and an HTTPRoute each"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The cost of a pass over `n` Rollouts in a state.

    `lists` counts its LISTs, and `lists_of_shards` those of SHARDS processes together; 0 = not counted.
    """

    n: int
    state: str
    cost: Cost
    lists: int = 0
    lists_of_shards: int = 0


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """The cost of the same Rollouts alone, and among so many Deployments and Services of others."""

    state: str
    strangers: int
    alone: Cost
    among: Cost


@dataclass(frozen=True, kw_only=True)
class Start:
    """Seconds from nothing to the end: `floor` is the import of two libraries, `idle` a pass over one Rollout."""

    floor: float
    version: float
    idle: float


@dataclass(frozen=True, kw_only=True)
class Releases:
    """So many releases at once, from their new revision on, a pass beginning every `interval` seconds.

    `walls` are the seconds of each pass, `late` how many took longer than the interval; `told` counts the Events that
    the passes claim, `stored` those that the server has.
    """

    rollouts: int
    interval: int
    requests: dict[str, int]
    queries: int
    walls: list[float]
    late: int
    seconds: float
    succeeded: int
    told: int
    stored: int

    @property
    def each(self) -> float:
        """Requests to the API server for one release."""
        return sum(self.requests.values()) / self.rollouts

    @property
    def unfinished(self) -> int:
        """Releases that did not come to their end."""
        return self.rollouts - self.succeeded


@dataclass(frozen=True, kw_only=True)
class Hanging:
    """A pass in which the queries for one Rollout get no answer: what became of the others, and when it was over."""

    others: int
    moved: int
    halted: bool
    wall: float
    deadline: float


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One run. What was not asked for is missing."""

    machine: dict[str, str] = field(default_factory=dict)
    passes: list[Measured] = field(default_factory=list)
    crowds: list[Crowd] = field(default_factory=list)
    floors: list[Floor] = field(default_factory=list)
    start: Start | None = None
    releases: Releases | None = None
    hanging: Hanging | None = None
    naive: list[Naive] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)
    profiles: list[Profile] = field(default_factory=list)

    def of(self, n: int, state: str) -> Cost | None:
        """Give the cost of a pass over n Rollouts in a state, if it was measured."""
        return next((one.cost for one in self.passes if (one.n, one.state) == (n, state)), None)

    def floor(self, n: int) -> Floor | None:
        """Give the floor of a pass over n advancing Rollouts, if it was measured."""
        return next((one for one in self.floors if one.n == n), None)

    def lists_of_shards(self, n: int, state: str) -> float | None:
        """Give how many LISTs all shards send for each of one process, if they were counted."""
        one = next((one for one in self.passes if (one.n, one.state) == (n, state)), None)
        return one.lists_of_shards / one.lists if one and one.lists else None

    def sizes(self, state: str) -> list[Measured]:
        """Give the costs in a state, N rising."""
        return sorted((one for one in self.passes if one.state == state), key=lambda one: one.n)

    def crowd(self, state: str) -> Crowd | None:
        """Give the comparison in a state, if it was made."""
        return next((one for one in self.crowds if one.state == state), None)


def written(figures: Figures) -> str:
    """Give them as JSON."""
    return json.dumps(asdict(figures), indent=1) + "\n"


def read(text: str) -> Figures:
    """Read what `written` gave."""
    raw: dict[str, Any] = json.loads(text)
    return Figures(
        machine=raw["machine"],
        passes=[Measured(**one | {"cost": Cost(**one["cost"])}) for one in raw["passes"]],
        crowds=[Crowd(**one | {"alone": Cost(**one["alone"]), "among": Cost(**one["among"])}) for one in raw["crowds"]],
        floors=[Floor(**one) for one in raw.get("floors", [])],
        start=raw["start"] and Start(**raw["start"]),
        releases=raw["releases"] and Releases(**raw["releases"]),
        hanging=raw["hanging"] and Hanging(**raw["hanging"]),
        naive=[Naive(**one) for one in raw["naive"]],
        ways=[Way(**one) for one in raw["ways"]],
        profiles=[Profile(**one) for one in raw["profiles"]],
    )
