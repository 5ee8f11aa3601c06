"""The WorkflowTemplate: as Argo Workflows itself checks one, and what comes of its steps.

Argo's controller is not run: its steps are made one after the other. The schema is in test_manifests.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.apiserver.steering import Metrics, started
from tests.components.verdicts import VerdictError
from tests.gitops.shipped import WORKFLOWS, named

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.apiserver.steering import Steerer
    from tests.components.controlplane import ControlPlane
    from tests.components.verdicts import Verdicts

TEMPLATE = named(WORKFLOWS / "workflow-template.yaml", "steerer", "WorkflowTemplate")


def with_entrypoint(name: str) -> dict[str, Any]:
    return TEMPLATE | {"spec": TEMPLATE["spec"] | {"entrypoint": name}}


@pytest.mark.parametrize("entrypoint", ["plan-review-apply", "release"])
def test_everything_that_a_workflow_refers_to_is_there(verdicts: Verdicts, entrypoint: str) -> None:
    assert verdicts.ask("argo-lint", {"template": with_entrypoint(entrypoint)}) == [None]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("steps.plan.outputs.parameters.plan", "steps.plan.outputs.parameters.file"),
        ("steps.review.outputs.parameters.approved", "steps.revue.outputs.parameters.approved"),
        ('"template": "apply"', '"template": "appply"'),
    ],
)
def test_what_is_not_there_would_be_found(verdicts: Verdicts, right: str, wrong: str) -> None:
    text = json.dumps(TEMPLATE)
    assert right in text
    with pytest.raises(VerdictError):
        verdicts.ask("argo-lint", {"template": json.loads(text.replace(right, wrong))})


def test_every_parameter_of_the_workflow_is_used_and_has_a_value() -> None:
    """Argo lets these be, as whoever submits may bring them."""
    values = {item["name"]: item["value"] for item in TEMPLATE["spec"]["arguments"]["parameters"]}
    assert set(re.findall(r"\{\{workflow\.parameters\.([\w-]+)\}\}", json.dumps(TEMPLATE))) == set(values)
    assert all(values.values())


def test_no_review_is_over_by_itself() -> None:
    [review] = [step for step in TEMPLATE["spec"]["templates"] if step["name"] == "review"]
    assert review["suspend"] == {}
    [approved] = [item for item in review["inputs"]["parameters"] if item["name"] == "approved"]
    assert approved == {"name": "approved", "default": "no", "enum": ["yes", "no"]}


# --- Step by step, as Argo would ---


@pytest.fixture(name="halfway")
def a_release_under_way(control_plane: ControlPlane) -> Iterator[tuple[Steerer, Metrics]]:
    with Metrics().serving() as metrics:
        yield started(control_plane, metrics, 50, step=50), metrics


def command(step: str, steerer: Steerer, metrics: Metrics, folder: Path) -> list[str]:
    """Give the command line of a step with its parameters, its volume in `folder`."""
    values = {"rollout": "podinfo", "namespace": steerer.namespace, "metrics-server": metrics.url, "timeout": "1m"}
    [template] = [item for item in TEMPLATE["spec"]["templates"] if item["name"] == step]
    text = json.dumps(template["container"]["args"]).replace("/plan/", f"{folder}/")
    for name, value in values.items():
        text = text.replace(f"{{{{workflow.parameters.{name}}}}}", value)
    found: list[str] = json.loads(text)
    return found


def test_a_plan_goes_through_the_workflow_and_is_applied_once(halfway: tuple[Steerer, Metrics], tmp_path: Path) -> None:
    steerer, metrics = halfway
    steerer(*command("plan", steerer, metrics, tmp_path), STEERER_CONTROL_LOOP_INTERVAL="0s")

    # As a parameter a file loses the end of its last line.
    (tmp_path / "plan").write_text((tmp_path / "plan").read_text().removesuffix("\n"))
    again = command("apply", steerer, metrics, tmp_path)
    assert "50 → 100" in steerer(*again, STEERER_CONTROL_LOOP_INTERVAL="0s").out
    assert "was 50 and is 100" in steerer(*again, expect=4, STEERER_CONTROL_LOOP_INTERVAL="0s").out


def test_a_release_goes_through_the_workflow(halfway: tuple[Steerer, Metrics], tmp_path: Path) -> None:
    steerer, metrics = halfway
    steerer(*command("release", steerer, metrics, tmp_path), STEERER_EVERY="1s", STEERER_CONTROL_LOOP_INTERVAL="0s")
    assert "Succeeded" in steerer("status", "podinfo").out
