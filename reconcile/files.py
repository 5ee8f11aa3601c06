"""Reads a file within bounds: only a regular file, only so many bytes, without blocking.

A path may have become anything: a pipe, a device, a file larger than the memory.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, most: int) -> tuple[bytes, os.stat_result]:
    """Returns at most `most` bytes of a file, and its state. Raises OSError, also for what is not a regular file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        return file.read(most), status
