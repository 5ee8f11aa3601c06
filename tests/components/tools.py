"""The programs of the real components, by their names: built where Go is, or else as they are installed.

Starting programs is not done here.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.components.building import BuildError, build
from tests.components.modules import MODULE_OF, MODULES

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.components.modules import Module


class ToolUnavailable(Exception):  # noqa: N818 (a circumstance of this machine, not a fault: tests skip)
    """A program is neither built, nor can it be built here, nor is it installed. The text says why."""


def tool(name: str) -> Path:
    """Give the program (or the file) called `name`, and build it if that was not done yet.

    Without Go, a program of that name in `$KUBEBUILDER_ASSETS` or on PATH will do. Raises ToolUnavailable when there
    is none, BuildError when the build fails, KeyError when no module offers `name`.
    """
    module = MODULE_OF[name]
    product = module.products() / module.programs[name]
    if not product.exists():
        if shutil.which("go") is None:
            return _installed(name)
        build([module], lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
    os.utime(product.parent)  # it is in use
    return product


def _installed(name: str) -> Path:
    places = [place for place in (os.environ.get("KUBEBUILDER_ASSETS"), os.environ.get("PATH")) if place]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise ToolUnavailable(f"no go to build {name}, and no {name} on PATH or in $KUBEBUILDER_ASSETS")
    return Path(found)


def modules_of(programs: Collection[str]) -> list[Module]:
    """Give the modules that offer these programs, in the order in which they are built."""
    return [module for module in MODULES if not set(programs).isdisjoint(module.programs)]


def main() -> int:
    """Build all there is; give the exit code."""
    if shutil.which("go") is None:
        print("cannot build the components: there is no go on PATH", file=sys.stderr)  # noqa: T201
        return 1
    try:
        build(MODULES, lambda line: print(line, flush=True))  # noqa: T201
    except BuildError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
