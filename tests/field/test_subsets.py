"""Subsets of a DestinationRule: what they select the primary's pods by is kept, and what would be lost halts."""

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


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(steerer, [str(item) for item in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(CASE / "in", tmp_path / "in")


def edit(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def played(folder: Path) -> tuple[str, dict[str, Any]]:
    """Plays the release. Returns what was said, and the primary's template in the end."""
    out = folder.parent / "played"
    said = run("simulate", "-f", folder, "--scenario", CASE / "scenario.yaml", "--out", out)
    primary = yaml.safe_load((out / "primary.yaml").read_text())
    return " ".join(said.stdout.split()), primary["spec"]["template"]


def test_the_label_that_the_primarys_subset_selects_by_stays(folder: Path) -> None:
    assert run("lint", "-f", folder).exit_code == 0
    said, template = played(folder)
    assert "Promotion complete!" in said
    assert template["metadata"]["labels"] == {"app": "shop", "track": "stable"}
    assert template["spec"]["containers"][0]["image"] == "registry.example/shop:1.1.0"


@pytest.mark.parametrize(
    "host",
    ["shop.prod", "shop.prod.svc", "shop.prod.svc.cluster.local", '"*.prod.svc.cluster.local"', '"*.local"', '"*"'],
)
def test_the_host_of_a_destination_rule_has_many_spellings(folder: Path, host: str) -> None:
    edit(folder, "dr.yaml", "host: shop\n", f"host: {host}\n")
    assert run("lint", "-f", folder).exit_code == 0
    _, template = played(folder)
    assert template["metadata"]["labels"]["track"] == "stable"


def test_a_label_that_only_the_canary_has_does_not_come_into_a_subset_by_its_absence(folder: Path) -> None:
    edit(folder, "dr.yaml", "        track: stable", "        app: shop")
    edit(folder, "primary.yaml", "        track: stable\n", "")
    _, template = played(folder)
    assert template["metadata"]["labels"] == {"app": "shop", "track": "canary"}


def test_pods_that_repel_those_of_their_own_subset_repel_the_primarys_after_the_copy(folder: Path) -> None:
    term = {"labelSelector": {"matchLabels": {"track": "canary"}}, "topologyKey": "kubernetes.io/hostname"}
    rule = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    path = folder / "canary.yaml"
    manifest = yaml.safe_load(path.read_text())
    manifest["spec"]["template"]["spec"]["affinity"] = rule
    path.write_text(yaml.safe_dump(manifest))
    _, template = played(folder)
    [kept] = template["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert kept["labelSelector"] == {"matchLabels": {"track": "stable"}}


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (
            "dr.yaml",
            "- name: stable",
            "- name: other",
            'subset "stable" of Service shop.prod (destination.subset of the route) is defined by no DestinationRule',
        ),
        (
            "dr.yaml",
            "host: shop-canary",
            "host: shop-canary.elsewhere.svc.cluster.local",
            'subset "canary" of Service shop-canary.prod (destination.subset of the route) is defined by no ',
        ),
        (
            "canary.yaml",
            "        track: canary",
            "        track: new",
            "DestinationRule shop-canary.prod (spec.subsets[canary].labels) does not select the pods of shop-canary",
        ),
        (
            "primary.yaml",
            "        track: stable\n",
            "",
            "DestinationRule shop.prod (spec.subsets[stable].labels) does not select the pods that shop.prod would",
        ),
    ],
    ids=["undefined", "of another namespace", "misses the canary", "misses the primary"],
)
def test_a_subset_that_would_have_no_pods_is_an_error_and_nothing_moves(
    folder: Path, file: str, old: str, new: str, words: str
) -> None:
    edit(folder, file, old, new)
    found = run("lint", "-f", folder, "-o", "json")
    assert (found.exit_code, words in found.stdout.replace('\\"', '"')) == (4, True)
    said, template = played(folder)
    assert words in said
    assert template["spec"]["containers"][0]["image"] == "registry.example/shop:1.0.0"


def test_a_subset_without_labels_has_all_pods(folder: Path) -> None:
    edit(folder, "dr.yaml", "      labels:\n        track: stable\n", "")
    assert run("lint", "-f", folder).exit_code == 0
    _, template = played(folder)
    assert template["metadata"]["labels"]["track"] == "canary"


def test_subsets_of_several_rules_for_one_host_add_up(folder: Path) -> None:
    text = (folder / "dr.yaml").read_text().replace("name: stable", "name: other")
    (folder / "more.yaml").write_text((folder / "dr.yaml").read_text().replace("name: shop\n", "name: more\n", 1))
    (folder / "dr.yaml").write_text(text)
    (folder / "more.yaml").write_text((folder / "more.yaml").read_text().partition("---")[0])
    assert run("lint", "-f", folder).exit_code == 0
