"""`-o patch`: what the kustomize of the real kubectl makes of it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from reconcile.model.kinds import DEPLOYMENT
from reconcile.report.patches import render_patches
from tests.components.fixtures import available
from tests.components.tools import tool
from tests.support import fast_yaml
from tests.unit.report import factory

if TYPE_CHECKING:
    from pathlib import Path

    from reconcile.model.plan import Patch

ROUTE = """\
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata:
  name: {name}
  namespace: test
spec:
  hosts:
  - podinfo
  http:
  - match:
    - uri:
        prefix: /
    retries:
      attempts: 3
    route:
    - destination:
        host: podinfo
        port:
          number: 9898
      weight: 60
    - destination:
        host: podinfo-canary
        port:
          number: 9898
      weight: 40
"""


@pytest.fixture
def kubectl(pytestconfig: pytest.Config) -> Path:
    """The program; skips where there is none."""
    with available("kubectl", pytestconfig):
        return tool("kubectl")


def build(kubectl: Path, folder: Path, resources: str, *patches: Patch) -> subprocess.CompletedProcess[str]:
    """Returns what kustomize builds from the patches below a `resources:` list, as a user writes one."""
    (folder / "all.yaml").write_text(resources)
    (folder / "kustomization.yaml").write_text(f"resources:\n- all.yaml\n{render_patches(patches)}")
    return subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False, timeout=60)


def test_kustomize_moves_the_weights_and_nothing_else(kubectl: Path, tmp_path: Path) -> None:
    built = build(kubectl, tmp_path, ROUTE.format(name="podinfo"), factory.status_patch(), factory.route_patch(40, 50))

    assert built.returncode == 0, built.stderr
    wanted = ROUTE.format(name="podinfo").replace("weight: 60", "weight: 50").replace("weight: 40", "weight: 50")
    assert fast_yaml.load(built.stdout) == fast_yaml.load(wanted)


def test_kustomize_refuses_where_the_world_has_moved(kubectl: Path, tmp_path: Path) -> None:
    built = build(kubectl, tmp_path, ROUTE.format(name="podinfo"), factory.route_patch(30, 40))

    assert built.returncode != 0
    assert "test" in built.stderr
    assert "/spec/http/0/route/0/weight" in built.stderr


def test_kustomize_takes_a_dot_in_a_name_for_a_dot(kubectl: Path, tmp_path: Path) -> None:
    both = "---\n".join(ROUTE.format(name=name) for name in ("pod.info", "podxinfo"))

    built = build(kubectl, tmp_path, both, factory.route_patch(40, 50, name="pod.info"))

    weights = {
        route["metadata"]["name"]: [end["weight"] for end in route["spec"]["http"][0]["route"]]
        for route in fast_yaml.load_all(built.stdout)
    }
    assert weights == {"pod.info": [50, 50], "podxinfo": [60, 40]}


def test_kustomize_takes_nothing_to_do(kubectl: Path, tmp_path: Path) -> None:
    built = build(kubectl, tmp_path, ROUTE.format(name="podinfo"))

    assert fast_yaml.load(built.stdout) == fast_yaml.load(ROUTE.format(name="podinfo"))


def test_kustomize_takes_an_object_without_a_namespace_for_one_of_default(kubectl: Path, tmp_path: Path) -> None:
    manifest = ROUTE.format(name="podinfo").replace("  namespace: test\n", "")
    made = factory.route_patch(40, 50)
    patch = type(made)(
        target=factory.ref("podinfo", "default", made.target.kind),
        api_version=made.api_version,
        operations=made.operations,
    )

    built = build(kubectl, tmp_path, manifest, patch)

    assert built.returncode == 0, built.stderr
    assert built.stdout.count("weight: 50") == 2


WORDS = [
    "y",
    "No",
    "on",
    "null",
    "~",
    "1e3",
    "0o7",
    "0x1F",
    "1_000",
    "1:30",
    "2026-01-31",
    "1.10",
    " lead and trail ",
    "a: b",
    "a #b",
    "- a",
    "é → ✓",
    "x\u202ey",
    "#!/bin/sh\nset -eu\n\n  exec app\n",
    "trailing blanks \nhere",
    "  indented\nfirst",
    "\ttab\r\nand return\x1b",
    "%",
    "@at",
    "`tick",
    "'",
    '"',
    "\\",
    "",
]


def test_kustomize_reads_every_text_as_it_was_written(kubectl: Path, tmp_path: Path) -> None:
    manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: podinfo, namespace: test}\nspec: {}\n"
    template = {"args": WORDS, "keys": {word: word for word in WORDS}}
    patch = factory.patch(DEPLOYMENT, factory.add_of("/spec/template", template))

    built = build(kubectl, tmp_path, manifest, patch)

    assert built.returncode == 0, built.stderr
    assert fast_yaml.load(built.stdout)["spec"]["template"] == template
