"""Which file of a folder has which object."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from reconcile.clusters.folder.file_write import is_unchanged
from reconcile.clusters.folder.objects import meant_by, ref_to, title
from reconcile.clusters.folder.parsed_file import ParsedFile, ParsedObject, load, parse
from reconcile.clusters.folder.sources import STDIN
from reconcile.model.errors import RefusedError, UsageError
from reconcile.model.kinds import EVENT, ROLLOUT, Ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from reconcile.clusters.folder.file_tree import Signature
    from reconcile.clusters.folder.parsed_file import Flaw
    from reconcile.clusters.folder.sources import Sources
    from reconcile.model.kinds import Manifest

EVENTS_FILES = ("events.yaml", "steerer-events.yaml")
"""Where Events are stored: in the second one if the first one has other objects."""
LOG = logging.getLogger("steerer.folder")


class Entry(NamedTuple):
    """One object and its file."""

    file: ParsedFile
    item: ParsedObject


class Index:
    """The files of the sources and the objects in them; a file is read again when its signature changes."""

    def __init__(self, sources: Sources, default_namespace: str) -> None:
        self._sources = sources
        self._event_paths = {folder / name for folder in sources.folders[:1] for name in EVENTS_FILES}
        self._default_namespace = default_namespace
        self._files: dict[Path, ParsedFile] = {}
        self._entries: dict[Ref, Entry] = {}
        self._doubles: dict[Ref, list[Entry]] = {}
        self._nameless: list[tuple[str, str]] = []
        self._is_complete = False

    def entries(self) -> Mapping[Ref, Entry]:
        """Returns all objects, from files that are up to date. Raises UsageError with all faults of the files.

        Of an object that is there several times it is the first, and `doubles` has the others.
        """
        self._refresh()
        return self._entries

    def doubles(self, ref: Ref) -> Sequence[Entry]:
        """Returns the places of an object but the first one, as they were read last."""
        return self._doubles.get(ref, ())

    def problem(self, ref: Ref) -> str:
        """Returns why it is not known what an object is like, as its files were read last; "" where it is known.

        An object that is in no file may be in a document that cannot be read.
        """
        if ref in self._doubles:
            return self._which(ref)
        flaws = () if ref in self._entries or not ref.valid else self._flaws()
        flaw = next((flaw for flaw in flaws if ref.kind.name in flaw.text), None)
        place = str(flaw).removeprefix(f"{self._sources.root}{os.sep}") if flaw else ""
        return f"it is in no file that can be read, and may be in {place}" if place else ""

    def other(self, ref: Ref) -> str:
        """Returns which object may be meant by one that is in no file, and what is wrong with it; "" for none."""
        for file, item in self._items():
            if found := meant_by(ref, item, self._default_namespace):
                return f"{found} in {self._sources.shown(file.path)}"
        return ""

    def faults(self) -> Sequence[tuple[str, str]]:
        """Returns what is wrong in the files and is left out: places and words. Raises UsageError as `entries`."""
        self._refresh()
        flaws = [(flaw.place, flaw.problem) for flaw in self._flaws()]
        return [*flaws, *self._nameless, *((str(ref), self._which(ref)) for ref in self._doubles)]

    def _flaws(self) -> list[Flaw]:
        return [flaw for path in sorted(self._files) for flaw in self._files[path].flaws]

    def _which(self, ref: Ref) -> str:
        files = [self._sources.shown(entry.file.path) for entry in (self._entries[ref], *self._doubles[ref])]
        return f"it is in {' and in '.join(files)}: which one is meant?"

    def by_place(self) -> Mapping[str, Manifest]:
        """Returns all objects, also of kinds that no pass reads, by `file: Kind name`. Raises as `entries`."""
        self._refresh()
        return {f"{self._sources.shown(file.path)}: {title(item)}": item.typed for file, item in self._items()}

    def files(self) -> Mapping[Ref, str]:
        """Returns the file of each object, as its files were read last, for people."""
        return {ref: self._sources.shown(entry.file.path) for ref, entry in self._entries.items()}

    def current(self, ref: Ref) -> Entry | None:
        """Returns an object as its file is now; None if it is in no file.

        Raises RefusedError for faulty files, and where `problem` has one.
        """
        entry = self._entries.get(ref)
        if not (entry and is_unchanged(entry.file)):
            if entry:
                self._forget(entry.file.path)
            with _refused():
                self._refresh()
        if problem := self.problem(ref):
            raise RefusedError(f"{ref}: {problem}")
        now = self._files.get(entry.file.path) if entry else None
        if ref not in self._entries and now and now.flaws:
            raise RefusedError(str(now.flaws[0]))
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
        found = {path: (real, signature) for path, real, signature in self._sources.walk(EVENTS_FILES)}
        faults: list[str] = []
        for path in self._files.keys() - found.keys():
            self._forget(path)
        for path, state in found.items():
            if path in self._files and (self._files[path].real, self._files[path].signature) == state:
                continue
            self._forget(path)
            try:
                self._files[path] = self._load(path, *state)
                for flaw in self._files[path].flaws:
                    LOG.warning("%s; it is left out", flaw)
            except UsageError as error:
                faults.append(str(error))
        if faults:
            raise UsageError("\n".join(faults))
        if not self._is_complete:
            self._rebuild()

    def _load(self, path: Path, real: Path, signature: Signature) -> ParsedFile:
        stdin = self._sources.stdin
        return load(path, real) if path != STDIN or stdin is None else parse(ParsedFile(path, real, signature), stdin)

    def _forget(self, path: Path) -> None:
        self._files.pop(path, None)
        self._is_complete = False

    def _rebuild(self) -> None:
        """Finds the objects in all files. Only a fault of a Rollout keeps the others from being used."""
        entries: dict[Ref, Entry] = {}
        doubles: dict[Ref, list[Entry]] = {}
        faults: list[str] = []
        nameless: list[tuple[str, str]] = []
        for file, item in self._items():
            try:
                ref = ref_to(item, self._default_namespace)
            except RefusedError as error:
                if ROLLOUT.matches(item.typed):
                    faults.append(f"{file.path}: {error}")
                else:
                    nameless.append((str(file.path), str(error)))
                continue
            if ref is None:
                continue
            if ref in entries and ref.kind == ROLLOUT:
                faults.append(f"{ref} is in {entries[ref].file.path} and in {file.path}: which one is meant?")
            elif ref in entries and ref.kind != EVENT:
                doubles.setdefault(ref, []).append(Entry(file, item))
            # An Event of a dump may be in any file; only those in EVENTS_FILES are counted.
            elif ref not in entries or file.path in self._event_paths:
                entries[ref] = Entry(file, item)
        if faults:
            raise UsageError("\n".join(faults))
        self._entries, self._doubles, self._nameless, self._is_complete = entries, doubles, nameless, True

    def _items(self) -> Iterator[tuple[ParsedFile, ParsedObject]]:
        return ((self._files[path], item) for path in sorted(self._files) for item in self._files[path].objects)


@contextmanager
def _refused() -> Iterator[None]:
    """Turns a fault of the user's files into the RefusedError that a write may raise."""
    try:
        yield
    except UsageError as error:
        raise RefusedError(str(error)) from error
