"""What a run tells: lines with times as it goes, and a table in the end."""

from __future__ import annotations

import sys
import textwrap
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

_DONE, _SEEN = 34, 62  # widths of two columns


@dataclass(kw_only=True)
class Act:
    """A part of the run: what is done in it, what was seen by it, how long it took."""

    done: str
    seen: list[str] = field(default_factory=list)
    seconds: float = 0
    failed: bool = False


class Told:
    """Prints lines as they come, to standard output and into a file, and keeps the acts for the table."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._begun = time.monotonic()
        self._acts: list[Act] = []

    def say(self, text: str) -> None:
        """Print a line with the time of day and the seconds since the start."""
        passed = time.monotonic() - self._begun
        self._print(f"{datetime.now(UTC):%H:%M:%S} {passed:6.1f} s  {text}")

    @contextmanager
    def act(self, done: str) -> Iterator[Act]:
        """Begin a part; what it saw is put into it by who plays it."""
        act = Act(done=done)
        self._acts.append(act)
        self.say(f"--- {done}")
        begun = time.monotonic()
        try:
            yield act
        except BaseException:
            act.failed = True
            raise
        finally:
            act.seconds = time.monotonic() - begun
            for seen in act.seen:
                self.say(f"seen: {seen}")

    def table(self) -> None:
        """Print what was done and what was seen."""
        rule = f"+-{'-' * _DONE}-+-{'-' * _SEEN}-+-------+"
        self._print(rule)
        self._print(f"| {'done':{_DONE}} | {'seen':{_SEEN}} |     s |")
        self._print(rule)
        for act in self._acts:
            self._print("\n".join(_rows(act)))
            self._print(rule)

    def _print(self, text: str) -> None:
        for stream in (sys.stdout, self._file):
            stream.write(f"{text}\n")
            stream.flush()


def _rows(act: Act) -> Iterator[str]:
    left = textwrap.wrap(act.done, _DONE)
    right = [line for seen in act.seen for line in textwrap.wrap(seen, _SEEN, subsequent_indent="  ")]
    if act.failed:
        right.append("FAILED")
    for number in range(max(len(left), len(right))):
        done = left[number] if number < len(left) else ""
        seen = right[number] if number < len(right) else ""
        yield f"| {done:{_DONE}} | {seen:{_SEEN}} | {f'{act.seconds:5.0f}' if number == 0 else ' ' * 5} |"
