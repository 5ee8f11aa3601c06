"""Which file of a folder has which object."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from reconcile.clusters.folder.file_tree import walk
from reconcile.clusters.folder.file_write import is_unchanged
from reconcile.clusters.folder.objects import ref_to, title
from reconcile.clusters.folder.parsed_file import ParsedFile, ParsedObject, load
from reconcile.model.errors import RefusedError, UsageError
from reconcile.model.kinds import EVENT, Ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from reconcile.model.kinds import Manifest

EVENTS_FILE = "events.yaml"


class Entry(NamedTuple):
    """One object and its file."""

    file: ParsedFile
    item: ParsedObject


class Index:
    """The files of a folder and the objects in them; a file is read again when its signature changes."""

    def __init__(self, folder: Path, default_namespace: str) -> None:
        self._folder = folder
        self._default_namespace = default_namespace
        self._files: dict[Path, ParsedFile] = {}
        self._entries: dict[Ref, Entry] = {}
        self._is_complete = False

    def entries(self) -> Mapping[Ref, Entry]:
        """Returns all objects, from files that are up to date. Raises UsageError with all faults of the files."""
        self._refresh()
        return self._entries

    def by_place(self) -> Mapping[str, Manifest]:
        """Returns all objects, also of kinds that no pass reads, by `file: Kind name`. Raises as `entries`."""
        self._refresh()
        return {
            f"{path.relative_to(self._folder)}: {title(item)}": item.typed
            for path, file in sorted(self._files.items())
            for item in file.objects
        }

    def current(self, ref: Ref) -> Entry | None:
        """Returns an object as its file is now; None if it is in no file.

        Raises RefusedError for faulty files.
        """
        entry = self._entries.get(ref)
        if entry and is_unchanged(entry.file):
            return entry
        if entry:
            self._forget(entry.file.path)
        with _refused():
            self._refresh()
        return self._entries.get(ref)

    def current_file(self, new: ParsedFile) -> ParsedFile:
        """Returns the file as it is now, or `new` if there is none with its path.

        Raises RefusedError for faulty files.
        """
        path = new.path
        if not is_unchanged(self._files.get(path) or new):
            self._forget(path)
            with _refused():
                self._refresh()
        return self._files.get(path) or new

    def get(self, ref: Ref) -> Entry | None:
        """Returns an object as it was read last."""
        return self._entries.get(ref)

    def add(self, ref: Ref, entry: Entry) -> None:
        """Adds an object that has been written."""
        entry.file.objects.append(entry.item)
        self._files[entry.file.path] = entry.file
        self._entries[ref] = entry

    def _refresh(self) -> None:
        """Reads the files that are new or have another signature, and drops those that are gone."""
        found = {path: (real, signature) for path, real, signature in walk(self._folder)}
        faults: list[str] = []
        for path in self._files.keys() - found.keys():
            self._forget(path)
        for path, state in found.items():
            if path in self._files and (self._files[path].real, self._files[path].signature) == state:
                continue
            self._forget(path)
            try:
                self._files[path] = load(path, state[0])
            except UsageError as error:
                faults.append(str(error))
        if faults:
            raise UsageError("\n".join(faults))
        if not self._is_complete:
            self._rebuild()

    def _forget(self, path: Path) -> None:
        self._files.pop(path, None)
        self._is_complete = False

    def _rebuild(self) -> None:
        entries: dict[Ref, Entry] = {}
        faults = []
        for path in sorted(self._files):
            file = self._files[path]
            for item in file.objects:
                try:
                    ref = ref_to(item, self._default_namespace)
                except RefusedError as error:
                    faults.append(f"{path}: {error}")
                    continue
                if ref is None:
                    continue
                if ref in entries and ref.kind != EVENT:
                    faults.append(f"{ref} is in {entries[ref].file.path} and in {path}: which one is meant?")
                # An Event of a dump may be in any file; only those in EVENTS_FILE are counted.
                if ref not in entries or path == self._folder / EVENTS_FILE:
                    entries[ref] = Entry(file, item)
        if faults:
            raise UsageError("\n".join(faults))
        self._entries, self._is_complete = entries, True


@contextmanager
def _refused() -> Iterator[None]:
    """Turns a fault of the user's files into the RefusedError that a write may raise."""
    try:
        yield
    except UsageError as error:
        raise RefusedError(str(error)) from error
