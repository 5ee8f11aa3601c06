"""What a person asks for by a command, on a real API server: with which rights, and what the server stores."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model import rights
from tests.apiserver.steering import Steerer, account, apply, get, install, of_steerer, small_release
from tests.support import fast_yaml
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from tests.components.controlplane import ControlPlane

PREFIX = "apps.weave.works/"


@pytest.fixture
def person(control_plane: ControlPlane, namespace: str) -> Steerer:
    """Installs the example; returns the program with the rights of the actions and no others."""
    install(control_plane, namespace)
    return Steerer(
        kubeconfig=account(control_plane, namespace, rights.rules(rights.ACTION)), namespace=namespace, metrics=""
    )


def asked(plane: ControlPlane, namespace: str) -> dict[str, str]:
    annotations: dict[str, str] = get(plane, "rollout/podinfo", namespace)["metadata"].get("annotations", {})
    return {key.removeprefix(PREFIX): value for key, value in annotations.items() if key.startswith(PREFIX)}


def test_the_rights_of_a_person_suffice_for_each_action_and_are_all_used(
    control_plane: ControlPlane, person: Steerer, namespace: str
) -> None:
    mark = control_plane.mark()
    revision = person("revision", "podinfo").out.strip()
    for verb in ("pause", "resume", "approve", "promote", "abort", "retry"):
        person(verb, "podinfo", "--revision", revision)
    stored = asked(control_plane, namespace)
    assert [*stored] == ["approve", "promote", "retry"]
    assert {value.partition("/")[0] for value in stored.values()} == {revision}

    entries = of_steerer(control_plane.requests_since(mark))
    assert [entry for entry in entries if entry.code in {401, 403}] == []
    used = {(entry.verb, entry.group, entry.resource) for entry in entries if entry.resource}
    assert used == {(right.verb, right.kind.group, right.resource) for right in rights.ACTION}


def test_the_account_of_a_pass_may_ask_for_nothing(control_plane: ControlPlane, namespace: str) -> None:
    apply(control_plane, *small_release(namespace, "podinfo"))
    job = Steerer(kubeconfig=account(control_plane, namespace, rights.rules(rights.PASS)), namespace=namespace)
    done = job("abort", "podinfo", expect=1)
    assert f"forbidden: cannot patch rollouts.apps.weave.works in namespace {namespace}" in done.err
    assert asked(control_plane, namespace) == {}


def test_a_dry_run_of_the_server_checks_and_stores_nothing(
    control_plane: ControlPlane, person: Steerer, namespace: str
) -> None:
    before = get(control_plane, "rollout/podinfo", namespace)
    assert person("abort", "podinfo", "--dry-run=server").out.endswith(": annotated (dry run)\n")
    assert get(control_plane, "rollout/podinfo", namespace) == before


def test_an_action_for_a_revision_that_the_canary_no_longer_has_is_refused(
    control_plane: ControlPlane, person: Steerer, namespace: str
) -> None:
    seen = person("revision", "podinfo").out.strip()
    control_plane.set_image("podinfo-canary", namespace, "podinfo:9")
    done = person("promote", "podinfo", "--revision", seen, expect=4)
    assert f"Deployment podinfo-canary.{namespace} has moved on" in done.err
    assert asked(control_plane, namespace) == {}


def test_a_pipeline_learns_the_revision_before_it_applies(
    control_plane: ControlPlane, person: Steerer, namespace: str
) -> None:
    """A folder has none of the server's default values: a dry run of the server adds them."""
    items: list[dict[str, Any]] = []
    for file in ("workloads/deployment-canary.yaml", "rollouts/podinfo.yaml"):
        item = fast_yaml.load((ROOT / "artifacts" / file).read_text())
        item["metadata"]["namespace"] = namespace
        items.append(item)
    items[0]["spec"]["template"]["spec"]["containers"][0]["image"] = "podinfo:9"
    manifests = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})

    future = control_plane.kubectl("apply", "--dry-run=server", "-o", "yaml", "-f", "-", stdin=manifests)
    folder = control_plane.directory / f"future-{namespace}.yaml"
    folder.write_text(future)
    revision = person("revision", "podinfo", "-f", str(folder)).out.strip()
    person("approve", "podinfo", "--revision", revision, "--unchecked")
    assert person("revision", "podinfo").out.strip() != revision

    control_plane.kubectl("apply", "-f", "-", stdin=manifests)
    assert person("revision", "podinfo").out.strip() == revision
    assert asked(control_plane, namespace) == {"approve": revision}
