"""The folder that the commands are tried on, and the clock between two passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconcile.cli import schedule
from tests.support.program import example

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example, rolled out."""
    return example(tmp_path / "manifests")


class Clock:
    """Stands for `time` between two passes: nothing takes any time but sleeping, and that is over at once."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Returns the seconds that were slept."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Moves the clock on."""
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Replaces the clock by which the next pass of this process starts."""
    clock = Clock()
    monkeypatch.setattr(schedule, "time", clock)
    return clock
