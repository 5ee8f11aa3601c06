"""Runs of the program as processes of their own, forked from one that has imported it.

Most of a short run is the start of Python and the imports of the program; a fork has both. What it does from there on
is what a started process does: with its own environment, folder, files for stdout and stderr, and exit code. What is
about the start itself, a limit, or a signal starts a process (`tests/support/program.py`).
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.paths import OFFLINE, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SERVER = ROOT / "tests" / "support" / "fork_server.py"


def run(
    args: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float, strict: bool = False
) -> subprocess.CompletedProcess[str]:
    """Runs the program to its end, in a folder; with `strict`, a warning of Python is an error.

    Raises TimeoutError after `timeout` seconds; the process is killed then.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="steerer-run-")))
        out, err = folder / "out", folder / "err"
        connection = stack.enter_context(_connection())
        connection.settimeout(timeout)
        request = {
            "args": [*args],
            "cwd": str(cwd),
            "env": dict(env),
            "strict": strict,
            "out": str(out),
            "err": str(err),
        }
        stream = stack.enter_context(connection.makefile("rw"))
        stream.write(json.dumps(request) + "\n")
        stream.flush()
        pid = int(stream.readline())
        try:
            code = int(stream.readline())
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
            raise
        return subprocess.CompletedProcess([*args], code, out.read_text(), err.read_text())


class _Server:
    """The process to fork from. It ends with this one, at the latest: its stdin ends then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="steerer-fork-", ignore_cleanup_errors=True)

    def address(self) -> str:
        """Returns its socket; starts it first where it does not run."""
        path = str(Path(self._folder.name) / "socket")
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, str(_SERVER), path],
                    env={**os.environ, "PYTHONPATH": OFFLINE},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
                atexit.register(self._stop)
                assert self._process.stdout
                assert self._process.stdout.readline() == "ready\n"
        return path

    def _stop(self) -> None:
        if self._process is not None:
            self._process.communicate()
        self._folder.cleanup()


_server = _Server()


def _connection() -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(_server.address())
    return connection
