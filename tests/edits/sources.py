"""The manifests that are edited: of the Go modules that `tests/tools` pins, and of this repository."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconcile.clusters.folder.parsed_file import ParsedFile, load
from reconcile.model.errors import UsageError
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = ROOT / "tests"
CASES = TESTS / "field" / "cases"
OWN = Path(__file__).parent / "manifests"
MAX_BYTES = 256 * 1024
KINDS = {
    *("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "Rollout", "ConfigMap"),
    *("VirtualService", "DestinationRule", "HTTPRoute", "Service", "HorizontalPodAutoscaler"),
}
_KIND = re.compile(rf"^\s*-?\s*[\"']?kind[\"']?:\s*[\"']?(?:{'|'.join(sorted(KINDS))})\b", re.MULTILINE)
_SUM = re.compile(r"^(\S+) (\S+?) h1:", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A folder of manifests: a Go module, or one of this repository. `name` is how people call it."""

    name: str
    folder: Path

    def files(self) -> Iterator[ParsedFile]:
        """Yields the files with manifests of the kinds that are edited, in the order of their names."""
        for path in sorted([*self.folder.rglob("*.yaml"), *self.folder.rglob("*.yml")]):
            if not path.is_file() or path.is_symlink() or path.stat().st_size > MAX_BYTES:
                continue
            if not _KIND.search(path.read_bytes().decode(errors="replace")):
                continue
            try:
                yield load(path, path)
            except UsageError:  # no YAML, or not without the tool that it is a template of
                continue


def own() -> list[Source]:
    """Returns what is in this repository: the cases of the field, and texts in every layout."""
    return [Source(name="tests/field/cases", folder=CASES), Source(name="tests/edits/manifests", folder=OWN)]


def pinned() -> list[tuple[str, str]]:
    """Returns the Go modules that the tests' components are built from, with their versions."""
    sums = (path.read_text(encoding="utf-8") for path in sorted(TESTS.glob("tools/*/go.sum")))
    return sorted({(match[1], match[2]) for text in sums for match in _SUM.finditer(text) if "/go.mod" not in match[2]})


def modules() -> list[Source]:
    """Returns the pinned modules that are in Go's module cache."""
    cache = module_cache()
    sources = [
        Source(name=f"{name}@{version}", folder=cache / f"{escaped(name)}@{escaped(version)}")
        for name, version in pinned()
    ]
    return [source for source in sources if source.folder.is_dir()]


def module_cache() -> Path:
    """Returns Go's module cache, whether it is there or not."""
    named = os.environ.get("GOMODCACHE", "")
    try:
        asked = named or subprocess.run(["go", "env", "GOMODCACHE"], check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        asked = ""
    return Path(asked.strip() or Path.home() / "go" / "pkg" / "mod")


def escaped(name: str) -> str:
    """Returns a name as Go writes it into paths: `!b` for `B`."""
    return re.sub("[A-Z]", lambda letter: f"!{letter[0].lower()}", name)
