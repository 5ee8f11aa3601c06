"""The shards: which of several passes that run beside each other a Rollout belongs to.

Duty: that it is exactly one, the same in every process, and seldom another one when their number changes. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconcile.model.kinds import Ref


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """One of `count` shards, which are numbered from 0."""

    index: int = 0
    count: int = 1

    def has(self, ref: Ref) -> bool:
        """Say whether an object belongs to it."""
        return self.count == 1 or self.index == shard(ref, self.count)


# The one that everything belongs to.
WHOLE = Shard()


def shard(ref: Ref, count: int) -> int:
    """Give the number of the shard, of so many, that an object belongs to: by its namespace and name alone.

    Each shard draws a lot for it and the highest has it (rendezvous hashing). A shard more or less changes no other
    one's lot, so that only those move that the new one wins, or the one that is gone had.
    """
    return max(range(count), key=lambda index: _lot(ref, index))


def _lot(ref: Ref, index: int) -> bytes:
    return blake2b(f"{index}/{ref.namespace}/{ref.name}".encode(), digest_size=8).digest()
