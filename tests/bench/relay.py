"""A relay in front of the API server that counts bytes: what goes over the wire, TLS and compression included.

It knows nothing of what it passes on, so that nothing about the connection changes but its address.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tests.components.controlplane import ControlPlane

_PIECE = 1 << 16


class Relay:
    """Listens between `with` and its end. `received` is what the server has sent through it, in bytes."""

    def __init__(self, plane: ControlPlane) -> None:
        url = urlsplit(plane.url)
        self.received = 0
        self._to = (str(url.hostname), int(url.port or 443))
        self._counting = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def before(self, kubeconfig: Path) -> Path:
        """Give a kubeconfig of the same user that goes through here."""
        config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        path = kubeconfig.with_name(f"{kubeconfig.name}-relay")
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the end
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._to)
                for source, sink, counted in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pass_on, args=(source, sink, counted), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:  # noqa: FBT001
        with contextlib.suppress(OSError):  # either side may have gone
            while piece := source.recv(_PIECE):
                if counted:
                    with self._counting:
                        self.received += len(piece)
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
