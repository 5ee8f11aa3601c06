"""Builds what the Go modules of `tests/tools` offer, once, into the user's cache folder, and says how far it is.

All modules share Go's own module cache and build cache. While one of them is compiled, the sources of the next ones are
fetched.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.components.modules import BUILD, ENVIRONMENT, cache
from tests.components.processes import mortal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.components.modules import Module

    Say = Callable[[str], object]

_EVERY = 15.0  # seconds between two lines about the same module
_UNUSED = 30 * 24 * 3600.0  # seconds after which what an older recipe gave is removed
_PACKAGE = re.compile(r"[\w.~/@-]+")  # a line of `go build -v`


class BuildError(Exception):
    """A program could be built here and was not: the text has the end of what the build said."""


def build(modules: Sequence[Module], say: Say) -> None:
    """Build what was not built yet, one module after the other. Raises BuildError."""
    todo = [module for module in modules if not module.products().exists()]
    if not todo:
        return
    say(f"building {len(todo)} of the tests' components, once: {', '.join(module.name for module in todo)}")
    cache().mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(1) as fetcher:
        fetched = {module.name: fetcher.submit(_fetch, module) for module in todo}
        try:
            for number, module in enumerate(todo, 1):
                with _Progress(f"[{number}/{len(todo)}] {module.name}", say) as progress, _lock(module, progress):
                    if module.products().exists():
                        progress.state = "was built by another run"
                        continue
                    progress.state = "fetching sources"
                    packages = fetched[module.name].result()
                    _make(module, packages, progress)
        finally:
            fetcher.shutdown(cancel_futures=True)


class _Progress:
    """Says every few seconds, in a `with`, how far a module is, and at the end how long it took."""

    def __init__(self, name: str, say: Say) -> None:
        self.state = ""
        self._name = name
        self._say = say
        self._start = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)

    def _tell(self) -> None:
        while not self._over.wait(_EVERY):
            self._line(f"{self.state},")

    def _line(self, text: str) -> None:
        self._say(f"{self._name}: {text} {time.monotonic() - self._start:.0f} s")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._line("done," if kind is None else "failed,")


def _fetch(module: Module) -> int:
    """Fetch the sources of a module, and give the number of packages that it consists of."""
    if module.copies is not None:
        for source, _ in module.copies:
            _go(module, "mod", "download", source)
        return 0
    return len(_go(module, "list", "-deps", _target(module)).splitlines())


def _make(module: Module, packages: int, progress: _Progress) -> None:
    fresh = Path(tempfile.mkdtemp(prefix=f".{module.name}-", dir=cache()))
    try:
        if module.copies is None:
            _compile(module, packages, fresh, progress)
        for source, file in module.copies or ():
            unpacked = json.loads(_go(module, "mod", "download", "-json", source))
            (fresh / Path(file).name).write_bytes((Path(unpacked["Dir"]) / file).read_bytes())
        fresh.chmod(0o755)
        fresh.rename(module.products())
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    _remove_unused(module)


def _compile(module: Module, packages: int, target: Path, progress: _Progress) -> None:
    done = 0

    def heard(line: str) -> None:
        nonlocal done
        if _PACKAGE.fullmatch(line):
            done += 1
            progress.state = f"{done:,} of {packages:,} packages"

    progress.state = f"{packages:,} packages"
    _go(module, *BUILD[1:], "-v", "-ldflags", module.ldflags, "-o", f"{target}/", _target(module), heard=heard)


def _target(module: Module) -> str:
    return "." if module.sources() else "tool"


def _go(module: Module, *arguments: str, heard: Callable[[str], None] = lambda _: None) -> str:
    """Run Go in the folder of a module, and give its standard output; `heard` gets the lines of the other one."""
    with (
        subprocess.Popen(
            mortal([shutil.which("go") or "go", *arguments]),
            cwd=module.folder,
            env=os.environ | ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
        ThreadPoolExecutor(1) as reader,
    ):
        assert process.stdout is not None
        assert process.stderr is not None
        out = reader.submit(process.stdout.read)
        lines = []
        for line in process.stderr:
            lines.append(line.rstrip())
            heard(lines[-1])
        code = process.wait()
    if code != 0:
        said = "\n".join(lines[-15:] or out.result().splitlines()[-15:])
        raise BuildError(f"go {arguments[0]} of tests/tools/{module.name} failed ({code}):\n{said}")
    return out.result()


@contextlib.contextmanager
def _lock(module: Module, progress: _Progress) -> Iterator[None]:
    """Hold the module for this process: of two runs at once one builds, the other waits and finds it built."""
    progress.state = "waiting for another run that builds it"
    with (cache() / f".{module.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_unused(module: Module) -> None:
    """Remove what older recipes gave and nobody has used for long; a program that runs from there is not harmed."""
    ours = re.compile(re.escape(module.name) + r"-[0-9a-f]{12}")
    for folder in cache().iterdir():
        if ours.fullmatch(folder.name) and time.time() - folder.stat().st_mtime > _UNUSED:
            shutil.rmtree(folder, ignore_errors=True)
