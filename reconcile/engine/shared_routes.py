"""Writes to route objects that several Rollouts share: one after the other, each on what the last one stored.

A VirtualService of a gateway holds the routes of many services, and each patch tests the generation of the whole
object. Decided on the same generation, all but the first of a pass would lose their race.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from reconcile.model.errors import LostRaceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.plan import Patch
    from reconcile.model.ports import Cluster

# How often one patch is made because somebody else wrote the object meanwhile. Two passes at once beat each other
# every second time, and each time one of them has moved a Rollout.
ATTEMPTS = 20


class SharedRoutes:
    """The route objects of one pass that several Rollouts write, each as it is known to be stored."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._guard = Lock()
        self._locks: dict[Ref, Lock] = {}
        self._stored: dict[Ref, Manifest] = {}

    def forget(self) -> None:
        """Starts a new pass, which reads the objects anew."""
        self._stored.clear()

    def patch(self, patch: Patch, seen: Manifest, rebase: Callable[[Manifest], Patch]) -> None:
        """Writes one patch, which was decided on the object as `seen`.

        `rebase` returns the patch for another state of the object. It raises LostRaceError where the decision would
        be another one there. Raises LostRaceError also where others write again and again, and other ClusterErrors.
        """
        with self._lock(patch.target):
            state = self._stored.get(patch.target)
            attempts = 0
            while True:
                current = patch if state is None else rebase(state)
                attempts += 1
                try:
                    stored = self._cluster.patch(current)
                except LostRaceError:
                    state = self._read(patch.target)
                    if state is None or attempts == ATTEMPTS:
                        raise
                else:
                    self._remember(patch.target, stored, state or seen)
                    return

    def _lock(self, ref: Ref) -> Lock:
        with self._guard:
            return self._locks.setdefault(ref, Lock())

    def _read(self, ref: Ref) -> Manifest | None:
        found = self._cluster.fetch([ref]).get(ref)
        return found if isinstance(found, dict) else None

    def _remember(self, ref: Ref, stored: Manifest | None, before: Manifest) -> None:
        """Keeps the stored object, but for who wrote it: for the other Rollouts that is who wrote before this pass."""
        if stored is None:
            return
        metadata = stored["metadata"] | {"managedFields": (before.get("metadata") or {}).get("managedFields")}
        self._stored[ref] = stored | {"metadata": metadata}
