"""`make backtest`: what a backtest of two weeks takes. Exit code 1 where that is more than its bounds."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.prometheus import weeks


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m tests.prometheus", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write the figures to docs/reports.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="steerer-backtest-") as scratch:
        figures, picture = weeks.measured(Path(scratch))
    sys.stdout.write(weeks.parts(figures)["figures"])
    if options.record:
        weeks.RECORD.keep(figures)
        weeks.PICTURE.write_text(picture, encoding="utf-8")
    for name in weeks.broken(figures):
        sys.stderr.write(f"over its bounds: {name}\n")
    return int(bool(weeks.broken(figures)))


if __name__ == "__main__":
    sys.exit(main())
