"""`make hostile`: runs the tests with hostile input, prints how each piece ended, and records the figures.

The exit code is 1 if a test failed or (with --record) was skipped: then nothing is recorded.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pytest

# By the name that conftest.py imports it by: the same tally.
from tests.hostile import tally
from tests.support import share

TESTS = Path(__file__).parents[1]


def main() -> int:
    """Runs the marked tests and no others."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write the numbers to docs/reliability.md")
    parser.add_argument("--whose", action="append", default=[], help="try no other table than this (each)")
    options = parser.parse_args()
    tally.TALLY.only = tuple(options.whose)
    code = pytest.main(["-m", tally.MARK, share.OPTION, "--quiet", str(TESTS)])
    for whose, text in tally.parts(tally.TALLY.tried).items():
        sys.stdout.write(f"\n{whose}\n\n{text}")
    if code != pytest.ExitCode.OK:
        return 1
    if options.record and tally.TALLY.skipped:
        sys.stdout.write(f"\nnothing is recorded: {len(tally.TALLY.skipped)} tests were skipped\n")
        return 1
    if options.record:
        tried = (tally.RECORD.kept() if options.whose else {}) | tally.TALLY.tried
        tally.RECORD.keep(json.loads(json.dumps(tried, sort_keys=True)))
    return 0


sys.exit(main())
