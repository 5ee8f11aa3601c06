"""The WorkflowTemplate, as Argo Workflows itself checks one. Its schema and its command lines are in test_manifests."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.components.verdicts import VerdictError
from tests.gitops.shipped import WORKFLOWS, named

if TYPE_CHECKING:
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
