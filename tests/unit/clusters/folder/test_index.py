"""Which file has which object, while files come, change and go."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from reconcile.clusters.folder import index
from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.clusters.folder.parsed_file import ParsedFile, load
from reconcile.model.errors import LostRaceError, RefusedError, UsageError
from reconcile.model.kinds import DEPLOYMENT, EVENT, SERVICE
from tests.unit.clusters.folder.manifests import (
    ALL,
    NOON,
    PODINFO,
    SERVICE_TEXT,
    event,
    names,
    patch,
    port,
    service,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_changes_of_the_folder_are_seen(cluster: FolderCluster, file: Path) -> None:
    assert names(cluster) == ["podinfo.test"]
    write(file, service("renamed"))
    assert names(cluster) == ["renamed.test"]
    other = write(file.with_name("other.yaml"), service("more"))
    assert names(cluster) == ["more.test", "renamed.test"]
    other.unlink()
    assert names(cluster) == ["renamed.test"]


def test_all_broken_files_are_named_at_once(tmp_path: Path) -> None:
    for name in "abc":
        write(tmp_path / f"{name}.yaml", "{" if name != "b" else "b: 1")
    cluster = FolderCluster(tmp_path)
    assert cluster.list(SERVICE, ALL) == []
    assert [re.findall(r"(\w)\.yaml:\d+:\d+$", place) for place, _ in cluster.faults()] == [["a"], ["c"]]
    for name in "ac":
        write(tmp_path / f"{name}.yaml", "apiVersion: apps.weave.works/v1beta1\nkind: [")
    with pytest.raises(UsageError) as caught:
        cluster.list(SERVICE, ALL)
    assert re.findall(r"(\w)\.yaml:\d+:\d+: ", str(caught.value)) == ["a", "c"]


def test_an_object_in_two_places(cluster: FolderCluster, file: Path) -> None:
    write(file.with_name("again.yaml"), SERVICE_TEXT)
    words = "it is in again.yaml and in service.yaml: which one is meant?"
    for _ in range(2):
        assert names(cluster) == ["podinfo.test", "podinfo.test"]
        assert str(cluster.fetch([PODINFO])[PODINFO]) == words
        assert cluster.faults() == [("Service podinfo.test", words)]
    with pytest.raises(RefusedError, match=f"Service podinfo.test: {re.escape(words)}"):
        cluster.patch(port(80))
    write(
        file.with_name("again.yaml"),
        2 * "---\napiVersion: apps.weave.works/v1beta1\nkind: Rollout\nmetadata: {name: x}\n",
    )
    with pytest.raises(UsageError, match=r"Rollout x\.default is in .*again\.yaml and in .*again\.yaml: which one"):
        cluster.list(DEPLOYMENT, ALL)
    write(file.with_name("again.yaml"), SERVICE_TEXT.replace("v1", "serving.knative.dev/v1"))
    assert names(cluster) == ["podinfo.test"]


def test_a_broken_file_that_is_taken_away_takes_its_objects_along(cluster: FolderCluster, file: Path) -> None:
    write(file.with_name("other.yaml"), service("other"))
    assert names(cluster) == ["other.test", "podinfo.test"]
    write(file, "{ # a Service")
    assert names(cluster) == ["other.test"]
    words = r"it is in no file that can be read, and may be in service\.yaml:1:"
    assert re.match(words, str(cluster.fetch([PODINFO])[PODINFO]))
    file.unlink()
    assert cluster.fetch([PODINFO]) == {}
    assert names(cluster) == ["other.test"]


def test_an_object_that_moved_is_found(cluster: FolderCluster, file: Path) -> None:
    assert names(cluster) == ["podinfo.test"]
    moved = file.rename(file.with_name("moved.yaml"))
    cluster.patch(port(80))
    assert "port: 80" in moved.read_text()


def test_a_change_of_the_same_size_and_time_is_seen(cluster: FolderCluster, file: Path) -> None:
    assert names(cluster) == ["podinfo.test"]
    times = file.stat()
    with file.open("r+") as stream:
        stream.write(SERVICE_TEXT.replace("9898", "1234"))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(LostRaceError):
        cluster.patch(patch({"op": "test", "path": "/spec/ports/0/port", "value": 9898}))


def test_a_file_is_read_once_as_long_as_it_stays(cluster: FolderCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def counting_load(path: Path, real: Path) -> ParsedFile:
        read.append(path)
        return load(path, real)

    monkeypatch.setattr(index, "load", counting_load)
    for _ in range(3):
        cluster.list(SERVICE, ALL)
        cluster.fetch([PODINFO])
        cluster.patch(port(80))
        cluster.record(event(), NOON)
    cluster.list(EVENT, ALL)
    assert [path.name for path in read] == ["service.yaml"]
