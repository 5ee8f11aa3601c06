"""When a request is tried again, and how long the client waits before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconcile.clusters.kube import client
from reconcile.model.errors import UnreachableError
from reconcile.model.kinds import DEPLOYMENT, Scope
from tests.unit.clusters.kube.api_server import PATCH, ApiServer, Reply, manifest

if TYPE_CHECKING:
    from reconcile.clusters.kube.cluster import KubeCluster


def test_a_read_waits_as_it_is_told_and_tries_again(api: ApiServer, cluster: KubeCluster) -> None:
    replies = iter([Reply(429, {}, headers={"Retry-After": "0"}), Reply(body={"items": [manifest("a")]})])
    api.answer = lambda _: next(replies)

    assert len(cluster.list(DEPLOYMENT, Scope())) == 1


def test_a_read_does_not_wait_for_as_long_as_a_server_likes(
    api: ApiServer, cluster: KubeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LONGEST_RETRY_AFTER", 0.01)
    replies = iter([Reply(503, {}, headers={"Retry-After": "3600"}), Reply(body={"items": []})])
    api.answer = lambda _: next(replies)

    assert cluster.list(DEPLOYMENT, Scope()) == []


def test_a_read_tries_no_more_than_twice_again(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda _: Reply(429, {"message": "busy"}, headers={"Retry-After": "0"})

    with pytest.raises(UnreachableError, match="busy"):
        cluster.list(DEPLOYMENT, Scope())

    assert len(api.requests) == 3


@pytest.mark.parametrize(
    "reply", [Reply(429, {"message": "429"}), Reply(503, {"message": "503"}, headers={"Retry-After": "0"})]
)
def test_a_write_is_sent_once(api: ApiServer, cluster: KubeCluster, reply: Reply) -> None:
    api.answer = lambda _: reply

    with pytest.raises(UnreachableError, match=str(reply.status)):
        cluster.patch(PATCH)

    assert len(api.requests) == 1


def test_a_write_that_was_not_looked_at_is_sent_again_when_the_server_says(
    api: ApiServer, cluster: KubeCluster
) -> None:
    replies = iter([Reply(429, {}, headers={"Retry-After": "0"}), Reply()])
    api.answer = lambda _: next(replies)

    cluster.patch(PATCH)

    assert len(api.requests) == 2
    assert api.requests[0].body == api.requests[1].body
