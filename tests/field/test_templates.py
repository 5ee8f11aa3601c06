"""Metric templates that were written for another tool: what does not exist is told with what there is."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from reconcile.cli import steerer
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CASE = ROOT / "tests/field/cases/unknown-variable"


def lint(templates: Path, folder: Path) -> tuple[int, str]:
    found = CliRunner().invoke(steerer, ["lint", "-f", str(folder), "--templates", str(templates)])
    return found.exit_code, " ".join(found.stdout.split())


def test_an_undefined_variable_is_told_with_those_that_there_are() -> None:
    code, words = lint(CASE / "templates", CASE / "in")
    assert (
        code,
        "'target' is undefined; there are args, canary, canary_service, interval" in words,
    ) == (4, True)


@pytest.mark.parametrize("written", ['{{ printf "%s" .target }}', "{{ .target }}", "{{ $target }}"])
def test_the_syntax_of_go_is_told_to_be_that(tmp_path: Path, written: str) -> None:
    templates = shutil.copytree(CASE / "templates", tmp_path / "templates")
    file = templates / "not-found.yaml"
    file.write_text(file.read_text().replace("{{ target }}", written))
    code, words = lint(templates, CASE / "in")
    assert (code, "a query is a Jinja2 template, such as {{ workload }}" in words) == (4, True)
