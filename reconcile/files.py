"""Reading a file that may be anything by now: a pipe, a device, a link, or longer than memory.

Duty: only a regular file is read, only so much of it, and nobody is waited for. What is in it is none of its business.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, most: int) -> tuple[bytes, os.stat_result]:
    """Give at most so many bytes of a file, and its state. Raises OSError, also for what is no regular file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        return file.read(most), status
