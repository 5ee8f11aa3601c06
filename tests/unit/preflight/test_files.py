"""What is wrong in a folder of manifests."""

from __future__ import annotations

from reconcile.preflight.files import files
from tests.support import world


def test_objects_that_look_like_rollouts_are_told_apart() -> None:
    result = files(
        {
            "a.yaml: rollout podinfo": {"apiVersion": "apps.weave.works/v1beta1", "kind": "rollout"},
            "b.yaml: Rollout podinfo": {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"},
            "b.yaml: Rollout other": {"apiVersion": "apps.weave.works/v1beta1", "kind": "Rollout"},
            "c.yaml: ConfigMap podinfo": {"apiVersion": "v1", "kind": "ConfigMap"},
        }
    )
    assert [(str(item.level), item.object) for item in result.findings] == [
        ("error", "a.yaml: rollout podinfo"),
        ("info", "b.yaml: Rollout podinfo"),
    ]


def test_incomplete_objects_are_warnings_with_their_file() -> None:
    half, variable = world.deployment("half", "1", 1), world.autoscaler("podinfo", 1, 1)
    del half["spec"]["template"]
    variable["spec"]["maxReplicas"] = variable["spec"]["minReplicas"] = "${MIN:=2}"
    result = files(
        {
            "a.yaml: Deployment half": half,
            "b.yaml: HorizontalPodAutoscaler scaler": variable,
            "c.yaml: Deployment whole": world.deployment("whole", "1", 1),
        }
    )
    assert [(str(item.level), item.object, item.path, item.message) for item in result.findings] == [
        ("warning", "a.yaml: Deployment half", "spec.template", "is required"),
        (
            "warning",
            "b.yaml: HorizontalPodAutoscaler scaler",
            "spec.minReplicas",
            'must be an integer, not "${MIN:=2}"',
        ),
    ]
