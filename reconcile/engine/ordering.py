"""The turns: who is asked and written when, in a pass that may end before everybody was reached.

Duty: an order in which nobody is last for ever, though no pass remembers another one. Pure.
"""

from __future__ import annotations

from hashlib import blake2b
from itertools import chain
from typing import TYPE_CHECKING

from reconcile.core.state_machine import Move

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reconcile.model.plan import Plan


def turns(plans: Sequence[Plan], now: datetime) -> list[int]:
    """Give the order of writing, as places in `plans`, which begin with what waited longest.

    First what has nothing to write. Then two lines take turns: in one stand those that move, so that what an earlier
    pass did not reach comes first. But nothing is stored of a halt that lasts, or of a move that is refused each time,
    by which those would ever be behind others; so in the other line all draw lots, anew in each pass.
    """
    busy = [place for place, plan in enumerate(plans) if plan.patches or plan.events]
    idle = set(range(len(plans))) - set(busy)
    moving = [place for place in busy if plans[place].move != Move.HALT.value]
    return [*sorted(idle), *_by_turns(moving, _drawn(busy, plans, now))]


def asked(plans: Sequence[Plan], now: datetime) -> list[int]:
    """Give the order of asking, as places in `plans`, of those that have questions.

    Two lines here as well: whoever had no answer in time comes first, but may be whose queries never end in time.
    """
    asking = [place for place, plan in enumerate(plans) if plan.questions]
    return _by_turns(asking, _drawn(asking, plans, now))


def _by_turns(line: Sequence[int], drawn: Sequence[int]) -> list[int]:
    """Take one of each in turn, and nobody twice; all of the first are among the second."""
    return list(dict.fromkeys([*chain.from_iterable(zip(line, drawn, strict=False)), *drawn]))


def _drawn(places: Sequence[int], plans: Sequence[Plan], now: datetime) -> list[int]:
    return sorted(places, key=lambda place: _lot(plans[place], now))


def _lot(plan: Plan, now: datetime) -> bytes:
    return blake2b(f"{now.isoformat()}/{plan.rollout.namespace}/{plan.rollout.name}".encode(), digest_size=8).digest()
