"""Services that would not lead to their pods: found before a release begins, and the release does not begin."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from reconcile.cli import steerer

CASES = Path(__file__).parent / "cases"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(steerer, [str(item) for item in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(CASES / "named-target-port" / "in", tmp_path / "in")


def edit(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def image_of_primary(folder: Path) -> str:
    manifest = yaml.safe_load((folder / "primary.yaml").read_text())
    return str(manifest["spec"]["template"]["spec"]["containers"][0]["image"])


def test_a_target_port_that_the_promoted_template_lacks_is_an_error_and_nothing_moves(tmp_path: Path) -> None:
    case = CASES / "named-target-port"
    found = run("lint", "-f", case / "in")
    words = 'Service shop.prod (spec.ports[].targetPort) leads to port "http", which the pods that shop.prod would have'
    assert (found.exit_code, words in " ".join(found.stdout.split())) == (4, True)
    played = run("simulate", "-f", case / "in", "--scenario", case / "scenario.yaml", "--out", tmp_path / "played")
    assert words in " ".join(played.stdout.split())
    assert image_of_primary(tmp_path / "played") == "registry.example/shop:1.0.0"


def test_a_target_port_that_the_canary_itself_lacks_is_an_error(folder: Path) -> None:
    edit(folder, "services.yaml", "targetPort: web", "targetPort: nowhere")
    edit(folder, "services.yaml", "targetPort: http", "targetPort: web")
    found = run("lint", "-f", folder)
    assert found.exit_code == 4
    assert 'leads to port "nowhere", which the pods of shop-canary.prod do not have' in " ".join(found.stdout.split())


@pytest.mark.parametrize(
    ("old", "new"),
    [("targetPort: http", "targetPort: 8080"), ("targetPort: http", "targetPort: web")],
    ids=["by number", "by the new name"],
)
def test_a_target_port_that_the_promoted_template_has_is_none(folder: Path, old: str, new: str) -> None:
    edit(folder, "services.yaml", old, new)
    assert run("lint", "-f", folder).exit_code == 0


def test_a_port_of_the_route_that_the_service_lacks_is_an_error(folder: Path) -> None:
    edit(folder, "services.yaml", "targetPort: http", "targetPort: web")
    edit(folder, "vs.yaml", "host: shop\n", "host: shop\n            port: {number: 8080}\n")
    found = run("lint", "-f", folder)
    assert found.exit_code == 4
    assert "Service shop.prod (spec.ports) has no port 8080, which the route uses" in " ".join(found.stdout.split())


def test_the_port_that_the_route_uses_is_the_one_that_has_to_be_http(folder: Path) -> None:
    edit(folder, "services.yaml", "targetPort: http", "targetPort: web")
    edit(folder, "services.yaml", "    - name: http\n", "    - name: tcp\n      port: 90\n    - name: http\n")
    edit(folder, "vs.yaml", "host: shop\n", "host: shop\n            port: {number: 90}\n")
    assert "Istio takes port 90, which the route uses, for no HTTP (tcp)" in " ".join(
        run("lint", "-f", folder).stdout.split()
    )
    edit(folder, "services.yaml", "name: tcp\n", "name: tcp\n      appProtocol: grpc\n")
    assert run("lint", "-f", folder).exit_code == 0


def test_the_application_protocol_says_what_a_port_is() -> None:
    assert run("lint", "-f", CASES / "app-protocol" / "in").exit_code == 0


def test_a_primary_service_that_selects_the_canary_as_well_halts_a_pass_as_lint_says(folder: Path) -> None:
    edit(folder, "services.yaml", "targetPort: http", "targetPort: web")
    for file in ("primary.yaml", "canary.yaml"):
        edit(folder, file, "        app: shop", "        all: shop\n        app: shop")
    edit(folder, "services.yaml", "  selector:\n    app: shop\n", "  selector:\n    all: shop\n")
    found = run("lint", "-f", folder)
    words = "Service shop.prod: spec.selector: selects the pods of shop-canary.prod as well"
    assert (found.exit_code, words in found.stdout) == (4, True)
    words = "Service shop.prod selects the pods of shop-canary.prod as well"
    scenario = CASES / "named-target-port" / "scenario.yaml"
    assert words in " ".join(run("simulate", "-f", folder, "--scenario", scenario).stdout.split())


ALL_AT_ONCE = {
    "Recreate": "{type: Recreate}",
    "every pod may be unavailable": "{rollingUpdate: {maxUnavailable: 100%}}",
    "as many as there are": "{rollingUpdate: {maxUnavailable: 2}}",
}


@pytest.mark.parametrize("strategy", ALL_AT_ONCE.values(), ids=ALL_AT_ONCE)
def test_a_primary_that_would_lose_all_of_its_pods_under_traffic_is_an_error(
    tmp_path: Path, folder: Path, strategy: str
) -> None:
    edit(folder, "services.yaml", "targetPort: http", "targetPort: 8080")
    edit(folder, "primary.yaml", "  replicas: 2\n", f"  replicas: 2\n  strategy: {strategy}\n")
    words = (
        "Deployment shop.prod (spec.strategy) takes down all of its pods at once when the template is copied, and "
        "still gets 50 % of the traffic then"
    )
    found = run("lint", "-f", folder, "-o", "json")
    assert (found.exit_code, words in found.stdout) == (4, True)
    played = run(
        *("simulate", "-f", folder, "--scenario", CASES / "named-target-port" / "scenario.yaml"),
        *("--out", tmp_path / "played"),
    )
    assert words in " ".join(played.stdout.split())
    assert image_of_primary(tmp_path / "played") == "registry.example/shop:1.0.0"


def test_a_primary_without_traffic_may_lose_its_pods(folder: Path) -> None:
    edit(folder, "services.yaml", "targetPort: http", "targetPort: 8080")
    edit(folder, "primary.yaml", "  replicas: 2\n", "  replicas: 2\n  strategy: {type: Recreate}\n")
    edit(folder, "rollout.yaml", "maxWeight: 50", "maxWeight: 100")
    assert run("lint", "-f", folder).exit_code == 0


def test_a_headless_service_is_held_against_its_pods_like_any_other(folder: Path) -> None:
    edit(folder, "services.yaml", "spec:\n", "spec:\n  clusterIP: None\n")
    found = run("lint", "-f", folder)
    assert (found.exit_code, 'leads to port "http", which the pods' in " ".join(found.stdout.split())) == (4, True)
