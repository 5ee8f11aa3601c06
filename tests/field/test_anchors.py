"""Manifests in which an anchor is defined anew: an alias stands for the last node of its anchor."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from reconcile.cli import steerer
from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.model.kinds import DEPLOYMENT, Ref

CASE = Path(__file__).parent / "cases" / "anchor-redefined" / "in"
IMAGE = "          image: registry.example/shop:1.0.0\n"
# What stands in the container of the primary -> its environment.
VARIANTS = {
    "values": (
        "env: [{name: A, value: &v one}, {name: B, value: *v}, {name: C, value: &v two}, {name: D, value: *v}]",
        {"A": "one", "B": "one", "C": "two", "D": "two"},
    ),
    "items": (
        "env: [&e {name: A, value: one}, {<<: *e, name: B}, &e {name: C, value: two}, {<<: *e, name: D}]",
        {"A": "one", "B": "one", "C": "two", "D": "two"},
    ),
    "a key and its value": ("env: [{&n name: &n A, value: *n}]", {"A": "A"}),
    "within what it names": ("env: &e [{name: A, value: &e one}, {name: B, value: *e}]", {"A": "one", "B": "one"}),
}


def test_a_secret_is_no_trouble_of_the_folder() -> None:
    assert CliRunner().invoke(steerer, ["lint", "-f", str(CASE)]).exit_code == 0


@pytest.mark.parametrize("name", VARIANTS)
def test_a_primary_is_read_as_kubectl_reads_it(tmp_path: Path, name: str) -> None:
    line, expected = VARIANTS[name]
    folder = shutil.copytree(CASE, tmp_path / "in")
    primary = folder / "primary.yaml"
    primary.write_text(primary.read_text().replace(IMAGE, f"{IMAGE}          {line}\n"))
    assert CliRunner().invoke(steerer, ["lint", "-f", str(folder)]).exit_code == 0
    ref = Ref(DEPLOYMENT, "prod", "shop")
    manifest = FolderCluster(folder).fetch([ref])[ref]
    assert isinstance(manifest, dict)
    [container] = manifest["spec"]["template"]["spec"]["containers"]
    assert {item["name"]: item["value"] for item in container["env"]} == expected
