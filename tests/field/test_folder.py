"""Folders with files and objects that no Rollout refers to: they are told, and do no harm."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reconcile.cli import steerer

CASES = Path(__file__).parent / "cases"
SCENARIO = CASES / "partial-deployment" / "scenario.yaml"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(steerer, [str(item) for item in arguments])


def text(result: Result) -> str:
    return " ".join(result.output.split())


def copied(case: str, tmp_path: Path) -> Path:
    return shutil.copytree(CASES / case / "in", tmp_path / "in")


def test_a_release_is_played_beside_a_partial_deployment(tmp_path: Path) -> None:
    folder = copied("partial-deployment", tmp_path)
    played = run("simulate", "-f", folder, "--scenario", SCENARIO)
    assert (played.exit_code, "Promotion complete" in played.output) == (0, True)
    found = run("lint", "-f", folder)
    assert found.exit_code == 0
    assert "patches/memory.yaml: Deployment other: spec.template: is required" in text(found)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("replicas: 3", "replicas: ${REPLICAS:=2}"),
        ("replicas: 3", "template: {}\n  replicas: ${REPLICAS:=2}"),
        ("spec:\n  replicas: 3", "spec: ${SPEC}"),
    ],
)
def test_a_deployment_with_a_variable_harms_nobody_else(tmp_path: Path, old: str, new: str) -> None:
    folder = copied("partial-deployment", tmp_path)
    file = folder / "patches" / "memory.yaml"
    file.write_text(file.read_text().replace(old, new))
    played = run("simulate", "-f", folder, "--scenario", SCENARIO)
    assert (played.exit_code, "Promotion complete" in played.output) == (0, True)
    assert "patches/memory.yaml: Deployment other: spec" in text(run("lint", "-f", folder))


def test_a_partial_deployment_that_the_rollout_names_is_an_error_with_its_file(tmp_path: Path) -> None:
    folder = copied("partial-deployment", tmp_path)
    primary = folder / "primary.yaml"
    primary.write_text(re.sub("replicas: .*", "replicas: ${REPLICAS:=2}", primary.read_text()))
    found = run("lint", "-f", folder)
    assert found.exit_code == 4
    assert 'Deployment shop.prod: spec.replicas: must be an integer, not "${REPLICAS:=2}"' in text(found)
    assert "primary.yaml: Deployment shop: spec.replicas: must be an integer" in text(found)
    played = run("simulate", "-f", folder, "--scenario", SCENARIO)
    assert "Deployment shop.prod cannot be used: spec.replicas: must be an integer" in text(played)


def test_a_partial_autoscaler_of_nobody_is_a_warning(tmp_path: Path) -> None:
    folder = copied("partial-autoscaler", tmp_path)
    found = run("lint", "-f", folder)
    assert found.exit_code == 0
    assert "patches/hpa.yaml: HorizontalPodAutoscaler other: spec.scaleTargetRef: is required" in text(found)
    assert run("simulate", "-f", folder, "--scenario", SCENARIO).exit_code == 0


@pytest.mark.parametrize(("target", "code"), [("other", 0), ("shop", 4), ("shop-canary", 4)])
def test_a_variable_in_an_autoscaler_halts_only_what_it_scales(tmp_path: Path, target: str, code: int) -> None:
    folder = copied("partial-autoscaler", tmp_path)
    file = folder / "patches" / "hpa.yaml"
    reference = f"  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {target}}}\n"
    file.write_text(f"{file.read_text()}  minReplicas: ${{MIN:=2}}\n{reference}")
    found = run("lint", "-f", folder)
    assert found.exit_code == code
    words = "HorizontalPodAutoscaler other.prod cannot be used: spec.minReplicas: must be an integer"
    assert (words in text(found)) == bool(code)
    assert "patches/hpa.yaml: HorizontalPodAutoscaler other: spec.minReplicas" in text(found)
