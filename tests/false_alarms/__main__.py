"""`make statistics`: draw releases, and count how often each way of judging stops a good canary, or finds a bad one.

Exit code 1 where the sequential test stops more good canaries than it was told to.
"""

from __future__ import annotations

import argparse
import sys

from tests.false_alarms import numbers
from tests.false_alarms.releases import FALSE_ALARMS, Way


def main() -> int:
    """Draws the releases and prints the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.false_alarms", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write the figures to docs/metrics.md")
    parser.add_argument("--releases", type=int, default=1000, help="how many of each kind are drawn (1000)")
    options = parser.parse_args()
    figures = numbers.counted(options.releases)
    sys.stdout.write("\n".join(numbers.parts(figures).values()))
    if options.record:
        numbers.RECORD.keep(figures)
    most = max(ways[Way.SEQUENTIAL] for ways in figures["good"].values())
    return int(most > FALSE_ALARMS * options.releases)


sys.exit(main())
