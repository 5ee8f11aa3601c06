"""`make bench`: measure, print the tables with figure beside bound, and write the figures down where that is asked for.

Exit code 1 where something could not be started and, with --check, where a count is over its bound.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import page, tables
from tests.bench.bounds import held
from tests.bench.figures import Figures, written
from tests.bench.play import Bench
from tests.components.processes import ProcessError
from tests.components.tools import ToolUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> int:
    """Run it."""
    options = _options()
    if options.draw:
        page.redraw()
        return 0
    figures = Figures()
    try:
        for figures in _measured(options):
            if options.json:
                options.json.write_text(written(figures), encoding="utf-8")
    except (ProcessError, ToolUnavailable) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for name, text in tables.parts(figures).items():
        sys.stdout.write(f"\n## {name}\n\n{text}")
    if options.record:
        page.record(figures)
    return 1 if _broken(figures) and options.check else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--n", default="1 100 1000 5000", help="how many Rollouts there are (1 100 1000 5000)")
    parser.add_argument("--minutes", type=float, default=15, help="leave out the N that would take longer (15)")
    parser.add_argument(
        "--check", action="store_true", help="the counts alone; exit code 1 where one is over its bound"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file, as they come")
    parser.add_argument("--record", action="store_true", help="write the figures to docs/performance.md")
    parser.add_argument("--draw", action="store_true", help="draw docs/performance.md from what was recorded, and end")
    return parser.parse_args()


def _measured(options: argparse.Namespace) -> Iterator[Figures]:
    begun = time.monotonic()

    def say(what: str) -> None:
        sys.stderr.write(f"{time.monotonic() - begun:5.0f} s  {what}\n")

    with tempfile.TemporaryDirectory(prefix="steerer-bench-") as directory:
        sizes = [int(n) for n in options.n.split()]
        yield from Bench(
            directory=Path(directory), sizes=sizes, say=say, counts=options.check, minutes=options.minutes
        ).run()


def _broken(figures: Figures) -> bool:
    """Say whether a count is over its bound, and which."""
    broken = [row for row in held(figures) if row.broken]
    for row in broken:
        sys.stderr.write(f"over its bound: {row.bound.about}: {row.bound.what}: {row.figure:g} > {row.bound.most:g}\n")
    return bool(broken)


sys.exit(main())
