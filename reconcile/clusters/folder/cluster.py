"""A folder of manifests as a cluster: the YAML files below it are its objects, and one of them its Events.

Duty: `ports.Cluster` over files. It keeps no server's promises beyond those of the port: no defaults, no admission,
no controllers. How YAML is read and written is the affair of `documents`, `edits` and `sources`.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconcile.clusters.events import event_manifest
from reconcile.clusters.folder.parsed_file import Found, Source, load, located, store, sweep, unchanged, walk
from reconcile.clusters.folder.yaml_documents import same
from reconcile.model.errors import ClusterError, ForbiddenError, LostRaceError, MissingError, RefusedError, UsageError
from reconcile.model.kinds import EVENT, KINDS, ROLLOUT, Manifest, Ref
from reconcile.model.names import is_object_name
from reconcile.model.text import shown
from reconcile.model.times import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from reconcile.model.kinds import Kind, Scope, Version
    from reconcile.model.plan import Event, Operation, Patch

EVENTS_FILE = "events.yaml"
# How often a write starts again because somebody else wrote the same file in between.
ATTEMPTS = 10
# Between two looks at a lock that another pass holds, in seconds.
PAUSE = 0.05
# In a folder nobody keeps these: an edited dump would carry those of the object that it was dumped from (SPEC 4, 9).
UNKEPT = ("resourceVersion", "uid")


class FolderCluster:
    """The objects in the YAML files below `folder`. Raises UsageError for a folder that cannot be one.

    `namespace` is that of the objects that name none.
    """

    width = 1

    def __init__(self, folder: Path | str, namespace: str = "default") -> None:
        self.folder = Path(folder)
        self._namespace = namespace
        if not self.folder.is_dir():
            reason = "is no folder" if self.folder.exists() else "does not exist"
            raise UsageError(f"{self.folder} {reason}")
        self._guard = threading.RLock()
        self._sources: dict[Path, Source] = {}
        self._indexed = False
        self._index: dict[Ref, tuple[Source, Found]] = {}

    def list(self, kind: Kind, scope: Scope) -> Sequence[Manifest]:
        """Give all objects of the kind in the scope, by namespace and name.

        Raises UsageError, with all that is wrong in the folder's files.
        """
        with self._guard:
            self._refresh()
            refs = sorted(ref for ref in self._index if ref.kind == kind and scope.namespace in {None, ref.namespace})
            manifests = (deepcopy(_view(self._index[ref][1], self._namespace)) for ref in refs)
            return [manifest for manifest in manifests if _matches(manifest, scope.fields)]

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Give the objects that exist. Raises UsageError, with all that is wrong in the folder's files."""
        with self._guard:
            self._refresh()
            return {ref: deepcopy(_view(self._index[ref][1], self._namespace)) for ref in refs if ref in self._index}

    def unchanged(self, known: Mapping[Ref, Version]) -> Collection[Ref]:
        """Give nothing: files have no versions, and are read as a whole (`ports.Cluster`)."""
        del known
        return ()

    def others(self) -> Mapping[str, Manifest]:
        """Give the objects of kinds that no pass has a use for, by where they stand: `file: Kind name`.

        Raises UsageError, with all that is wrong in the folder's files.
        """
        with self._guard:
            self._refresh()
            return {
                f"{path.relative_to(self.folder)}: {_called(found)}": found.implied | found.raw
                for path, source in sorted(self._sources.items())
                for found in source.objects
                if _ref(found, self._namespace) is None
            }

    def patch(self, patch: Patch) -> None:
        """Write one JSON patch into the file that has the object.

        Raises LostRaceError if a `test` failed, MissingError without the object, RefusedError for a patch that does
        not fit it, ForbiddenError or UnreachableError for a file that cannot be written.
        """
        with self._guard:
            self._change(patch.target, lambda found: _patched(found, patch, self._namespace))

    def record(self, event: Event, at: datetime) -> None:
        """Store one Event in `events.yaml`, or raise the `count` of the one with its name there."""
        ref = Ref(EVENT, event.rollout.namespace, event.name)

        def counted(found: Found) -> Manifest:
            count = found.raw.get("count")
            return {**found.raw, "count": (count if isinstance(count, int) else 1) + 1, "lastTimestamp": timestamp(at)}

        with self._guard:
            for _ in range(ATTEMPTS):
                source = self._events()
                if ref in self._index and self._index[ref][0] is source:
                    self._change(ref, counted)
                    return
                if self._append(source, ref, event_manifest(event, at)):
                    return
            raise _contended(ref)

    @contextmanager
    def lock(self, wait: float = 0.0) -> Iterator[None]:
        """Keep every other pass out of the folder; wait for one under way, at most `wait` seconds.

        The lock dies with the process that holds it. Raises ClusterError.
        """
        try:
            # The folder itself: a file beside the manifests would be one more thing that `git add` picks up.
            descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise ForbiddenError(f"{self.folder} cannot be locked: {error.strerror}") from error
        try:
            end = time.monotonic() + wait
            while not _locked(descriptor, self.folder):
                if time.monotonic() >= end:
                    raise ClusterError(f"another pass works on {self.folder}: let it finish, or wait longer for it")
                time.sleep(PAUSE)  # noqa: TID251 - flock cannot be waited for with a limit in any other way
            sweep(self.folder)
            yield
        finally:
            os.close(descriptor)

    # The index: which object is where.

    def _refresh(self) -> None:
        """Read the files that are new or look different, forget those that are gone."""
        found = {path: (real, signature) for path, real, signature in walk(self.folder)}
        problems: list[str] = []
        for path in self._sources.keys() - found.keys():
            self._forget(path)
        for path, state in found.items():
            if path in self._sources and (self._sources[path].real, self._sources[path].signature) == state:
                continue
            self._forget(path)
            try:
                self._sources[path] = load(path, state[0])
            except UsageError as error:
                problems.append(str(error))
        if problems:
            raise UsageError("\n".join(problems))
        if not self._indexed:
            self._reindex()

    def _forget(self, path: Path) -> None:
        self._sources.pop(path, None)
        self._indexed = False

    def _reindex(self) -> None:
        index: dict[Ref, tuple[Source, Found]] = {}
        problems = []
        for path in sorted(self._sources):
            source = self._sources[path]
            for found in source.objects:
                try:
                    ref = _ref(found, self._namespace)
                except RefusedError as error:
                    problems.append(f"{path}: {error}")
                    continue
                if ref is None:
                    continue
                if ref in index and ref.kind != EVENT:
                    problems.append(f"{ref} is in {index[ref][0].path} and in {path}: which one is meant?")
                # Events of a dump may stand anywhere; those that are counted are in the one file for them.
                if ref not in index or path == self.folder / EVENTS_FILE:
                    index[ref] = (source, found)
        if problems:
            raise UsageError("\n".join(problems))
        self._index, self._indexed = index, True

    def _locate(self, ref: Ref) -> Source | None:
        """Give the file of an object as it is now. Raises RefusedError for a folder that cannot be read any more."""
        entry = self._index.get(ref)
        if entry and unchanged(entry[0]):
            return entry[0]
        if entry:
            self._forget(entry[0].path)
        with _refusing():
            self._refresh()
        entry = self._index.get(ref)
        return entry[0] if entry else None

    # Writing.

    def _change(self, ref: Ref, change: Callable[[Found], Manifest]) -> None:
        """Give an object the value that `change` makes of it; started again if the file changes under us."""
        from reconcile.clusters.folder.yaml_edits import UneditableError, rewrite  # noqa: PLC0415 - only a write pays for ruamel

        for _ in range(ATTEMPTS):
            source = self._locate(ref)
            if source is None:
                raise MissingError(f"{ref} is not in {self.folder}")
            found = self._index[ref][1]
            wanted = change(found)
            if same(wanted, found.raw):
                return
            parts = source.parts.copy()
            try:
                parts[found.part] = rewrite(parts[found.part], found.place, wanted, found.indent)
            except UneditableError as error:
                raise RefusedError(f"{ref} in {source.path} cannot be changed there: {error}") from error
            if store(source, parts):
                found.raw = wanted
                return
        raise _contended(ref)

    def _events(self) -> Source:
        """Give the Events' file as it is now, or as it will be begun."""
        path = self.folder / EVENTS_FILE
        begun = Source(path, located(self.folder) / EVENTS_FILE)
        if not unchanged(self._sources.get(path) or begun):
            self._forget(path)
            with _refusing():
                self._refresh()
            if path not in self._sources and path.exists():
                raise RefusedError(f"{path} is in the way: it is no file, and Events are stored in one of that name")
        return self._sources.get(path) or begun

    def _append(self, source: Source, ref: Ref, manifest: Manifest) -> bool:
        """Put one more document at the end of a file; False if the file changed under us."""
        from reconcile.clusters.folder.yaml_edits import document  # noqa: PLC0415 - only a write pays for ruamel

        text = source.text
        newline = "\r\n" if "\r\n" in text else "\n"
        added = ("---\n" if text else "") + document(manifest)
        parts = [*source.parts, "" if not text or text.endswith("\n") else newline, added.replace("\n", newline)]
        if not store(source, parts):
            return False
        found = Found(manifest, len(parts) - 1)
        source.objects.append(found)
        self._sources[source.path] = source
        self._index[ref] = (source, found)
        return True


def _contended(ref: Ref) -> LostRaceError:
    return LostRaceError(f"the file of {ref} is being written by somebody else all the time")


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn what is wrong with a user's file into what is wrong with a write: the port knows only that."""
    try:
        yield
    except UsageError as error:
        raise RefusedError(str(error)) from error


def _locked(descriptor: int, folder: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # a file system that knows no locks
        raise ForbiddenError(f"{folder} cannot be locked: {error.strerror}") from error
    return True


def _ref(found: Found, namespace: str) -> Ref | None:
    """Give the name of an object; None for a kind that a pass has no use for. Raises RefusedError without a name."""
    manifest = found.implied | found.raw
    kind = KINDS.get(str(manifest.get("kind")))
    if kind is None or not kind.matches(manifest):
        return None
    return _named(kind, manifest, namespace)


def _called(found: Found) -> str:
    metadata = found.raw.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{(found.implied | found.raw).get('kind')} {name}"


def _named(kind: Kind, manifest: Manifest, default: str) -> Ref:
    metadata = manifest.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name, namespace = metadata.get("name"), metadata.get("namespace")
    namespace = default if namespace is None or namespace == "" else namespace
    if not (isinstance(name, str) and name):
        raise RefusedError(f"a {kind.name} without a metadata.name that is a string")
    for key, value in (("name", name), ("namespace", namespace)):
        # A Rollout's own name halts that Rollout, and is no trouble of the others.
        if not (is_object_name(value) or (kind == ROLLOUT and isinstance(value, str))):
            raise RefusedError(f"{kind.name} {shown(name)}: no object has a metadata.{key} like {shown(value)}")
    return Ref(kind, namespace, name)


def _view(found: Found, namespace: str) -> Manifest:
    """Give an object as the API would: with its kind and namespace, without what nobody keeps."""
    metadata = {key: value for key, value in found.raw["metadata"].items() if key not in UNKEPT}
    return found.implied | found.raw | {"metadata": metadata | {"namespace": metadata.get("namespace") or namespace}}


def _matches(manifest: Manifest, fields: Mapping[str, str]) -> bool:
    """Compare field selectors such as `involvedObject.name`; as in the API an absent field is the empty text."""
    return all(_at(manifest, path) == wanted for path, wanted in fields.items())


def _at(value: Any, path: str) -> str:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


# JSON patches.


def _patched(found: Found, patch: Patch, namespace: str) -> Manifest:
    """Give an object as it is after the patch. Raises LostRaceError, RefusedError."""
    # Only a pass that writes pays for the import.
    from jsonpatch import JsonPatch, JsonPatchException, JsonPointerException  # noqa: PLC0415 - as above

    result: Any = deepcopy(found.raw)
    for operation in patch.operations:
        try:
            if operation.get("op") == "test":
                _test(_view(Found(result, 0, implied=found.implied), namespace), operation, patch)
                continue
            _check_paths(operation, patch)
            result = JsonPatch([operation]).apply(result, in_place=True)
        except (JsonPatchException, JsonPointerException, TypeError, KeyError, IndexError, ValueError) as error:
            raise RefusedError(f"{patch.target}: {_text(operation)} does not fit: {error}") from error
    try:
        other = _ref(Found(result, 0, implied=found.implied), namespace) != patch.target
    except RefusedError as error:
        raise RefusedError(f"{patch.target}: the patch leaves {error}") from error
    if other:
        raise RefusedError(f"{patch.target}: the patch makes another object of it")
    return result  # type: ignore[no-any-return]  # a dict, or it would not have been that object


def _test(manifest: Manifest, operation: Operation, patch: Patch) -> None:
    from jsonpatch import JsonPointer, JsonPointerException  # noqa: PLC0415 - only a pass that writes pays for it

    pointer, wanted = JsonPointer(operation["path"]), operation["value"]
    try:
        value = pointer.resolve(manifest)
    except JsonPointerException as error:
        raise LostRaceError(f"{patch.target}: {operation['path']} is not there any more") from error
    # Not by the library: its older releases, which the project admits, take 1 for true.
    if not same(value, wanted):
        raise LostRaceError(f"{patch.target}: {operation['path']} is no longer {wanted!r}")


def _check_paths(operation: Operation, patch: Patch) -> None:
    """Keep the status to its subresource and everything else out of it, as the API does."""
    for name in ("path", "from") if operation.get("op") == "move" else ("path",):
        parts = str(operation[name]).split("/")
        if len(parts) == 1:
            raise ValueError("only parts of an object can be written")
        if (parts[1:2] == ["status"]) != (patch.subresource == "status"):
            part = "the status" if patch.subresource == "status" else "anything but the status"
            raise ValueError(f"only {part} can be written this way")


def _text(operation: Operation) -> str:
    return f"{operation.get('op')} {operation.get('path')}"
