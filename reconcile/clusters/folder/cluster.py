"""A folder of manifests as the cluster of a pass: its YAML files hold the objects, one of them the Events.

There are no defaults, no admission and no controllers: only what `model.ports.Cluster` promises.
"""

from __future__ import annotations

import threading
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reconcile.clusters.events import event_manifest
from reconcile.clusters.folder.file_tree import real_path
from reconcile.clusters.folder.index import EVENTS_FILES, Index
from reconcile.clusters.folder.json_patch import patched
from reconcile.clusters.folder.lock import folder_lock
from reconcile.clusters.folder.object_writes import ATTEMPTS, append, change, contended
from reconcile.clusters.folder.objects import as_served, matches
from reconcile.clusters.folder.parsed_file import ParsedFile
from reconcile.model.errors import RefusedError, UsageError
from reconcile.model.kinds import EVENT, Ref
from reconcile.model.times import timestamp

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from reconcile.clusters.folder.index import Entry
    from reconcile.clusters.folder.parsed_file import ParsedObject
    from reconcile.model.errors import ClusterError
    from reconcile.model.kinds import Kind, Manifest, Scope, Version
    from reconcile.model.plan import Event, Patch


class FolderCluster:
    """The objects in the YAML files below `folder`. Raises UsageError for a path that is neither a folder nor a file.

    Of a file only that one is read, and Events are stored beside it.

    `namespace` is that of the objects that name none.
    """

    width = 1

    def __init__(self, folder: Path | str, namespace: str = "default") -> None:
        path = Path(folder)
        is_file = path.is_file()
        self.folder = path.parent if is_file else path
        self._namespace = namespace
        if not self.folder.is_dir():
            reason = "is neither a folder nor a file" if self.folder.exists() else "does not exist"
            raise UsageError(f"{self.folder} {reason}")
        self._guard = threading.RLock()
        self._index = Index(self.folder, namespace, only=path.name if is_file else "")

    def list(self, kind: Kind, scope: Scope) -> Sequence[Manifest]:
        """Returns all objects of the kind in the scope, by namespace and name.

        Raises UsageError with all faults of the folder's files.
        """
        with self._guard:
            entries = self._index.entries()
            refs = sorted(ref for ref in entries if ref.kind == kind and scope.namespace in {None, ref.namespace})
            found = [entry for ref in refs for entry in (entries[ref], *self._index.doubles(ref))]
            manifests = map(self._copy, found)
            return [manifest for manifest in manifests if matches(manifest, scope.fields)]

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Returns the objects that exist; a RefusedError for one that is there several times, or may be unreadable.

        Raises UsageError with all faults of the folder's files.
        """
        with self._guard:
            entries = self._index.entries()
            problems = {ref: problem for ref in refs if (problem := self._index.problem(ref))}
            found = {ref: self._copy(entries[ref]) for ref in refs if ref in entries}
            return found | {ref: RefusedError(problem) for ref, problem in problems.items()}

    def faults(self) -> Sequence[tuple[str, str]]:
        """Returns what is wrong in the files and is left out: places and words. Raises UsageError for anything else."""
        with self._guard:
            return self._index.faults()

    def unchanged(self, known: Mapping[Ref, Version]) -> Collection[Ref]:
        """Returns nothing: objects in files have no versions (`ports.Cluster`)."""
        del known
        return ()

    def by_place(self) -> Mapping[str, Manifest]:
        """Returns all objects, also of kinds that no pass reads, by `file: Kind name`.

        Raises UsageError with all faults of the folder's files.
        """
        with self._guard:
            return self._index.by_place()

    def patch(self, patch: Patch) -> None:
        """Writes one JSON patch into the file of the object.

        Raises LostRaceError if a `test` failed, MissingError without the object, RefusedError for a patch that does
        not fit it, ForbiddenError or UnreachableError for a file that cannot be written.
        """
        with self._guard:
            change(self._index, self.folder, patch.target, lambda item: patched(item, patch, self._namespace))

    def record(self, event: Event, at: datetime) -> None:
        """Stores one Event in a file of EVENTS_FILES, or raises the `count` of the one with its name there."""
        ref = Ref(EVENT, event.rollout.namespace, event.name)
        with self._guard:
            for _ in range(ATTEMPTS):
                file = self._events_file()
                stored = self._index.get(ref)
                if stored is not None and stored.file is file:
                    change(self._index, self.folder, ref, partial(_counted, at=at))
                    return
                if append(self._index, file, ref, event_manifest(event, at)):
                    return
            raise contended(ref)

    def lock(self, wait: float = 0.0) -> AbstractContextManager[None]:
        """Locks the folder for one pass; waits for another one to end, at most `wait` seconds. Raises ClusterError."""
        return folder_lock(self.folder, wait)

    def _copy(self, entry: Entry) -> Manifest:
        return deepcopy(as_served(entry.item, self._namespace))

    def _events_file(self) -> ParsedFile:
        """Returns the first of EVENTS_FILES that has nothing but Events, as it is now, or an empty one to create."""
        files = map(self._as_events_file, EVENTS_FILES)
        if file := next((file for file in files if all(EVENT.matches(item.typed) for item in file.objects)), None):
            return file
        raise RefusedError(f"{self.folder}: {' and '.join(EVENTS_FILES)} have other objects: Events go into neither")

    def _as_events_file(self, name: str) -> ParsedFile:
        path = self.folder / name
        file = self._index.current_file(ParsedFile(path, real_path(self.folder) / name))
        if file.signature is None and path.exists():
            raise RefusedError(f"{path} is in the way: it is no file, and Events are stored in one of that name")
        if file.flaws:
            raise RefusedError(str(file.flaws[0]))
        return file


def _counted(item: ParsedObject, at: datetime) -> Manifest:
    count = item.manifest.get("count")
    return {**item.manifest, "count": (count if isinstance(count, int) else 1) + 1, "lastTimestamp": timestamp(at)}
