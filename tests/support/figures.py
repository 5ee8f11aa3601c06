"""Sizes of the code: `python -m tests.support.figures [CHECKOUT]` prints them for this checkout or for another one."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import NamedTuple

from tests.support.paths import ROOT


class Size(NamedTuple):
    """How many lines something has, and where it is."""

    lines: int
    where: str


def modules(folder: Path) -> list[Size]:
    """Returns the modules below a folder, the longest first."""
    sizes = (Size(len(path.read_text(encoding="utf-8").splitlines()), str(path)) for path in folder.rglob("*.py"))
    return sorted(sizes, reverse=True)


def functions(folder: Path) -> list[Size]:
    """Returns the functions and methods below a folder, the longest first; decorators do not count."""
    found = (
        Size(node.end_lineno - node.lineno + 1, f"{path}:{node.lineno} {node.name}")
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None
    )
    return sorted(found, reverse=True)


def figures(folder: Path) -> dict[str, object]:
    """Returns the figures of one package folder, by what they are called."""
    files, bodies = modules(folder), functions(folder)
    return {
        "packages": len({Path(file.where).parent for file in files}),
        "modules": len(files),
        "lines": sum(file.lines for file in files),
        "modules over 300 lines": sum(file.lines > 300 for file in files),
        "modules over 150 lines": sum(file.lines > 150 for file in files),
        "longest module": f"{files[0].lines} {files[0].where}",
        "functions": len(bodies),
        "functions over 20 lines": sum(body.lines > 20 for body in bodies),
        "longest function": f"{bodies[0].lines} {bodies[0].where}",
    }


def main(root: Path) -> None:
    """Prints the figures of the program and of its tests."""
    for name in ("reconcile", "tests"):
        print(name)  # noqa: T201
        for what, value in figures(root / name).items():
            print(f"  {what:<24} {value}")  # noqa: T201
    pages = [root / "README.md", *(root / "docs").glob("*.md")]
    print(f"docs\n  lines                    {sum(len(page.read_text().splitlines()) for page in pages)}")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
