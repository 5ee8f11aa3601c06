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
from typing import TYPE_CHECKING, Any

import yaml

from reconcile.clusters.documents import Fault, Values, compose, is_object, split
from reconcile.errors import ForbiddenError, RefusedError, UnreachableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconcile.clusters.edits import Path as Place

MAX_BYTES = 8 * 1024 * 1024
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
    """One file as it was read: `parts` joined are its text. Without a signature it is not there yet."""

    path: Path
    signature: Signature | None = None
    parts: list[str] = field(default_factory=list)
    objects: list[Found] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text of the file, from its first byte to its last."""
        return "".join(self.parts)


def walk(folder: Path) -> Iterator[tuple[Path, Signature]]:
    """Give every YAML file below the folder in the order of their names, each once.

    Hidden ones are left out: a mounted ConfigMap keeps its generations in them. Raises UsageError for one that is
    only a link to a place outside.
    """
    seen: set[tuple[int, int]] = set()
    root = folder.resolve()
    for path in _paths(folder, root):
        status = _status(path)
        if (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            yield path, signature(status)


def _paths(folder: Path, root: Path) -> Iterator[Path]:
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
            if (wanted or entry.is_dir()) and not path.resolve().is_relative_to(root):
                raise UsageError(f"{path} leads out of {root}, to {path.resolve()}: nothing is read or written there")
            # A linked folder within this one is read where it really is, and cannot lead in circles.
            if wanted and not entry.is_dir():
                yield path
        elif entry.is_dir():
            yield from _paths(path, root)
        elif wanted:
            yield path


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


def load(path: Path) -> Source:
    """Read one file. Raises UsageError that names the file, the line and the column."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
            found = signature(os.fstat(file.fileno()))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path} is larger than {MAX_BYTES // 1024 // 1024} MiB")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: it is not UTF-8 (byte {error.start})") from error
    source = Source(path, found)
    if text.startswith(_BOM):
        source.parts.append(_BOM)
    read_into(source, text.removeprefix(_BOM))
    return source


def read_into(source: Source, text: str) -> None:
    """Add the parts and objects of more text to a source. Raises UsageError."""
    values = Values()
    done = 0
    for part in split(text):
        try:
            root = compose(part)
            value: Any = values.of(root) if is_object(root) else None
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
    node = next((node for key, node in root.value if key.value == "items"), None)
    if not isinstance(node, yaml.SequenceNode) or node.flow_style:
        return
    marks = [item.start_mark for item in node.value]
    lines = [part.rfind("\n", 0, mark.index) + 1 for mark in [*marks, node.end_mark]]
    for item, line, mark in zip(node.value, lines, marks, strict=False):
        if not isinstance(item, yaml.MappingNode) or item.flow_style or not _DASH.fullmatch(part, line, mark.index):
            return
    for item, mark, end in zip(value["items"], marks, lines[1:], strict=True):
        yield item, mark.index, end, mark.column


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
    path = source.path.resolve()  # a link stays a link
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY}")
    data = "".join(parts).encode()
    if len(data) > MAX_BYTES:  # what could not be read again is not written
        raise RefusedError(
            f"{source.path} would be larger than {MAX_BYTES // 1024 // 1024} MiB; move a part of it away"
        )
    try:
        with temporary.open("xb") as file:
            _adopt_owner(file.fileno(), path)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if _bytes(path) != (source.text.encode() if source.signature else None):
                return False
            temporary.replace(path)
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
        # Another's file stays readable for its owner where we may say so; only root may.
        with suppress(PermissionError):
            os.fchown(descriptor, status.st_uid, status.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode))


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def unchanged(source: Source) -> bool:
    """Say whether a file still has the bytes that were read; one that cannot be read has not."""
    try:
        return _bytes(source.path) == (source.text.encode() if source.signature else None)
    except OSError:
        return False


def sweep(folder: Path) -> None:
    """Take away what a process that was killed while writing left behind. Only for the holder of the lock."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.startswith(".") and name.endswith(TEMPORARY):
                with suppress(OSError):
                    os.unlink(os.path.join(place, name))  # noqa: PTH108, PTH118 - os.walk gives strings
