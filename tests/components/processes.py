"""Child processes that serve something: start, wait until ready, stop; and ports that nobody else takes.

What is started and with which options is decided by the component's own module.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

# A child is to die with its parent however that ends. The kernel does that (prctl, PR_SET_PDEATHSIG, SIGKILL); it is
# asked by a first program that then becomes the real one, as running code between fork and exec is unsafe once there
# are threads. A parent that died before the kernel was asked is noticed by its number.
# SIGINT is what it is by default: whoever runs the tests in the background may have it ignored.
_LAUNCH = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, 9)
signal.signal(signal.SIGINT, signal.SIG_DFL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""

_PORTS = range(20000, 32000)  # below the range that Linux hands out by itself, to clients too
_held: list[int] = []


SHORT_LIVED = {"GOGC": "off"}
"""For a program in Go that ends at once: it need not collect its garbage."""


class ProcessError(Exception):
    """A child ended early or did not become ready in time; the text has the end of its log."""


def mortal(command: Sequence[str | Path]) -> list[str]:
    """Give the command line of a child that dies when the thread does that starts it; the program has to be a path."""
    return [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()), *map(str, command)]


class Program(subprocess.Popen[str]):
    """A running child with its output in pipes. In a `with` that an error ends, it is killed and not waited for."""

    def __init__(self, command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str]) -> None:
        super().__init__(
            mortal(command),
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.kill()
        super().__exit__(kind, error, trace)


class Process:
    """A running child with its output in a file. Start it from the main thread: it dies when its thread does."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(  # stop() ends it
                mortal(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(os.environ if environment is None else environment),
                start_new_session=True,  # Ctrl-C reaches us only, and we stop them in order
            )

    @property
    def pid(self) -> int:
        """Its number."""
        return self._child.pid

    def wait_ready(self, probe: Callable[[], bool], *, seconds: float = 180) -> None:
        """Wait until `probe` is true. Raises ProcessError when the child ends before or the time is over.

        A probe that raises an error of the network has its answer: not yet.
        """
        deadline = time.monotonic() + seconds
        while True:
            if (code := self._child.poll()) is not None:
                raise ProcessError(f"{self.name} ended with {code}:\n{self._tail()}")
            with contextlib.suppress(requests.RequestException, OSError):
                if probe():
                    return
            if time.monotonic() > deadline:
                raise ProcessError(f"{self.name} was not ready after {seconds:g} s:\n{self._tail()}")
            time.sleep(0.02)

    def stop(self, *, seconds: float = 5) -> None:
        """End it: ask, then insist. Does nothing when it has ended."""
        self._child.terminate()
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, for what has nothing to tidy up."""
        self._child.kill()
        self._child.wait()

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Component:
    """A real component, of several processes or one, that is started and stopped as a whole by `with`.

    `session` sends requests to it, and is closed with it.
    """

    def __init__(self) -> None:
        self.session = local_session()
        self._stack = contextlib.ExitStack()

    def _start(self, stack: contextlib.ExitStack) -> None:
        """Start everything, and put on the stack what ends it; what was started is ended if this raises."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.session)
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End all of it. Does nothing when it has ended."""
        self._stack.close()


def wait_for(condition: Callable[[], bool], what: str, *, seconds: float = 120, every: float = 0.05) -> None:
    """Wait until `condition` is true, and look so often. Raises TimeoutError, naming `what`, when the time is over.

    What comes in a second may take a minute on a machine with better things to do.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(every)


def answers(url: str, *, session: requests.Session, status: int = 200) -> bool:
    """Say if a GET of `url` gives `status`; raises what requests raises while nobody listens."""
    return session.get(url, timeout=5).status_code == status


def local_session() -> requests.Session:
    """Give a session for 127.0.0.1 that no proxy or .netrc of the environment can divert."""
    session = requests.Session()
    session.trust_env = False
    return session


def free_port() -> int:
    """Give a TCP port of 127.0.0.1 that is free, and stays ours until this process ends.

    Binding to port 0 only says that a port was free a moment ago: two runs at once could be told the same one. So each
    port has a lock file that the run holds.
    """
    locks = Path(tempfile.gettempdir()) / f"steerer-ports-{os.getuid()}"
    locks.mkdir(exist_ok=True)
    for port in random.sample(_PORTS, 200):
        lock = os.open(locks / str(port), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            os.close(lock)
            continue
        _held.append(lock)
        return port
    raise ProcessError("no free port on 127.0.0.1")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    path.touch(mode=0o600)
    path.write_text(text)
