"""The scenario of a simulation: what the metrics answer at which weight, and what else happens at which tick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconcile.model.actions import Verb
from reconcile.model.measurement import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconcile.model.kinds import Ref
    from reconcile.model.plan import Operation
    from reconcile.simulation.drawn_traffic import Traffic

Value = float | Failure


class Trouble(Struct, frozen=True, kw_only=True):
    """The answers for one metric at one weight. The first analyses get these values, one after the other."""

    metric: str
    weight: int
    values: tuple[Value, ...]


class Change(Struct, frozen=True, kw_only=True):
    """A patch of another writer, before the pass of a tick."""

    tick: int
    target: Ref
    operations: tuple[Operation, ...]


class Said(Struct, frozen=True, kw_only=True):
    """What a person says of a Rollout before the pass of a tick, as by `steerer abort` and its like.

    `revision` is empty for the one that the canary has then. `weight` is the step that an approval is about.
    """

    tick: int
    rollout: Ref
    verb: Verb
    revision: str = ""
    weight: int | None = None

    @property
    def argument(self) -> str:
        """What follows the revision in the annotation."""
        token = f"tick-{self.tick}" if self.verb is Verb.RETRY else ""
        return token if self.weight is None else str(self.weight)


class Scenario(Struct, frozen=True, kw_only=True):
    """A scenario. `tick` is the time between two passes in seconds, `rollout_ticks` the length of a rolling update.

    `answers` are the values of the metrics where there is no trouble. `traffic` is drawn with the `seed`.
    """

    start: datetime
    tick: float
    ticks: int
    rollout_ticks: int
    answers: Mapping[str, Value]
    troubles: tuple[Trouble, ...]
    changes: tuple[Change, ...]
    actions: tuple[Said, ...]
    traffic: tuple[Traffic, ...] = ()
    seed: int = 0

    @property
    def last_tick(self) -> int:
        """The tick after which nobody does anything any more."""
        return max([0, *(item.tick for item in self.changes), *(item.tick for item in self.actions)])
