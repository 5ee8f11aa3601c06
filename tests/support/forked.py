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
_COMMAND = """\
#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect({address!r})
    socket.send_fds(connection, [b" "], [0, 1, 2])
    request = dict(args=sys.argv[1:], cwd=os.getcwd(), env=dict(os.environ), strict=False)
    connection.sendall(json.dumps(request).encode() + b"\\n")
    pid, code = map(int, connection.makefile())
sys.exit(code if code >= 0 else 128 - code)
"""


def run(
    args: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float, strict: bool = False
) -> subprocess.CompletedProcess[str]:
    """Runs the program to its end, in a folder; with `strict`, a warning of Python is an error.

    Raises TimeoutError after `timeout` seconds; the process is killed then.
    """
    request = {"args": [*args], "cwd": str(cwd), "env": dict(env), "strict": strict}
    with ExitStack() as stack:
        out, err = (stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8")) for _ in range(2))
        nothing = stack.enter_context(Path(os.devnull).open())
        connection = stack.enter_context(_connection())
        connection.settimeout(timeout)
        socket.send_fds(connection, [b" "], [stream.fileno() for stream in (nothing, out, err)])
        connection.sendall(json.dumps(request).encode() + b"\n")
        stream = stack.enter_context(connection.makefile())
        pid = int(stream.readline())
        try:
            code = int(stream.readline())
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
            raise
        for stream in (out, err):
            stream.seek(0)
        return subprocess.CompletedProcess([*args], code, out.read(), err.read())


def commands() -> Path:
    """Returns a folder for the PATH of scripts: its `steerer` is run likewise, with the streams of its caller."""
    return _server.commands()


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

    def commands(self) -> Path:
        """Returns the folder with the command."""
        address = self.address()
        folder = Path(self._folder.name) / "bin"
        with self._lock:
            if not folder.exists():
                folder.mkdir()
                command = folder / "steerer"
                command.write_text(_COMMAND.format(python=sys.executable, address=address), encoding="utf-8")
                command.chmod(0o755)
        return folder

    def _stop(self) -> None:
        if self._process is not None:
            self._process.communicate()
        self._folder.cleanup()


_server = _Server()


def _connection() -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(_server.address())
    return connection
