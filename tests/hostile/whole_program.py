"""Runs of the whole program over a folder with hostile input, and the laws for their results.

Which input is tried is in the tests.
"""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from reconcile.cli.exit_codes import FAILED
from tests.support import fast_yaml, program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROLLOUT = "rollouts/podinfo.yaml"
ROUTE = "workloads/virtual-service.yaml"
EVENTS = "events.yaml"
MOST_STORED = 1024
MOST_SAID = 72 * 1024
"""The most characters that a pass over one Rollout prints."""
# Characters that act on a terminal or hide: controls of C0 and C1, and marks of direction and of no width.
_ACTS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunResult:
    """The result of one run: exit code, stdout, stderr, all files before it, and the files that it changed."""

    code: int
    out: str
    err: str
    before: dict[str, bytes]
    changed: dict[str, bytes]

    @property
    def text(self) -> str:
        """All that a person sees."""
        return self.out + self.err


def run_in_process(folder: Path, *args: object) -> RunResult:
    """Runs a command over a folder, in this process. A defect ends in a traceback on stderr, as in a process."""

    def run() -> tuple[int, str, str]:
        try:
            done = program.invoke(*args, "-f", folder)
        except Exception:  # noqa: BLE001 - whatever a defect raises
            return FAILED, "", traceback.format_exc()
        return done.returncode, done.stdout, done.stderr

    return _observed(folder, run)


def run_as_process(folder: Path, *args: object) -> RunResult:
    """Runs a command over a folder as a process."""

    def run() -> tuple[int, str, str]:
        done = program.steerer(*args, "-f", folder)
        return done.returncode, done.stdout, done.stderr

    return _observed(folder, run)


def _observed(folder: Path, run: Callable[[], tuple[int, str, str]]) -> RunResult:
    before = program.contents(folder)
    code, out, err = run()
    after = program.contents(folder)
    assert before.keys() <= after.keys()
    changed = {path: data for path, data in after.items() if before.get(path) != data}
    return RunResult(code=code, out=out, err=err, before=before, changed=changed)


def folder_with(target: Path, rollout: Any = None, *, weight: int = 0, metrics: bool = True) -> Path:
    """Makes the example, rolled out, with this weight for the canary and another Rollout, a manifest or its text."""
    folder = program.example(target, metrics=metrics)
    if rollout is not None:
        text = rollout if isinstance(rollout, str) else yaml.safe_dump(rollout, allow_unicode=True)
        (folder / ROLLOUT).write_text(text, encoding="utf-8")
    route = folder / ROUTE
    text = route.read_text(encoding="utf-8")
    text = text.replace("weight: 100", f"weight: {100 - weight}").replace("weight: 0", f"weight: {weight}")
    route.write_text(text, encoding="utf-8")
    return folder


def law_readable(result: RunResult, *, rollouts: int = 1) -> None:
    """There is no traceback, no character that acts on a terminal, and no more text than a person can read."""
    assert "Traceback" not in result.text, result.err
    assert "internal error" not in result.text, result.text
    assert not (found := _ACTS.search(result.text)), f"{found[0]!r} in {result.text!r}"
    assert len(result.text) <= MOST_SAID * rollouts


def law_unchanged(result: RunResult) -> None:
    """No file is changed."""
    assert result.changed == {}


def law_halted(result: RunResult) -> None:
    """Only conditions of each Rollout's status and a Warning are written, in printable characters."""
    assert result.changed.keys() <= {ROLLOUT, EVENTS}
    events = [event for event in fast_yaml.load_all(result.changed.get(EVENTS, b"")) if event]
    assert [event["type"] for event in events] == ["Warning"] * len(events)
    messages = [event["message"] for event in events]
    if ROLLOUT in result.changed:
        contents = (fast_yaml.load_all(files[ROLLOUT]) for files in (result.before, result.changed))
        for old, new in zip(*contents, strict=True):
            assert {**old, "status": None} == {**new, "status": None}
            messages += [condition["message"] for condition in new["status"]["conditions"]]
    for message in messages:
        assert message.isprintable(), message
        assert len(message.encode()) <= MOST_STORED
