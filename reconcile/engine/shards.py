"""The shard of a Rollout: exactly one, and the same in every process."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconcile.model.kinds import Ref


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """One of `count` shards, numbered from 0."""

    index: int = 0
    count: int = 1

    def contains(self, ref: Ref) -> bool:
        """Returns whether an object belongs to this shard."""
        return self.count == 1 or self.index == shard_index(ref, self.count)


UNSHARDED = Shard()


def shard_index(ref: Ref, count: int) -> int:
    """Returns the shard, of `count`, that an object belongs to. It depends on namespace and name alone.

    Rendezvous hashing: each shard has a hash for the object, and the highest one wins. A shard more or less leaves the
    other hashes as they are, so only the objects of that shard move.
    """
    return max(range(count), key=lambda index: _hash(ref, index))


def _hash(ref: Ref, index: int) -> bytes:
    return blake2b(f"{index}/{ref.namespace}/{ref.name}".encode(), digest_size=8).digest()
