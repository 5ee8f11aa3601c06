"""Responses that hold no usable object, and how much of their words a message quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconcile.clusters.kube.call import Call
from reconcile.clusters.kube.responses import ApiResponse, Body
from reconcile.model.errors import RefusedError, UnreachableError
from reconcile.model.kinds import DEPLOYMENT, Scope
from tests.unit.clusters.kube.api_server import PATCH, ApiServer, Reply, manifest, status

if TYPE_CHECKING:
    from reconcile.clusters.kube.cluster import KubeCluster


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(200, b"<html>Log in</html>", "text/html"), "text/html"),
        (Reply(200, b'{"items": [', "application/json"), "cut off"),
        (Reply(200, b"[]", "application/json"), "no JSON object"),
        (Reply(200, b"", "application/json"), "0 bytes"),
        (Reply(200, b"{}", "application/json", length=4000), "the connection broke"),
        (Reply(200, {"items": {"a": 1}}), "no list of objects"),
        (Reply(200, {"items": ["a"]}), "no list of objects"),
        (Reply(404, b"<html>", "text/html"), "web page"),
        (Reply(500, b"<html>", "text/html"), "500 with text/html"),
        (status(500, "etcdserver: leader changed"), "leader changed"),
        (status(503, "the server is currently unable to handle the request"), "503"),
        (status(429, "too many requests"), "429"),
        (Reply(502, b"upstream \n gone", "text/plain"), "upstream gone"),
        (Reply(504, b"", "text/plain"), "status 504"),
        (Reply(500, [1], "application/json"), "500"),
    ],
)
def test_what_is_no_usable_answer_is_said_in_words(
    api: ApiServer, cluster: KubeCluster, reply: Reply, words: str
) -> None:
    api.answer = lambda _: reply

    with pytest.raises(UnreachableError, match=words) as caught:
        cluster.list(DEPLOYMENT, Scope())

    assert "cannot list deployments.apps in all namespaces" in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(200, b"<html>Log in</html>", "text/html"), "text/html"),
        (Reply(200, b'{"kind": "Depl', "application/json"), "cut off"),
        (Reply(200, b'{"kind": "\xff"}', "application/json"), "no JSON object"),
        (Reply(200, b'{"a": ' * 5000 + b"1" + b"}" * 5000, "application/json"), "no JSON object"),
        (Reply(201, b"[]", "application/json"), "no JSON object"),
        (status(500, "etcdserver: leader changed"), "leader changed"),
    ],
)
def test_the_answer_to_a_write_is_looked_at_although_nobody_reads_it(
    api: ApiServer, cluster: KubeCluster, reply: Reply, words: str
) -> None:
    api.answer = lambda _: reply

    with pytest.raises(UnreachableError, match=words):
        cluster.patch(PATCH)


def test_what_a_write_stored_can_be_read_from_its_answer(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda _: Reply(body=manifest("a"))

    assert cluster.patch(PATCH)() == manifest("a")


def test_a_list_of_nothing_may_say_null(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda _: Reply(body={"metadata": None, "items": None})

    assert cluster.list(DEPLOYMENT, Scope()) == []


def test_the_items_of_a_list_get_what_they_lack_and_are_sorted(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda _: Reply(body={"items": [manifest("b"), manifest("a", "zoo"), manifest("a")]})

    found = cluster.list(DEPLOYMENT, Scope())

    assert [(item["apiVersion"], item["kind"]) for item in found] == [("apps/v1", "Deployment")] * 3
    assert [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in found] == [
        ("test", "a"),
        ("test", "b"),
        ("zoo", "a"),
    ]


def test_foreign_words_are_quoted_on_one_line_at_bounded_length_and_without_userinfo(
    api: ApiServer, cluster: KubeCluster
) -> None:
    api.answer = lambda _: status(400, "bad\nhttp://me:pw@host/ " + "x" * 5000)

    with pytest.raises(RefusedError) as caught:
        cluster.patch(PATCH)

    message = str(caught.value)
    assert "\n" not in message
    assert "pw" not in message
    assert len(message) < 1000


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"a": [1, 2.5, 1E5, -0, 12345678901234567890123]}', [1, 2.5, 100000.0, 0, 12345678901234567890123]),
        (b'{"a": 1, "a": "\\ud800"}', "\ud800"),
        (b'{"a": 1e400}', float("inf")),
        ('{"a": "é"}'.encode("utf-16"), "é"),
    ],
)
def test_json_that_decoders_do_not_agree_about(body: bytes, found: object) -> None:
    call = Call(verb="get", kind=DEPLOYMENT, version="v1", name="a")

    response = ApiResponse(call, 200, "application/json", Body(body))
    response.check()
    assert response.read() == {"a": found}
