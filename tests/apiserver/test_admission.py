"""Every field of a Rollout on a real API server: server and program refuse the same values, and name the same path."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from reconcile.model.rollout_manifest import parse
from tests.hostile.pieces import SPEC, STATUS, paths, pieces, put, shown
from tests.hostile.tally import End, ended

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest
    from tests.components.controlplane import ControlPlane


def rollout(namespace: str) -> Manifest:
    return {
        "apiVersion": "apps.weave.works/v1beta1",
        "kind": "Rollout",
        "metadata": {"name": "podinfo", "namespace": namespace},
        "spec": SPEC,
        "status": STATUS,
    }


@pytest.fixture(scope="module")
def namespace(control_plane: ControlPlane) -> str:
    """Returns one namespace for all fields: nothing but the first Rollout is stored."""
    name = f"admission-{uuid4().hex[:8]}"
    control_plane.create_namespace(name)
    return name


@pytest.fixture(scope="module")
def stored(control_plane: ControlPlane, namespace: str) -> Manifest:
    """Returns a Rollout as it is stored."""
    place = f"/apis/apps.weave.works/v1beta1/namespaces/{namespace}/rollouts"
    answer = control_plane.request("POST", place, body=rollout(namespace))
    answer.raise_for_status()
    found: Manifest = answer.json()
    return found


def problems(manifest: Manifest, part: str) -> list[str]:
    return [problem for problem in parse(manifest).problems if problem.startswith(part)]


@pytest.mark.hostile("A Rollout", "every field of spec, in every wrong way, at a real API server and then the program")
@pytest.mark.parametrize("path", paths("spec"))
def test_server_and_program_agree_on_each_field_of_the_spec(
    control_plane: ControlPlane, namespace: str, path: str
) -> None:
    place = f"/apis/apps.weave.works/v1beta1/namespaces/{namespace}/rollouts?dryRun=All"
    for piece in pieces(path):
        manifest = put(rollout(namespace), path, piece)
        answer = control_plane.request("POST", place, body=manifest)
        if answer.status_code == 201:
            assert not problems(answer.json(), "spec"), shown(piece)
            ended(End.SAFE)
        else:
            assert answer.status_code in {400, 422}, answer.text
            assert problems(manifest, "spec"), (shown(piece), answer.text)
            ended(End.NOT_ADMITTED)


@pytest.mark.hostile(
    "A Rollout", "every field of status, in every wrong way, at a real API server and then the program"
)
@pytest.mark.parametrize("path", paths("status"))
def test_a_status_that_the_server_takes_is_read_or_named(
    control_plane: ControlPlane, stored: Manifest, namespace: str, path: str
) -> None:
    place = f"/apis/apps.weave.works/v1beta1/namespaces/{namespace}/rollouts"
    for piece in pieces(path):
        manifest = put(stored | {"status": STATUS}, path, piece)
        answer = control_plane.request("PUT", f"{place}/podinfo/status?dryRun=All", body=manifest)
        if answer.status_code == 200:
            found = problems(answer.json(), "")
            assert all(problem.startswith(path) for problem in found), shown(piece)
            ended(End.HALTED if found else End.SAFE)
        else:
            assert answer.status_code in {400, 422}, answer.text
            assert path.replace(".0", "").rpartition(".")[2] in answer.text, shown(piece)
            ended(End.NOT_ADMITTED)
