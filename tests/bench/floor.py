"""The barest client that sends what a pass sends: the floor of the server, of HTTP and of TLS.

Its requests are those of a pass, byte for byte but for a few headers, kept in a file before. It sends them over as many
connections as a pass has, knows nothing of their contents, and decides nothing. It runs as a program of its own, with
the standard library alone: `python -m tests.bench.floor FILE`.
"""

from __future__ import annotations

import pickle
import socket
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import local

Chain = list[bytes]
"""Requests one after the other, such as the writes of one Rollout."""


@dataclass(frozen=True, kw_only=True)
class Requests:
    """What to send to which server: all of `reads` first, then the chains of `writes`; `width` at a time."""

    host: str
    port: int
    authority: str
    width: int
    reads: list[bytes] = field(default_factory=list)
    writes: list[Chain] = field(default_factory=list)


def send(requests: Requests) -> None:
    """Send all of it. Raises OSError for any response that is not good."""
    own, context = local(), ssl.create_default_context(cafile=requests.authority)

    def connect() -> None:
        plain = socket.create_connection((requests.host, requests.port))
        own.socket = context.wrap_socket(plain, server_hostname=requests.host)
        own.stream = own.socket.makefile("rb", buffering=1 << 16)

    def exchange(chain: Chain) -> None:
        for request in chain:
            own.socket.sendall(request)
            _read(own.stream)

    with ThreadPoolExecutor(requests.width, initializer=connect) as threads:
        list(threads.map(exchange, ([read] for read in requests.reads)))
        list(threads.map(exchange, requests.writes))


def _read(stream: socket.SocketIO) -> None:
    """Read one response to its end."""
    status, length, chunked = stream.readline(), 0, False
    while (line := stream.readline().lower()) not in {b"\r\n", b""}:
        name, _, value = line.partition(b":")
        if name == b"content-length":
            length = int(value)
        chunked |= name == b"transfer-encoding"
    while chunked and (length := int(stream.readline(), 16)):
        stream.read(length + 2)
    stream.read(2 if chunked else length)
    if not status.startswith(b"HTTP/1.1 2"):
        raise OSError(status.decode(errors="replace"))


if __name__ == "__main__":
    send(pickle.loads(Path(sys.argv[1]).read_bytes()))  # noqa: S301 - the bench wrote it
