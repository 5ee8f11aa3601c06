"""Everything in `manifests/gitops` is read by the server that it is for, whose schemas are those of Flux and Argo."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from reconcile import __version__
from reconcile.cli import steerer
from reconcile.model import rights
from tests.components.controlplane import KubectlError
from tests.components.modules import MODULE_OF
from tests.gitops.shipped import ARGOCD, CUSTOMIZATION, FLUX, GITOPS, WORKFLOWS, documents, named
from tests.support import fast_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.components.controlplane import ControlPlane

# What is applied as it is, and what is a folder for kustomize. The script's examples have a test of their own.
FILES = (
    ARGOCD / "argocd-cm.yaml",
    ARGOCD / "applications.yaml",
    ARGOCD / "release-job.yaml",
    FLUX / "pipeline.yaml",
    FLUX / "with-cronjob.yaml",
)
FOLDERS = (GITOPS / "account", FLUX / "pre", FLUX / "release", WORKFLOWS)


VALUES = {
    "rollout": "podinfo",
    "namespace": "test",
    "metrics-server": "http://prometheus.istio-system:9090",
    "timeout": "30m",
}


def test_nothing_is_shipped_that_no_test_reads() -> None:
    read = {*FILES, *(path for folder in FOLDERS for path in folder.glob("*"))}
    rest = {path for path in GITOPS.rglob("*") if path.is_file()} - read
    assert all(path.is_relative_to(CUSTOMIZATION) for path in rest), rest


def built(plane: ControlPlane, folder: Path) -> list[dict[str, Any]]:
    """Give what kustomize makes of a folder; Flux lets it take files from anywhere in the repository, kubectl not."""
    restrictions = ["--load-restrictor=LoadRestrictionsNone"] if FLUX in folder.parents else []
    text = plane.kubectl("kustomize", *restrictions, str(folder))
    return [item for item in fast_yaml.load_all(text) if item]


def dry_run(plane: ControlPlane, *items: dict[str, Any]) -> str:
    """Let the server look at objects as if they were applied; kubectl asks it to refuse what it does not know."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    return plane.kubectl("apply", "--dry-run=server", "--filename=-", stdin=text)


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(GITOPS)))
def test_a_file_is_accepted_by_the_server(kinds: ControlPlane, file: Path) -> None:
    items = documents(file)
    assert dry_run(kinds, *items).count("server dry run") == len(items)


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(GITOPS)))
def test_a_folder_is_accepted_by_the_server(kinds: ControlPlane, folder: Path) -> None:
    items = built(kinds, folder)
    assert dry_run(kinds, *items).count("server dry run") == len(items)


def every(plane: ControlPlane) -> Iterator[dict[str, Any]]:
    for file in FILES:
        yield from documents(file)
    for folder in FOLDERS:
        yield from built(plane, folder)


@pytest.mark.usefixtures("namespaces")
def test_the_server_would_refuse_a_field_that_it_does_not_know(kinds: ControlPlane) -> None:
    with_spec = {item["kind"]: item for item in every(kinds) if "spec" in item}
    assert {"Application", "Kustomization", "WorkflowTemplate", "Job"} <= set(with_spec)
    for item in with_spec.values():
        with pytest.raises(KubectlError, match=r'unknown field "(spec\.)?mispelt"'):
            dry_run(kinds, item | {"spec": item["spec"] | {"mispelt": "x"}})


# --- The account and the pods ---


def test_the_account_may_do_what_a_pass_uses_and_nothing_more() -> None:
    role = named(GITOPS / "account" / "account.yaml", "steerer-release", "Role")
    assert role["rules"] == rights.rules(rights.PASS)


def jobs() -> dict[str, dict[str, Any]]:
    """Give the Jobs by the file that they are in."""
    files = [path for path in GITOPS.rglob("*-job.yaml") if path.is_file()]
    return {str(file.relative_to(GITOPS)): item for file in files for item in documents(file)}


def pods() -> dict[str, dict[str, Any]]:
    """Give the spec of every pod that comes of what is shipped, by where it is."""
    found = {name: job["spec"]["template"]["spec"] for name, job in jobs().items()}
    template = named(WORKFLOWS / "workflow-template.yaml", "steerer", "WorkflowTemplate")["spec"]
    common = {key: template[key] for key in ("securityContext", "serviceAccountName")} | {"restartPolicy": "Never"}
    for step in template["templates"]:
        if "container" in step:
            volumes = step.get("volumes", [])
            found[f"workflow: {step['name']}"] = common | {
                "containers": [step["container"] | {"name": "main"}],
                "volumes": volumes,
            }
    return found


@pytest.mark.parametrize("where", pods())
def test_a_pod_may_run_where_pods_are_restricted(control_plane: ControlPlane, namespace: str, where: str) -> None:
    control_plane.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    spec = pods()[where] | {"serviceAccountName": "default"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": namespace}}
    assert "one" in dry_run(control_plane, pod | {"spec": spec})
    with pytest.raises(KubectlError, match="violates PodSecurity"):
        dry_run(control_plane, pod | {"spec": spec | {"hostNetwork": True}})


@pytest.mark.parametrize("where", sorted(pods()))
def test_what_a_pod_is_to_do_is_a_command_line_of_steerer(where: str) -> None:
    [container] = pods()[where]["containers"]
    name, *arguments = container["args"]
    for parameter, value in VALUES.items():
        arguments = [argument.replace(f"{{{{workflow.parameters.{parameter}}}}}", value) for argument in arguments]
    assert not any("{{" in argument for argument in arguments)
    assert container["image"] == f"steerer:{__version__}"
    assert container.get("command", ["/opt/steerer/bin/steerer"]) == ["/opt/steerer/bin/steerer"]
    command = steerer.get_command(steerer.make_context("steerer", [], resilient_parsing=True), name)
    assert command is not None
    command.make_context(name, arguments)


@pytest.mark.parametrize("where", sorted(jobs()))
def test_a_job_tries_once_and_is_given_more_time_than_it_takes(where: str) -> None:
    spec = jobs()[where]["spec"]
    assert spec["backoffLimit"] == 0
    timeout = 30 * 60 if any("--timeout=30m" in arg for arg in spec["template"]["spec"]["containers"][0]["args"]) else 0
    assert spec["activeDeadlineSeconds"] > timeout


# --- What judges them ---


def test_the_schemas_and_the_judges_are_of_one_version() -> None:
    judges, schemas = (
        pinned(MODULE_OF[program].folder / "go.mod") for program in ("verdicts", "argocd-application-crd")
    )
    assert schemas["github.com/fluxcd/kustomize-controller"] == judges["github.com/fluxcd/kustomize-controller/api"]
    for name in ("github.com/argoproj/argo-cd/v3", "github.com/argoproj/argo-workflows/v4"):
        assert schemas[name] == judges[name]


def pinned(file: Path) -> dict[str, str]:
    """Give the version of each module that a go.mod requires."""
    return dict(re.findall(r"^\t(\S+) (v\S+)", file.read_text(encoding="utf-8"), re.MULTILINE))
