"""Manifests in JSON: read like those in YAML, and written where their layout stays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.model.errors import RefusedError, UsageError
from tests.unit.clusters.folder.manifests import SERVICE_TEXT, names, port, write

if TYPE_CHECKING:
    from pathlib import Path

SERVICE: dict[str, Any] = yaml.safe_load(SERVICE_TEXT)
SERVICE["metadata"]["annotations"] = {"ümläut": "a <b> & c", "empty": ""}
GO = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&"})
LAYOUTS = {
    "jq": json.dumps(SERVICE, indent=2, ensure_ascii=False),
    "kubectl": json.dumps(SERVICE, indent=4, ensure_ascii=False).translate(GO),
    "tabs": json.dumps(SERVICE, indent="\t"),
    "one line": json.dumps(SERVICE, separators=(",", ":")),
    "one line of Python": json.dumps(SERVICE),
    "no newline at the end": json.dumps(SERVICE, indent=2).rstrip("\n"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_edit_changes_its_value_and_nothing_else(tmp_path: Path, name: str) -> None:
    text = LAYOUTS[name] + ("" if "no newline" in name else "\n")
    file = write(tmp_path / "x.json", text)
    FolderCluster(tmp_path).patch(port(80))
    assert file.read_text() == text.replace("9898", "80")


def test_an_item_of_a_list_is_edited(tmp_path: Path) -> None:
    other = SERVICE | {"metadata": {"name": "other", "namespace": "test"}}
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [other, SERVICE]}, indent=2)
    file = write(tmp_path / "x.json", text)
    FolderCluster(tmp_path).patch(port(80))
    assert file.read_text() == "80".join(text.rsplit("9898", 1))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(SERVICE, indent=2).replace("9898", "9898 "),
        json.dumps(SERVICE, indent=2).replace("9898", "9.898e3"),
    ],
)
def test_a_layout_that_would_be_lost_is_refused(tmp_path: Path, text: str) -> None:
    file = write(tmp_path / "x.json", text)
    with pytest.raises(RefusedError, match=r"Service podinfo\.test in .*x\.json cannot be changed there: its layout"):
        FolderCluster(tmp_path).patch(port(80))
    assert file.read_text() == text


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"kind": "x"}', b"\xff", b" " * 9_000_000], ids=range(5))
def test_json_that_is_no_manifest_is_left_alone(tmp_path: Path, data: bytes) -> None:
    write(tmp_path / "x.yaml", SERVICE_TEXT)
    (tmp_path / "package.json").write_bytes(data)
    cluster = FolderCluster(tmp_path)
    assert (names(cluster), cluster.faults()) == (["podinfo.test"], [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"apiVersion": "v1",\n}', ":2:1: expecting property name"),
        ('{"apiVersion": "v1"}{}', ":1:21: extra data"),
        ('{"apiVersion": "v1", "kind": "x", "kind": "y"}', ':1:1: the key "kind" is there twice'),
        ('{"apiVersion": NaN}', ":1:1: NaN is no JSON"),
        ('{"apiVersion": ' + "[" * 100_000, ":1:1: it is nested too deep"),
    ],
    ids=["a comma", "two documents", "a key twice", "no number", "too deep"],
)
def test_a_manifest_that_cannot_be_read_is_told_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    write(tmp_path / "x.json", text)
    [(place, problem)] = FolderCluster(tmp_path).faults()
    assert f"{place}: {problem}".startswith(f"{tmp_path}/x.json{words}")
    write(tmp_path / "x.json", text.replace("v1", "apps.weave.works/v1beta1"))
    if "apps.weave.works" in (tmp_path / "x.json").read_text():
        with pytest.raises(UsageError, match=r"x\.json:"):
            FolderCluster(tmp_path).faults()
