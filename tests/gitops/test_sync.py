"""A sync of Argo CD, step by step as its own engine takes it: what it waits for while a release is under way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.apiserver.steering import ARTIFACTS, Metrics, Steerer, apply, get, rolled_out
from tests.components.processes import wait_for
from tests.gitops.jobs import HOLD, run
from tests.gitops.shipped import ARGOCD, GITOPS, documents, named
from tests.support import fast_yaml

if TYPE_CHECKING:
    from tests.components.controlplane import ControlPlane
    from tests.components.verdicts import Verdicts

Manifest = dict[str, Any]
HOOK, WAVE = "argocd.argoproj.io/hook", "argocd.argoproj.io/sync-wave"
RELEASE, AFTER = "podinfo-release", "smoke-test"


def application(name: str) -> Manifest:
    """Give a shipped Application."""
    return named(ARGOCD / "applications.yaml", name, "Application")


@dataclass(kw_only=True)
class Sync:
    """One sync operation of an Application with these objects in Git."""

    verdicts: Verdicts
    plane: ControlPlane
    argocd: str
    objects: list[Manifest]
    application: Manifest = field(default_factory=lambda: application("podinfo"))
    operation: Manifest | None = None

    def step(self, *, terminate: bool = False) -> str:
        """Let Argo CD look at the cluster once and do what is due; give what it says then."""
        asked = {"application": self.application, "objects": self.objects, "namespace": self.argocd}
        more = {"operation": self.operation, "terminate": terminate}
        [self.operation] = self.verdicts.ask("argocd-sync", asked | more)
        assert self.operation is not None
        return f"{self.operation['phase']}: {self.operation['message']}"

    def until(self, text: str) -> None:
        """Take steps until Argo CD says this; it must not end otherwise."""

        def reached() -> bool:
            said = self.step()
            assert text in said or said.startswith("Running"), said
            return text in said

        wait_for(reached, text, every=1)  # each step reads the schema of the whole server

    def jobs(self) -> set[str]:
        """Name the Jobs that were made so far."""
        namespace = self.objects[0]["metadata"]["namespace"]
        return {item["metadata"]["name"] for item in self.plane.objects(namespace, "job")}


def git(namespace: str, metrics: str = "", *, hook: str = "Sync", wave: str = "1") -> list[Manifest]:
    """Give what is in Git: the example with a new version, the release Job, and a hook of the user's for afterwards.

    The autoscaler is not, as there is nobody here who would make it healthy.
    """
    workloads = (file for file in sorted((ARTIFACTS / "workloads").glob("*.yaml")) if file.stem != "hpa-canary")
    files = [*workloads, ARTIFACTS / "rollouts" / "podinfo.yaml"]
    text = (ARGOCD / "release-job.yaml").read_text().replace("http://prometheus.istio-system:9090", metrics)
    release = fast_yaml.load(text.replace("--namespace=test", f"--namespace={namespace}"))
    release["metadata"]["annotations"][HOOK] = hook
    release["spec"]["template"]["metadata"]["annotations"] = HOLD
    after = json.loads(json.dumps(release))
    after["metadata"] |= {"name": AFTER, "annotations": {HOOK: "PostSync"}}
    after["spec"]["template"]["metadata"]["annotations"] = {}
    items = [*(fast_yaml.load(file.read_text()) for file in files), release, after]
    for item in items:
        item["metadata"]["namespace"] = namespace
        if item["kind"] == "Rollout":
            item["metadata"]["annotations"] = {WAVE: wave}
            item["spec"]["canaryAnalysis"]["stepWeight"] = 100
        if item["metadata"]["name"] == "podinfo-canary" and item["kind"] == "Deployment":
            del item["spec"]["replicas"]
    return items


@pytest.fixture(name="sync")
def an_operation(
    verdicts: Verdicts, control_plane: ControlPlane, argocd: str, namespace: str, metrics: Metrics
) -> Sync:
    text = json.dumps(documents(GITOPS / "account" / "account.yaml"))
    apply(control_plane, *json.loads(text.replace('"namespace": "test"', f'"namespace": "{namespace}"')))
    return Sync(verdicts=verdicts, plane=control_plane, argocd=argocd, objects=git(namespace, metrics.url))


def test_a_sync_ends_with_the_promotion_and_what_comes_after_it_waits(
    sync: Sync, control_plane: ControlPlane, namespace: str
) -> None:
    sync.until(f"Running: waiting for completion of hook batch/Job/{RELEASE}")
    assert sync.jobs() == {RELEASE}

    run(control_plane, namespace, RELEASE)
    sync.until("Succeeded")

    assert sync.jobs() == {RELEASE, AFTER}
    status = get(control_plane, "rollout/podinfo", namespace)["status"]
    assert (status["phase"], status["canaryWeight"]) == ("Succeeded", 0)


def test_with_the_job_after_the_sync_a_rollout_that_no_pass_has_seen_keeps_it_from_beginning(
    sync: Sync, steerer: Steerer
) -> None:
    sync.objects = git(steerer.namespace, hook="PostSync")
    waiting = "Running: waiting for healthy state of apps.weave.works/Rollout/podinfo"
    sync.until(waiting)
    assert [sync.step() for _ in range(3)] == [waiting] * 3
    assert sync.jobs() == set()
    steerer.passes()
    assert sync.step() == waiting, "and a CronJob's first pass is not the last"


def test_with_the_rollout_in_an_earlier_wave_the_job_does_not_begin_either(sync: Sync, steerer: Steerer) -> None:
    sync.objects = git(steerer.namespace, wave="0")
    sync.until("Running: waiting for healthy state of apps.weave.works/Rollout/podinfo")
    assert sync.jobs() == set()


def test_without_the_job_what_comes_after_a_sync_does_not_wait_for_a_release_that_no_pass_has_begun(
    sync: Sync, steerer: Steerer, control_plane: ControlPlane
) -> None:
    sync.until(f"Running: waiting for completion of hook batch/Job/{RELEASE}")
    run(control_plane, steerer.namespace, RELEASE)
    sync.until("Succeeded")
    control_plane.kubectl("delete", "job", AFTER, namespace=steerer.namespace)

    later = [item for item in git(steerer.namespace) if item["metadata"]["name"] != RELEASE]
    for item in later:
        if item["metadata"]["name"] == "podinfo-canary" and item["kind"] == "Deployment":
            item["spec"]["template"]["spec"]["containers"][0]["image"] = "quay.io/stefanprodan/podinfo:1.2.2"
    sync.objects, sync.operation = later, None
    sync.until("Succeeded")

    assert AFTER in sync.jobs()
    assert steerer.passes().record["move"] == "scale up", "only now"


def test_a_sync_that_is_terminated_tells_the_job_to_stop(sync: Sync) -> None:
    sync.until(f"Running: waiting for completion of hook batch/Job/{RELEASE}")
    assert sync.step(terminate=True) == "Failed: Operation terminated"
    wait_for(lambda: sync.jobs() == set(), "the Job to be gone")


@pytest.mark.parametrize(("options", "weights"), [(["ApplyOutOfSyncOnly=true"], [0, 100]), ([], [100, 0])])
def test_a_sync_of_something_else_leaves_the_weights_alone_where_it_applies_what_is_out_of_sync_only(
    sync: Sync, steerer: Steerer, control_plane: ControlPlane, options: list[str], weights: list[int]
) -> None:
    control_plane.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": git(steerer.namespace)[:-2]}))
    rolled_out(control_plane, steerer.namespace, "podinfo", "podinfo-canary")
    assert steerer.passes().record["after"]["weight"] == 100

    routes = application("podinfo-routes")
    assert routes["spec"]["syncPolicy"]["syncOptions"] == ["ApplyOutOfSyncOnly=true"]
    routes["spec"]["syncPolicy"]["syncOptions"] = options
    sync.application = routes
    sync.objects = [item for item in sync.objects if item["kind"] in {"VirtualService", "Service"}]
    for item in sync.objects:
        if item["kind"] == "Service":
            item["metadata"]["labels"] = {"team": "podinfo"}
    sync.until("Succeeded")

    assert "team" in get(control_plane, "service/podinfo", steerer.namespace)["metadata"]["labels"]
    [route] = get(control_plane, "virtualservice/podinfo", steerer.namespace)["spec"]["http"]
    assert [item["weight"] for item in route["route"]] == weights
