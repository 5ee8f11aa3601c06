"""What is read as one cluster: folders, single files and the standard input."""

from __future__ import annotations

import os
import shutil
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from reconcile.clusters.folder.file_tree import files_of, real_path, walk
from reconcile.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from reconcile.clusters.folder.file_tree import Signature

STDIN = Path("stdin")
"""The name of the standard input in messages. It has no file."""
_UNCHANGED: Signature = (0, 0, 0, 0)


class Sources(Struct, frozen=True, dict=True):
    """Folders and files. Raises UsageError for a path that is neither.

    `exclude` has patterns of what is left out in the folders: a name at any depth, or a path from the folder on where
    the pattern has a slash. `stdin` is what the standard input had, if it is read.
    """

    paths: tuple[Path, ...]
    exclude: tuple[str, ...] = ()
    stdin: bytes | None = None

    def __post_init__(self) -> None:
        for path, is_folder in self._is_folder.items():
            if not (is_folder or path.is_file()):
                reason = "is neither a folder nor a file" if path.exists() else "does not exist"
                raise UsageError(f"{path} {reason}")

    def __str__(self) -> str:
        """The sources as messages name them."""
        return ", ".join(map(str, [*self.paths, *([] if self.stdin is None else [STDIN])]))

    @cached_property
    def _is_folder(self) -> dict[Path, bool]:
        """Whether each path is a folder: asked once, so that one that goes away later is told as what it was."""
        return {path: path.is_dir() for path in self.paths}

    @cached_property
    def folders(self) -> tuple[Path, ...]:
        """The folders, and those of the files, in the order in which they are named. Events go into the first."""
        return tuple(dict.fromkeys(path if is_folder else path.parent for path, is_folder in self._is_folder.items()))

    @cached_property
    def root(self) -> Path | None:
        """The folder that messages leave out of the names of files; None where there are several sources."""
        return self.folders[0] if len(self.paths) == 1 and self.stdin is None else None

    def shown(self, path: Path) -> str:
        """Returns the name of a file, for people."""
        return str(path.relative_to(self.root) if self.root else path)

    def walk(self, besides: Collection[str] = ()) -> Iterator[tuple[Path, Path, Signature]]:
        """Yields each file once, in order: its name, its real path, its signature. Raises UsageError.

        `besides` are names of files that are read beside a file that is named first.
        """
        seen: set[Path] = set()
        if self.stdin is not None:
            yield STDIN, STDIN, _UNCHANGED
        for found in self._found(besides):
            if found[1] not in seen:
                seen.add(found[1])
                yield found

    def _found(self, besides: Collection[str]) -> Iterator[tuple[Path, Path, Signature]]:
        for path, is_folder in self._is_folder.items():
            yield from walk(path, self._excludes) if is_folder else files_of(path.parent, [path.name])
        if self.paths and not self._is_folder[self.paths[0]]:
            yield from files_of(self.folders[0], besides)

    def _excludes(self, path: Path) -> bool:
        """Returns whether a file or folder, given from its source on, is left out."""
        return any(_matches(path, pattern.rstrip("/")) for pattern in self.exclude)


def _matches(path: Path, pattern: str) -> bool:
    if "/" not in pattern:
        return fnmatchcase(path.name, pattern)
    return any(fnmatchcase(name, pattern) for name in (str(path), f"./{path}"))


def sources_of(source: Sources | Path | str) -> Sources:
    """Returns the sources; of a path alone, that folder or file."""
    return source if isinstance(source, Sources) else Sources((Path(source),))


def copied(sources: Sources, to: Path) -> Sources:
    """Copies sources to the new folder `to`: a single folder as it is, else each folder and each file by its name."""
    if sources.root is not None and sources.paths[0].is_dir():
        shutil.copytree(sources.root, to, symlinks=True)
        return Sources((to,), sources.exclude)
    places: dict[str, Path] = {}
    for path, real, _ in sources.walk():
        source = next((item for item in sources.paths if path == item or path.is_relative_to(item)), STDIN)
        place = places.setdefault(str(source), _free(to, source, {*places.values()}))
        file = place / path.relative_to(source) if source.is_dir() else place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes((sources.stdin or b"") if path == STDIN else real.read_bytes())
    to.mkdir(exist_ok=True)
    return Sources((to,))


def _free(folder: Path, source: Path, taken: Collection[Path]) -> Path:
    """Returns where a source is copied to: a name that is not hidden, that says what it is, and that is not taken."""
    name = os.path.basename(real_path(source)).lstrip(".") or "manifests"  # noqa: PTH119 - a root has no name
    if not source.is_dir() and not name.endswith((".yaml", ".yml", ".json")):
        name += ".yaml"
    numbered = (f"{number}-{name}" for number in range(2, len(taken) + 3))
    return next(path for path in (folder / item for item in (name, *numbered)) if path not in taken)
