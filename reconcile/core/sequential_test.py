"""The sequential test: whether a canary fails more of its requests than the primary beside it explains.

A one-sided sequential conditional binomial test, a likelihood ratio whose evidence begins at 1 and cannot grow on
average while the canary is no worse than tolerated. So (Ville's inequality) the share of good canaries that are ever
called worse is at most the rate that was asked for, however often and whenever one looks. docs/metrics.md has the
formula and what it is worth.
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.model.measurement import Slice

TIMES_WORSE = (1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
"""How much worse than tolerated a canary may be: the evidence is the mean over these."""
MOST_LOG = math.log(1e9)
"""Evidence is not told apart beyond this."""


def evidence(slices: Iterable[Slice], tolerated: float) -> float:
    """Returns how many times likelier the counts are if the canary is worse than tolerated than if it is not.

    In each slice the canary has one share of the requests. `tolerated` is the ratio of error rates that is no fault: 1
    means "no worse than the primary". A slice without requests on one side says nothing.
    """
    kept = list(slices)
    logs = [math.fsum(_log_ratio(one, tolerated, times) for one in kept) for times in TIMES_WORSE]
    highest = max(logs)
    log = highest + math.log(math.fsum(math.exp(one - highest) for one in logs) / len(logs))
    return math.exp(min(log, MOST_LOG))


def limit(rate: float, sharing: int) -> int:
    """Returns the evidence from which on a canary counts as worse, where `sharing` metrics share a false alarm rate.

    It is a whole number, rounded up: people read it.
    """
    return int((sharing / Decimal(repr(rate))).to_integral_value(ROUND_CEILING))


def _log_ratio(counts: Slice, tolerated: float, times: float) -> float:
    """Returns the logarithm of the likelihood ratio of one slice, for a canary so many times worse than tolerated.

    Of all bad requests, the canary's are binomial with the share p0 = r*n / (r*n + m), or the larger one of a worse
    canary. Both terms of x*ln(p/p0) + y*ln((1-p)/(1-p0)) are written so that no share can be 0 or 1.
    """
    total, beside = max(counts.canary.total, 0.0), max(counts.primary.total, 0.0)
    if not total or not beside:
        return 0.0
    bad = min(max(counts.canary.bad, 0.0), total)
    all_bad = bad + min(max(counts.primary.bad, 0.0), beside)
    without, with_times = math.log(tolerated * total + beside), math.log(times * tolerated * total + beside)
    return bad * math.log(times) + all_bad * (without - with_times)
