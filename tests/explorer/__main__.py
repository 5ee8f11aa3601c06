"""`make explore`: searches for some minutes, prints broken laws, and records the figures.

The exit code is 1 if a law was broken; the shortest way to it is on stdout.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time

from tests.explorer import numbers
from tests.explorer.mutants import MUTANTS, caught
from tests.explorer.search import EVERYWHERE, Search
from tests.explorer.story import tell


def main() -> int:
    """Runs the search, then the mutants, and records the figures with --record."""
    parser = argparse.ArgumentParser(prog="python -m tests.explorer", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long to search (10)")
    parser.add_argument("--levels", type=int, default=99, help="how many disturbances one way may have (99)")
    parser.add_argument(
        "--states", type=int, default=2_000_000, help="how many worlds to keep; about 1 KB each (2000000)"
    )
    parser.add_argument("--record", action="store_true", help="write the numbers to docs/reliability.md")
    options = parser.parse_args()
    logging.disable()
    began = time.monotonic()
    search = Search()
    search.run(
        seeds=EVERYWHERE,
        levels=options.levels,
        states=options.states,
        until=lambda: time.monotonic() - began > options.minutes * 60,
    )
    found = numbers.counted(search, time.monotonic() - began)
    sys.stdout.write(numbers.table(found))
    for violation in search.violations.values():
        sys.stdout.write(f"\n{tell(violation, search)}")
    if search.violations:
        return 1
    if options.record:
        numbers.RECORD.keep({"numbers": found, "mutants": {name: caught(name) for name in MUTANTS}})
    return 0


sys.exit(main())
