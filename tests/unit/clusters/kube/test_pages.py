"""A LIST, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconcile.model.errors import UnreachableError
from reconcile.model.kinds import DEPLOYMENT, Scope
from tests.unit.clusters.kube.api_server import ApiServer, PagedStore, Reply, Request, cluster_at, manifest, status

if TYPE_CHECKING:
    from reconcile.clusters.kube.cluster import KubeCluster


def test_a_scope_of_the_whole_cluster_with_selectors(api: ApiServer, cluster: KubeCluster) -> None:
    cluster.list(DEPLOYMENT, Scope(fields={"metadata.name": "a,b=c\\d"}, labels={"b": "2", "a": "1"}))

    [request] = api.requests
    assert request.path == "/apis/apps/v1/deployments"
    assert request.query["fieldSelector"] == "metadata.name=a\\,b\\=c\\\\d"
    assert request.query["labelSelector"] == "a=1,b=2"


def test_pages_are_followed_to_the_last(api: ApiServer) -> None:
    api.answer = PagedStore(*(manifest(f"app-{n:02}") for n in range(25)))

    with cluster_at(api.url, page_size=10) as cluster:
        found = cluster.list(DEPLOYMENT, Scope())

    assert len(found) == 25
    assert [request.query for request in api.requests] == [
        {"limit": "10"},
        {"limit": "10", "continue": "10"},
        {"limit": "10", "continue": "20"},
    ]


def test_what_managers_own_is_kept_once_and_is_that_of_each_object(api: ApiServer) -> None:
    entries = [{"manager": name, "fieldsV1": {"f:spec": {f"f:{field}": {}}}} for name, field in ("ab", "cb", "dx")]
    made = [manifest(f"app-{n}") for n in range(len(entries))]
    for item, entry in zip(made, entries, strict=True):
        item["metadata"]["managedFields"] = [entry, "no entry"]
    api.answer = PagedStore(*made)

    with cluster_at(api.url, page_size=2) as cluster:
        found = cluster.list(DEPLOYMENT, Scope())

    assert [item["metadata"]["managedFields"] for item in found] == [[entry, "no entry"] for entry in entries]
    first, second, _ = (item["metadata"]["managedFields"][0]["fieldsV1"] for item in found)
    assert first is second


def test_a_list_that_expires_begins_anew_without_what_is_gone_meanwhile(api: ApiServer) -> None:
    old, new = (
        PagedStore(*(manifest(f"old-{n}") for n in range(4))),
        PagedStore(*(manifest(f"new-{n}") for n in range(4))),
    )
    stores = iter([old, None, new, new])

    def answer(request: Request) -> Reply:
        store = next(stores)
        return store(request) if store else status(410, "too old")

    api.answer = answer

    with cluster_at(api.url, page_size=2) as cluster:
        found = cluster.list(DEPLOYMENT, Scope())

    assert [item["metadata"]["name"] for item in found] == ["new-0", "new-1", "new-2", "new-3"]


def test_a_list_that_expires_again_and_again_is_asked_for_whole(api: ApiServer) -> None:
    store = PagedStore(*(manifest(f"app-{n}") for n in range(4)))
    api.answer = lambda request: status(410, "too old") if "continue" in request.query else store(request)

    with cluster_at(api.url, page_size=2) as cluster:
        assert len(cluster.list(DEPLOYMENT, Scope())) == 4
    assert [sorted(request.query) for request in api.requests] == [["limit"], ["continue", "limit"]] * 2 + [[]]


def test_a_list_that_is_gone_even_whole_is_an_error(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda _: status(410, "too old")

    with pytest.raises(UnreachableError, match="expired"):
        cluster.list(DEPLOYMENT, Scope())


def test_a_server_that_gives_the_same_page_for_ever_is_left(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda _: Reply(body={"metadata": {"continue": "again"}, "items": [manifest("a")]})

    with pytest.raises(UnreachableError, match="again and again"):
        cluster.list(DEPLOYMENT, Scope())
