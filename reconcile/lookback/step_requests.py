"""The requests that a canary would get at each step, by what its primary served."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from msgspec import Struct

from reconcile.model import durations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.model.checks import Check

_QUIET = 0.1
"""Of the time: what is served in the quietest tenth of it is no more."""


class StepRequests(Struct, frozen=True, kw_only=True):
    """Requests of a canary in the interval of a metric at a weight, in percent: in the middle, and in quiet times.

    `enough` is the share of checks with `minRequests`, `seconds` how long these take in the middle; None where none are
    asked for, or where there are no requests.
    """

    weight: int
    typical: float
    quiet: float
    enough: float | None = None
    seconds: float | None = None


def step_requests(served: Sequence[float | None], check: Check, weights: Sequence[int]) -> tuple[StepRequests, ...]:
    """Returns the requests at each weight; nothing where it is not known what the primary served."""
    if not any(served):
        return ()
    ordered = sorted(one or 0.0 for one in served)
    typical, quiet = ordered[len(ordered) // 2], ordered[int(len(ordered) * _QUIET)]
    interval, wanted = durations.seconds(check.interval) or 0.0, check.min_requests
    found = []
    for weight in weights:
        share = weight / 100
        too_few = bisect_left(ordered, wanted / share)
        found.append(
            StepRequests(
                weight=weight,
                typical=typical * share,
                quiet=quiet * share,
                enough=1 - too_few / len(ordered) if wanted else None,
                seconds=wanted * interval / (typical * share) if wanted and typical else None,
            )
        )
    return tuple(found)
