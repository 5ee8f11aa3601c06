"""The program as a process, and the exit code and the message of what it cannot do."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reconcile import __version__
from tests.support.program import example, invoke, steerer

if TYPE_CHECKING:
    from pathlib import Path


def test_the_version_and_the_help_are_there() -> None:
    assert steerer("--version").stdout == f"steerer, version {__version__}\n"
    done = invoke("run", "-h")
    assert (done.returncode, done.stderr) == (0, "")
    for option in ("--dry-run", "--metrics-server", "--control-loop-interval", "--every", "STEERER_METRICS_SERVER"):
        assert option in done.stdout


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("run", "--every", "soon"), 2, "no duration"),
        (("run", "--for", "10s"), 2, "--for needs --every"),
        (("run", "-f", "/dev/null/none"), 2, "/dev/null/none"),
        (("run", "nope"), 2, "no cluster"),
        (("run", "--metrics-header", "secret"), 2, "a header is written as"),
        (("run", "--dry-run", "maybe"), 2, "is not one of"),
        (("frobnicate",), 2, "No such command"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(args: tuple[str, ...], code: int, words: str) -> None:
    done = invoke(*args)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    folder = example(tmp_path / "manifests")
    command = f"{sys.executable} -m reconcile plan -f {folder} -o json | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "{"
    assert "Traceback" not in done.stderr


def test_a_pass_starts_and_ends_without_a_garbage_collection(tmp_path: Path) -> None:
    folder = example(tmp_path / "manifests")
    code = (
        "import atexit, gc; from reconcile.cli import main; "
        "runs = lambda: sum(item['collections'] for item in gc.get_stats()); before = runs(); "
        "atexit.register(lambda: print(runs() - before, gc.get_freeze_count() > 0)); main()"
    )
    command = [sys.executable, "-c", code, "plan", "-f", str(folder), "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.endswith("}\n0 True\n"), done.stderr
