"""One control plane for all processes of a test run.

With workers (pytest-xdist) it belongs to the controller, which starts it when the first worker asks for access to it,
and ends it with the run. Without workers the only process starts and ends it by itself.
"""

from __future__ import annotations

import json
import socket
import socketserver
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from tests.components.controlplane import Access, ControlPlane
from tests.components.kubernetes import Kubernetes
from tests.components.tools import ToolUnavailable

_SECONDS = 240  # for a start, on a machine that does other things too


class SharedControlPlane:
    """A control plane with Istio's and steerer's kinds, started when access to it is first asked for."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._kubernetes: Kubernetes | None = None

    def access(self, directory: Path) -> Access:
        """Give the access of an admin who is nobody else's; what the control plane writes is in `directory`.

        Raises ToolUnavailable where this machine cannot have a control plane.
        """
        if self._kubernetes is None:
            with ExitStack() as stack:
                kubernetes = stack.enter_context(Kubernetes(directory, cores=1))
                with ControlPlane(kubernetes.access(), directory / "kinds") as admin:
                    admin.install_kinds()
                self._stack = stack.pop_all()
            self._kubernetes = kubernetes
        return self._kubernetes.access()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class Host:
    """Gives the processes of a run access to a shared control plane, through a socket at `address`.

    The control plane is started by the thread that serves, which lives as long as the run: a child process dies with
    the thread that started it.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="steerer-host-"))
        self.address = str(Path(folder) / "socket")
        shared = self._stack.enter_context(SharedControlPlane())
        self._server = self._stack.enter_context(socketserver.UnixStreamServer(self.address, _handler(shared)))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """End the control plane, and serve no more."""
        self._server.shutdown()
        self._stack.close()
        self._thread.join()


def _handler(shared: SharedControlPlane) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            directory = Path(json.loads(self.rfile.readline()))
            answer: dict[str, Any]
            try:
                answer = {"access": asdict(shared.access(directory))}
            except ToolUnavailable as reason:
                answer = {"unavailable": str(reason)}
            except Exception as error:  # noqa: BLE001 - told to the worker, whose tests fail with it
                answer = {"failed": f"{type(error).__name__}: {error}"}
            self.wfile.write(json.dumps(answer).encode() + b"\n")

    return Handler


def ask(address: str, directory: Path) -> Access:
    """Ask the host of the run for access.

    Raises ToolUnavailable where this machine cannot have a control plane, RuntimeError where it does not start.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_SECONDS)
        connection.connect(address)
        with connection.makefile("rw") as stream:
            stream.write(json.dumps(str(directory)) + "\n")
            stream.flush()
            answer = json.loads(stream.readline())
    if "access" in answer:
        return Access(**answer["access"])
    if "unavailable" in answer:
        raise ToolUnavailable(answer["unavailable"])
    raise RuntimeError(f"the control plane of the run does not start: {answer['failed']}")
