"""Halts and findings that say what is wrong, in words that fit the fault."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from reconcile.cli import steerer

CASES = Path(__file__).parent / "cases"
CANNOT_COMPUTE = "is on the utilization of cpu, and of Deployment shop-canary.prod app requests none"


def run(*arguments: str | Path) -> tuple[int, str]:
    """Runs steerer. Returns the exit code and what it printed, with one space between words."""
    done = CliRunner().invoke(steerer, [str(item) for item in arguments])
    return done.exit_code, " ".join(done.output.split())


def copy(tmp_path: Path, name: str, **edits: tuple[str, str]) -> Path:
    """Copies the manifests of a case; `edits` are replacements in the file of that name."""
    folder = shutil.copytree(CASES / name / "in", tmp_path / "in")
    for file, (old, new) in edits.items():
        path = folder / f"{file}.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    return folder


ROLLED_OUT = "\nstatus: {replicas: 2, updatedReplicas: 2, availableReplicas: 2}\n"


def rolled_out(folder: Path) -> Path:
    """Lets both Deployments be rolled out."""
    for file in ("primary.yaml", "canary.yaml"):
        (folder / file).write_text((folder / file).read_text().rstrip() + ROLLED_OUT)
    return folder


def test_an_autoscaler_that_cannot_compute_a_size_scales_nothing(tmp_path: Path) -> None:
    case = CASES / "autoscaler-cannot-compute"
    code, out = run("simulate", "-f", case / "in", "--scenario", case / "scenario.yaml", "--out", tmp_path / "played")
    assert (code, "from 2 to 0" in out, "Promotion complete!" in out) == (0, False, True)
    _, out = run("plan", "-f", rolled_out(copy(tmp_path, "autoscaler-cannot-compute")))
    assert "shop-canary cannot compute a size (FailedGetResourceMetric: the HPA was unable to compute" in out


@pytest.mark.parametrize("reason", ["ScalingDisabled", "FailedGetPodsMetric", "FailedComputeMetricsReplicas"])
def test_whatever_the_reason_is_it_is_the_one_that_is_told(tmp_path: Path, reason: str) -> None:
    folder = copy(tmp_path, "autoscaler-cannot-compute", hpa=("FailedGetResourceMetric", reason))
    assert f"shop-canary cannot compute a size ({reason}: " in run("plan", "-f", rolled_out(folder))[1]


def test_one_that_computes_is_believed(tmp_path: Path) -> None:
    folder = copy(tmp_path, "autoscaler-cannot-compute", hpa=('status: "False"', 'status: "True"'))
    _, out = run("plan", "-f", rolled_out(folder))
    assert "is being scaled by HorizontalPodAutoscaler shop-canary from 2 to 0 replicas" in out


def test_an_autoscaler_on_what_the_containers_do_not_request_is_a_warning(tmp_path: Path) -> None:
    code, out = run("lint", "-f", CASES / "autoscaler-cannot-compute" / "in")
    assert (code, CANNOT_COMPUTE in out) == (0, True)
    image = "image: registry.example/shop:1.1.0"
    requests = f"{image}\n          resources: {{requests: {{cpu: 100m}}}}"
    folder = copy(tmp_path, "autoscaler-cannot-compute", canary=(image, requests))
    assert CANNOT_COMPUTE not in run("lint", "-f", folder)[1]


def test_why_pods_cannot_be_created_is_told() -> None:
    _, out = run("plan", "-f", CASES / "replica-failure" / "in")
    assert 'has updated 1 of 2 replicas: pods "shop-canary-6d4f" is forbidden: exceeded quota: compute' in out


@pytest.mark.parametrize("domain", ["corp.internal", "cluster.local", "x"])
def test_a_host_with_any_cluster_domain_is_the_service(tmp_path: Path, domain: str) -> None:
    assert run("lint", "-f", copy(tmp_path, "cluster-domain", vs=("corp.internal", domain)))[0] == 0
    host = ("host: shop\n", f"host: shop.prod.svc.{domain}\n")
    assert run("lint", "-f", copy(tmp_path / "rollout", "cluster-domain", rollout=host))[0] == 0


def test_no_message_has_an_empty_name_in_it(tmp_path: Path) -> None:
    folder = copy(tmp_path, "cluster-domain", rollout=("host: shop", "host: shop.elsewhere.svc"))
    code, out = run("lint", "-f", folder)
    assert code == 4
    assert '"shop.elsewhere.svc" is no Service of namespace prod' in out
    assert "leads to and" not in out
    assert "Service .prod" not in out


def test_a_copy_that_admission_added_to_is_not_made_again() -> None:
    _, out = run("plan", "-f", CASES / "admission-changes-the-copy" / "in")
    assert "does not have the promoted template yet" not in out
    assert "stored with changes (spec.template.metadata.annotations" in out
