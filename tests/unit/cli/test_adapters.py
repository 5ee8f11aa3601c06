"""What is built from the options, and which options exclude each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconcile.cli.adapters import interval_for
from tests.support.program import invoke

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("nope",), "no Rollout nope"),
        (("-l", "a=="), None),
        (("-l", "a b"), "is no label selector"),
        (("-n", "a", "-A"), "exclude each other"),
        (("--dry-run", "server"), "need an API server"),
        (("--write-to", "."), "-f, --wait and --dry-run=server are of no use with it"),
        (("--metrics-server", "ftp://x"), "http"),
        (("--templates", "/dev/null/none"), "/dev/null/none"),
    ],
)
def test_options_that_fit_no_folder_are_usage_errors(folder: Path, args: tuple[str, ...], words: str | None) -> None:
    done = invoke("run", "-f", folder, *args)
    assert done.returncode == (0 if words is None else 2), done.stderr
    assert (words or "") in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("interval", "every", "seconds"), [(None, None, 60.0), (None, 5.0, 5.0), (10.0, 5.0, 10.0), (0.0, 5.0, 0.0)]
)
def test_the_interval_is_the_one_that_is_given_or_that_of_every(
    interval: float | None, every: float | None, seconds: float
) -> None:
    assert interval_for(interval, every) == seconds


@pytest.mark.parametrize("args", [("--wait",), ("--dry-run=server",)])
def test_a_checkout_takes_one_step_at_a_time_and_no_server_checks_it(args: tuple[str, ...], tmp_path: Path) -> None:
    done = invoke("run", "--write-to", tmp_path, *args)
    assert done.returncode == 2
    assert "to look first, use --dry-run=client" in done.stderr
