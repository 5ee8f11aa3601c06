"""`steerer run --wait` on a folder: what it prints, and its exit codes."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.components.processes import wait_for
from tests.support.program import begun, contents, example, invoke, stored

if TYPE_CHECKING:
    from pathlib import Path

# With an interval of zero a pass may take any time: a slow machine changes nothing.
FAST = ("--wait", "--every", "1s", "--control-loop-interval", "0s", "--timeout", "30s")


def edited(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.usefixtures("clock")
def test_passes_are_made_until_it_is_done_with_a_line_for_each_change(tmp_path: Path) -> None:
    folder = example(tmp_path / "it", metrics=False, step=100)
    done = invoke("run", "podinfo", "-f", folder, *FAST)
    assert done.returncode == 0, done.stderr
    verdicts = [line.split("  ")[-2] for line in done.stdout.splitlines()]
    assert verdicts == ["started", "promoting", "routed to the primary", "finished"]
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  podinfo\.test  ", line) for line in done.stdout.splitlines())
    assert stored(folder, "rollouts/podinfo.yaml")["status"]["phase"] == "Succeeded"
    again = invoke("run", "-f", folder, *FAST)  # and what is done already takes one pass
    assert (again.returncode, len(again.stdout.splitlines())) == (0, 1)


@pytest.mark.usefixtures("clock")
def test_in_the_end_json_has_the_last_pass_and_stderr_the_changes(tmp_path: Path) -> None:
    folder = example(tmp_path / "it", metrics=False, step=100)
    done = invoke("run", "-f", folder, *FAST, "-o", "json")
    assert done.returncode == 0, done.stderr
    [record] = json.loads(done.stdout)["rollouts"]
    assert (record["move"], record["after"]["phase"]) == ("retire", "Succeeded")
    assert "routed to the primary" in done.stderr


@pytest.mark.usefixtures("clock")
def test_when_the_time_is_over_it_says_where_it_stands_and_why(folder: Path) -> None:
    done = invoke("run", "-f", folder, *FAST, "--timeout", "2s")
    assert done.returncode == 3
    changes = [line for line in done.stdout.splitlines() if line.startswith("20")]
    assert [line.split("  ")[-2] for line in changes] == ["started", "halted"]  # the second halt is no change
    assert "✗ analysis" in done.stdout
    last = done.stderr[done.stderr.index("steerer: ") :]
    assert last.startswith("steerer: not done within 2 s\n  podinfo.test is Progressing at 10 %: success rate: unreach")


@pytest.mark.usefixtures("clock")
def test_a_rollout_that_needs_a_human_is_not_waited_for(folder: Path) -> None:
    edited(folder, "rollouts/podinfo.yaml", "stepWeight: 10", "stepWeight: 0")
    done = invoke("run", "-f", folder, *FAST)
    assert done.returncode == 4
    assert "steerer: failed\n  podinfo.test is new: spec.canaryAnalysis.stepWeight: must be" in done.stderr


@pytest.mark.usefixtures("clock")
def test_of_several_each_is_waited_for(tmp_path: Path) -> None:
    folder = example(tmp_path / "it", metrics=False, step=100)
    broken = stored(folder, "rollouts/podinfo.yaml")
    broken["metadata"] |= {"name": "broken"}
    broken["spec"]["virtualService"] = {"name": "other"}
    broken["spec"]["canaryAnalysis"] = {"stepWeight": 0}
    (folder / "rollouts" / "broken.yaml").write_text(yaml.safe_dump(broken), encoding="utf-8")
    done = invoke("run", "-f", folder, *FAST)
    assert done.returncode == 4
    assert stored(folder, "rollouts/podinfo.yaml")["status"]["phase"] == "Succeeded"
    end = " ".join(line for line in done.stderr.splitlines() if not line.startswith("20"))  # but for the log
    assert "broken.test is new" in end
    assert "podinfo.test is" not in end


def test_a_rollout_that_goes_while_it_is_waited_for_has_failed(folder: Path) -> None:
    with begun("run", "podinfo", "-f", folder, *FAST, "--control-loop-interval", "1h") as process:
        assert process.stdout is not None
        assert "started" in process.stdout.readline()
        (folder / "rollouts" / "podinfo.yaml").unlink()
        _, err = process.communicate(timeout=120)
    assert process.returncode == 4
    assert "steerer: no Rollout podinfo in any namespace" in err


def test_what_another_pass_does_is_seen_and_shown(tmp_path: Path) -> None:
    folder = example(tmp_path / "it", metrics=False, step=50)
    beside = ("run", "-f", folder, "--control-loop-interval", "0s")
    slow = ("--wait", "--every", "1s", "--control-loop-interval", "1h", "--timeout", "60s")
    with begun("run", "-f", folder, *slow) as process:
        assert process.stdout is not None
        assert "0 % → 50 %" in process.stdout.readline()
        while stored(folder, "rollouts/podinfo.yaml")["status"]["phase"] != "Succeeded":
            invoke(*beside)  # a lock that is held is a pass lost; there are more
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.splitlines()[-1].split("  ")[-2] == "idle"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--wait", "--dry-run", "client"), "--wait and --dry-run exclude each other"),
        (("--wait", "--dry-run", "server"), "--wait and --dry-run exclude each other"),
        (("--wait", "--every", "1s", "--for", "5s"), "--wait and --for exclude each other"),
        (("--wait", "-o", "patch"), "--wait has no -o patch"),
        (("--wait", "--detailed-exitcode"), "--wait has exit codes of its own"),
        (("--timeout", "5s"), "--timeout needs --wait"),
        (("--wait", "nope"), "no Rollout nope"),
        (("--wait", "-l", "app=none"), "no Rollout is in scope"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(folder: Path, args: tuple[str, ...], words: str) -> None:
    before = contents(folder)
    done = invoke("run", "-f", folder, *args)
    assert done.returncode == 2
    assert words in done.stderr
    assert contents(folder) == before


def test_a_terminal_shows_what_stands_while_it_waits(folder: Path) -> None:
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "reconcile",
        "run",
        "-f",
        str(folder),
        "--wait",
        "--timeout",
        "1s",
        "--every",
        "1s",
    ]
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "HOME": "/dev/null"}
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=env) as process:
        os.close(theirs)
        shown = b""

        def ended() -> bool:
            nonlocal shown
            try:
                shown += os.read(ours, 1 << 16)
            except OSError:  # the other end is closed
                return True
            return False

        wait_for(ended, "the end")
    os.close(ours)
    assert process.returncode == 3
    assert b"a pass every 1 s, for 1 s at most" in shown
    assert b"\x1b[?25l" in shown
    assert b"\x1b[?25h" in shown
