"""The lock that one pass at a time holds on a folder. It ends with the process that holds it."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconcile.clusters.folder.file_write import remove_temporary_files
from reconcile.model.errors import ClusterError, ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLL_INTERVAL = 0.05
"""Seconds between two tries to lock: flock has no timeout."""


@contextmanager
def folder_lock(folder: Path, wait: float = 0.0) -> Iterator[None]:
    """Locks the folder; waits for another pass to end, at most `wait` seconds. Raises ClusterError."""
    try:
        # The folder itself is locked: `git add` would pick up a lock file beside the manifests.
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ForbiddenError(f"{folder} cannot be locked: {error.strerror}") from error
    try:
        deadline = time.monotonic() + wait
        while not _lock(descriptor, folder):
            if time.monotonic() >= deadline:
                raise ClusterError(f"another pass works on {folder}: let it finish, or wait longer for it")
            time.sleep(POLL_INTERVAL)  # noqa: TID251 - flock has no timeout
        remove_temporary_files(folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # a file system without locks
        raise ForbiddenError(f"{folder} cannot be locked: {error.strerror}") from error
    return True
