"""Typed views of the objects around a Rollout."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.model.errors import InvalidObjectError
from reconcile.model.kinds import DEPLOYMENT, Manifest, Ref
from reconcile.model.objects import Autoscaler, autoscaler, deployment, scales
from reconcile.model.service import service
from tests.support import world


def deployed(**changes: Any) -> Manifest:
    return world.deployment("podinfo", "1.2.0", 3) | changes


def test_a_deployment_says_what_its_manifest_says() -> None:
    manifest = deployed(
        status={
            "observedGeneration": 4,
            "replicas": 5,
            "updatedReplicas": 3,
            "availableReplicas": 2,
            "conditions": [{"type": "Available", "reason": "ProgressDeadlineExceeded"}],
        }
    )
    manifest["metadata"] |= {"uid": "u", "generation": 4}
    found = deployment(manifest)
    assert (found.ref, found.full_name) == (Ref(DEPLOYMENT, "test", "podinfo"), "podinfo.test")
    assert (found.uid, found.generation, found.observed_generation) == ("u", 4, 4)
    assert (found.wanted, found.replicas, found.updated, found.available) == (3, 5, 3, 2)
    assert (found.replicas_written, found.paused, found.deadline_exceeded) == (True, False, False)
    assert (found.labels, found.selector_keys) == ({"app": "podinfo"}, frozenset({"app"}))


def test_what_a_deployment_leaves_out_is_one_replica_and_no_status() -> None:
    manifest = world.deployment("podinfo", "1.2.0", None)
    del manifest["spec"]["template"]["metadata"], manifest["spec"]["selector"]
    found = deployment(manifest)
    assert (found.wanted, found.replicas_written) == (1, False)
    assert (found.uid, found.generation, found.observed_generation) == (None, None, None)
    assert (found.replicas, found.updated, found.available) == (0, 0, 0)
    assert (found.labels, found.selector_keys) == ({}, frozenset())


def test_a_deployment_can_be_paused_and_late() -> None:
    manifest = deployed(status={"conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]})
    manifest["spec"]["paused"] = True
    found = deployment(manifest)
    assert (found.paused, found.deadline_exceeded) == (True, True)


def test_the_keys_of_a_selector_are_those_of_labels_and_expressions() -> None:
    manifest = deployed()
    manifest["spec"]["selector"] = {
        "matchLabels": {"app": "podinfo"},
        "matchExpressions": [{"key": "role", "operator": "In", "values": ["primary"]}],
    }
    assert deployment(manifest).selector_keys == {"app", "role"}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ({"matchLabels": {"app": "podinfo"}}, True),
        ({"matchLabels": {"app": "podinfo", "track": "stable"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "podinfo"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": "podinfo"}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]}, True),
        ({"matchExpressions": [{"key": "track", "operator": "NotIn", "values": ["a"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["podinfo"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "track", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "track", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Like", "values": ["podinfo"]}]}, False),
        ({}, False),
    ],
)
def test_a_selector_selects_as_kubernetes_has_it(selector: Manifest, *, selected: bool) -> None:
    manifest = deployed()
    manifest["spec"]["selector"] = selector
    assert deployment(manifest).selects({"app": "podinfo"}) is selected


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("spec",), None, "spec: is required"),
        (("spec",), [], "spec: must be a mapping, not a list"),
        (("spec", "template"), None, "spec.template: is required"),
        (("spec", "template", "metadata"), "no", 'spec.template.metadata: must be a mapping, not "no"'),
        (
            ("spec", "template", "metadata", "labels"),
            [1],
            "spec.template.metadata.labels: must be a mapping, not a list",
        ),
        (("spec", "replicas"), -1, "spec.replicas: must be between 0 and 2147483647, not -1"),
        (("spec", "replicas"), "2", 'spec.replicas: must be an integer, not "2"'),
        (("spec", "selector"), "app", 'spec.selector: must be a mapping, not "app"'),
        (("status",), [], "status: must be a mapping, not a list"),
        (("status",), {"replicas": True}, "status.replicas: must be an integer, not true"),
        (("status",), {"conditions": {}}, "status.conditions: must be a list, not a mapping"),
    ],
)
def test_a_deployment_that_no_server_would_store_is_refused(path: tuple[str, ...], value: Any, problem: str) -> None:
    manifest: Any = deployed()
    place = manifest
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(InvalidObjectError) as refused:
        deployment(manifest)
    assert problem in refused.value.problems


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"ports": "http"}, 'spec.ports: must be a list, not "http"'),
        ({"ports": [1]}, "spec.ports[0]: must be a mapping, not 1"),
        ({"selector": []}, "spec.selector: must be a mapping, not a list"),
    ],
)
def test_a_service_that_cannot_be_read_is_refused(spec: Manifest, problem: str) -> None:
    with pytest.raises(InvalidObjectError) as refused:
        service(world.service("podinfo") | {"spec": spec})
    assert refused.value.problems == (problem,)


def test_an_autoscaler_is_known_by_what_it_targets() -> None:
    manifest = world.autoscaler("podinfo-canary", 2, 4, least=3)
    found = autoscaler(manifest)
    assert found == Autoscaler(
        name="scaler",
        min_replicas=3,
        current_replicas=2,
        desired_replicas=4,
    )
    assert scales(manifest, world.C)
    assert not scales(manifest, world.P)


def test_an_autoscaler_of_another_kind_targets_no_deployment() -> None:
    manifest = world.autoscaler("podinfo-canary", 2, 2)
    manifest["spec"]["scaleTargetRef"]["kind"] = "StatefulSet"
    assert not scales(manifest, world.C)


def test_what_an_autoscaler_leaves_out() -> None:
    manifest = world.autoscaler("podinfo-canary", 2, 2)
    del manifest["status"], manifest["spec"]["minReplicas"]
    found = autoscaler(manifest)
    assert (found.min_replicas, found.current_replicas, found.desired_replicas) == (1, 0, 0)


def test_an_autoscaler_without_a_target_is_refused() -> None:
    manifest = world.autoscaler("podinfo-canary", 2, 2)
    manifest["spec"]["scaleTargetRef"] = None
    with pytest.raises(InvalidObjectError, match="scaleTargetRef: is required"):
        autoscaler(manifest)
    assert not scales(manifest, world.C)


def test_only_a_metric_of_utilization_is_a_share_of_what_is_requested() -> None:
    def of(kind: str, name: str) -> Manifest:
        return {"type": "Resource", "resource": {"name": name, "target": {"type": kind}}}

    manifest = world.autoscaler("podinfo", 2, 2)
    manifest["spec"]["metrics"] = [of("AverageValue", "memory"), of("Utilization", "cpu"), {"type": "Pods"}]
    assert autoscaler(manifest).utilization_of == {"cpu"}
    manifest["spec"] |= {"metrics": [], "targetCPUUtilizationPercentage": 80}
    assert autoscaler(manifest).utilization_of == {"cpu"}


ROLLING: dict[str, tuple[int, dict[str, Any], int]] = {
    "by default": (4, {}, 3),
    "one pod by default: the new one comes first": (1, {}, 1),
    "recreated": (4, {"type": "Recreate"}, 0),
    "all at once": (4, {"rollingUpdate": {"maxUnavailable": "100%"}}, 0),
    "more than there are": (2, {"rollingUpdate": {"maxUnavailable": 5}}, 0),
    "the only one": (1, {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}}, 0),
    "one of two": (2, {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}, 1),
    "a share of one is none, and without more pods it is one": (1, {"rollingUpdate": {"maxSurge": 0}}, 0),
    "a share of more pods is one at least": (1, {"rollingUpdate": {"maxSurge": "1%", "maxUnavailable": "1%"}}, 1),
    "no number": (3, {"rollingUpdate": {"maxUnavailable": "many", "maxSurge": True}}, 2),
}


@pytest.mark.parametrize(("wanted", "strategy", "kept"), ROLLING.values(), ids=ROLLING)
def test_how_many_pods_an_update_keeps(wanted: int, strategy: dict[str, Any], kept: int) -> None:
    manifest = world.deployment("podinfo", "1", wanted)
    manifest["spec"]["strategy"] = strategy
    assert deployment(manifest).kept == kept
