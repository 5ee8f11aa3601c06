"""The order of queries and writes in a pass that may run out of time before it reaches every Rollout.

No pass remembers another one, so the order alone makes sure that no Rollout is last in every pass.
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

_STAYING = {Move.HALT.value, Move.HOLD.value}


def write_order(plans: Sequence[Plan], now: datetime) -> list[int]:
    """Returns the order of writing, as indices of `plans`. In `plans` the longest waiting Rollout comes first.

    Plans that write nothing come first. The others come alternately from two queues. The first has the plans that
    move, the longest waiting first. The second has all plans in an order that each pass shuffles anew: a lasting halt
    and a move that is refused each time store no time, so that waiting does not tell how often they had their turn.
    """
    writing = [index for index, plan in enumerate(plans) if plan.patches or plan.events]
    idle = set(range(len(plans))) - set(writing)
    moving = [index for index in writing if plans[index].move not in _STAYING]
    return [*sorted(idle), *_alternate(moving, _shuffled(writing, plans, now))]


def query_order(plans: Sequence[Plan], now: datetime) -> list[int]:
    """Returns the order of measuring, as indices of those of `plans` that have questions.

    It alternates like `write_order`: a Rollout whose queries never end in time is always the longest waiting one.
    """
    asking = [index for index, plan in enumerate(plans) if plan.questions]
    return _alternate(asking, _shuffled(asking, plans, now))


def _alternate(queue: Sequence[int], shuffled: Sequence[int]) -> list[int]:
    """Takes one of each in turn, and none twice. `shuffled` has all of `queue`."""
    return list(dict.fromkeys([*chain.from_iterable(zip(queue, shuffled, strict=False)), *shuffled]))


def _shuffled(indices: Sequence[int], plans: Sequence[Plan], now: datetime) -> list[int]:
    return sorted(indices, key=lambda index: _hash(plans[index], now))


def _hash(plan: Plan, now: datetime) -> bytes:
    return blake2b(f"{now.isoformat()}/{plan.rollout.namespace}/{plan.rollout.name}".encode(), digest_size=8).digest()
