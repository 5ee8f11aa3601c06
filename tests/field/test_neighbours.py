"""Objects beside a release that act on its canary or its hosts: lint names them, with what to do about them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reconcile.cli import steerer

CASES = Path(__file__).parent / "cases"
SCENARIO = CASES / "partial-deployment" / "scenario.yaml"
SECOND = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop-public, namespace: prod}
spec:
  gateways: [public]
  hosts: [shop.example.com]
  http:
    - route:
        - {destination: {host: shop}, weight: 90}
        - {destination: {host: shop-canary.prod.svc.cluster.local}, weight: 10}
"""
ALONE = SECOND.replace("        - {destination: {host: shop}, weight: 90}\n", "").replace(", weight: 10", "")
SAME_HOST = """\
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: {name: shop-old, namespace: prod}
spec:
  hosts: [shop.prod.svc.cluster.local]
  http: [{route: [{destination: {host: shop}}]}]
"""
SCALER = """\
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: shop-canary, namespace: prod}
spec: {scaleTargetRef: {name: shop-canary}, minReplicaCount: 0, triggers: []}
"""
TAKER = "  http:\n    - {redirect: {uri: /}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(CASES / "partial-autoscaler" / "in", tmp_path / "in")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(steerer, [str(item) for item in arguments])


def text(result: Result) -> str:
    return " ".join(result.output.split())


def edit(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


@pytest.mark.parametrize(
    ("manifest", "code", "words"),
    [
        (SECOND, 4, "VirtualService shop-public.prod: spec.http[0]: gives the canary traffic as well: spec.http[0]"),
        (SECOND.replace("weight: 10", "weight: 0"), 0, "no other VirtualService or ScaledObject acts on shop-canary"),
        (SECOND.replace("namespace: prod", "namespace: web"), 0, "no other VirtualService or ScaledObject acts on"),
        (ALONE, 0, "VirtualService shop-public.prod: spec.http[0]: leads to the canary alone in spec.http[0]"),
        (SAME_HOST, 0, "VirtualService shop-old.prod: spec.hosts: is for host shop at all sidecars as well"),
        (SCALER, 0, "ScaledObject shop-canary.prod: spec.minReplicaCount: scales Deployment shop-canary.prod to 0"),
        (SCALER.replace("Count: 0", "Count: 2"), 0, "spec.scaleTargetRef: scales Deployment shop-canary.prod up again"),
        (SCALER.replace("name: shop-canary}", "name: other}"), 0, "no other VirtualService or ScaledObject acts on"),
    ],
)
def test_what_acts_on_the_canary_beside_the_release_is_named(
    folder: Path, manifest: str, code: int, words: str
) -> None:
    (folder / "other.yaml").write_text(manifest)
    found = run("lint", "-f", folder)
    assert (found.exit_code, words in text(found)) == (code, True), found.output


def test_a_second_split_keeps_the_canary_from_being_scaled_down(folder: Path) -> None:
    (folder / "other.yaml").write_text(SECOND)
    played = text(run("simulate", "-f", folder, "--scenario", SCENARIO))
    assert "VirtualService shop-public.prod spec.http[0] still gives traffic to shop-canary" in played
    assert "Promotion complete" not in played


def test_a_managed_route_that_gets_no_request_is_named(folder: Path) -> None:
    edit(folder, "vs.yaml", "  http:\n", TAKER)
    found = run("lint", "-f", folder)
    words = "VirtualService shop.prod: spec.http[1]: gets no request: spec.http[0] comes before it and takes them all"
    assert (found.exit_code, words in text(found)) == (0, True), found.output
    edit(folder, "vs.yaml", TAKER, "  http:\n    - {match: [{uri: {prefix: /old}}], redirect: {uri: /}}\n")
    assert "gets no request" not in run("lint", "-f", folder).output


def test_a_headless_service_is_named(folder: Path) -> None:
    edit(folder, "services.yaml", "spec:\n", "spec:\n  clusterIP: None\n")
    found = run("lint", "-f", folder)
    assert (found.exit_code, "spec.clusterIP: is headless: sidecars send a request" in text(found)) == (0, True)


def test_a_host_that_leads_nowhere_is_named(folder: Path) -> None:
    edit(folder, "services.yaml", "name: shop\n", "name: shop-api\n")
    found = run("lint", "-f", folder)
    assert (found.exit_code, "Service shop.prod is missing create it, or correct spec.primary.host" in text(found)) == (
        4,
        True,
    )
    assert "Service shop.prod is missing" in text(run("simulate", "-f", folder, "--scenario", SCENARIO))
