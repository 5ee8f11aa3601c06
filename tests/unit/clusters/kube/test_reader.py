"""Many objects in few requests."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from reconcile.model.errors import ForbiddenError, UnreachableError
from reconcile.model.kinds import DEPLOYMENT, Ref
from tests.unit.clusters.kube.api_server import (
    ApiServer,
    PagedStore,
    Reply,
    Request,
    cluster_at,
    manifest,
    not_found,
    refs_to,
    status,
)

if TYPE_CHECKING:
    from reconcile.clusters.kube.cluster import KubeCluster


def test_objects_are_found_absent_or_in_trouble_each_for_itself(api: ApiServer, cluster: KubeCluster) -> None:
    replies = {
        "there": Reply(body={"kind": "Deployment", **manifest("there")}),
        "hidden": status(403, 'User "me" cannot get resource "deployments" in API group "apps"', name="hidden"),
        "broken": status(500, "oh"),
    }
    api.answer = lambda request: replies.get(request.path.rpartition("/")[2]) or not_found(request)
    refs = there, hidden, broken, absent = refs_to(DEPLOYMENT, "there", "hidden", "broken", "absent")

    found = cluster.fetch(refs)

    assert set(found) == {there, hidden, broken}
    assert found[there] == {"kind": "Deployment", **manifest("there")}
    assert isinstance(found[hidden], ForbiddenError)
    assert isinstance(found[broken], UnreachableError)
    assert absent not in found


def test_nothing_is_asked_for_nothing(api: ApiServer, cluster: KubeCluster) -> None:
    assert cluster.fetch([]) == {}
    assert api.requests == []


def test_gets_run_at_the_same_time(api: ApiServer, cluster: KubeCluster) -> None:
    together = threading.Barrier(8)

    def answer(request: Request) -> Reply:
        together.wait(5)
        return not_found(request)

    api.answer = answer

    assert cluster.fetch(refs_to(DEPLOYMENT, *"abcdefgh")) == {}


@pytest.mark.parametrize(
    ("stored", "wanted", "page_size", "tells_remaining", "requests"),
    [
        pytest.param(30, range(0, 30, 2), 10, True, 3, id="half of three pages"),
        pytest.param(
            1000, range(900, 912), 10, True, 1 + 12, id="a namespace full of others: GETs after the first page"
        ),
        pytest.param(
            1000, range(900, 912), 10, False, 12 + 12, id="no remainingItemCount: as many pages as GETs, then GETs"
        ),
        pytest.param(1000, range(10), 10, True, 1, id="all on the first page"),
    ],
)
def test_what_is_wanted_decides_how_many_requests_there_are(
    api: ApiServer, stored: int, wanted: range, page_size: int, *, tells_remaining: bool, requests: int
) -> None:
    api.answer = PagedStore(*(manifest(f"app-{n:04}") for n in range(stored)), tells_remaining=tells_remaining)
    refs = refs_to(DEPLOYMENT, *(f"app-{n:04}" for n in wanted))

    with cluster_at(api.url, page_size=page_size) as cluster:
        found = cluster.fetch(refs)

    assert sorted(found) == refs
    assert all(isinstance(item, dict) and item["kind"] == "Deployment" for item in found.values())
    assert len(api.requests) == requests


@pytest.mark.parametrize(
    ("stored", "wanted", "limits"),
    [
        pytest.param(600, range(0, 600, 10), ["240", "500"], id="only the first page is short"),
        pytest.param(5000, range(4000, 4010), ["40"] + 10 * [None], id="a short page of others, then GETs"),
    ],
)
def test_the_first_page_is_short_where_few_objects_are_wanted(
    api: ApiServer, cluster: KubeCluster, stored: int, wanted: range, limits: list[str | None]
) -> None:
    api.answer = PagedStore(*(manifest(f"app-{n:04}") for n in range(stored)))
    refs = refs_to(DEPLOYMENT, *(f"app-{n:04}" for n in wanted))

    assert sorted(cluster.fetch(refs)) == refs
    assert [request.query.get("limit") for request in api.requests] == limits


@pytest.mark.parametrize(
    ("stored", "others", "page_size", "most_requests"),
    [
        pytest.param(2000, [("dns", "kube-system")], 500, 6, id="a thousand Rollouts: a LIST of the cluster"),
        pytest.param(
            200,
            [(f"z-{n:04}", "stuff") for n in range(3000)],
            50,
            1 + 20,
            id="a cluster full of others: a LIST of each namespace after the first page",
        ),
    ],
)
def test_objects_in_twenty_namespaces_take_a_bounded_number_of_requests(
    api: ApiServer, stored: int, others: list[tuple[str, str]], page_size: int, most_requests: int
) -> None:
    names = [(f"app-{n:04}", f"ns-{n % 20:02}") for n in range(stored)]
    api.answer = PagedStore(*(manifest(*name) for name in (*names, *others)))

    with cluster_at(api.url, page_size=page_size) as cluster:
        found = cluster.fetch([Ref(DEPLOYMENT, namespace, name) for name, namespace in names])

    assert len(found) == stored
    assert len(api.requests) <= most_requests


def test_a_list_without_a_right_is_replaced_by_what_may_be_allowed(api: ApiServer, cluster: KubeCluster) -> None:
    store = PagedStore(*(manifest(f"app-{n}") for n in range(10)))

    def answer(request: Request) -> Reply:
        if request.path.endswith("/deployments"):
            return status(403, 'User "me" cannot list resource "deployments"')
        return store(request)

    api.answer = answer
    refs = refs_to(DEPLOYMENT, *(f"app-{n}" for n in range(10)))

    assert sorted(cluster.fetch(refs)) == refs
    assert len(api.requests) == 11


def test_credentials_that_a_list_is_refused_with_are_not_tried_object_by_object(
    api: ApiServer, cluster: KubeCluster
) -> None:
    api.answer = lambda _: status(401, "Unauthorized")
    refs = refs_to(DEPLOYMENT, *(f"app-{n}" for n in range(10)))

    found = cluster.fetch(refs)

    assert sorted(found) == refs
    assert all(isinstance(error, ForbiddenError) for error in found.values())
    assert len(api.requests) == 1


def test_a_list_that_breaks_is_the_trouble_of_what_it_did_not_bring(api: ApiServer) -> None:
    store = PagedStore(*(manifest(f"app-{n:02}") for n in range(20)))
    api.answer = lambda request: status(500, "oh") if "continue" in request.query else store(request)
    refs = refs_to(DEPLOYMENT, *(f"app-{n:02}" for n in range(20)))

    with cluster_at(api.url, page_size=10) as cluster:
        found = cluster.fetch(refs)

    assert [isinstance(found[ref], UnreachableError) for ref in refs] == [False] * 10 + [True] * 10
