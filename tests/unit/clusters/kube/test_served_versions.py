"""Which version of a kind is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.clusters.kube.connection import WORKERS
from reconcile.model.errors import MissingError
from reconcile.model.kinds import VIRTUAL_SERVICE, Scope
from tests.unit.clusters.kube.api_server import ApiServer, Reply, manifest, not_found, refs_to, unserved

if TYPE_CHECKING:
    from reconcile.clusters.kube.cluster import KubeCluster


def test_an_older_version_is_found_and_remembered(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda request: Reply(body={"items": [manifest("a")]}) if "v1alpha3" in request.path else unserved()

    [first] = cluster.list(VIRTUAL_SERVICE, Scope())
    cluster.list(VIRTUAL_SERVICE, Scope())

    assert first["apiVersion"] == "networking.istio.io/v1alpha3"
    assert [request.path.split("/")[3] for request in api.requests] == ["v1", "v1beta1", "v1alpha3", "v1alpha3"]


def test_a_version_that_is_no_longer_served_is_looked_for_again(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda request: Reply(body={"items": []}) if "v1beta1" in request.path else unserved()
    cluster.list(VIRTUAL_SERVICE, Scope())
    api.answer = lambda request: Reply(body={"items": [manifest("a")]}) if "v1/" in request.path else unserved()

    [found] = cluster.list(VIRTUAL_SERVICE, Scope())

    assert found["apiVersion"] == "networking.istio.io/v1"


def test_single_objects_find_the_version_that_is_served_once(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda request: Reply(body=manifest("x")) if "v1alpha3" in request.path else unserved()

    found = cluster.fetch(refs_to(VIRTUAL_SERVICE, *"abcdefgh"))

    assert len(found) == 8
    assert len(api.requests) == 2 + 8


def test_an_absent_object_tells_that_its_version_is_served(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = not_found

    assert cluster.fetch(refs_to(VIRTUAL_SERVICE, "a", "b")) == {}
    assert [request.path.split("/")[3] for request in api.requests] == ["v1", "v1"]


def test_a_kind_that_is_not_there_costs_no_more_than_its_versions(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda _: unserved()

    (found,) = cluster.fetch(refs_to(VIRTUAL_SERVICE, "a")).values()
    assert isinstance(found, MissingError)
    assert str(found).startswith("the API server has no virtualservices.networking.istio.io: install")
    assert len(api.requests) == 3
    many = refs_to(VIRTUAL_SERVICE, *(f"vs-{n}" for n in range(20)))
    assert {*map(type, cluster.fetch(many).values())} == {MissingError}
    assert len(api.requests) == 6
    pairs = [ref for n in range(20) for ref in refs_to(VIRTUAL_SERVICE, "a", "b", namespace=f"ns-{n:02}")]
    assert cluster.fetch(pairs).keys() == {*pairs}
    assert len(api.requests) <= 6 + 3 * WORKERS
