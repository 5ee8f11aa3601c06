"""JSON patches by the rules of the API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model.errors import LostRaceError, RefusedError
from reconcile.model.kinds import SERVICE
from tests.unit.clusters.folder.manifests import ALL, NOON, SERVICE_TEXT, patch, temporary_files

if TYPE_CHECKING:
    from pathlib import Path

    from reconcile.clusters.folder.cluster import FolderCluster


def test_operations_see_those_before_them(cluster: FolderCluster) -> None:
    cluster.patch(
        patch(
            {"op": "add", "path": "/spec/type", "value": "NodePort"},
            {"op": "test", "path": "/spec/type", "value": "NodePort"},
            {"op": "copy", "from": "/spec/type", "path": "/spec/copy"},
            {"op": "move", "from": "/spec/copy", "path": "/spec/moved"},
            {"op": "remove", "path": "/spec/type"},
        )
    )
    assert cluster.list(SERVICE, ALL)[0]["spec"] == {"ports": [{"name": "http", "port": 9898}], "moved": "NodePort"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/spec/ports/0/port", 9899),
        ("/spec/ports/0/port", "9898"),
        ("/spec/ports/0", {"port": 9898}),
        ("/spec/ports/1", {}),
        ("/spec/absent/deep", 1),
        ("/spec/ports/x", 1),
        ("/spec/ports/-", 1),
        ("/metadata/uid", "x"),
    ],
)
def test_a_failed_test_is_a_lost_race(cluster: FolderCluster, file: Path, path: str, value: object) -> None:
    with pytest.raises(LostRaceError, match=rf"Service podinfo\.test: {path} is no"):
        cluster.patch(patch({"op": "add", "path": "/spec/x", "value": 1}, {"op": "test", "path": path, "value": value}))
    assert file.read_text() == SERVICE_TEXT


def test_one_is_not_true(cluster: FolderCluster) -> None:
    cluster.patch(patch({"op": "add", "path": "/spec/x", "value": 1}))
    with pytest.raises(LostRaceError):
        cluster.patch(patch({"op": "test", "path": "/spec/x", "value": True}))
    cluster.patch(patch({"op": "add", "path": "/spec/x", "value": True}))
    assert cluster.list(SERVICE, ALL)[0]["spec"]["x"] is True


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/spec/absent/deep", "value": 1},
        {"op": "add", "path": "/spec/ports/7", "value": 1},
        {"op": "add", "path": "spec", "value": 1},
        {"op": "add", "path": "", "value": {}},
        {"op": "add", "path": "/spec/x"},
        {"op": "add", "value": 1},
        {"op": "sing", "path": "/spec/x", "value": 1},
        {"op": "test", "path": "/spec"},
        {"op": "test", "path": "spec", "value": 1},
        {"op": "remove", "path": "/spec/absent"},
        {"op": "move", "path": "/spec/x"},
        {"op": "move", "from": "/status", "path": "/spec/x"},
        {"op": "add", "path": "/status", "value": {}},
        {"op": "add", "path": "/status/phase", "value": ""},
        {"op": "replace", "path": "/metadata/name", "value": "other"},
        {"op": "replace", "path": "/metadata", "value": None},
        {"op": "replace", "path": "/kind", "value": "Deployment"},
        {"op": "add", "path": "/spec/x", "value": float("nan")},
        {"op": "add", "path": "/spec/x", "value": NOON},
        {"op": "add", "path": "/spec/x", "value": (1, 2)},
    ],
    ids=str,
)
def test_a_patch_that_does_not_fit_is_refused(cluster: FolderCluster, file: Path, operation: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match=r"Service podinfo\.test"):
        cluster.patch(patch(operation))
    assert file.read_text() == SERVICE_TEXT
    assert temporary_files(file.parent) == []


def test_the_status_has_its_own_way(cluster: FolderCluster, file: Path) -> None:
    cluster.patch(
        patch(
            {"op": "test", "path": "/metadata/name", "value": "podinfo"},
            {"op": "add", "path": "/status", "value": {"loadBalancer": {}}},
            {"op": "add", "path": "/status/phase", "value": "on"},
            subresource="status",
        )
    )
    assert file.read_text() == SERVICE_TEXT + 'status:\n  loadBalancer: {}\n  phase: "on"\n'
    for path in ("/spec/x", "/statusx", "/metadata/labels"):
        with pytest.raises(RefusedError, match="only the status"):
            cluster.patch(patch({"op": "add", "path": path, "value": "x"}, subresource="status"))
