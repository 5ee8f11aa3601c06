"""The whole program over a folder with something hostile in it, and the laws of what may come of that.

Duty: the folder, the run, the laws. Which input is tried is the affair of the tests. The program runs in this process,
as `reconcile.cli.main` runs it, but for signals; `tests.support.program` has it as a process of its own.
"""

from __future__ import annotations

import logging
import re
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
import yaml
from click.testing import CliRunner

from reconcile.cli import steerer
from reconcile.cli.exit_codes import FAILED, USAGE
from reconcile.model.errors import SteererError, UsageError
from reconcile.model.text import printable
from tests.support import program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROLLOUT = "rollouts/podinfo.yaml"
ROUTE = "workloads/virtual-service.yaml"
EVENTS = "events.yaml"
MOST_STORED = 1024
MOST_SAID = 64 * 1024
"""More than this nobody reads: what a pass over one Rollout says, in characters."""
# What a terminal acts on, or hides: controls of C0 and C1, and marks that turn the direction of text around.
_ACTS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What one run of the program left: exit code, stdout, stderr; all files before it, and those that it changed."""

    code: int
    out: str
    err: str
    before: dict[str, bytes]
    changed: dict[str, bytes]

    @property
    def text(self) -> str:
        """All that a person sees."""
        return self.out + self.err


def steer(folder: Path, *args: object) -> Said:
    """Run a command over a folder. What only a defect raises comes out as a traceback on stderr, as it would."""
    logger = logging.getLogger("steerer")
    kept = (logger.handlers, logger.level, logger.propagate)

    def run() -> tuple[int, str, str]:
        try:
            done = CliRunner().invoke(steerer, [*map(str, args), "-f", str(folder)])
        finally:
            logger.handlers, logger.level, logger.propagate = kept
        code, words = _ended(done.exception, done.exit_code)
        return code, done.stdout, done.stderr + words

    return _looked_at(folder, run)


def as_process(folder: Path, *args: object) -> Said:
    """Run a command over a folder as users do: a process of its own."""

    def run() -> tuple[int, str, str]:
        done = program.steerer(*args, "-f", folder)
        return done.returncode, done.stdout, done.stderr

    return _looked_at(folder, run)


def _looked_at(folder: Path, run: Callable[[], tuple[int, str, str]]) -> Said:
    before = program.contents(folder)
    code, out, err = run()
    after = program.contents(folder)
    assert before.keys() <= after.keys()
    changed = {path: data for path, data in after.items() if before.get(path) != data}
    return Said(code=code, out=out, err=err, before=before, changed=changed)


def _ended(error: BaseException | None, code: int) -> tuple[int, str]:
    """Give exit code and last words as `main` does."""
    if isinstance(error, click.ClickException):
        return error.exit_code, error.format_message()
    if isinstance(error, SteererError):
        words = "\n".join(map(printable, str(error).split("\n")))
        return USAGE if isinstance(error, UsageError) else FAILED, words
    if error is None or isinstance(error, SystemExit):
        return code, ""
    return FAILED, "".join(traceback.format_exception(error))


def folder_with(target: Path, rollout: Any = None, *, weight: int = 0, metrics: bool = True) -> Path:
    """Make the example, rolled out, with a canary of this weight and another Rollout: a manifest, or its text."""
    folder = program.example(target, metrics=metrics)
    if rollout is not None:
        text = rollout if isinstance(rollout, str) else yaml.safe_dump(rollout, allow_unicode=True)
        (folder / ROLLOUT).write_text(text, encoding="utf-8")
    route = folder / ROUTE
    text = route.read_text(encoding="utf-8")
    text = text.replace("weight: 100", f"weight: {100 - weight}").replace("weight: 0", f"weight: {weight}")
    route.write_text(text, encoding="utf-8")
    return folder


def law_words(said: Said, *, rollouts: int = 1) -> None:
    """Nobody sees a traceback, a character that a terminal acts on, or more of a Rollout than a person can read."""
    assert "Traceback" not in said.text, said.err
    assert "internal error" not in said.text, said.text
    assert not (found := _ACTS.search(said.text)), f"{found[0]!r} in {said.text!r}"
    assert len(said.text) <= MOST_SAID * rollouts


def law_unchanged(said: Said) -> None:
    """No file is changed."""
    assert said.changed == {}


def law_halted(said: Said) -> None:
    """Nothing is written but conditions in the Rollout's status, and a Warning; and nobody's terminal minds them."""
    assert said.changed.keys() <= {ROLLOUT, EVENTS}
    events = [event for event in yaml.safe_load_all(said.changed.get(EVENTS, b"")) if event]
    assert [event["type"] for event in events] == ["Warning"] * len(events)
    messages = [event["message"] for event in events]
    if ROLLOUT in said.changed:
        old, new = (yaml.safe_load(content) for content in (said.before[ROLLOUT], said.changed[ROLLOUT]))
        assert {**old, "status": None} == {**new, "status": None}
        messages += [condition["message"] for condition in new["status"]["conditions"]]
    for message in messages:
        assert message.isprintable(), message
        assert len(message.encode()) <= MOST_STORED
