"""The process that `tests/support/forked.py` forks from: `python fork_server.py SOCKET`.

It imports the program and all that a pass imports, and answers each connection with a fork: the number of the process,
then its exit code.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import socketserver
import sys
import threading
import warnings
from importlib import import_module
from typing import Any, NoReturn

import reconcile
from reconcile.cli import main

for _module in pkgutil.walk_packages(reconcile.__path__, "reconcile."):
    if not _module.name.endswith("__main__"):
        import_module(_module.name)


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        request = json.loads(self.rfile.readline())
        pid = os.fork()
        if pid == 0:
            self.connection.close()
            _run(request)
        self.wfile.write(f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        self.wfile.write(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _run(request: Any) -> NoReturn:
    """Is the program, to its end."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    for stream, path in ((1, request["out"]), (2, request["err"])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
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
