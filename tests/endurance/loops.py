"""`steerer run --every` in a process of its own, watched from outside: what it says, and what it holds.

What it says is its decision records. What it holds is read from /proc after each pass.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.components.processes import mortal
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.apiserver.steering import Steerer

_UNREAD, _TOLD = "steerer: ", "steerer: told"  # a namespace that a pass could not read; but for being told to stop
_DEFECTS = ("Traceback", "internal error")


@dataclass(frozen=True, kw_only=True)
class Held:
    """What a process holds at one moment; `memory` is what is resident, in bytes."""

    memory: int
    files: int
    sockets: int
    locks: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> Self:
        """Look at a process. Raises OSError where it has ended."""
        process = Path(f"/proc/{pid}")
        pages = int((process / "statm").read_text().split()[1])
        open_files = [_target(link) for link in (process / "fd").iterdir()]
        notes = [_read(note) for note in (process / "fdinfo").iterdir()]
        return cls(
            memory=pages * os.sysconf("SC_PAGE_SIZE"),
            files=len(open_files),
            sockets=sum(target.startswith("socket:") for target in open_files),
            locks=sum(note.count("lock:") for note in notes),
            threads=len(list((process / "task").iterdir())),
        )


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # closed meanwhile
        return ""


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def quarters(samples: Sequence[Held]) -> dict[str, tuple[int, int]]:
    """Give the least held of each thing in the first quarter of a life and in the last, once it is warm.

    The least, as that is what is never given back: a look may fall into the midst of a pass.
    """
    warm = samples[len(samples) // 20 :]
    size = max(len(warm) // 4, 1)
    return {name: (_least(warm[:size], name), _least(warm[-size:], name)) for name in Held.__dataclass_fields__ if warm}


def _least(samples: Sequence[Held], name: str) -> int:
    return min(int(getattr(sample, name)) for sample in samples)


class Loop:
    """One process that makes passes, between `with` and its end, and never beyond that of this one."""

    def __init__(self, steerer: Steerer, log: Path, *args: str) -> None:
        self.passes = 0
        self.moves: Counter[str] = Counter()
        self.results: Counter[str] = Counter()
        self.samples: list[Held] = []
        self._log = log
        with log.open("ab") as errors:
            self._child = subprocess.Popen(
                mortal([sys.executable, "-m", "reconcile", "run", "-o", "json", "--log-level", "warning", *args]),
                cwd=ROOT,
                env=steerer.environment(),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._reader = threading.Thread(target=self._listen)
        self._reader.start()

    @property
    def unread(self) -> int:
        """In how many passes a namespace could not be read; the others were seen to."""
        return sum(line.startswith(_UNREAD) and not line.startswith(_TOLD) for line in self._said())

    @property
    def defects(self) -> list[str]:
        """What it said of defects of its own."""
        return [line for line in self._said() if any(word in line for word in _DEFECTS)]

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._child.poll() is None

    def strike(self) -> None:
        """Kill it in the midst of whatever it does."""
        self._child.kill()

    def kill(self) -> None:
        """Kill it, and see it gone."""
        self.strike()
        self._over()

    def end(self) -> int:
        """Tell it to end, and give its exit code. Raises TimeoutExpired where it does not."""
        self._child.send_signal(signal.SIGTERM)
        self._child.wait(30)
        return self._over()

    def _over(self) -> int:
        code = self._child.wait()
        self._reader.join()
        return code

    def _said(self) -> list[str]:
        return self._log.read_text(encoding="utf-8", errors="replace").splitlines()

    def _listen(self) -> None:
        assert self._child.stdout is not None
        document: list[str] = []
        with self._child.stdout as said:
            for line in said:
                document.append(line)
                if line == "}\n":  # everything within a document is indented
                    self._told(json.loads("".join(document)))
                    document.clear()

    def _told(self, document: Mapping[str, Any]) -> None:
        self.passes += 1
        for record in document["rollouts"]:
            self.moves[record["move"]] += record["result"] == "applied"
            self.results[record["result"]] += 1
        try:
            self.samples.append(Held.of(self._child.pid))
        except OSError:  # killed a moment ago
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.alive:
            self.kill()
        else:
            self._over()
