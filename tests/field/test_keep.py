"""Labels of the primary that policies and monitors select by: found before a release, and kept by `promotion.keep`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner

from reconcile.cli import steerer

if TYPE_CHECKING:
    from click.testing import Result

CASE = Path(__file__).parent / "cases" / "destinationrule-subset"
POLICIES = {
    "NetworkPolicy": """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shop, namespace: prod}
spec:
  podSelector: {matchLabels: {track: stable}}
  ingress: [{from: [{podSelector: {}}]}]
""",
    "PodDisruptionBudget": """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: shop, namespace: prod}
spec:
  maxUnavailable: 1
  selector: {matchExpressions: [{key: track, operator: NotIn, values: [canary]}]}
""",
    "AuthorizationPolicy": """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: shop, namespace: prod}
spec:
  selector: {matchLabels: {track: stable}}
  action: DENY
""",
}


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(steerer, [str(item) for item in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The case without its DestinationRules: the label is of no use to the route."""
    found = shutil.copytree(CASE / "in", tmp_path / "in")
    (found / "dr.yaml").unlink()
    route = (found / "vs.yaml").read_text()
    for subset in ("stable", "canary"):
        route = route.replace(f"            subset: {subset}\n", "")
    (found / "vs.yaml").write_text(route)
    return found


def keep(folder: Path, *pointers: str) -> None:
    path = folder / "rollout.yaml"
    manifest = yaml.safe_load(path.read_text())
    manifest["spec"]["canaryAnalysis"]["promotion"] = {"keep": [*pointers]}
    path.write_text(yaml.safe_dump(manifest))


def promoted(folder: Path) -> dict[str, Any]:
    """Plays the release, and returns the primary's template in the end."""
    out = folder.parent / "played"
    said = run("simulate", "-f", folder, "--scenario", CASE / "scenario.yaml", "--out", out)
    assert "Promotion complete!" in " ".join(said.stdout.split())
    template: dict[str, Any] = yaml.safe_load((out / "primary.yaml").read_text())["spec"]["template"]
    return template


@pytest.mark.parametrize("kind", POLICIES)
def test_a_policy_that_would_lose_the_primary_is_an_error_until_its_label_is_kept(folder: Path, kind: str) -> None:
    (folder / "policy.yaml").write_text(POLICIES[kind])
    found = run("lint", "-f", folder)
    said = " ".join(found.stdout.split())
    assert found.exit_code == 4
    assert f"{kind} shop.prod" in said
    assert "selects the pods of shop.prod by track, which a promotion would replace: it would lose them" in said
    assert "add to spec.canaryAnalysis.promotion: keep: [/metadata/labels/track]" in said
    keep(folder, "/metadata/labels/track")
    assert run("lint", "-f", folder, "--strict").exit_code == 0
    template = promoted(folder)
    assert template["metadata"]["labels"] == {"app": "shop", "track": "stable"}
    assert template["spec"]["containers"][0]["image"] == "registry.example/shop:1.1.0"


def test_what_the_primary_lacks_stays_absent_and_resources_are_its_own(folder: Path) -> None:
    for file, more in (
        ("primary.yaml", {"limits": {"memory": "1Gi"}}),
        ("canary.yaml", {"limits": {"memory": "64Mi"}}),
    ):
        manifest = yaml.safe_load((folder / file).read_text())
        template = manifest["spec"]["template"]
        template["spec"]["containers"][0]["resources"] = more
        if file == "canary.yaml":
            template["metadata"]["annotations"] = {"prometheus.io/scrape": "false", "note": "new"}
        (folder / file).write_text(yaml.safe_dump(manifest))
    keep(folder, "/metadata/annotations/prometheus.io~1scrape", "/spec/containers/0/resources")
    template = promoted(folder)
    assert template["metadata"]["annotations"] == {"note": "new"}
    assert template["spec"]["containers"][0]["resources"] == {"limits": {"memory": "1Gi"}}
    assert template["metadata"]["labels"]["track"] == "canary"


def test_a_pointer_that_leads_nowhere_is_a_warning_and_halts_nothing(folder: Path) -> None:
    keep(folder, "/metadata/labels/trak")
    assert (run("lint", "-f", folder).exit_code, run("lint", "-f", folder, "--strict").exit_code) == (0, 4)
    assert promoted(folder)["metadata"]["labels"]["track"] == "canary"
