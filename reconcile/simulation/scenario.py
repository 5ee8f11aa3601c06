"""The scenario of a simulation: what the metrics answer at which weight, and what else happens at which tick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconcile.model.measurement import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconcile.model.kinds import Ref
    from reconcile.model.plan import Operation

Value = float | Failure


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """The answers for one metric at one weight. The first analyses get these values, one after the other."""

    metric: str
    weight: int
    values: tuple[Value, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A patch of another writer, before the pass of a tick."""

    tick: int
    target: Ref
    operations: tuple[Operation, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """A scenario. `tick` is the time between two passes in seconds, `rollout_ticks` the length of a rolling update.

    `answers` are the values of the metrics where there is no trouble.
    """

    start: datetime
    tick: float
    ticks: int
    rollout_ticks: int
    answers: Mapping[str, Value]
    troubles: tuple[Trouble, ...]
    changes: tuple[Change, ...]
