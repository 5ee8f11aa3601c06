#!/usr/bin/env python3
"""Runs in a pod as if it was podinfo: the probes are answered, every other request fails."""

from __future__ import annotations

import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PROBES = ("/healthz", "/readyz")


class Broken(BaseHTTPRequestHandler):
    """Answers."""

    protocol_version = "HTTP/1.1"  # connections are kept, as podinfo keeps them

    def do_GET(self) -> None:
        """Answer 200 to a probe and 500 to anything else."""
        self.send_response(HTTPStatus.OK if self.path in _PROBES else HTTPStatus.INTERNAL_SERVER_ERROR)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is the library's)
        """Say nothing."""


if __name__ == "__main__":
    [port] = [int(argument.removeprefix("--port=")) for argument in sys.argv[1:] if argument.startswith("--port=")]
    ThreadingHTTPServer(("", port), Broken).serve_forever()
