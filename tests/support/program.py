"""The program as users have it, for the tests of the command line: a process, on a folder or on any server.

The tests on the real API server have theirs in `tests/apiserver/steering.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import yaml

from tests.support.paths import ARTIFACTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_ROLLED_OUT = "status: {replicas: 2, updatedReplicas: 2, availableReplicas: 2}\n"
_PROGRAM = [sys.executable, "-W", "error", "-m", "reconcile"]


def steerer(*args: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the program without any cluster in reach, and with warnings as errors."""
    return confined(bool, *args, **environ)


def confined(limit: Callable[[], object], *args: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it likewise, in a process that `limit` was called in."""
    return subprocess.run(
        [*_PROGRAM, *map(str, args)],
        env=_environ(environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=limit,
    )


def begun(*args: object, **environ: str) -> subprocess.Popen[str]:
    """Start the program like `steerer`, and leave it running. To be used in a `with`."""
    return subprocess.Popen(
        [*_PROGRAM, *map(str, args)],
        env=_environ(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _environ(more: dict[str, str]) -> dict[str, str]:
    env = {key: value for key, value in os.environ.items() if key not in {"KUBECONFIG", "HOME"}}
    return env | {"HOME": "/dev/null", **more}


def example(target: Path, *, metrics: bool = True, step: int | None = None) -> Path:
    """Copy the seed's example into a new folder, rolled out; without `metrics`, or with another step, if so wanted."""
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
    """Give the first document of a file."""
    loaded: dict[str, Any] = yaml.safe_load((folder / file).read_text(encoding="utf-8"))
    return loaded


def contents(folder: Path) -> dict[str, bytes]:
    """Give every file of a folder, but for the lock of a pass."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".steerer.lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
