"""The shard of a Rollout: exactly one, and the same in every process."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from reconcile.model.kinds import Ref


class Shard(Struct, frozen=True, kw_only=True):
    """One of `count` shards, numbered from 0.

    `of_namespaces`: it has whole namespaces, so that it reads no object around the Rollouts of others.
    """

    index: int = 0
    count: int = 1
    of_namespaces: bool = False

    def contains(self, ref: Ref) -> bool:
        """Returns whether an object belongs to this shard."""
        name = "" if self.of_namespaces else ref.name
        return self.count == 1 or self.index == shard_index(ref.namespace, name, self.count)


UNSHARDED = Shard()


def shard_index(namespace: str, name: str, count: int) -> int:
    """Returns the shard, of `count`, that an object belongs to; `name` is "" for a whole namespace.

    Rendezvous hashing: each shard has a hash for the object, and the highest one wins. A shard more or less leaves the
    other hashes as they are, so only the objects of that shard move.
    """
    return max(range(count), key=lambda index: _hash(f"{index}/{namespace}/{name}"))


def _hash(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8).digest()
