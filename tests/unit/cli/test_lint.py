"""`steerer lint`: its findings, its report and its exit code. Each check has tests of its own in `preflight`."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support.paths import ARTIFACTS
from tests.support.program import contents, invoke

if TYPE_CHECKING:
    from pathlib import Path

ROLLOUT, ROUTE = "rollouts/podinfo.yaml", "workloads/virtual-service.yaml"
PRIMARY, CANARY = "workloads/deployment.yaml", "workloads/deployment-canary.yaml"
SERVICE, CANARY_SERVICE = "workloads/service.yaml", "workloads/service-canary.yaml"
SCALER = "workloads/hpa-canary.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the seed's example as it is in Git: no status, no uid."""
    return shutil.copytree(ARTIFACTS, tmp_path / "manifests")


def edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text, file
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")


def found(folder: Path, *args: object, expect: int) -> list[dict[str, Any]]:
    """Lint, and give the findings that are more than information, each with its check."""
    done = invoke("lint", "-f", folder, "-o", "json", *args)
    assert done.returncode == expect, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return [
        finding | {"check": result["check"]}
        for result in json.loads(done.stdout)["results"]
        for finding in result["findings"]
        if finding["level"] != "info"
    ]


def test_the_example_is_clean_also_where_warnings_count_and_nothing_is_written(folder: Path) -> None:
    before = contents(folder)
    done = invoke("lint", "-f", folder, "--strict")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "1 Rollout: 0 errors, 0 warnings"
    assert contents(folder) == before


def test_queries_in_a_rollout_are_an_error_for_an_install_that_refuses_them(folder: Path) -> None:
    own = "metrics:\n      - {name: own, query: up, thresholdRange: {min: 1}}"
    edit(folder, ROLLOUT, "metrics:", own)
    assert found(folder, expect=0) == []
    [refused] = found(folder, "--no-inline-queries", expect=4)
    assert "queries in a Rollout are not allowed here (--no-inline-queries)" in refused["message"]


@pytest.mark.parametrize(
    ("file", "old", "new", "where"),
    [
        (ROLLOUT, "stepWeight: 10", "stepWeight: 0", ("error", "rollout", "spec.canaryAnalysis.stepWeight")),
        (ROLLOUT, "v1beta1", "v1alpha1", ("error", "rollout", "apiVersion")),
        (ROLLOUT, "interval: 1m", "interval: 10s", ("warning", "metrics", "spec.canaryAnalysis.metrics[0].interval")),
        (ROLLOUT, "threshold: 99", "threshold: 1", ("warning", "metrics", "spec.canaryAnalysis.metrics[0].threshold")),
        (ROLLOUT, "maxWeight: 100", "maxWeight: 5", ("warning", "steps", "spec.canaryAnalysis.stepWeight")),
        (PRIMARY, "  replicas: 2", "  replicas: 0", ("error", "primary", "spec.replicas")),
        (PRIMARY, "  replicas: 2", "  paused: true", ("error", "primary", "spec.paused")),
        (CANARY, "  replicas: 2", "  paused: true", ("error", "canary", "spec.paused")),
        (CANARY, "name: podinfo-canary", "name: podinfo-other", ("error", "deployments", "")),
        (SERVICE, "- name: http\n", "- name: web\n", ("error", "services", "spec.ports")),
        (SERVICE, "    app: podinfo", "    app: other", ("error", "services", "spec.selector")),
        (CANARY_SERVICE, "    app: podinfo-canary", "    app: podinfo", ("error", "services", "spec.selector")),
        (ROUTE, "host: podinfo-canary", "host: podinfo-other", ("error", "routes", "spec.http")),
        (ROUTE, "weight: 100", "weight: 1000", ("error", "routes", "spec.http[0].route[0].weight")),
        (SCALER, "minReplicas: 2", "minReplicas: 0", ("warning", "autoscalers", "spec.minReplicas")),
    ],
)  # fmt: skip
def test_what_is_broken_is_found(folder: Path, file: str, old: str, new: str, where: tuple[str, str, str]) -> None:
    edit(folder, file, old, new)
    findings = found(folder, expect=4 if where[0] == "error" else 0)
    assert where in [(item["level"], item["check"], item["path"]) for item in findings]
    assert all(item["object"] and item["message"] for item in findings)


def test_all_of_it_is_told_in_one_run_by_rollout_with_what_to_do(folder: Path) -> None:
    edit(folder, ROLLOUT, "stepWeight: 10", "stepWeight: ten")
    edit(folder, ROLLOUT, "istio_requests_total", "success")
    edit(folder, CANARY_SERVICE, "- name: http\n", "- name: web\n")
    edit(folder, ROUTE, "weight: 100", "weight: 0")
    edit(folder, PRIMARY, "  replicas: 2", "  paused: true")
    done = invoke("lint", "-f", folder)
    assert (done.returncode, done.stderr) == (4, "")
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert "podinfo.test  5 errors" in lines
    for line in (
        '✗ rollout      spec.canaryAnalysis.stepWeight: must be an integer, not "ten"',
        "✗ services     Service podinfo-canary.test: spec.ports: has no port named http or https, but web",
        "✗ routes       VirtualService podinfo.test: spec.http[0]: both weights are absent or 0",
        "✗ primary      Deployment podinfo.test: spec.paused: is paused",
        "resume it: kubectl -n test rollout resume deployment/podinfo",
    ):
        assert line in lines
    assert any('metrics[0].name: "success" is no metric template' in line for line in lines)
    assert lines[-1] == "1 Rollout: 5 errors, 0 warnings"


@pytest.mark.parametrize("field", ["query", "grouped"])
def test_a_metric_file_whose_queries_cannot_be_rendered_is_found(folder: Path, tmp_path: Path, field: str) -> None:
    metric = {"name": "istio_requests_total", "title": "rate", "unit": "percent", "threshold": "minimum", "query": "up"}
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "rate.yaml").write_text(yaml.safe_dump(metric | {field: "{{ workloud }}"}), encoding="utf-8")
    [finding] = found(folder, "--templates", templates, expect=4)
    assert (finding["level"], finding["check"]) == ("error", "queries")
    assert f"{templates / 'rate.yaml'}: {field}: 'workloud' is undefined" in finding["message"]


def test_a_warning_is_red_only_where_it_is_asked_to_be(folder: Path) -> None:
    edit(folder, ROUTE, "weight: 100", "weight: 70")
    assert [item["level"] for item in found(folder, expect=0)] == ["warning"]
    assert [item["level"] for item in found(folder, "--strict", expect=4)] == ["warning"]


def test_two_rollouts_for_the_same_are_found(folder: Path) -> None:
    text = (folder / ROLLOUT).read_text(encoding="utf-8")
    (folder / "second.yaml").write_text(text.replace("  name: podinfo\n  namespace", "  name: second\n  namespace"))
    messages = [item["message"] for item in found(folder, expect=4)]
    assert "VirtualService podinfo.test is already claimed by the older Rollout podinfo.test" in messages
    assert "Deployment podinfo-canary.test is a Deployment of Rollout second.test as well" in messages


def test_what_looks_like_a_rollout_and_is_none_is_named_by_its_file(folder: Path) -> None:
    edit(folder, ROLLOUT, "kind: Rollout", "kind: Rolout")
    findings = found(folder, expect=4)
    assert [(item["level"], item["object"]) for item in findings] == [
        ("error", "rollouts/podinfo.yaml: Rolout podinfo"),
        ("warning", "Rollouts"),
    ]


def test_a_template_that_cannot_be_rendered_is_found(folder: Path, tmp_path: Path) -> None:
    metric = {
        "name": "istio_requests_total",
        "title": "t",
        "unit": "percent",
        "threshold": "minimum",
        "query": "{{ x }}",
    }
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "own.yaml").write_text(yaml.safe_dump(metric))
    [finding] = found(folder, "--templates", tmp_path / "metrics", expect=4)
    assert (finding["check"], finding["path"]) == ("queries", "spec.canaryAnalysis.metrics[0]")
    assert "'x' is undefined" in finding["message"]


def test_a_folder_without_any_rollout_is_a_warning(tmp_path: Path) -> None:
    assert [item["message"] for item in found(tmp_path, expect=0)] == ["none found"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("-f", "{}/none"), "does not exist"),
        (("-f", "{}", "nobody"), "no Rollout nobody"),
        ((), "Missing option '-f'"),
    ],
)
def test_what_cannot_be_looked_at_is_a_usage_error(folder: Path, args: tuple[str, ...], words: str) -> None:
    done = invoke("lint", *(arg.format(folder) for arg in args))
    assert done.returncode == 2
    assert words in done.stderr


def test_a_file_that_is_no_yaml_is_told_by_its_line(folder: Path) -> None:
    (folder / "broken.yaml").write_text("a: [\n")
    done = invoke("lint", "-f", folder)
    assert done.returncode == 0
    assert "broken.yaml:2:1: did not find" in " ".join(done.stdout.split())
    (folder / "broken.yaml").write_text("apiVersion: apps.weave.works/v1beta1\nkind: [\n")
    done = invoke("lint", "-f", folder)
    assert done.returncode == 2
    assert "broken.yaml:" in done.stderr
