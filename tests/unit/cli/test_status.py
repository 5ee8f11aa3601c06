"""`steerer status`: what a promotion under way will change is looked up in the objects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.program import invoke

if TYPE_CHECKING:
    from pathlib import Path

MEMORY = "spec.template.spec.containers[podinfod].resources.limits.memory"


@pytest.fixture
def started(folder: Path) -> Path:
    """The example after its first pass, with a canary that asks for more memory than the primary."""
    canary = folder / "workloads" / "deployment-canary.yaml"
    canary.write_text(canary.read_text(encoding="utf-8").replace("memory: 256Mi", "memory: 512Mi"), encoding="utf-8")
    assert invoke("run", "-f", folder).returncode == 0
    return folder


def test_what_the_promotion_will_change_beside_the_image_is_said(started: Path) -> None:
    assert f'  The promotion also changes\n    {MEMORY}  "256Mi" → "512Mi"\n' in invoke("status", "-f", started).stdout
    [found] = json.loads(invoke("status", "-f", started, "-o", "json").stdout)["rollouts"]
    assert found["promotion"] == [{"path": MEMORY, "from": '"256Mi"', "to": '"512Mi"'}]


def test_without_the_primary_there_is_nothing_to_say(started: Path) -> None:
    (started / "workloads" / "deployment.yaml").unlink()
    done = invoke("status", "-f", started, "-o", "json")
    assert (done.returncode, json.loads(done.stdout)["rollouts"][0]["promotion"]) == (0, [])
