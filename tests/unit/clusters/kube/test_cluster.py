"""The cluster of a pass on an API server: what is written, Events, and kinds that are not served."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from reconcile.clusters.kube.cluster import KubeCluster, connect
from reconcile.model.errors import LostRaceError, MissingError
from reconcile.model.kinds import AUTOSCALER, DEPLOYMENT, ROLLOUT, SCALED_OBJECT, SERVICE, Ref, Scope, Version
from reconcile.model.plan import Event, Patch
from tests.unit.clusters.kube.api_server import (
    ApiServer,
    PagedStore,
    Reply,
    cluster_at,
    manifest,
    not_found,
    refs_to,
    status,
    unserved,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_connecting_sends_nothing_and_knows_the_namespace(api: ApiServer, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        json.dumps(
            {
                "current-context": "a",
                "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
                "clusters": [{"name": "c", "cluster": {"server": api.url.replace("//", "//me:pw@")}}],
                "users": [{"name": "u", "user": {}}],
            }
        )
    )

    with connect(str(config), environ={}) as cluster:
        assert cluster.default_namespace == "shop"
        assert cluster.server == api.url
        assert api.requests == []
        cluster.list(SERVICE, Scope())

    assert api.requests[0].headers["Authorization"] == "Basic bWU6cHc="


def test_a_write_names_its_manager_and_what_else_is_asked_for(api: ApiServer) -> None:
    operations = ({"op": "test", "path": "/a", "value": 1}, {"op": "add", "path": "/a", "value": 2})
    with cluster_at(api.url, write_params={"dryRun": "All"}) as cluster:
        cluster.patch(
            Patch(
                target=Ref(ROLLOUT, "test", "podinfo"),
                api_version="apps.weave.works/v1beta1",
                operations=operations,
                subresource="status",
            )
        )

    [request] = api.requests
    assert (request.method, request.path) == (
        "PATCH",
        "/apis/apps.weave.works/v1beta1/namespaces/test/rollouts/podinfo/status",
    )
    assert request.query == {"fieldManager": "steerer", "dryRun": "All"}
    assert request.headers["Content-Type"] == "application/json-patch+json"
    assert request.body == list(operations)


def test_a_name_that_no_object_can_have_is_absent_unasked_and_cannot_be_patched(
    api: ApiServer, cluster: KubeCluster
) -> None:
    assert cluster.fetch(refs_to(DEPLOYMENT, "", "..", "../secrets/x")) == {}
    with pytest.raises(MissingError):
        cluster.patch(Patch(target=Ref(DEPLOYMENT, "test", ".."), api_version="apps/v1", operations=()))

    assert api.requests == []


def test_a_kind_that_the_server_does_not_have_has_no_objects(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda _: unserved()

    assert cluster.list(AUTOSCALER, Scope()) == []


def test_without_the_rollout_resource_there_is_advice(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda _: unserved()

    with pytest.raises(MissingError, match=r"kubectl apply -f manifests/crd\.yaml"):
        cluster.list(ROLLOUT, Scope())


def test_what_is_unchanged_is_told_by_metadata_alone(api: ApiServer, cluster: KubeCluster) -> None:
    names = [f"app-{n:02}" for n in range(20)]
    manifests = [manifest(name) for name in names]
    for number, item in enumerate(manifests):
        item["metadata"] |= {"uid": f"uid-{number}", "generation": 3}
    api.answer = PagedStore(*manifests)
    known = {ref: Version(f"uid-{number}", 3) for number, ref in enumerate(refs_to(DEPLOYMENT, *names))}
    moved, renewed, gone = refs_to(DEPLOYMENT, "app-03", "app-05", "gone")
    known |= {moved: Version("uid-3", 2), renewed: Version("another", 3), gone: Version("uid-x", 1)}

    assert set(cluster.unchanged(known)) == known.keys() - {moved, renewed, gone}
    [few] = refs_to(DEPLOYMENT, "app-07")
    assert list(cluster.unchanged({few: known[few]})) == [few]
    assert [request.headers["Accept"] for request in api.requests] == [
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
    ]


def test_what_cannot_be_read_is_not_said_to_be_unchanged(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda _: status(500, "oh")
    assert list(cluster.unchanged({ref: Version("a", 1) for ref in refs_to(DEPLOYMENT, "a", "b")})) == []


AT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
EVENT = Event(
    rollout=Ref(ROLLOUT, "test", "podinfo"),
    api_version="apps.weave.works/v1beta1",
    uid="u",
    revision="v1-abc",
    type="Normal",
    message="Advance rollout podinfo.test weight 10",
)


def test_a_new_event_is_stored(api: ApiServer, cluster: KubeCluster) -> None:
    cluster.record(EVENT, AT)

    [request] = api.requests
    assert (request.method, request.path, request.query) == (
        "POST",
        "/api/v1/namespaces/test/events",
        {"fieldManager": "steerer"},
    )
    assert request.body["metadata"]["name"] == EVENT.name
    assert request.body["lastTimestamp"] == "2026-01-31T12:00:00Z"


def test_an_event_that_is_there_already_is_counted(api: ApiServer, cluster: KubeCluster) -> None:
    replies = {"POST": status(409, "already exists"), "GET": Reply(body={"count": 3}), "PATCH": Reply()}
    api.answer = lambda request: replies[request.method]

    cluster.record(EVENT, AT)

    assert [request.method for request in api.requests] == ["POST", "GET", "PATCH"]
    assert api.requests[-1].path == f"/api/v1/namespaces/test/events/{EVENT.name}"
    assert api.requests[-1].body == [
        {"op": "test", "path": "/count", "value": 3},
        {"op": "add", "path": "/count", "value": 4},
        {"op": "add", "path": "/lastTimestamp", "value": "2026-01-31T12:00:00Z"},
    ]


def test_an_event_that_was_never_counted_is_counted_from_one(api: ApiServer, cluster: KubeCluster) -> None:
    replies = {"POST": status(409, "already exists"), "GET": Reply(body={}), "PATCH": Reply()}
    api.answer = lambda request: replies[request.method]

    cluster.record(EVENT, AT)

    assert [operation["value"] for operation in api.requests[-1].body] == [2, "2026-01-31T12:00:00Z"]


def test_an_event_that_expires_while_it_is_counted_is_stored_anew(api: ApiServer, cluster: KubeCluster) -> None:
    posts = iter([status(409, "already exists"), Reply(201)])
    api.answer = lambda request: next(posts) if request.method == "POST" else not_found(request)

    cluster.record(EVENT, AT)

    assert [request.method for request in api.requests] == ["POST", "GET", "POST"]


def test_a_count_that_is_lost_twice_is_given_up(api: ApiServer, cluster: KubeCluster) -> None:
    lost = status(422, "the server rejected our request due to an error in our request")
    replies = {"POST": status(409, "already exists"), "GET": Reply(body={"count": 1}), "PATCH": lost}
    api.answer = lambda request: replies[request.method]

    with pytest.raises(LostRaceError):
        cluster.record(EVENT, AT)

    assert [request.method for request in api.requests] == ["POST", "GET", "PATCH"] * 2


@pytest.mark.parametrize("installed", [True, False])
def test_scaled_objects_are_listed_only_where_the_server_has_them(api: ApiServer, installed: bool) -> None:  # noqa: FBT001
    groups = {"groups": [{"name": "apps"}, *([{"name": "keda.sh"}] if installed else [])]}
    api.answer = lambda request: Reply(200, groups if request.path == "/apis/" else {"metadata": {}, "items": []})
    with cluster_at(api.url) as cluster:
        assert cluster.list(SCALED_OBJECT, Scope(namespace="test")) == []
    listed = ["GET /apis/keda.sh/v1alpha1/namespaces/test/scaledobjects"] if installed else []
    assert api.lines == ["GET /apis/", *listed]
