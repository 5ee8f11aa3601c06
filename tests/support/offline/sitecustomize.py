"""Lets a process speak to this machine only, and ask for names that can never be another one's (.invalid).

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
    name = host.decode() if isinstance(host, bytes) else str(host or "")
    if name and name not in {"localhost", "::1"} and not name.startswith("127.") and not name.endswith(".invalid"):
        tried.append(f"{event} {host}")
        raise AssertionError(f"only this machine may be spoken to here, not {host} ({event})")


sys.addaudithook(_hear)
