"""A release that ends without a promotion, on a real API server: by its failure policy, and by a person's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model import rights
from tests.apiserver.steering import (
    SUCCESS,
    Metrics,
    Steerer,
    account,
    canary_weight,
    get,
    install,
    of_steerer,
    rolled_out,
)

if TYPE_CHECKING:
    from tests.components.controlplane import ControlPlane

POLICY = {"onFailure": "Rollback", "failureLimit": 2}
# Nothing listens there.
NO_SERVER = "http://127.0.0.1:9"


@pytest.fixture
def steerer(control_plane: ControlPlane, namespace: str, metrics: Metrics) -> Steerer:
    """Installs the example, its canary at 20 %; returns the program with the rights of a pass and no others."""
    install(control_plane, namespace, stepWeight=20)
    rolled_out(control_plane, namespace, "podinfo", "podinfo-canary")
    program = Steerer(
        kubeconfig=account(control_plane, namespace, rights.rules(rights.PASS)),
        metrics=metrics.url,
        namespace=namespace,
    )
    assert program.passes().record["move"] == "start"
    return program


def merge(plane: ControlPlane, namespace: str, what: str, changes: dict[str, Any]) -> None:
    plane.patch(what, namespace, changes)


def ready(plane: ControlPlane, namespace: str) -> tuple[str, str]:
    status = get(plane, "rollout/podinfo", namespace)["status"]
    return status["phase"], next(item["reason"] for item in status["conditions"] if item["type"] == "Ready")


def test_a_canary_that_fails_is_rolled_back_with_the_rights_of_a_pass_alone(
    control_plane: ControlPlane, namespace: str, steerer: Steerer, metrics: Metrics
) -> None:
    mark = control_plane.mark()
    merge(control_plane, namespace, "rollout/podinfo", {"spec": {"canaryAnalysis": POLICY}})
    metrics.values[SUCCESS] = "50"
    assert [steerer.passes().record["move"] for _ in range(4)] == ["halt", "halt", "roll back", "give up"]
    assert canary_weight(control_plane, namespace) == 0
    assert get(control_plane, "deployment/podinfo-canary", namespace)["spec"]["replicas"] == 0
    assert ready(control_plane, namespace) == ("Failed", "AnalysisFailed")

    written = get(control_plane, "rollout/podinfo", namespace)["metadata"]["resourceVersion"]
    assert steerer.passes().record["move"] == "idle"
    assert get(control_plane, "rollout/podinfo", namespace)["metadata"]["resourceVersion"] == written
    assert [entry for entry in of_steerer(control_plane.requests_since(mark)) if entry.code in {401, 403}] == []
    assert steerer("run", "podinfo", "--wait", "--timeout=30s", expect=4).err.startswith("steerer: failed")


def test_an_abort_takes_all_traffic_off_in_one_pass_whatever_else_is_broken(
    control_plane: ControlPlane, namespace: str, steerer: Steerer
) -> None:
    # Without Prometheus, with an unhealthy canary and a primary that is half rolled out.
    steerer.metrics = NO_SERVER
    person = Steerer(kubeconfig=control_plane.kubeconfig, namespace=namespace)
    merge(control_plane, namespace, "deployment/podinfo", {"spec": {"replicas": 5, "paused": True}})
    assert steerer.passes().record["move"] == "halt"
    said = person("abort", "podinfo", "-n", namespace).out
    assert said.startswith(f"podinfo.{namespace}  abort of revision v1-")
    record = steerer.passes().record
    assert (record["move"], record["measurements"]) == ("roll back", [])
    assert canary_weight(control_plane, namespace) == 0
    assert steerer.passes().record["move"] == "give up"
    assert ready(control_plane, namespace) == ("Failed", "Aborted")


def test_a_new_version_after_a_rollback_is_released(
    control_plane: ControlPlane, namespace: str, steerer: Steerer, metrics: Metrics
) -> None:
    merge(control_plane, namespace, "rollout/podinfo", {"spec": {"canaryAnalysis": POLICY | {"failureLimit": 0}}})
    metrics.values[SUCCESS] = "50"
    assert [steerer.passes().record["move"] for _ in range(2)] == ["roll back", "give up"]
    metrics.good()
    control_plane.set_image("podinfo-canary", namespace, "podinfo:9")
    assert steerer.passes().record["move"] == "scale up"
    rolled_out(control_plane, namespace, "podinfo-canary")
    assert [steerer.passes().record["move"] for _ in range(2)] == ["start", "advance"]
    assert canary_weight(control_plane, namespace) == 40
    assert get(control_plane, "rollout/podinfo", namespace)["status"]["analysis"]["failedChecks"] == 0


def test_a_status_that_was_lost_just_after_a_step_raises_no_weight_sooner(
    control_plane: ControlPlane, namespace: str, steerer: Steerer
) -> None:
    lost = dict.fromkeys(get(control_plane, "rollout/podinfo", namespace)["status"])
    control_plane.patch("rollout/podinfo/status", namespace, {"status": lost})
    for move in ("hold", "wait"):
        assert steerer("run", "--control-loop-interval=10m", "-o", "json").record["move"] == move
        assert canary_weight(control_plane, namespace) == 20
    assert steerer.passes().record["move"] == "advance"
