"""The program for tests: in this process, or as a process of its own; on a folder, or on any server.

`invoke` is for tests of what the program prints, writes and ends with, `steerer` for what only a process of its own
has. `confined` and `begun` also start that process anew, which costs half a second: for limits, signals, and passes at
the same time. The tests on the real API server have theirs in `tests/apiserver/steering.py`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from reconcile.cli import program
from reconcile.cli.signals import Stop
from tests.components.processes import Program
from tests.support import fast_yaml, forked
from tests.support.logs import restored_logging
from tests.support.paths import ARTIFACTS, OFFLINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ROLLED_OUT = "status: {replicas: 2, updatedReplicas: 2, availableReplicas: 2}\n"
_PROGRAM = [sys.executable, "-W", "error", "-m", "reconcile"]
# It gives up no query in the time of a test.
_PATIENT = """
from reconcile.cli import main
from reconcile.metrics.prometheus import Prometheus
Prometheus.__init__.__kwdefaults__["timeout"] = 3600.0
main()
"""
# No cluster is in reach: neither a kubeconfig nor a home folder with one.
_ENVIRONMENT: dict[str, str | None] = {"KUBECONFIG": None, "HOME": "/dev/null"}


def invoke(*args: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs the program in this process, without its signal handlers and without any cluster in reach."""
    words = [*map(str, args)]
    with restored_logging(), CliRunner().isolation(env=_ENVIRONMENT | environ) as (out, err, _):
        code = program.run("steerer", words, Stop())
        sys.stdout.flush()
        sys.stderr.flush()
        return subprocess.CompletedProcess(words, code, out.getvalue().decode(), err.getvalue().decode())


def steerer(*args: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs the program as a process, without any cluster in reach and with warnings as errors."""
    return forked.run([*map(str, args)], cwd=Path.cwd(), env=environment(**environ), timeout=60, strict=True)


def confined(limit: Callable[[], object], *args: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs it likewise, in a process that has called `limit` before Python starts."""
    return subprocess.run(
        [*_PROGRAM, *map(str, args)],
        env=environment(**environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=limit,
    )


def begun(*args: object, **environ: str) -> Program:
    """Starts the program like `steerer`, and leaves it running. To be used in a `with`."""
    return Program([*_PROGRAM, *map(str, args)], cwd=Path.cwd(), env=environment(**environ))


def begun_patiently(*args: object) -> Program:
    """Starts it likewise, as a program that waits for the answer to a query for an hour."""
    command = [sys.executable, "-W", "error", "-c", _PATIENT, *map(str, args), "--pass-timeout", "2h"]
    return Program(command, cwd=Path.cwd(), env=environment())


def environment(**more: str) -> dict[str, str]:
    """Returns the whole environment of the program as a process: no cluster, and no other machine."""
    env = {**os.environ, **_ENVIRONMENT, "PYTHONPATH": OFFLINE, **more}
    return {key: value for key, value in env.items() if value is not None}


@contextmanager
def silent_server() -> Iterator[tuple[str, Callable[[], bool]]]:
    """Serves metrics, and never answers. Yields the URL, and a function that waits for a query."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(120)
        accepted: list[socket.socket] = []

        def queried() -> bool:
            accepted.append(server.accept()[0])
            return bool(accepted[-1].recv(1))

        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", queried
        finally:
            for one in accepted:
                one.close()


def example(target: Path, *, metrics: bool = True, step: int | None = None) -> Path:
    """Copies the example into a new folder, rolled out; on request without metrics, or with another step."""
    shutil.copytree(ARTIFACTS, target)
    for name in ("deployment", "deployment-canary"):
        path = target / "workloads" / f"{name}.yaml"
        path.write_text(path.read_text(encoding="utf-8") + _ROLLED_OUT, encoding="utf-8")
    rollout = target / "rollouts" / "podinfo.yaml"
    text = rollout.read_text(encoding="utf-8")
    text = text if metrics else text[: text.index("metrics:")].rstrip() + "\n"
    text = text if step is None else text.replace("stepWeight: 10", f"stepWeight: {step}")
    rollout.write_text(text, encoding="utf-8")
    return target


def stored(folder: Path, file: str) -> dict[str, Any]:
    """Returns the first document of a file."""
    loaded: dict[str, Any] = fast_yaml.load((folder / file).read_text(encoding="utf-8"))
    return loaded


def contents(folder: Path) -> dict[str, bytes]:
    """Returns every file of a folder, except the lock of a pass."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".steerer.lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
