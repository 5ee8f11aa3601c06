"""The YAML files of a folder: found, read into objects, written back, each as a whole or not at all.

Duty: paths and bytes. Which object is asked for, and what becomes of it, is the affair of `folder`.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconcile import files
from reconcile.clusters.folder.yaml_documents import MAX_TEXT, Values, is_object, split
from reconcile.clusters.folder.yaml_nodes import Fault, Mapping, Scalar, Sequence
from reconcile.model.errors import ForbiddenError, RefusedError, UnreachableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.clusters.folder.yaml_edits import Path as Place

MAX_BYTES = MAX_TEXT
MAX_DOCUMENTS = 50_000
# Folders in folders; walking them is recursive.
MAX_FOLDERS = 100
SUFFIXES = (".yaml", ".yml")
TEMPORARY = ".steerer.tmp"
_BOM = "\ufeff"
_DASH = re.compile(r" *- +")
_ALIAS = re.compile(r"(?:^|[\s\[{,])\*[^\s*]")

# What tells one state of a file from another without reading it.
Signature = tuple[int, int, int, int]


@dataclass(slots=True)
class Found:
    """One object of a file: in which part of its text, how far that is indented, and where in it.

    `implied` is what it owes to the List that it stands in: the API leaves out the kind of a `PodList`'s items.
    """

    raw: dict[str, Any]
    part: int
    place: Place = ()
    implied: dict[str, Any] = field(default_factory=dict)
    indent: int = 0


@dataclass(slots=True)
class Source:
    """One file as it was read: `parts` joined are its text. Without a signature it is not there yet.

    `path` is how people call it, `real` where it is: no link on the way to it.
    """

    path: Path
    real: Path
    signature: Signature | None = None
    parts: list[str] = field(default_factory=list)
    objects: list[Found] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text of the file, from its first byte to its last."""
        return "".join(self.parts)


def walk(folder: Path) -> Iterator[tuple[Path, Path, Signature]]:
    """Give every YAML file below the folder in the order of their names, each once: its name, where it is, its state.

    Hidden ones are left out: a mounted ConfigMap keeps its generations in them. Raises UsageError for one that is
    only a link to a place outside.
    """
    seen: set[Path] = set()
    root = located(folder)
    for path, real in _paths(folder, root, root):
        status = _status(path)
        if real not in seen:
            seen.add(real)
            yield path, real, signature(status)


def located(path: Path) -> Path:
    """Give where a path really leads; for one that leads in circles, anything but an error."""
    return Path(os.path.realpath(path))


def _paths(folder: Path, here: Path, root: Path) -> Iterator[tuple[Path, Path]]:
    """Give the files below a folder and where they are; the folder is really `here`, within `root`."""
    if len(here.parts) - len(root.parts) > MAX_FOLDERS:
        raise UsageError(f"{folder} is nested deeper than {MAX_FOLDERS} folders")
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}") from error
    for entry in entries:
        path = folder / entry.name
        wanted = entry.name.endswith(SUFFIXES)
        if entry.name.startswith("."):
            continue
        if entry.is_symlink():
            real, directory = located(path), path.is_dir()
            if (wanted or directory) and not real.is_relative_to(root):
                raise UsageError(f"{path} leads out of {root}, to {real}: nothing is read or written there")
            # A linked folder within this one is read where it really is, and cannot lead in circles.
            if wanted and not directory:
                yield path, real
        elif entry.is_dir():
            yield from _paths(path, here / entry.name, root)
        elif wanted:
            yield path, here / entry.name


def _status(path: Path) -> os.stat_result:
    try:
        status = path.stat()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{path} is no regular file")
    return status


def signature(status: os.stat_result) -> Signature:
    """Give what changes with a file's content."""
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def load(path: Path, real: Path) -> Source:
    """Read one file. Raises UsageError that names the file, the line and the column."""
    try:
        data, status = files.read(path, MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path} is larger than {MAX_BYTES // 1024 // 1024} MiB")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: it is not UTF-8 (byte {error.start})") from error
    source = Source(path, real, signature(status))
    if text.startswith(_BOM):
        source.parts.append(_BOM)
    read_into(source, text.removeprefix(_BOM))
    return source


def read_into(source: Source, text: str) -> None:
    """Add the parts and objects of more text to a source. Raises UsageError."""
    values = Values()
    done = 0
    parts = split(text)
    if len(parts) > MAX_DOCUMENTS:
        raise UsageError(f"{source.path} has more than {MAX_DOCUMENTS} documents")
    for part in parts:
        try:
            root = values.compose(part)
            value: Any = values.of(root) if root and is_object(root) else None
        except Fault as fault:
            before = text[: done + fault.index]
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            raise UsageError(f"{source.path}:{line}:{column}: {fault.problem}") from fault
        start = 0
        for item, begin, end, indent in _items(part, root, value):
            source.parts.append(part[start:begin])
            source.objects += _flat(item, _implied(value), Found({}, len(source.parts), indent=indent))
            source.parts.append(part[begin:end])
            start = end
        if not start:
            source.objects += _flat(value, {}, Found({}, len(source.parts)))
        source.parts.append(part[start:])
        done += len(part)


def _items(part: str, root: Any, value: Any) -> Iterator[tuple[Any, int, int, int]]:
    """Give the items of a List with the start and end of their text and its indentation; none where that is unclear.

    Each is then edited alone, so that a dump of thousands costs no more than its one object.
    """
    if not (value and str(value.get("kind")).endswith("List")) or _ALIAS.search(part):
        return
    node = next((node for key, node in root.entries if isinstance(key, Scalar) and key.text == "items"), None)
    if not isinstance(node, Sequence) or node.flow:
        return
    begins = [item.start for item in node.children]
    lines = [part.rfind("\n", 0, index) + 1 for index in [*begins, node.end]]
    for item, line in zip(node.children, lines, strict=False):
        if not isinstance(item, Mapping) or item.flow or not _DASH.fullmatch(part, line, item.start):
            return
    for item, line, begin, end in zip(value["items"], lines, begins, lines[1:], strict=False):
        yield item, begin, end, begin - line


def _flat(value: Any, implied: dict[str, Any], where: Found) -> Iterator[Found]:
    """Give an object, or the objects of a List."""
    if not isinstance(value, dict):
        return
    items = value.get("items")
    if not (str(value.get("kind")).endswith("List") and isinstance(items, list)):
        yield replace(where, raw=value, implied={} if "kind" in value else implied)
        return
    for index, item in enumerate(items):
        yield from _flat(item, _implied(value), replace(where, place=(*where.place, "items", index)))


def _implied(value: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": value.get("apiVersion"), "kind": str(value.get("kind")).removesuffix("List")}


def store(source: Source, parts: list[str]) -> bool:
    """Replace a file whole, keeping its mode and owner; False if it is no longer what was read.

    Raises a ClusterError: then the file is as it was, and nothing is left beside it.
    """
    from reconcile.clusters.folder.atomic_replace import put  # noqa: PLC0415 - only a write pays for ctypes

    path = source.real  # a link stays a link
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY}")
    data = "".join(parts).encode()
    if len(data) > MAX_BYTES:  # what could not be read again is not written
        raise RefusedError(
            f"{source.path} would be larger than {MAX_BYTES // 1024 // 1024} MiB; move a part of it away"
        )
    if located(source.path) != path:
        return False
    try:
        with temporary.open("xb") as file:
            _adopt_owner(file.fileno(), path)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            read = source.text.encode() if source.signature else None
            if not (unchanged(source) and put(temporary, path, read)):
                return False
            source.signature = signature(os.fstat(file.fileno()))
    except OSError as error:
        kind = ForbiddenError if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS} else UnreachableError
        raise kind(f"{source.path} cannot be written: {error.strerror}; it is unchanged") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    source.parts = parts
    return True


def _adopt_owner(descriptor: int, path: Path) -> None:
    with suppress(FileNotFoundError):
        status = path.stat()
        # Another's file stays readable for its owner where we may say so; only root may, and not in every container.
        with suppress(OSError):
            os.fchown(descriptor, status.st_uid, status.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode))


def unchanged(source: Source) -> bool:
    """Say whether a file is still where it was and has the bytes that were read; one that cannot be read has not."""
    if located(source.path) != source.real:
        return False
    try:
        data, _ = files.read(source.real, MAX_BYTES + 1)
    except FileNotFoundError:
        return source.signature is None
    except OSError:
        return False
    return source.signature is not None and data == source.text.encode()


def sweep(folder: Path) -> None:
    """Take away what a process that was killed while writing left behind. Only for the holder of the lock."""
    top = len(folder.parts)
    for place, folders, names in os.walk(folder):
        within = len(Path(place).parts) - top < MAX_FOLDERS
        folders[:] = [name for name in folders if within and not name.startswith(".")]
        for name in names:
            if name.startswith(".") and name.endswith(TEMPORARY):
                with suppress(OSError):
                    os.unlink(os.path.join(place, name))  # noqa: PTH108, PTH118 - os.walk gives strings
