"""Folders with files and objects that no Rollout refers to: they are told, and do no harm."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from reconcile.cli import steerer
from reconcile.model.errors import UsageError

CASES = Path(__file__).parent / "cases"
SCENARIO = CASES / "partial-deployment" / "scenario.yaml"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(steerer, [str(item) for item in arguments])


def text(result: Result) -> str:
    return " ".join(result.output.split())


def copied(case: str, tmp_path: Path) -> Path:
    return shutil.copytree(CASES / case / "in", tmp_path / "in")


def test_a_release_is_played_beside_a_partial_deployment(tmp_path: Path) -> None:
    folder = copied("partial-deployment", tmp_path)
    played = run("simulate", "-f", folder, "--scenario", SCENARIO)
    assert (played.exit_code, "Promotion complete" in played.output) == (0, True)
    found = run("lint", "-f", folder)
    assert found.exit_code == 0
    assert "patches/memory.yaml: Deployment other: spec.template: is required" in text(found)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("replicas: 3", "replicas: ${REPLICAS:=2}"),
        ("replicas: 3", "template: {}\n  replicas: ${REPLICAS:=2}"),
        ("spec:\n  replicas: 3", "spec: ${SPEC}"),
    ],
)
def test_a_deployment_with_a_variable_harms_nobody_else(tmp_path: Path, old: str, new: str) -> None:
    folder = copied("partial-deployment", tmp_path)
    file = folder / "patches" / "memory.yaml"
    file.write_text(file.read_text().replace(old, new))
    played = run("simulate", "-f", folder, "--scenario", SCENARIO)
    assert (played.exit_code, "Promotion complete" in played.output) == (0, True)
    assert "patches/memory.yaml: Deployment other: spec" in text(run("lint", "-f", folder))


def test_a_partial_deployment_that_the_rollout_names_is_an_error_with_its_file(tmp_path: Path) -> None:
    folder = copied("partial-deployment", tmp_path)
    primary = folder / "primary.yaml"
    primary.write_text(re.sub("replicas: .*", "replicas: ${REPLICAS:=2}", primary.read_text()))
    found = run("lint", "-f", folder)
    assert found.exit_code == 4
    assert 'Deployment shop.prod: spec.replicas: must be an integer, not "${REPLICAS:=2}"' in text(found)
    assert "primary.yaml: Deployment shop: spec.replicas: must be an integer" in text(found)
    played = run("simulate", "-f", folder, "--scenario", SCENARIO)
    assert "Deployment shop.prod in primary.yaml cannot be used: spec.replicas: must be an integer" in text(played)


def test_a_partial_autoscaler_of_nobody_is_a_warning(tmp_path: Path) -> None:
    folder = copied("partial-autoscaler", tmp_path)
    found = run("lint", "-f", folder)
    assert found.exit_code == 0
    assert "patches/hpa.yaml: HorizontalPodAutoscaler other: spec.scaleTargetRef: is required" in text(found)
    assert run("simulate", "-f", folder, "--scenario", SCENARIO).exit_code == 0


@pytest.mark.parametrize(("target", "code"), [("other", 0), ("shop", 0), ("shop-canary", 4)])
def test_a_variable_in_an_autoscaler_halts_only_what_it_scales(tmp_path: Path, target: str, code: int) -> None:
    folder = copied("partial-autoscaler", tmp_path)
    file = folder / "patches" / "hpa.yaml"
    reference = f"  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {target}}}\n"
    file.write_text(f"{file.read_text()}  minReplicas: ${{MIN:=2}}\n{reference}")
    found = run("lint", "-f", folder)
    assert found.exit_code == code
    words = "HorizontalPodAutoscaler other.prod in patches/hpa.yaml cannot be used: spec.minReplicas: must be"
    assert (words in text(found)) == (target != "other")
    played = run("simulate", "-f", folder, "--scenario", SCENARIO)
    assert (played.exit_code, words in text(played)) == (code, bool(code))
    assert "patches/hpa.yaml: HorizontalPodAutoscaler other: spec.minReplicas" in text(found)


def test_files_that_nobody_refers_to_are_warnings(tmp_path: Path) -> None:
    folder = copied("foreign-file", tmp_path)
    found = run("lint", "-f", folder)
    assert found.exit_code == 0
    assert "chart/templates/deployment.yaml:6:5: looks like a Helm template ({{ ): render it, or" in text(found)
    assert 'ingress.yaml:7:5: the key "nginx.ingress.kubernetes.io/ssl-redirect" is there twice' in text(found)
    assert run("lint", "-f", folder, "--strict").exit_code == 4
    played = run("simulate", "-f", folder, "--scenario", SCENARIO)
    assert (played.exit_code, "Promotion complete" in played.output) == (0, True)


FOREIGN = {
    "a key twice in a Deployment": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {a: 1, a: 2}\n",
    "apiVersion twice": "apiVersion: v1\napiVersion: v1\nkind: Service\nmetadata: {name: x}\n",
    "another tool's Rollout": "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: x, name: y}\n",
    "a tag": "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: !vault x\n",
    "no name": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {}\nspec: {replicas: 2}\n",
    "no namespace": "apiVersion: v1\nkind: Service\nmetadata: {name: x, namespace: 5}\n",
    "there twice": 2 * "---\napiVersion: v1\nkind: Service\nmetadata: {name: x, namespace: prod}\nspec: {}\n",
}


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("beside", [False, True], ids=["a file of its own", "in the file of the Rollout"])
def test_what_is_wrong_elsewhere_is_a_warning(tmp_path: Path, name: str, *, beside: bool) -> None:
    folder = copied("foreign-file", tmp_path)
    file = folder / ("rollout.yaml" if beside else "foreign.yaml")
    file.write_text(f"{file.read_text() if beside else ''}\n---\n{FOREIGN[name]}")
    found = run("lint", "-f", folder, "-o", "json")
    assert (found.exit_code, file.name in found.output or "Service x.prod" in found.output) == (0, True)
    played = run("simulate", "-f", folder, "--scenario", SCENARIO)
    assert (played.exit_code, "Promotion complete" in played.output) == (0, True)


def test_an_object_that_may_be_in_a_file_that_cannot_be_read_is_said_to_be_there(tmp_path: Path) -> None:
    folder = copied("foreign-file", tmp_path)
    canary = folder / "canary.yaml"
    canary.write_text(f"{canary.read_text()}spec: {{}}\n")
    words = "Deployment shop-canary.prod cannot be read: it is in no file that can be read, and may be in canary.yaml:"
    found = run("lint", "-f", folder)
    assert (found.exit_code, words in text(found)) == (4, True)
    assert words in text(run("plan", "-f", folder))


def test_an_object_of_a_rollout_that_is_there_twice_halts_it_and_nobody_else(tmp_path: Path) -> None:
    folder = copied("foreign-file", tmp_path)
    patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop, namespace: prod}\nspec: {replicas: 3}\n"
    (folder / "patch.yaml").write_text(patch)
    words = "Deployment shop.prod cannot be read: it is in patch.yaml and in primary.yaml: which one is meant?"
    found = run("lint", "-f", folder)
    assert (found.exit_code, words in text(found)) == (4, True)
    assert words in text(run("simulate", "-f", folder, "--scenario", SCENARIO))


@pytest.mark.parametrize("chart", [False, True])
def test_a_rollout_that_cannot_be_read_is_never_left_out(tmp_path: Path, *, chart: bool) -> None:
    folder = copied("foreign-file", tmp_path)
    broken = (folder / "rollout.yaml").read_text().replace("name: shop\n", "name: {{ x }}\n" if chart else "name: [\n")
    (folder / "other.yaml").write_text(broken)
    found = CliRunner().invoke(steerer, ["lint", "-f", str(folder)])
    assert isinstance(found.exception, UsageError)
    assert "other.yaml:" in str(found.exception)


@pytest.mark.parametrize(("arguments", "code"), [(["-n", "prod"], 4), ([], 4), (["-A"], 4)])
def test_manifests_without_a_namespace_take_the_one_that_is_asked_for(arguments: list[str], code: int) -> None:
    found = run("lint", "-f", CASES / "no-namespace" / "in", *arguments)
    assert (found.exit_code, "spec.canaryAnalysis.stepWeight" in found.output) == (code, True)
    assert f"shop.{arguments[1] if arguments[1:] else 'default'} " in found.output


def test_every_command_takes_it(tmp_path: Path) -> None:
    folder = copied("no-namespace", tmp_path)
    rollout = folder / "rollout.yaml"
    rollout.write_text(rollout.read_text().replace("stepWeight: 0", "stepWeight: 25"))
    for command in (["plan"], ["simulate", "--scenario", SCENARIO], ["run"], ["status"]):
        done = run(*command, "-f", folder, "-n", "prod")
        assert (done.exit_code, "shop.prod" in done.output) == (0, True)
    saved = tmp_path / "plan"
    assert run("plan", "-f", folder, "-n", "prod", "--out", saved).exit_code == 0
    assert "not found" not in run("apply", saved, "-f", folder).output
    assert "namespace" not in rollout.read_text().partition("status:")[0]


@pytest.mark.parametrize("command", [["lint"], ["plan"], ["run"], ["status"], ["simulate", "--scenario", SCENARIO]])
@pytest.mark.parametrize(
    ("namespaces", "words"),
    [("prdo", "it has those of namespace prod"), ("a,b", "of namespace a, b: it has those of namespace prod")],
)
def test_a_namespace_without_rollouts_is_a_usage_error(command: list[str], namespaces: str, words: str) -> None:
    done = run(*command, "-f", CASES / "partial-autoscaler" / "in", "-n", namespaces)
    assert isinstance(done.exception, UsageError)
    assert words in str(done.exception)


def test_a_namespace_of_an_empty_folder_is_a_usage_error(tmp_path: Path) -> None:
    done = run("lint", "-f", tmp_path, "-n", "prod")
    assert "has no Rollout of namespace prod: it has none at all" in str(done.exception)
    assert run("lint", "-f", CASES / "partial-autoscaler" / "in", "-n", "other,prod").exit_code == 0


def all_in_one() -> str:
    return "---\n".join(path.read_text() for path in sorted((CASES / "partial-autoscaler" / "in").glob("*.yaml")))


def given(manifests: str, *arguments: str | Path) -> Result:
    return CliRunner().invoke(steerer, [str(item) for item in arguments], input=manifests)


def test_standard_input_and_a_single_file_are_read(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(all_in_one())
    (tmp_path / "broken.yaml").write_text("apiVersion: apps.weave.works/v1beta1\nkind: [")
    for command in (["lint"], ["simulate", "--scenario", SCENARIO], ["plan"], ["status"], ["run", "--dry-run=client"]):
        for done in (given(all_in_one(), *command, "-f", "-"), run(*command, "-f", file)):
            assert (done.exit_code, "shop.prod" in done.output) == (0, True)
    found = run("lint", "-f", CASES / "partial-autoscaler" / "in" / "vs.yaml")
    assert (found.exit_code, "none found" in found.output) == (0, True)
    wrong = given(all_in_one().replace("stepWeight: 25", "stepWeight: 0"), "lint", "-f", "-")
    assert (wrong.exit_code, "spec.canaryAnalysis.stepWeight" in wrong.output) == (4, True)


def test_messages_about_the_standard_input_say_so() -> None:
    broken = all_in_one() + "---\napiVersion: v1\nkind: Service\nmetadata: [\n"
    command: tuple[str | Path, ...]
    for command in (("lint",), ("plan",)):
        done = given(broken, *command, "-f", "-", "-o", "json")
        assert ("stdin:" in done.output, tempfile.gettempdir() in done.output) == (True, False)
    rollout = all_in_one().replace("kind: Rollout", "kind: Rollout: x")
    for command in (("lint",), ("simulate", "--scenario", SCENARIO), ("plan",), ("status",)):
        done = given(rollout, *command, "-f", "-")
        assert str(done.exception).startswith("stdin:")


@pytest.mark.parametrize("command", [["lint"], ["simulate", "--scenario", SCENARIO], ["plan"], ["status"], ["run"]])
def test_several_folders_and_files_are_read_as_one(tmp_path: Path, command: list[str]) -> None:
    folder = copied("partial-autoscaler", tmp_path)
    other = tmp_path / "base"
    other.mkdir()
    for name in ("services.yaml", "primary.yaml"):
        (folder / name).rename(other / name)
    route = other / "vs.json"
    route.write_text(json.dumps(yaml.safe_load((folder / "vs.yaml").read_text()), indent=2))
    (folder / "vs.yaml").unlink()
    (folder / "old").mkdir()
    (folder / "old" / "canary.yaml").write_text((folder / "canary.yaml").read_text())
    sources: list[str | Path] = ["-f", folder, "-f", other / "primary.yaml", "-f", other / "services.yaml", "-f", route]
    done = run(*command, *sources, "--exclude", "old")
    assert (done.exit_code, "shop.prod" in done.output) == (0, True)
    assert "missing" not in done.output
    if command != ["status"]:
        assert "which one is meant?" in text(run(*command, *sources))
    assert ("Promotion complete" in done.output) == ("--scenario" in command)


def test_what_is_left_out_has_to_be_in_a_folder() -> None:
    done = run("status", "--exclude", "old")
    assert "--exclude leaves out what is in a folder: name the folder with -f" in str(done.exception)


def test_standard_input_cannot_be_written() -> None:
    done = given(all_in_one(), "run", "-f", "-")
    assert "-f - can only be read" in str(done.exception)


def changed(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


ELSEWHERE = "VirtualService {} is missing: it has to be in namespace prod{}, unlike shop.istio-ingress of"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("shop", ELSEWHERE.format("shop.prod", "")),
        ("shop.istio-ingress", ELSEWHERE.format("shop.istio-ingress.prod", " and be named by its name alone")),
        ("istio-ingress/shop", "\"istio-ingress/shop\" is no name of an object (lower case letters, digits, '-' and"),
        ("istio-ingress/shop", "write the name alone: it has to be in the same namespace"),
        ("shop\n    namespace: istio-ingress", "spec.virtualService.namespace: is an unknown field"),
    ],
)
def test_a_virtual_service_of_another_namespace_is_said_to_be_there(tmp_path: Path, name: str, words: str) -> None:
    folder = copied("virtualservice-elsewhere", tmp_path)
    changed(folder, "rollout.yaml", "    name: shop\n    namespace: istio-ingress", f"    name: {name}")
    for command, code in ((["lint"], 4), (["simulate", "--scenario", SCENARIO], 4), (["plan"], 0)):
        done = run(*command, "-f", folder)
        assert (done.exit_code, words in text(done), "put both hosts" in text(done)) == (code, True, False)


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_virtual_service_of_another_api_group_is_said_to_be_one(tmp_path: Path, suffix: str) -> None:
    folder = copied("partial-autoscaler", tmp_path)
    changed(folder, "vs.yaml", "networking.istio.io/v1", "networking.example.com/v1")
    manifest = yaml.safe_load((folder / "vs.yaml").read_text())
    (folder / "vs.yaml").unlink()
    (folder / f"vs.{suffix}").write_text(json.dumps(manifest))
    words = "shop.prod is missing: it has to be of the API group networking.istio.io, unlike shop.prod of"
    where = f"networking.example.com/v1 in vs.{suffix}"
    found, played = run("lint", "-f", folder), run("simulate", "-f", folder, "--scenario", SCENARIO)
    for done in (found, played):
        assert (done.exit_code, words in text(done), where in text(done)) == (4, True, True)
    assert "put both hosts" not in text(found)


def test_a_service_of_another_namespace_is_said_to_be_there(tmp_path: Path) -> None:
    folder = copied("partial-autoscaler", tmp_path)
    changed(folder, "services.yaml", "namespace: prod", "namespace: web")
    words = "Service shop.prod is missing: it has to be in namespace prod, unlike shop.web of v1 in services.yaml"
    assert words in text(run("lint", "-f", folder))
    assert words in text(run("simulate", "-f", folder, "--scenario", SCENARIO))
    changed(folder, "rollout.yaml", "host: shop\n", "host: prod/shop\n")
    assert '"prod/shop" is no host name; write the name of a Service of namespace prod alone' in text(
        run("plan", "-f", folder)
    )
