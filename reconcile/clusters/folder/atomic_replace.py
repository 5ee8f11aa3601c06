"""One file put in the place of another, in one step that can be taken back: so no edit is lost on the way.

Duty: between a last look at a file and a rename over it there is time for an edit. So the two change places, and what
came out is looked at: if it is no longer what was read, they change back. What is in the files is none of its business.

It takes Linux, and a file system that can do it (all but a few can); elsewhere that moment is left.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Of renameat2(2).
NOREPLACE, EXCHANGE = 1, 2
_UNKNOWN = frozenset({errno.EINVAL, errno.ENOSYS, errno.EXDEV, errno.ENOTSUP})
# For how long an editor may have a file open to write, and between two looks at that; in seconds.
SETTLING, PAUSE = 1.0, 0.01


def put(new: Path, old: Path, expected: bytes | None) -> bool:
    """Put `new` in the place of `old` if that has the `expected` bytes; None = it is not there.

    If it gives False all is as before. If it gives True the old file may be left under the name of `new`. Raises
    OSError.
    """
    try:
        if expected is not None and not _left_alone(old):
            return False
        if not _renamed(new, old, NOREPLACE if expected is None else EXCHANGE):
            new.replace(old)
            return True
    except (FileExistsError, FileNotFoundError):
        return False
    if expected is None or _content(new, len(expected) + 1) == expected:
        return True
    _renamed(new, old, EXCHANGE)
    return False


def _renamed(source: Path, target: Path, flags: int) -> bool:
    """Rename in a way of Linux's; False where that is not known. Raises OSError."""
    if sys.platform != "linux" or (call := getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)) is None:
        return False
    here = -100  # AT_FDCWD: paths are as everywhere else
    if call(here, os.fsencode(source), here, os.fsencode(target), ctypes.c_uint(flags)) == 0:
        return True
    if (code := ctypes.get_errno()) in _UNKNOWN:
        return False
    raise OSError(code, os.strerror(code), str(target))


def _left_alone(path: Path) -> bool:
    """Wait until nobody has a file open to write; False if somebody does not let go of it."""
    with path.open("rb") as file:
        end = time.monotonic() + SETTLING
        while _is_written(file.fileno()):
            if time.monotonic() >= end:
                return False
            time.sleep(PAUSE)  # noqa: TID251 - the kernel tells of a writer that comes, and not of one that goes
    return True


def _content(path: Path, most: int) -> bytes | None:
    """Give what is in a file; None while somebody has it open to write. By its old name nobody opens it any more."""
    with path.open("rb") as file:
        return None if _is_written(file.fileno()) else file.read(most)


def _is_written(descriptor: int) -> bool:
    """Say whether somebody has a file open to write: then there is no read lease on it. False where nobody knows."""
    if sys.platform != "linux":
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)  # that a lease ends is told by a signal; not by SIGIO
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    return False
