"""Which files of a folder are read."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from reconcile.clusters.folder import sources
from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.clusters.folder.file_tree import walk
from reconcile.model.errors import UsageError
from reconcile.model.kinds import ROLLOUT, SERVICE, Scope
from tests.unit.clusters.folder.manifests import ALL, SERVICE_TEXT, names, port, service, write

if TYPE_CHECKING:
    from pathlib import Path


def test_files_are_read_wherever_they_are(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "x.yml", "# first\n---\n---\n" + service("deep") + "---\n" + service("deeper"))
    write(tmp_path / "z.yaml", service("flat", "other"))
    write(tmp_path / "not.json", "{")
    write(tmp_path / ".hidden.yaml", "{")
    write(tmp_path / ".git" / "x.yaml", "{")
    cluster = FolderCluster(str(tmp_path))
    assert names(cluster) == ["flat.other", "deep.test", "deeper.test"]
    assert names(cluster, scope=Scope(namespace="test")) == ["deep.test", "deeper.test"]
    assert names(cluster, ROLLOUT) == []


def test_a_folder_that_went_away(tmp_path: Path) -> None:
    cluster = FolderCluster(write(tmp_path / "x" / "x.yaml", "").parent)
    shutil.rmtree(tmp_path / "x")
    with pytest.raises(UsageError, match="x cannot be read: No such file"):
        cluster.list(SERVICE, ALL)


@pytest.mark.parametrize("name", ["x.yaml", "folder"])
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    outside = write(tmp_path / "outside" / "x.yaml", SERVICE_TEXT)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).symlink_to(outside if name == "x.yaml" else outside.parent)
    with pytest.raises(UsageError, match=f"in/{name} leads out of .*outside"):
        FolderCluster(tmp_path / "in").list(SERVICE, ALL)


def test_links_within_the_folder_are_no_second_objects(tmp_path: Path) -> None:
    write(tmp_path / "..data_1" / "x.yaml", SERVICE_TEXT)
    (tmp_path / "..data").symlink_to("..data_1")
    (tmp_path / "x.yaml").symlink_to("..data/x.yaml")
    (tmp_path / "y.yaml").symlink_to("x.yaml")
    (tmp_path / "circle").symlink_to(".")
    (tmp_path / "README").symlink_to("/etc/hostname")
    cluster = FolderCluster(tmp_path)
    assert names(cluster) == ["podinfo.test"]
    cluster.patch(port(80))
    assert (tmp_path / "x.yaml").is_symlink()
    assert "port: 80" in (tmp_path / "..data_1" / "x.yaml").read_text()


def test_a_link_to_nowhere_and_a_pipe_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").symlink_to("absent")
    with pytest.raises(UsageError, match=r"x\.yaml cannot be read: No such file"):
        FolderCluster(tmp_path).list(SERVICE, ALL)
    (tmp_path / "x.yaml").unlink()
    os.mkfifo(tmp_path / "x.yaml")
    with pytest.raises(UsageError, match=r"x\.yaml is no regular file"):
        FolderCluster(tmp_path).list(SERVICE, ALL)


def test_a_file_that_goes_away_while_it_is_read(
    cluster: FolderCluster, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list(walk(file.parent, lambda _: False))
    file.unlink()
    monkeypatch.setattr(sources, "walk", lambda *_: found)
    with pytest.raises(UsageError, match=r"service\.yaml cannot be read: No such file"):
        cluster.list(SERVICE, ALL)
