"""Writes to route objects that several Rollouts share: together where they come together, else one after the other.

A VirtualService of a gateway holds the routes of many services, and each patch tests the generation of the whole
object. Decided on the same generation, all but the first of a pass would lose their race. So each is decided on what
the last one stored, and those that come while another is on its way are one patch.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from reconcile.model.errors import ClusterError, LostRaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.plan import Patch
    from reconcile.model.ports import Cluster

# How often one patch is made because somebody else wrote the object meanwhile. Two passes at once beat each other
# every second time, and each time one of them has moved a Rollout.
ATTEMPTS = 20


class _Write(Struct, eq=False):
    """One patch, decided on the object as `seen`; `rebase` returns it for another state. `error` = it failed."""

    patch: Patch
    seen: Manifest
    rebase: Callable[[Manifest], Patch]
    done: bool = False
    error: Exception | None = None

    def on(self, state: Manifest | None) -> Patch:
        """Returns the patch for the object as it is known to be stored. Raises LostRaceError."""
        return self.patch if state is None else self.rebase(state)


class _Queue(Struct, eq=False):
    """The writes to one object that nobody has taken yet, and the lock of who writes it."""

    lock: Lock = field(default_factory=Lock)
    writes: list[_Write] = field(default_factory=list)


class SharedRoutes:
    """The route objects of one pass that several Rollouts write, each as it is known to be stored."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._guard = Lock()
        self._queues: dict[Ref, _Queue] = {}
        self._stored: dict[Ref, Manifest] = {}

    def forget(self) -> None:
        """Starts a new pass, which reads the objects anew."""
        self._stored.clear()

    def patch(self, patch: Patch, seen: Manifest, rebase: Callable[[Manifest], Patch]) -> None:
        """Writes one patch, which was decided on the object as `seen`.

        `rebase` returns the patch for another state of the object. It raises LostRaceError where the decision would
        be another one there. Raises LostRaceError also where others write again and again, and other ClusterErrors.
        """
        write = _Write(patch, seen, rebase)
        with self._guard:
            queue = self._queues.setdefault(patch.target, _Queue())
            queue.writes.append(write)
        with queue.lock:
            if not write.done:  # nobody who wrote before took it along
                with self._guard:
                    writes, queue.writes = queue.writes, []
                self._write(writes)
        if write.error is not None:
            raise write.error

    def _write(self, writes: Sequence[_Write]) -> None:
        """Writes them together, and those for which that did not succeed one after the other."""
        if len(writes) > 1:
            self._write_together(writes)
        for write in writes:
            if not write.done:
                try:
                    self._write_alone(write)
                except Exception as error:  # noqa: BLE001 - raised to the one whose write it is
                    write.error = error
                write.done = True

    def _write_together(self, writes: Sequence[_Write]) -> None:
        state = self._stored.get(writes[0].patch.target)
        fitting: list[tuple[_Write, Patch]] = []
        for write in writes:
            try:
                fitting.append((write, write.on(state)))
            except LostRaceError:
                continue
        try:
            stored = self._cluster.patch(_merged([patch for _, patch in fitting])) if fitting else None
        except ClusterError:
            return
        for write, patch in fitting:
            self._remember(patch.target, stored, state or write.seen)
            write.done = True

    def _write_alone(self, write: _Write) -> None:
        target = write.patch.target
        state = self._stored.get(target)
        attempts = 0
        while True:
            current = write.on(state)
            attempts += 1
            try:
                stored = self._cluster.patch(current)
            except LostRaceError:
                state = self._read(target)
                if state is None or attempts == ATTEMPTS:
                    raise
            else:
                self._remember(target, stored, state or write.seen)
                return

    def _read(self, ref: Ref) -> Manifest | None:
        found = self._cluster.fetch([ref]).get(ref)
        return found if isinstance(found, dict) else None

    def _remember(self, ref: Ref, read: Callable[[], Manifest] | None, before: Manifest) -> None:
        """Keeps the stored object, but for who wrote it: for the other Rollouts that is who wrote before this pass."""
        if read is None:
            return
        stored = read()
        metadata = stored["metadata"] | {"managedFields": (before.get("metadata") or {}).get("managedFields")}
        self._stored[ref] = stored | {"metadata": metadata}


def _merged(patches: Sequence[Patch]) -> Patch:
    """Returns one patch with what all of them test and write. Each is about routes of its own."""
    operations = [operation for patch in patches for operation in patch.operations]
    tests = [operation for operation in operations if operation["op"] == "test"]
    unique = [test for index, test in enumerate(tests) if test not in tests[:index]]
    return replace(patches[0], operations=(*unique, *(each for each in operations if each["op"] != "test")))
