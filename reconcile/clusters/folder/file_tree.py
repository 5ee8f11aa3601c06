"""The YAML and JSON files below a folder, found without leaving it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from reconcile.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

# The walk is recursive.
MAX_DEPTH = 100
SUFFIXES = (".yaml", ".yml", ".json")

Signature = tuple[int, int, int, int]
"""What changes with a file's content, known without reading it."""


def walk(folder: Path, excluded: Callable[[Path], bool]) -> Iterator[tuple[Path, Path, Signature]]:
    """Yields each YAML and JSON file below the folder once, by name: its name, its real path, its signature.

    Hidden files and folders are left out: a mounted ConfigMap keeps its versions in them. `excluded` says of a file or
    folder, given from `folder` on, whether it is left out as well. Raises UsageError for a link that leads out of the
    folder.
    """
    seen: set[Path] = set()
    root = real_path(folder)
    for path, real in _paths(folder, root, root, lambda path: excluded(path.relative_to(folder))):
        status = _status(path)
        if real not in seen:
            seen.add(real)
            yield path, real, signature_of(status)


def files_of(folder: Path, names: Collection[str]) -> Iterator[tuple[Path, Path, Signature]]:
    """Yields those of the files that exist in a folder, whatever they are called. Raises UsageError like `walk`."""
    for path in (folder / name for name in sorted(names)):
        if os.path.lexists(path):
            yield path, real_path(path), signature_of(_status(path))


def real_path(path: Path) -> Path:
    """Returns the path without links. Raises nothing for links that form a loop."""
    return Path(os.path.realpath(path))


def signature_of(status: os.stat_result) -> Signature:
    """Returns the signature of a file in this state."""
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _paths(
    folder: Path, real_folder: Path, root: Path, excluded: Callable[[Path], bool]
) -> Iterator[tuple[Path, Path]]:
    """Yields the name and the real path of each file below a folder within `root`."""
    if len(real_folder.parts) - len(root.parts) > MAX_DEPTH:
        raise UsageError(f"{folder} is nested deeper than {MAX_DEPTH} folders")
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}") from error
    for entry in entries:
        path = folder / entry.name
        is_manifest = entry.name.endswith(SUFFIXES)
        if entry.name.startswith(".") or excluded(path):
            continue
        if entry.is_symlink():
            real, is_folder = real_path(path), path.is_dir()
            if (is_manifest or is_folder) and not real.is_relative_to(root):
                raise UsageError(f"{path} leads out of {root}, to {real}: nothing is read or written there")
            # A link to a folder is not followed: within the root the walk comes to that folder anyway.
            if is_manifest and not is_folder:
                yield path, real
        elif entry.is_dir():
            yield from _paths(path, real_folder / entry.name, root, excluded)
        elif is_manifest:
            yield path, real_folder / entry.name


def _status(path: Path) -> os.stat_result:
    try:
        status = path.stat()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{path} is no regular file")
    return status
