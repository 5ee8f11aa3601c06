"""The process that `tests/support/forked.py` forks from: `python fork_server.py SOCKET`.

It imports the program and all that a pass imports, compiles the queries of the built-in metrics, and answers each
connection with a fork: the number of the process, then its exit code. A connection begins with one byte and stdin,
stdout and stderr of the new process.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import socket
import socketserver
import sys
import threading
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import reconcile
from reconcile.cli import main
from reconcile.metrics.metric_files import read_folder
from reconcile.metrics.rendering import compiled

for _module in pkgutil.walk_packages(reconcile.__path__, "reconcile."):
    if not _module.name.endswith("__main__"):
        import_module(_module.name)

for _folder in {path.parent for path in (Path(reconcile.__path__[0]).parent / "templates").rglob("*.yaml")}:
    for _file in read_folder(_folder).values():
        for _text in filter(None, (_file.query, _file.grouped, _file.requests, _file.failures)):
            compiled(_text)


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        _, streams, _, _ = socket.recv_fds(self.connection, 1, 3)
        request = json.loads(self.rfile.readline())
        pid = os.fork()
        if pid == 0:
            self.connection.close()
            _run(request, streams)
        self.wfile.write(f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        self.wfile.write(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _run(request: Any, streams: list[int]) -> NoReturn:
    """Is the program, to its end."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    if encoding := request["env"].get("PYTHONIOENCODING"):
        sys.stdout.reconfigure(encoding=encoding)  # type: ignore[union-attr] # they are what Python began with
        sys.stderr.reconfigure(encoding=encoding, errors="backslashreplace")  # type: ignore[union-attr]
    if request["strict"]:
        warnings.simplefilter("error")
    sys.argv = ["steerer", *request["args"]]
    code: object = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 - as Python ends
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


class _Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    max_children = 100


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    gc.collect()
    gc.freeze()
    with _Server(sys.argv[1], _Handler) as server:
        threading.Thread(target=_end_with_parent, daemon=True).start()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        server.serve_forever()
