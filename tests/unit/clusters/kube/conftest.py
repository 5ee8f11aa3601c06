"""The API server of the tests, and a cluster that is connected to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.clusters.kube.api_server import ApiServer, cluster_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.clusters.kube.cluster import KubeCluster


@pytest.fixture
def api() -> Iterator[ApiServer]:
    api = ApiServer()
    yield api
    api.close()


@pytest.fixture
def cluster(api: ApiServer) -> Iterator[KubeCluster]:
    with cluster_at(api.url) as cluster:
        yield cluster
