"""`make edits`: change single values in the manifests of public repositories, and count which lines that touches.

The repositories are the Go modules that the tests' components are built from, in Go's module cache. Exit code 1 where
fewer than 99 % of the edits touch only the lines of their value, where one has another meaning, or where no module is
there.
"""

from __future__ import annotations

import argparse
import sys

from tests.edits import numbers, sources, trials
from tests.edits.trials import End


def main() -> int:
    """Makes the edits and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.edits", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write the figures to docs/reliability.md")
    parser.add_argument("--most", type=int, default=3000, help="how many edits are made (3000)")
    options = parser.parse_args()
    modules = sources.modules()
    say(f"{len(modules)} of the {len(sources.pinned())} pinned modules are in {sources.module_cache()}")
    if not modules:
        say("`make tools` fetches them; without them there is nothing to be measured")
        return 1
    every = [*sources.own(), *modules]
    figures = numbers.counted(every, map(trials.tried, trials.drawn(every, options.most)))
    say(f"{figures['repositories']} repositories, {figures['files']} files\n\n{numbers.parts(figures)['table']}")
    say(f"{numbers.share(figures):.2f} % of the edits touch only the lines of their value")
    if options.record:
        numbers.RECORD.keep(figures)
    changed = any(ends[End.CHANGED.value] for ends in figures["edits"].values())
    return int(changed or numbers.share(figures) < numbers.LEAST)


def say(text: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


sys.exit(main())
