"""Fields of a Rollout that nobody reads: an error, and nothing moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner, Result

from reconcile.cli import steerer
from reconcile.model import rollout_policy
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CASE = ROOT / "tests/field/cases/unknown-field"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(steerer, [str(item) for item in arguments])


def test_each_unknown_field_is_an_error_by_its_path() -> None:
    found = run("lint", "-f", CASE / "in")
    text = " ".join(found.stdout.split())
    assert found.exit_code == 4
    for words in (
        "spec.canaryAnalysis.maxweight: is an unknown field; did you mean maxWeight?",
        f"spec.canaryAnalysis.threshold: is an unknown field; known are {', '.join(rollout_policy.ANALYSIS)}",
        "spec.canaryAnalysis.metric: is an unknown field; did you mean metrics?",
    ):
        assert words in text


def test_a_pass_halts_before_anything_moves(tmp_path: Path) -> None:
    played = run("simulate", "-f", CASE / "in", "--scenario", CASE / "scenario.yaml", "--out", tmp_path / "played")
    assert "spec.canaryAnalysis.maxweight: is an unknown field; did you mean maxWeight?" in " ".join(
        played.stdout.split()
    )
    assert (tmp_path / "played" / "vs.yaml").read_text() == (CASE / "in" / "vs.yaml").read_text()
    assert "shop:1.0.0" in (tmp_path / "played" / "primary.yaml").read_text()
