"""The pictures of releases in docs: what `steerer simulate --report` draws of the scenarios of the artifacts."""

from __future__ import annotations

import tempfile
from pathlib import Path

from click.testing import CliRunner

from reconcile.cli import steerer
from tests.support.paths import ARTIFACTS, ROOT

# The picture, and the scenario that it is of.
PICTURES = {
    ROOT / "docs" / f"{name}.svg": scenario
    for name, scenario in (("release", "demo"), ("rollback", "rollback"), ("approval", "approval"))
}


def drawn(scenario: str) -> str:
    """Plays a scenario, and returns its picture."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "report.svg"
        arguments = ["simulate", "-f", ARTIFACTS, "--scenario", ARTIFACTS / "scenarios" / f"{scenario}.yaml"]
        CliRunner().invoke(steerer, [*map(str, arguments), "--report", str(file)], catch_exceptions=False)
        return file.read_text(encoding="utf-8")
