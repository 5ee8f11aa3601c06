"""The Rollouts that a pass covers: namespaces, names, labels and a shard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconcile.engine.label_selector import matches
from reconcile.engine.shards import UNSHARDED, Shard

if TYPE_CHECKING:
    from reconcile.model.kinds import Ref
    from reconcile.model.rollout import Rollout


class Selection(Struct, frozen=True, kw_only=True):
    """The Rollouts that a pass covers. An empty field selects everything; several fields are combined by AND.

    Each of `names` must exist. A Rollout of `refs` need not exist. `labels` is a label selector.
    """

    namespaces: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    labels: str = ""
    refs: frozenset[Ref] = frozenset()
    shard: Shard = UNSHARDED

    def __str__(self) -> str:
        """The namespaces, as a message names them."""
        return f"namespace {', '.join(self.namespaces)}" if self.namespaces else "any namespace"

    def matches(self, rollout: Rollout) -> bool:
        """Returns whether name, reference and labels of a Rollout match. Namespace and shard are not compared."""
        named = not self.names or rollout.ref.name in self.names
        return named and (not self.refs or rollout.ref in self.refs) and matches(self.labels, rollout.labels)
