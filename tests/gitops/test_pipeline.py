"""The pipeline of three Kustomizations, from a commit to the promotion: what is deployed when, and by whom.

Flux's code builds, applies and judges; the Jobs do what they are told, with the rights of their account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.components.processes import wait_for
from tests.gitops.flux import kustomization
from tests.gitops.jobs import run
from tests.gitops.shipped import FLUX, documents
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.apiserver.steering import Metrics
    from tests.components.controlplane import ControlPlane
    from tests.gitops.flux import Flux

Manifest = dict[str, Any]
PRE, DEPLOY, RELEASE = "podinfo-pre", "podinfo-deploy", "podinfo-release"


@pytest.fixture(name="flux")
def with_jobs_that_the_test_runs(flux: Flux, metrics: Metrics) -> Flux:
    """Commit where Prometheus is, fewer steps, and that the pod of a Job waits for the test to do its work."""
    flux.replace("http://prometheus.istio-system:9090", metrics.url)
    flux.replace("stepWeight: 10\n", "stepWeight: 50\n")
    version = "release.example.com/version: ${version}\n"
    flux.replace(version, f'{version}        test.steerer/hold: "true"\n')
    return flux


def test_each_waits_for_the_one_before() -> None:
    chain = [item["spec"] for item in documents(FLUX / "pipeline.yaml") if item["kind"] == "Kustomization"]
    assert [spec.get("dependsOn", []) for spec in chain] == [[], [{"name": PRE}], [{"name": DEPLOY}]]
    assert all(spec["wait"] and (ROOT / spec["path"]).is_dir() for spec in chain)


def ready(flux: Flux, name: str) -> None:
    """Wait until all of a Kustomization is what Flux waits for."""
    wait_for(lambda: set(flux.health(kustomization(name)).values()) == {"Current"}, f"{name} to be ready", every=0.5)


def released(flux: Flux, plane: ControlPlane, version: str) -> Iterator[dict[str, str]]:
    """Let a commit go through the chain; gives what each Kustomization did."""
    flux.version(version)
    for name, job in ((PRE, "podinfo-look"), (DEPLOY, ""), (RELEASE, "podinfo-release")):
        done = flux.reconcile(kustomization(name))
        if job:
            assert flux.health(kustomization(name))[f"Job/{job}"] == "InProgress"
            run(plane, flux.namespace, job)
        ready(flux, name)
        yield done


def images(flux: Flux) -> list[str]:
    return [
        flux.live(f"deployment/{name}")["template"]["spec"]["containers"][0]["image"].rpartition(":")[2]
        for name in ("podinfo", "podinfo-canary")
    ]


def test_a_version_goes_from_a_commit_through_the_chain_to_its_promotion(
    flux: Flux, control_plane: ControlPlane
) -> None:
    first = list(released(flux, control_plane, "1.2.1"))
    made = [action for done in first for subject, action in done.items() if not subject.startswith("Namespace/")]
    assert set(made) == {"created"}
    assert (images(flux), flux.weights) == (["1.2.1", "1.2.1"], [100, 0])
    assert flux.live("deployment/podinfo-canary")["replicas"] == 0

    second = released(flux, control_plane, "1.2.2")
    changed = [{subject for subject, action in done.items() if action != "unchanged"} for done in second]
    assert changed == [{"Job/podinfo-look"}, {"Deployment/podinfo-canary"}, {"Job/podinfo-release"}]
    assert (images(flux), flux.weights) == (["1.2.2", "1.2.2"], [100, 0])

    again = [flux.reconcile(kustomization(name)) for name in (PRE, DEPLOY, RELEASE)]
    assert {action for done in again for action in done.values()} == {"unchanged"}


def test_the_release_is_not_ready_while_the_canary_halts(
    flux: Flux, control_plane: ControlPlane, metrics: Metrics
) -> None:
    for name, job in ((PRE, "podinfo-look"), (DEPLOY, "")):
        flux.reconcile(kustomization(name))
        if job:
            run(control_plane, flux.namespace, job)
        ready(flux, name)
    metrics.values["istio_requests_total"] = "50"
    flux.replace("--timeout=30m", "--timeout=5s")
    flux.reconcile(kustomization(RELEASE))
    with pytest.raises(AssertionError, match="ended with 3"):
        run(control_plane, flux.namespace, "podinfo-release")
    assert flux.health(kustomization(RELEASE)) == {"Job/podinfo-release": "InProgress", "Rollout/podinfo": "InProgress"}
    assert flux.weights == [50, 50]
