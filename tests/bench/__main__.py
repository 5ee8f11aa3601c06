"""`make bench`: measure, print the tables with figure beside bound, and write the figures down where that is asked for.

Exit code 1, with --check, where a count is over its bound.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import page, tables
from tests.bench.bounds import held
from tests.bench.figures import written
from tests.bench.play import Bench
from tests.components.processes import ProcessError
from tests.components.tools import ToolUnavailable


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--n", default="1 100 1000 5000", help="how many Rollouts there are (1 100 1000 5000)")
    parser.add_argument(
        "--check", action="store_true", help="the counts alone; exit code 1 where one is over its bound"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    parser.add_argument("--record", action="store_true", help="write the figures to docs/performance.md")
    parser.add_argument("--draw", action="store_true", help="draw docs/performance.md from what was recorded, and end")
    options = parser.parse_args()
    if options.draw:
        page.redraw()
        return 0
    begun = time.monotonic()

    def say(what: str) -> None:
        sys.stderr.write(f"{time.monotonic() - begun:5.0f} s  {what}\n")

    with tempfile.TemporaryDirectory(prefix="steerer-bench-") as directory:
        bench = Bench(
            directory=Path(directory), sizes=[int(n) for n in options.n.split()], say=say, counts=options.check
        )
        try:
            figures = bench.run()
        except (ProcessError, ToolUnavailable) as error:
            sys.stderr.write(f"{error}\n")
            return 1
    for name, text in tables.parts(figures).items():
        sys.stdout.write(f"\n## {name}\n\n{text}")
    if options.json:
        options.json.write_text(written(figures), encoding="utf-8")
    if options.record:
        page.record(figures)
    broken = [row for row in held(figures) if row.broken]
    for row in broken:
        sys.stderr.write(f"over its bound: {row.bound.about}: {row.bound.what}: {row.figure:g} > {row.bound.most:g}\n")
    return 1 if broken and options.check else 0


sys.exit(main())
