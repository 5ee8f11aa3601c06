"""`make faults`: make all trials on a control plane of their own, tell what was broken, and write the numbers down.

Exit code 1 where a law was broken or an end was another one; then nothing is recorded.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.components.kubernetes import running
from tests.faults import matrix, numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.trials import Trial


def main() -> int:
    """Make the trials, and tell of those that broke something."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", help="trials of this kind: write, read, race, hand")
    parser.add_argument("--minutes", type=float, default=600.0, help="begin no trial after this long")
    parser.add_argument("--record", action="store_true", help="write the numbers to docs/reliability.md")
    options = parser.parse_args()
    began, ended = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="steerer-") as directory, running(Path(directory)) as plane:
        found = matrix.calm(plane)
        wanted = spread([one for one in found.trials if options.only in {None, one.kind}])
        for one in matrix.tried(plane, found, wanted, lambda: time.monotonic() - began > options.minutes * 60):
            ended.append(one)
            for text in one.broken:
                sys.stdout.write(f"{one.trial} ({one.how}): {text}\n")
            if len(ended) % 50 == 0:
                sys.stdout.write(f"{len(ended)} of {len(wanted)} in {time.monotonic() - began:.0f} s\n")
            sys.stdout.flush()
    kept = numbers.counted(ended, len(wanted), time.monotonic() - began)
    sys.stdout.write(numbers.totals(kept))
    if kept["broken"]:
        return 1
    if options.record:
        numbers.RECORD.keep(kept)
    return 0


def spread(trials: Sequence[Trial]) -> list[Trial]:
    """Put trials into an order in which any part from the beginning has of all kinds, points and ways comparison."""
    step = next(step for step in range(int(len(trials) * 0.618), 0, -1) if math.gcd(step, len(trials)) == 1)
    return [trials[number * step % len(trials)] for number in range(len(trials))]


sys.exit(main())
