"""One pass at a time in a folder."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.model.errors import ClusterError, ForbiddenError
from tests.unit.clusters.folder.manifests import names

if TYPE_CHECKING:
    from pathlib import Path


def test_a_lock_keeps_two_passes_apart(cluster: FolderCluster, file: Path) -> None:
    other = FolderCluster(file.parent)
    with (
        cluster.lock(),
        pytest.raises(ClusterError, match="another pass works on "),
        other.lock(wait=0.1),
    ):
        pass
    with other.lock():
        assert names(other) == ["podinfo.test"]
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_lock_can_be_waited_for(cluster: FolderCluster, file: Path) -> None:
    holding, release = threading.Event(), threading.Event()

    def hold() -> None:
        with FolderCluster(file.parent).lock():
            holding.set()
            release.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait()
    threading.Timer(0.1, release.set).start()
    with cluster.lock(wait=30):
        assert release.is_set()
    thread.join()


def test_a_folder_that_is_gone_cannot_be_locked(cluster: FolderCluster, file: Path) -> None:
    file.unlink()
    file.parent.rmdir()
    with pytest.raises(ForbiddenError, match="cannot be locked: No such file"), cluster.lock():
        pass
