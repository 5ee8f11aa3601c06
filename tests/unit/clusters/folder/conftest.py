"""A folder with one file, and the cluster of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconcile.clusters.folder.cluster import FolderCluster
from tests.unit.clusters.folder.manifests import SERVICE_TEXT, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "service.yaml", SERVICE_TEXT)


@pytest.fixture
def cluster(file: Path) -> FolderCluster:
    return FolderCluster(file.parent)
