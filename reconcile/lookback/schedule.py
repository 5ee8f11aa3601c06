"""When a release that is never held up makes its checks, and at which weights."""

from __future__ import annotations

import math
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from reconcile.model.rollout import Spec


class Stage(Struct, frozen=True):
    """One weight, in percent: it is left after so many checks at the earliest, the first `warming` of them not made."""

    weight: int
    checks: int
    warming: int


class Look(Struct, frozen=True):
    """One check of a release. `place` counts from its begin, `since` is the one at which the weight was set."""

    place: int
    since: int
    weight: int


class Schedule(Struct, frozen=True, dict=True):
    """The weights of a release, in order."""

    stages: tuple[Stage, ...]

    @property
    def checks(self) -> int:
        """How many checks the release takes at the earliest, with those that are left out in warming up."""
        return sum(stage.checks for stage in self.stages)

    @cached_property
    def looks(self) -> tuple[Look, ...]:
        """The checks of a release that each of them lets go on."""
        ends = [0, *accumulate(stage.checks for stage in self.stages)]
        return tuple(
            Look(since + number, since, stage.weight)
            for since, stage in zip(ends, self.stages, strict=False)
            for number in range(max(stage.warming, 1), stage.checks + 1)
        )


def schedule(spec: Spec, step: float, length: float | None) -> Schedule:
    """Returns the weights of a release with a check each `step` seconds, which takes `length` seconds.

    Each weight has its share of that: what it has of a release that is not made longer (None), where it lasts as long
    as its hold and `warmUp` ask for, and one check at least. A weight whose share is no check is left out.
    """
    warming = math.ceil(spec.warm_up / step)
    weights = spec.steps.weights
    natural = [max(math.ceil(spec.steps.at(weight).hold / step), warming, 1) for weight in weights]
    if length is None:
        return Schedule(tuple(Stage(*each, warming) for each in zip(weights, natural, strict=True)))
    whole, wanted = sum(natural), max(math.ceil(length / step), 1)
    stages, so_far, ends = [], 0, 0
    for weight, checks in zip(weights, natural, strict=True):
        ends += checks
        share = round(wanted * ends / whole) - so_far
        so_far += share
        if share:
            stages.append(Stage(weight, max(share, warming), warming))
    return Schedule(tuple(stages))
