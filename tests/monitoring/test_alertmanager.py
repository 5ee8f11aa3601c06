"""The route and the receiver that operations.md has for Alertmanager, by Alertmanager's own code."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.components.fixtures import available
from tests.components.tools import tool
from tests.monitoring.shipped import alerts
from tests.support.pages import blocks

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def amtool(pytestconfig: pytest.Config) -> Path:
    """Returns the program that Alertmanager has for those who write its configuration."""
    with available("Alertmanager", pytestconfig):
        return tool("amtool")


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """Returns the configuration of the page, as a file."""
    [found] = [block for block in blocks("yaml") if "slack_configs" in block.content]
    file = tmp_path / "alertmanager.yaml"
    file.write_text(found.content, encoding="utf-8")
    return file


def ask(amtool: Path, *args: object) -> str:
    """Returns what the program prints. A configuration that it refuses fails the test."""
    done = subprocess.run([amtool, *map(str, args)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_alertmanager_takes_the_configuration(amtool: Path, recipe: Path) -> None:
    told = ask(amtool, "check-config", recipe)
    assert "SUCCESS" in told
    assert "2 receivers" in told


def test_the_alerts_about_rollouts_go_to_the_people_and_no_other_does(amtool: Path, recipe: Path) -> None:
    receivers = {
        rule["alert"]: ask(amtool, "config", "routes", "test", f"--config.file={recipe}", f"alertname={rule['alert']}")
        for rule in alerts()
    }
    told = {name for name, receiver in receivers.items() if receiver.strip() == "releases"}
    assert told == {name for name in receivers if name.startswith("SteererRollout")}
    assert len(told) == 5
    assert {receivers[name].strip() for name in receivers.keys() - told} == {"null"}
