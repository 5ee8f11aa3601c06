"""Requests that are drawn at random, the same ones for the same seed: a simulated release has noise like a real one."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from msgspec import Struct

from reconcile.lookback.drawn import drawn
from reconcile.model.measurement import Counts

if TYPE_CHECKING:
    from reconcile.model.kinds import Ref


class Traffic(Struct, frozen=True, kw_only=True):
    """The requests of one Rollout as one metric counts them: so many a second for both workloads together.

    `canary_bad`, `primary_bad`: the share of bad ones in percent, as in the long run.
    """

    rollout: Ref
    metric: str
    requests: float
    canary_bad: float
    primary_bad: float

    def counts(self, seed: int, ticks: range, tick: float, canary_weight: int, *, is_canary: bool) -> Counts:
        """Returns what a workload served in some ticks, each of so many seconds, while the canary had this weight.

        A tick is the same in whatever window it is asked for.
        """
        weight = canary_weight if is_canary else 100 - canary_weight
        served = round(self.requests * tick * weight / 100)
        share = (self.canary_bad if is_canary else self.primary_bad) / 100
        whose = f"{seed} {self.rollout} {self.metric} {is_canary} {canary_weight}"
        bad = sum(drawn(served, share, Random(f"{whose} {number}")) for number in ticks)  # noqa: S311 - no secret
        return Counts(total=float(served * len(ticks)), bad=float(bad))
