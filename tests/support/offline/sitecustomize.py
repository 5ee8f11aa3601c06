"""Lets a process speak to this machine only.

Python imports it at its start where the folder is in PYTHONPATH, so that programs can be held to it as tests are.
"""

from __future__ import annotations

import sys
from typing import Any

tried: list[str] = []
"""Where this process wanted to connect to all the same."""


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        address = args[1]  # of a socket of files it is no tuple
        host = address[0] if isinstance(address, tuple) else ""
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = args[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host and host not in {"localhost", "::1"} and not str(host).startswith("127."):
        tried.append(f"{event} {host}")
        raise AssertionError(f"only this machine may be spoken to here, not {host} ({event})")


sys.addaudithook(_hear)
