"""Requests that are drawn at random: how many of some are bad, or go to a canary. The same seed draws the same."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

_MANY = 400
"""Requests that are expected, from which on a normal distribution is close enough, and drawn at once."""


def drawn(requests: int, share: float, random: Random) -> int:
    """Returns how many of some requests it is, where it is each with the same chance: a binomial distribution."""
    if share > 0.5:  # noqa: PLR2004 - the rarer of the two is drawn
        return requests - drawn(requests, 1.0 - share, random)
    expected = requests * share
    if expected > _MANY:
        found = round(random.gauss(expected, math.sqrt(expected * (1.0 - share))))
        return min(max(found, 0), requests)
    found, place = 0, 0
    while share > 0.0:  # by the gaps between them
        place += 1 + int(math.log(1.0 - random.random()) / math.log1p(-share))
        if place > requests:
            break
        found += 1
    return found
