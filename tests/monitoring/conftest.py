"""What the tests of `manifests/monitoring` share: Rollouts in all states, and kube-state-metrics that sees them."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconcile.model.times import timestamp
from tests.apiserver.steering import Metrics, apply, at_rest
from tests.components.fixtures import available
from tests.components.kubestate import KubeStateMetrics
from tests.components.processes import wait_for
from tests.gitops import states
from tests.monitoring.shipped import RBAC, STATE_CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.components.controlplane import ControlPlane

NAMESPACE = "watched"
ACCOUNT = ("monitoring", "kube-state-metrics")  # as in rbac.yaml

CRONJOBS = {"steerer": False, "steerer-suspended": True}  # whether it is suspended

# What kube-state-metrics brings itself; reading Rollouts is what rbac.yaml is for.
_OWN = {"apiGroups": ["batch"], "resources": ["cronjobs"], "verbs": ["list", "watch"]}


def slug(state: str) -> str:
    """Give the name of the Rollout that is in a state."""
    return re.sub("[^a-z]+", "-", state.lower())


@pytest.fixture(scope="session")
def watched(control_plane: ControlPlane) -> dict[str, dict[str, Any]]:
    """Store a Rollout for each state of a life of real passes, with the status of that moment; by its name."""
    for name in (NAMESPACE, "watched-life"):
        control_plane.create_namespace(name)
    with Metrics().serving() as metrics:
        life = states.play(control_plane, metrics, "watched-life")
    for state, seen in life.items():
        _store(control_plane, slug(state), seen)
    return {slug(state): seen for state, seen in life.items()}


def _store(plane: ControlPlane, name: str, seen: dict[str, Any]) -> None:
    rollout = {key: seen[key] for key in ("apiVersion", "kind", "spec")}
    apply(plane, rollout | {"metadata": {"name": name, "namespace": NAMESPACE}})
    path = f"/apis/apps.weave.works/v1beta1/namespaces/{NAMESPACE}/rollouts/{name}/status"
    plane.merge(path, {"status": seen["status"]})


@pytest.fixture(scope="session")
def cronjob(control_plane: ControlPlane, watched: dict[str, Any]) -> None:  # noqa: ARG001 - the namespace is made by then
    """Make CronJobs that start one Job a year, which has just succeeded; one of them is suspended."""
    pod = at_rest(NAMESPACE, "unused")[0]["spec"]["template"]["spec"] | {"restartPolicy": "Never"}
    spec = {
        "schedule": "0 0 1 1 *",
        "startingDeadlineSeconds": 10,
        "jobTemplate": {"spec": {"template": {"spec": pod}}},
    }
    for name, suspend in CRONJOBS.items():
        metadata = {"name": name, "namespace": NAMESPACE}
        item = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec | {"suspend": suspend}}
        apply(control_plane, item)
        _just_succeeded(control_plane, name)


def _just_succeeded(plane: ControlPlane, name: str) -> None:
    path = f"/apis/batch/v1/namespaces/{NAMESPACE}/cronjobs/{name}/status"
    now = timestamp(datetime.now(UTC))
    plane.merge(path, {"status": {"lastScheduleTime": now, "lastSuccessfulTime": now}})


@pytest.fixture(scope="session")
def state_metrics(
    control_plane: ControlPlane,
    watched: dict[str, dict[str, Any]],
    cronjob: None,  # noqa: ARG001 - made by then
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
) -> Iterator[KubeStateMetrics]:
    """Give kube-state-metrics with the rights and the configuration that are shipped, once it has seen all Rollouts."""
    namespace, name = ACCOUNT
    control_plane.create_namespace(namespace)
    control_plane.kubectl("create", "serviceaccount", name, namespace=namespace)
    control_plane.apply(RBAC.read_text(encoding="utf-8"))
    _grant_own(control_plane)
    kubeconfig = control_plane.kubeconfig_for(control_plane.account_token(namespace, name))
    with ExitStack() as stack:
        with available("kube-state-metrics", pytestconfig):
            folder = tmp_path_factory.mktemp("kube-state-metrics")
            running = stack.enter_context(KubeStateMetrics(folder, kubeconfig=kubeconfig, config=STATE_CONFIG))

        def complete() -> bool:
            page = running.page()
            seen = {
                match[1] for match in re.finditer(r'^steerer_rollout_info\{.*[{,]name="([^"]+)"', page, re.MULTILINE)
            }
            names = re.findall(r'^kube_cronjob_status_last_successful_time\{.*cronjob="([^"]+)"', page, re.MULTILINE)
            return watched.keys() <= seen and CRONJOBS.keys() <= set(names)

        wait_for(complete, "kube-state-metrics to have seen all Rollouts and CronJobs")
        yield running


def _grant_own(plane: ControlPlane) -> None:
    namespace, name = ACCOUNT
    role, binding = yaml.safe_load_all(RBAC.read_text(encoding="utf-8"))
    metadata = {"metadata": {"name": "kube-state-metrics-own"}}
    reference = {"roleRef": binding["roleRef"] | metadata["metadata"]}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": name, "namespace": namespace}]
    plane.apply(json.dumps(role | metadata | {"rules": [_OWN]}))
    plane.apply(json.dumps(binding | metadata | reference))
