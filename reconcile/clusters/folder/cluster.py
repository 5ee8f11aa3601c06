"""Manifests as the cluster of a pass: YAML and JSON files hold the objects, one of them the Events.

There are no defaults, no admission and no controllers: only what `model.ports.Cluster` promises.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING

from reconcile.clusters.events import event_manifest
from reconcile.clusters.folder.file_tree import real_path
from reconcile.clusters.folder.index import EVENTS_FILES, Index
from reconcile.clusters.folder.json_patch import patched
from reconcile.clusters.folder.lock import folder_lock
from reconcile.clusters.folder.object_writes import ATTEMPTS, append, change, contended
from reconcile.clusters.folder.objects import as_served, matches
from reconcile.clusters.folder.parsed_file import ParsedFile
from reconcile.clusters.folder.sources import sources_of
from reconcile.model.errors import ElsewhereError, MissingError, RefusedError
from reconcile.model.kinds import ENDPOINT_SLICE, EVENT, Ref
from reconcile.model.times import timestamp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from reconcile.clusters.folder.index import Entry
    from reconcile.clusters.folder.parsed_file import ParsedObject
    from reconcile.clusters.folder.sources import Sources
    from reconcile.model.errors import ClusterError
    from reconcile.model.kinds import Kind, Manifest, Scope, Version
    from reconcile.model.plan import Event, Patch


class FolderCluster:
    """The objects in the files of `source`. Raises UsageError for a path that is neither a folder nor a file.

    Of a file only that one is read. Events are stored in the first folder, or beside the file that is named first.
    `namespace` is that of the objects that name none.
    """

    width = 1

    def __init__(self, source: Sources | Path | str, namespace: str = "default") -> None:
        self._sources = sources_of(source)
        self._namespace = namespace
        self._guard = threading.RLock()
        self._index = Index(self._sources, namespace)

    def list(self, kind: Kind, scope: Scope) -> Sequence[Manifest]:
        """Returns all objects of the kind in the scope, by namespace and name.

        Raises MissingError for a kind that only controllers make, UsageError with all faults of the folder's files.
        """
        if kind == ENDPOINT_SLICE:
            raise MissingError(f"a folder has no {kind.plural}: a controller of the cluster makes them")
        with self._guard:
            entries = self._index.entries()
            refs = sorted(ref for ref in entries if ref.kind == kind and scope.namespace in {None, ref.namespace})
            found = [entry for ref in refs for entry in (entries[ref], *self._index.doubles(ref))]
            manifests = map(self._copy, found)
            return [manifest for manifest in manifests if matches(manifest, scope)]

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Returns the objects that exist; a RefusedError for one that is there several times, or may be unreadable.

        An ElsewhereError stands for one that does not exist, where another one may be meant.

        Raises UsageError with all faults of the folder's files.
        """
        with self._guard:
            entries = self._index.entries()
            problems = {ref: problem for ref in refs if (problem := self._index.problem(ref))}
            found = {ref: self._copy(entries[ref]) for ref in refs if ref in entries}
            missing = (ref for ref in refs if ref not in found and ref not in problems)
            others = {ref: ElsewhereError(other) for ref in missing if (other := self._index.other(ref))}
            return found | others | {ref: RefusedError(problem) for ref, problem in problems.items()}

    def faults(self) -> Sequence[tuple[str, str]]:
        """Returns what is wrong in the files and is left out: places and words. Raises UsageError for anything else."""
        with self._guard:
            return self._index.faults()

    def unchanged(self, known: Mapping[Ref, Version]) -> Collection[Ref]:
        """Returns nothing: objects in files have no versions (`ports.Cluster`)."""
        del known
        return ()

    def files(self) -> Mapping[Ref, str]:
        """Returns the file of each object as it was read last, for people."""
        with self._guard:
            return self._index.files()

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
            change(self._index, self._sources, patch.target, lambda item: patched(item, patch, self._namespace))

    def record(self, event: Event, at: datetime) -> None:
        """Stores one Event in a file of EVENTS_FILES, or raises the `count` of the one with its name there."""
        ref = Ref(EVENT, event.rollout.namespace, event.name)
        with self._guard:
            for _ in range(ATTEMPTS):
                file = self._events_file()
                stored = self._index.get(ref)
                if stored is not None and stored.file is file:
                    change(self._index, self._sources, ref, partial(_counted, at=at))
                    return
                if append(self._index, file, ref, event_manifest(event, at)):
                    return
            raise contended(ref)

    @contextmanager
    def lock(self, wait: float = 0.0) -> Iterator[None]:
        """Locks the folders for one pass; waits for another one to end, at most `wait` seconds. Raises ClusterError."""
        with ExitStack() as held:
            folders = {real_path(folder): folder for folder in self._sources.folders}
            # One order for all passes: none waits for another that waits for it.
            for _, folder in sorted(folders.items()):
                held.enter_context(folder_lock(folder, wait))
            yield

    def _copy(self, entry: Entry) -> Manifest:
        return deepcopy(as_served(entry.item, self._namespace))

    def _events_file(self) -> ParsedFile:
        """Returns the first of EVENTS_FILES that has nothing but Events, as it is now, or an empty one to create."""
        if not self._sources.folders:
            raise RefusedError("stdin can only be read")
        folder = self._sources.folders[0]
        files = (self._as_events_file(folder / name) for name in EVENTS_FILES)
        if file := next((file for file in files if all(EVENT.matches(item.typed) for item in file.objects)), None):
            return file
        raise RefusedError(f"{folder}: {' and '.join(EVENTS_FILES)} have other objects: Events go into neither")

    def _as_events_file(self, path: Path) -> ParsedFile:
        file = self._index.current_file(ParsedFile(path, real_path(path.parent) / path.name))
        if file.signature is None and path.exists():
            raise RefusedError(f"{path} is in the way: it is no file, and Events are stored in one of that name")
        if file.flaws:
            raise RefusedError(str(file.flaws[0]))
        return file


def _counted(item: ParsedObject, at: datetime) -> Manifest:
    count = item.manifest.get("count")
    return {**item.manifest, "count": (count if isinstance(count, int) else 1) + 1, "lastTimestamp": timestamp(at)}
