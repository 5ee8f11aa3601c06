"""`make endure`: play, tell what came of it, and write the numbers down.

Exit code 1 where a law was broken, a release did not end, or the program held more and more: then nothing is recorded.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.components.kubernetes import running
from tests.endurance import numbers
from tests.endurance.play import Play, Script

_MOST = 50


def main() -> int:
    """Play it on a control plane of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.endurance", description=__doc__)
    parser.add_argument("--passes", type=int, default=2000, help="how many passes, of all processes together (2000)")
    parser.add_argument("--rollouts", type=int, default=50, help="over how many Rollouts (50)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (1)")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long it may take (30)")
    parser.add_argument("--record", action="store_true", help="write the numbers to docs/reliability.md")
    parser.add_argument("--keep", type=Path, help="a new folder for all logs, which is kept")
    options = parser.parse_args()
    script = Script(passes=options.passes, rollouts=options.rollouts, seed=options.seed, minutes=options.minutes)
    with tempfile.TemporaryDirectory(prefix="steerer-") as scratch:
        play = played(script, options.keep or Path(scratch))
    found = numbers.counted(play)
    sys.stdout.write(f"{numbers.table(found)}\n{numbers.held(found)}")
    wrong = numbers.wrong(play)
    for one in wrong[:_MOST]:
        sys.stdout.write(f"\nWRONG {one}")
    if wrong:
        return 1
    if options.record:
        numbers.RECORD.keep(found)
    return 0


def played(script: Script, scratch: Path) -> Play:
    """Play a script, with all its files in a folder."""
    with running(scratch / "control-plane") as plane:
        play = Play(script=script, plane=plane, scratch=scratch)
        play.run()
    return play


if __name__ == "__main__":
    sys.exit(main())
