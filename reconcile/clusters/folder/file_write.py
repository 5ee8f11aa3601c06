"""A file replaced as a whole or not at all, and only if it is still what was read."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from reconcile import files
from reconcile.clusters.folder import file_tree
from reconcile.clusters.folder.file_tree import real_path, signature_of
from reconcile.clusters.folder.parsed_file import MAX_BYTES
from reconcile.model.errors import ForbiddenError, RefusedError, UnreachableError

if TYPE_CHECKING:
    from reconcile.clusters.folder.file_tree import Signature
    from reconcile.clusters.folder.parsed_file import ParsedFile

TEMPORARY = ".steerer.tmp"


def store(file: ParsedFile, parts: list[str]) -> bool:
    """Replaces a file, keeping its mode and owner; returns False if it is no longer what was read.

    Raises a ClusterError; then the file is unchanged, and no temporary file is left.
    """
    path = file.real  # a link stays a link
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY}")
    data = "".join(parts).encode()
    if len(data) > MAX_BYTES:  # it could not be read again
        raise RefusedError(f"{file.path} would be larger than {MAX_BYTES // 1024 // 1024} MiB; move a part of it away")
    if real_path(file.path) != path:
        return False
    try:
        signature = _replace(file, temporary, data)
    except OSError as error:
        kind = ForbiddenError if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS} else UnreachableError
        raise kind(f"{file.path} cannot be written: {error.strerror}; it is unchanged") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    if signature is None:
        return False
    file.signature, file.parts = signature, parts
    return True


def _replace(file: ParsedFile, temporary: Path, data: bytes) -> Signature | None:
    """Puts a file with `data` in the place of another; returns its signature, None if the other one has changed."""
    from reconcile.clusters.folder.atomic_replace import put  # noqa: PLC0415 - only a write pays for ctypes

    with temporary.open("xb") as new:
        _keep_owner_and_mode(new.fileno(), file.real)
        new.write(data)
        new.flush()
        os.fsync(new.fileno())
        read = file.text.encode() if file.signature else None
        if not (is_unchanged(file) and put(temporary, file.real, read)):
            return None
        return signature_of(os.fstat(new.fileno()))


def _keep_owner_and_mode(descriptor: int, path: Path) -> None:
    with suppress(FileNotFoundError):
        status = path.stat()
        # Only root may give a file away, and not in every container; elsewhere the file gets this process's owner.
        with suppress(OSError):
            os.fchown(descriptor, status.st_uid, status.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode))


def is_unchanged(file: ParsedFile) -> bool:
    """Returns whether a file still has the path and the bytes that were read; False if it cannot be read."""
    if real_path(file.path) != file.real:
        return False
    try:
        data, _ = files.read(file.real, MAX_BYTES + 1)
    except FileNotFoundError:
        return file.signature is None
    except OSError:
        return False
    return file.signature is not None and data == file.text.encode()


def remove_temporary_files(folder: Path) -> None:
    """Deletes what a process that was killed during a write has left. Only for the holder of the lock."""
    depth = len(folder.parts)
    for parent, folders, names in os.walk(folder):
        descend = len(Path(parent).parts) - depth < file_tree.MAX_DEPTH
        folders[:] = [name for name in folders if descend and not name.startswith(".")]
        for name in names:
            if name.startswith(".") and name.endswith(TEMPORARY):
                with suppress(OSError):
                    os.unlink(os.path.join(parent, name))  # noqa: PTH108, PTH118 - os.walk gives strings
