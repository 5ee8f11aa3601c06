"""Lets an Envoy reach what a control plane calls by an address that no EndpointSlice may hold: one of this machine.

The API refuses loopback addresses in an EndpointSlice, and nothing here may speak to another machine. So the slices
have an address for documentation (RFC 5737), and on the way from xDS to Envoy it becomes the loopback one, which is as
long. Nothing else is read or changed.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

STORED, REACHED = "192.0.2.1", "127.0.0.1"  # as long as each other: no length in a message changes

_HEAD = 9  # bytes before each frame of HTTP/2: the length of what follows in the first three, then the type
_DATA = 0
_PIECE = 1 << 16


class AddressRelay:
    """Listens between `with` and its end at `port`, in front of a gRPC server without TLS on this machine."""

    def __init__(self, port: int, server: int) -> None:
        self._server = ("127.0.0.1", server)
        self._listener = socket.create_server(("127.0.0.1", port))
        self._open: list[socket.socket] = [self._listener]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                try:
                    server = socket.create_connection(self._server)
                except ConnectionError:  # it does not listen yet, and Envoy tries again
                    client.close()
                    continue
                self._open.append(server)
                for pump in (_pass_on, _rewrite):
                    ends = (client, server) if pump is _pass_on else (server, client)
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._thread.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


def _rewrite(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        for head, body in _frames(source):
            changed = body.replace(STORED.encode(), REACHED.encode()) if head[3] == _DATA else body
            target.sendall(head + changed)
        target.shutdown(socket.SHUT_WR)


def _frames(source: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    with source.makefile("rb") as stream:
        while len(head := stream.read(_HEAD)) == _HEAD:
            yield head, stream.read(int.from_bytes(head[:3]))
