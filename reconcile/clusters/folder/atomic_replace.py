"""One file put in the place of another in one step, and taken back if the other one is not what was read.

Somebody may edit the file between the last read and the rename. So the two files are exchanged, and the one that comes
out is read: if it has other bytes than expected, they are exchanged again. What somebody saves between the two
exchanges comes out of the second one, and is put back as well.

The exchange needs Linux, and a file system that supports it (most do). Elsewhere an edit in that moment is lost.
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
    from typing import BinaryIO

# Flags of renameat2(2).
NOREPLACE, EXCHANGE = 1, 2
_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.EXDEV, errno.ENOTSUP})
WRITER_TIMEOUT, POLL_INTERVAL = 1.0, 0.01
"""Seconds that another process may keep the file open for writing, and between two looks at that."""


def put(new: Path, old: Path, expected: bytes | None) -> bool:
    """Puts `new` in the place of `old` if that has the `expected` bytes; None = it does not exist.

    Returns False if it has not, with all as before. After True the old file may be left under the name of `new`.
    Raises OSError.
    """
    with new.open("rb") as ours:  # open, so that no newer file gets its inode
        return _exchanged(new, old, expected, ours)


def _exchanged(new: Path, old: Path, expected: bytes | None, ours: BinaryIO) -> bool:
    try:
        if expected is not None and not _wait_for_writers(old):
            return False
        if not _rename(new, old, NOREPLACE if expected is None else EXCHANGE):
            new.replace(old)
            return True
    except (FileExistsError, FileNotFoundError):
        return False
    if expected is None or _content(new, len(expected) + 1) == expected:
        return True
    _put_back(new, old, ours)
    return False


def _put_back(new: Path, old: Path, placed: BinaryIO) -> None:
    """Exchanges the files until the last one that others saved is in place; `placed` is the one that is there now."""
    with new.open("rb") as saved:
        _rename(new, old, EXCHANGE)
        if not os.path.samestat(new.stat(), os.fstat(placed.fileno())):
            _put_back(new, old, saved)  # a newer file was saved since, and has just come out


def _rename(source: Path, target: Path, flags: int) -> bool:
    """Renames by renameat2; returns False where that is not supported. Raises OSError."""
    if sys.platform != "linux" or (call := getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)) is None:
        return False
    here = -100  # AT_FDCWD: relative paths start at the working directory
    if call(here, os.fsencode(source), here, os.fsencode(target), ctypes.c_uint(flags)) == 0:
        return True
    if (code := ctypes.get_errno()) in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(target))


def _wait_for_writers(path: Path) -> bool:
    """Waits until no process has a file open for writing; returns False after WRITER_TIMEOUT."""
    with path.open("rb") as file:
        deadline = time.monotonic() + WRITER_TIMEOUT
        while _has_writer(file.fileno()):
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_INTERVAL)  # noqa: TID251 - the kernel reports a writer that comes, not one that goes
    return True


def _content(path: Path, most: int) -> bytes | None:
    """Returns the first bytes of the file that came out; None while a process has it open for writing.

    It has lost its name, so no other process can open it any more.
    """
    with path.open("rb") as file:
        return None if _has_writer(file.fileno()) else file.read(most)


def _has_writer(descriptor: int) -> bool:
    """Returns whether a process has the file open for writing: then the kernel grants no read lease.

    Returns False where leases are not supported.
    """
    if sys.platform != "linux":
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)  # not SIGIO, which would end the process
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    return False
