"""The Kubernetes adapter against a server that answers what a test wants it to: the odd answers, mostly."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from reconcile import __version__
from reconcile.clusters.kube.cluster import KubeCluster, connect
from reconcile.clusters.kube.connection import WORKERS
from reconcile.clusters.kube.kubeconfig import Access
from reconcile.model.errors import (
    ClusterError,
    ForbiddenError,
    LostRaceError,
    MissingError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from reconcile.model.kinds import AUTOSCALER, DEPLOYMENT, ROLLOUT, SERVICE, VIRTUAL_SERVICE, Kind, Ref, Scope, Version
from reconcile.model.plan import Event, Patch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "s3cr3t-t0ken"  # noqa: S105  made up, to look for it in messages
AT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Sent:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Reply:
    """One answer. A `body` that is no bytes is sent as JSON, a byte every `drip` seconds if that is not 0.

    `length` is what Content-Length claims.
    """

    status: int = 200
    body: Any = field(default_factory=dict)
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    drip: float = 0


class Api:
    """A server on 127.0.0.1 that answers with what `answer` makes of a request, and remembers the requests."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.answer: Callable[[Sent], Reply] = lambda _: Reply()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                url = urlsplit(self.path)
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                sent = Sent(
                    self.command,
                    url.path,
                    dict(parse_qsl(url.query)),
                    dict(self.headers),
                    json.loads(raw) if raw else None,
                )
                api.sent.append(sent)
                self.reply(api.answer(sent))

            def reply(self, reply: Reply) -> None:
                body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.content_type)
                self.send_header("Content-Length", str(len(body) if reply.length is None else reply.length))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                pieces = [body[n : n + 1] for n in range(len(body))] if reply.drip else [body]
                for piece in pieces:
                    self.wfile.write(piece)
                    time.sleep(reply.drip)
                if reply.length is not None:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 64
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Say nothing: clients of these tests do hang up."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        """End it; its port refuses connections from then on."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def asked(self) -> list[str]:
        """Method and path of each request."""
        return [f"{sent.method} {sent.path}" for sent in self.sent]


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    yield api
    api.close()


@pytest.fixture
def cluster(api: Api) -> Iterator[KubeCluster]:
    with cluster_at(api.url) as cluster:
        yield cluster


def cluster_at(url: str, **options: Any) -> KubeCluster:
    access = Access(source="a test", cluster={"server": url}, user={"token": SECRET}, namespace="test")
    return KubeCluster(access, **{"timeout": 10.0, "environ": {}, **options})


def status(code: int, message: str = "", **details: Any) -> Reply:
    body = {"kind": "Status", "apiVersion": "v1", "code": code, "message": message, "details": details}
    return Reply(code, body)


def unserved() -> Reply:
    return Reply(404, b"404 page not found\n", "text/plain; charset=utf-8")


def missing(sent: Sent) -> Reply:
    return status(404, "not found", name=sent.path.rpartition("/")[2])


def named(kind: Kind, *names: str, namespace: str = "test") -> list[Ref]:
    return [Ref(kind, namespace, name) for name in names]


def thing(name: str, namespace: str = "test") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}}


class Store:
    """The objects of one kind, paged as an API server pages them."""

    def __init__(self, *things: dict[str, Any]) -> None:
        self.things = sorted(things, key=lambda item: (item["metadata"]["namespace"], item["metadata"]["name"]))
        self.tells_remaining = True

    def __call__(self, sent: Sent) -> Reply:
        """Answer a GET or a LIST."""
        parts = sent.path.split("/namespaces/")[-1].split("/") if "/namespaces/" in sent.path else []
        if len(parts) == 3:
            asked = {"namespace": parts[0], "name": parts[2]}
            found = [item for item in self.things if item["metadata"].items() >= asked.items()]
            return Reply(body=found[0]) if found else missing(sent)
        things = [item for item in self.things if not parts or item["metadata"]["namespace"] == parts[0]]
        start, limit = int(sent.query.get("continue", 0)), int(sent.query.get("limit", len(things)))
        page, rest = things[start : start + limit], len(things) - start - limit
        meta: dict[str, Any] = {"resourceVersion": "1"}
        if rest > 0:
            meta["continue"] = str(start + limit)
            if self.tells_remaining:
                meta["remainingItemCount"] = rest
        return Reply(body={"kind": "List", "metadata": meta, "items": page})


# --- What is sent ---


def test_a_request_says_who_asks_and_carries_the_token(api: Api, cluster: KubeCluster) -> None:
    cluster.list(SERVICE, Scope(namespace="test"))

    [sent] = api.sent
    assert sent.path == "/api/v1/namespaces/test/services"
    assert sent.query == {"limit": "500"}
    assert sent.headers["User-Agent"] == f"steerer/{__version__}"
    assert sent.headers["Authorization"] == f"Bearer {SECRET}"


def test_a_scope_of_the_whole_cluster_with_fields(api: Api, cluster: KubeCluster) -> None:
    cluster.list(DEPLOYMENT, Scope(fields={"metadata.name": "a,b=c\\d"}))

    [sent] = api.sent
    assert sent.path == "/apis/apps/v1/deployments"
    assert sent.query["fieldSelector"] == "metadata.name=a\\,b\\=c\\\\d"


def test_a_server_below_a_path_and_a_name_that_needs_escaping(api: Api) -> None:
    with cluster_at(f"{api.url}/k8s/clusters/c-1/") as cluster:
        cluster.fetch(named(DEPLOYMENT, "what?is=this"))

    assert api.asked == ["GET /k8s/clusters/c-1/apis/apps/v1/namespaces/test/deployments/what%3Fis%3Dthis"]


def test_a_name_that_no_object_can_have_is_absent_unasked_and_cannot_be_patched(api: Api, cluster: KubeCluster) -> None:
    assert cluster.fetch(named(DEPLOYMENT, "", "..", "../secrets/x")) == {}
    with pytest.raises(MissingError):
        cluster.patch(Patch(target=Ref(DEPLOYMENT, "test", ".."), api_version="apps/v1", operations=()))

    assert api.sent == []


def test_a_write_names_its_manager_and_what_else_is_asked_for(api: Api) -> None:
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

    [sent] = api.sent
    assert (sent.method, sent.path) == (
        "PATCH",
        "/apis/apps.weave.works/v1beta1/namespaces/test/rollouts/podinfo/status",
    )
    assert sent.query == {"fieldManager": "steerer", "dryRun": "All"}
    assert sent.headers["Content-Type"] == "application/json-patch+json"
    assert sent.body == list(operations)


def test_a_netrc_does_not_replace_the_token(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: KubeCluster
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))

    cluster.list(SERVICE, Scope())

    assert api.sent[0].headers["Authorization"] == f"Bearer {SECRET}"


def test_no_redirect_takes_the_token_elsewhere(api: Api, cluster: KubeCluster) -> None:
    api.answer = lambda _: Reply(302, b"", "text/html", {"Location": f"{api.url}/elsewhere"})

    with pytest.raises(UnreachableError, match="302"):
        cluster.list(SERVICE, Scope())

    assert len(api.sent) == 1


# --- LIST ---


def test_the_items_of_a_list_get_what_they_lack_and_are_sorted(api: Api, cluster: KubeCluster) -> None:
    api.answer = lambda _: Reply(body={"items": [thing("b"), thing("a", "zoo"), thing("a")]})

    found = cluster.list(DEPLOYMENT, Scope())

    assert [(item["apiVersion"], item["kind"]) for item in found] == [("apps/v1", "Deployment")] * 3
    assert [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in found] == [
        ("test", "a"),
        ("test", "b"),
        ("zoo", "a"),
    ]


def test_pages_are_followed_to_the_last(api: Api) -> None:
    api.answer = Store(*(thing(f"app-{n:02}") for n in range(25)))

    with cluster_at(api.url, page=10) as cluster:
        found = cluster.list(DEPLOYMENT, Scope())

    assert len(found) == 25
    assert [sent.query for sent in api.sent] == [
        {"limit": "10"},
        {"limit": "10", "continue": "10"},
        {"limit": "10", "continue": "20"},
    ]


def test_a_list_that_expires_begins_anew_without_what_is_gone_meanwhile(api: Api) -> None:
    old, new = Store(*(thing(f"old-{n}") for n in range(4))), Store(*(thing(f"new-{n}") for n in range(4)))
    stores = iter([old, None, new, new])

    def answer(sent: Sent) -> Reply:
        store = next(stores)
        return store(sent) if store else status(410, "too old")

    api.answer = answer

    with cluster_at(api.url, page=2) as cluster:
        found = cluster.list(DEPLOYMENT, Scope())

    assert [item["metadata"]["name"] for item in found] == ["new-0", "new-1", "new-2", "new-3"]


def test_a_list_that_expires_again_and_again_is_asked_for_whole(api: Api) -> None:
    store = Store(*(thing(f"app-{n}") for n in range(4)))
    api.answer = lambda sent: status(410, "too old") if "continue" in sent.query else store(sent)

    with cluster_at(api.url, page=2) as cluster:
        assert len(cluster.list(DEPLOYMENT, Scope())) == 4
    assert [sorted(sent.query) for sent in api.sent] == [["limit"], ["continue", "limit"]] * 2 + [[]]


def test_a_list_that_is_gone_even_whole_is_an_error(api: Api, cluster: KubeCluster) -> None:
    api.answer = lambda _: status(410, "too old")

    with pytest.raises(UnreachableError, match="expired"):
        cluster.list(DEPLOYMENT, Scope())


def test_a_server_that_gives_the_same_page_for_ever_is_left(api: Api, cluster: KubeCluster) -> None:
    api.answer = lambda _: Reply(body={"metadata": {"continue": "again"}, "items": [thing("a")]})

    with pytest.raises(UnreachableError, match="again and again"):
        cluster.list(DEPLOYMENT, Scope())


def test_an_older_version_is_found_and_remembered(api: Api, cluster: KubeCluster) -> None:
    api.answer = lambda sent: Reply(body={"items": [thing("a")]}) if "v1alpha3" in sent.path else unserved()

    [first] = cluster.list(VIRTUAL_SERVICE, Scope())
    cluster.list(VIRTUAL_SERVICE, Scope())

    assert first["apiVersion"] == "networking.istio.io/v1alpha3"
    assert [sent.path.split("/")[3] for sent in api.sent] == ["v1", "v1beta1", "v1alpha3", "v1alpha3"]


def test_a_version_that_is_no_longer_served_is_looked_for_again(api: Api, cluster: KubeCluster) -> None:
    api.answer = lambda sent: Reply(body={"items": []}) if "v1beta1" in sent.path else unserved()
    cluster.list(VIRTUAL_SERVICE, Scope())
    api.answer = lambda sent: Reply(body={"items": [thing("a")]}) if "v1/" in sent.path else unserved()

    [found] = cluster.list(VIRTUAL_SERVICE, Scope())

    assert found["apiVersion"] == "networking.istio.io/v1"


def test_a_kind_that_the_server_does_not_have_has_no_objects(api: Api, cluster: KubeCluster) -> None:
    api.answer = lambda _: unserved()

    assert cluster.list(AUTOSCALER, Scope()) == []


def test_without_the_rollout_resource_there_is_advice(api: Api, cluster: KubeCluster) -> None:
    api.answer = lambda _: unserved()

    with pytest.raises(MissingError, match=r"kubectl apply -f manifests/crd\.yaml"):
        cluster.list(ROLLOUT, Scope())


def test_a_list_without_a_right_names_the_rule_to_add(api: Api, cluster: KubeCluster) -> None:
    api.answer = lambda _: status(
        403,
        'deployments.apps is forbidden: User "system:serviceaccount:ops:steerer" cannot list resource "deployments" '
        'in API group "apps" in the namespace "test"',
        kind="deployments",
    )

    with pytest.raises(ForbiddenError) as caught:
        cluster.list(DEPLOYMENT, Scope(namespace="test"))

    assert str(caught.value) == (
        'forbidden: cannot list deployments.apps in namespace test: grant verbs ["list"] on resources ["deployments"] '
        'of apiGroups ["apps"] to system:serviceaccount:ops:steerer'
    )


# --- Odd answers ---


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
def test_what_is_no_usable_answer_is_said_in_words(api: Api, cluster: KubeCluster, reply: Reply, words: str) -> None:
    api.answer = lambda _: reply

    with pytest.raises(UnreachableError, match=words) as caught:
        cluster.list(DEPLOYMENT, Scope())

    assert "cannot list deployments.apps in all namespaces" in str(caught.value)


def test_a_list_of_nothing_may_say_null(api: Api, cluster: KubeCluster) -> None:
    api.answer = lambda _: Reply(body={"metadata": None, "items": None})

    assert cluster.list(DEPLOYMENT, Scope()) == []


def test_credentials_that_are_not_accepted(api: Api, cluster: KubeCluster) -> None:
    api.answer = lambda _: status(401, "Unauthorized")

    with pytest.raises(ForbiddenError, match="log in again") as caught:
        cluster.list(DEPLOYMENT, Scope())

    assert SECRET not in str(caught.value)


def test_nobody_listens() -> None:
    api = Api()
    api.close()

    with cluster_at(api.url) as cluster, pytest.raises(UnreachableError, match="Connection refused") as caught:
        cluster.list(DEPLOYMENT, Scope())

    assert caught.value.__cause__ is not None


def test_a_server_that_does_not_answer_in_time(api: Api) -> None:
    release = threading.Event()

    def late(_: Sent) -> Reply:
        release.wait(10)
        return Reply()

    api.answer = late
    with cluster_at(api.url, timeout=0.5) as cluster, pytest.raises(UnreachableError, match=r"within 0\.5 s"):
        cluster.list(DEPLOYMENT, Scope())
    release.set()

    assert len(api.sent) == 1


def test_a_server_that_cannot_be_reached_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("urllib3.util.connection.create_connection", hang)

    with (
        cluster_at("http://kubernetes.example", timeout=0.1) as cluster,
        pytest.raises(UnreachableError, match=r"no answer from http://kubernetes.example: no connection within 0\.1 s"),
    ):
        cluster.list(DEPLOYMENT, Scope())


def test_a_server_that_drips_is_given_up(api: Api) -> None:
    api.answer = lambda _: Reply(200, {"items": []}, drip=0.2)

    with cluster_at(api.url, timeout=0.5) as cluster, pytest.raises(UnreachableError, match="no complete answer"):
        cluster.list(DEPLOYMENT, Scope())


def test_a_server_that_stops_in_the_middle_is_given_up(api: Api) -> None:
    api.answer = lambda _: Reply(200, {"items": []}, drip=2)

    with cluster_at(api.url, timeout=0.5) as cluster, pytest.raises(UnreachableError, match="no complete answer"):
        cluster.list(DEPLOYMENT, Scope())


def test_a_proxy_that_is_not_there(api: Api) -> None:
    proxy = Api()
    proxy.close()
    access = Access(source="a test", cluster={"server": api.url, "proxy-url": proxy.url.replace("//", "//me:pw@")})

    with KubeCluster(access, environ={}) as cluster, pytest.raises(UnreachableError, match="proxy") as caught:
        cluster.list(DEPLOYMENT, Scope())

    assert "pw@" not in str(caught.value)


# --- Trying again ---


def test_a_read_waits_as_it_is_told_and_tries_again(api: Api, cluster: KubeCluster) -> None:
    replies = iter([Reply(429, {}, headers={"Retry-After": "0"}), Reply(body={"items": [thing("a")]})])
    api.answer = lambda _: next(replies)

    assert len(cluster.list(DEPLOYMENT, Scope())) == 1


def test_a_read_does_not_wait_for_as_long_as_a_server_likes(api: Api, cluster: KubeCluster) -> None:
    replies = iter([Reply(503, {}, headers={"Retry-After": "3600"}), Reply(body={"items": []})])
    api.answer = lambda _: next(replies)

    assert cluster.list(DEPLOYMENT, Scope()) == []


def test_a_read_tries_no_more_than_twice_again(api: Api, cluster: KubeCluster) -> None:
    api.answer = lambda _: Reply(429, {"message": "busy"}, headers={"Retry-After": "0"})

    with pytest.raises(UnreachableError, match="busy"):
        cluster.list(DEPLOYMENT, Scope())

    assert len(api.sent) == 3


@pytest.mark.parametrize(
    "reply", [Reply(429, {"message": "429"}), Reply(503, {"message": "503"}, headers={"Retry-After": "0"})]
)
def test_a_write_is_sent_once(api: Api, cluster: KubeCluster, reply: Reply) -> None:
    api.answer = lambda _: reply

    with pytest.raises(UnreachableError, match=str(reply.status)):
        cluster.patch(Patch(target=Ref(DEPLOYMENT, "test", "a"), api_version="apps/v1", operations=()))

    assert len(api.sent) == 1


def test_a_write_that_was_not_looked_at_is_sent_again_when_the_server_says(api: Api, cluster: KubeCluster) -> None:
    replies = iter([Reply(429, {}, headers={"Retry-After": "0"}), Reply()])
    api.answer = lambda _: next(replies)

    cluster.patch(Patch(target=Ref(DEPLOYMENT, "test", "a"), api_version="apps/v1", operations=()))

    assert len(api.sent) == 2
    assert api.sent[0].body == api.sent[1].body


def test_the_environment_names_the_proxy_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", api.url)
    with cluster_at("http://kubernetes.invalid") as cluster:
        monkeypatch.delenv("HTTP_PROXY")
        cluster.list(SERVICE, Scope())

    assert api.sent[0].headers["Host"] == "kubernetes.invalid"


# --- PATCH ---


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (status(409, "the object has been modified"), LostRaceError, "modified"),
        (status(422, "the server rejected our request due to an error in our request"), LostRaceError, "no longer"),
        (status(422, "Rollout x is invalid: spec.a: too long", name="x", causes=[{}]), RefusedError, "too long"),
        (status(422, "ValidatingAdmissionPolicy 'p' denied request: no"), RefusedError, "denied request: no"),
        (status(400, "invalid JSON patch"), RefusedError, "invalid JSON patch"),
        (status(413, "too large"), RefusedError, "too large"),
        (status(403, 'admission webhook "a.b" denied the request: no'), RefusedError, "denied the request: no"),
        (status(409, 'admission webhook "a.b" denied the request: no'), RefusedError, "denied the request: no"),
        (status(403, 'deployments.apps "x" is forbidden: exceeded quota'), RefusedError, "exceeded quota"),
        (status(404, 'deployments.apps "x" not found', name="x"), MissingError, "not found"),
        (status(504, "timeout"), UnreachableError, "504"),
        (
            status(403, 'x is forbidden: User "me" cannot patch resource "rollouts/status" in API group "g"'),
            ForbiddenError,
            r'grant verbs \["patch"\] on resources \["rollouts/status"\] of apiGroups \["apps.weave.works"\] to me$',
        ),
        (unserved(), MissingError, "the API has no Rollout in apps.weave.works/v1beta1"),
    ],
)
def test_what_an_answer_to_a_patch_means(
    api: Api, cluster: KubeCluster, reply: Reply, error: type[ClusterError], words: str
) -> None:
    api.answer = lambda _: reply
    patch = Patch(
        target=Ref(ROLLOUT, "test", "podinfo"),
        api_version="apps.weave.works/v1beta1",
        operations=({"op": "test", "path": "/a", "value": 1},),
        subresource="status",
    )

    with pytest.raises(error, match=words) as caught:
        cluster.patch(patch)

    assert type(caught.value).__mro__[:2].count(error) == 1


def test_foreign_words_are_quoted_on_one_line_at_bounded_length_and_without_userinfo(
    api: Api, cluster: KubeCluster
) -> None:
    api.answer = lambda _: status(400, "bad\nhttp://me:pw@host/ " + "x" * 5000)

    with pytest.raises(RefusedError) as caught:
        cluster.patch(Patch(target=Ref(DEPLOYMENT, "test", "a"), api_version="apps/v1", operations=()))

    message = str(caught.value)
    assert "\n" not in message
    assert "pw" not in message
    assert len(message) < 1000


# --- fetch ---


def test_objects_are_found_absent_or_in_trouble_each_for_itself(api: Api, cluster: KubeCluster) -> None:
    replies = {
        "there": Reply(body={"kind": "Deployment", **thing("there")}),
        "hidden": status(403, 'User "me" cannot get resource "deployments" in API group "apps"', name="hidden"),
        "broken": status(500, "oh"),
    }
    api.answer = lambda sent: replies.get(sent.path.rpartition("/")[2]) or missing(sent)
    refs = there, hidden, broken, absent = named(DEPLOYMENT, "there", "hidden", "broken", "absent")

    found = cluster.fetch(refs)

    assert set(found) == {there, hidden, broken}
    assert found[there] == {"kind": "Deployment", **thing("there")}
    assert isinstance(found[hidden], ForbiddenError)
    assert isinstance(found[broken], UnreachableError)
    assert absent not in found


def test_nothing_is_asked_for_nothing(api: Api, cluster: KubeCluster) -> None:
    assert cluster.fetch([]) == {}
    assert api.sent == []


def test_gets_run_at_the_same_time(api: Api, cluster: KubeCluster) -> None:
    together = threading.Barrier(8)

    def answer(sent: Sent) -> Reply:
        together.wait(5)
        return missing(sent)

    api.answer = answer

    assert cluster.fetch(named(DEPLOYMENT, *"abcdefgh")) == {}


def test_many_objects_come_in_pages_that_hold_strangers_too(api: Api) -> None:
    api.answer = Store(*(thing(f"app-{n:02}") for n in range(30)))
    refs = named(DEPLOYMENT, *(f"app-{n:02}" for n in range(0, 30, 2)))

    with cluster_at(api.url, page=10) as cluster:
        found = cluster.fetch(refs)

    assert sorted(found) == refs
    assert all(isinstance(item, dict) and item["kind"] == "Deployment" for item in found.values())
    assert len(api.sent) == 3


def test_a_namespace_full_of_strangers_is_left_for_gets(api: Api) -> None:
    store = Store(*(thing(f"app-{n:04}") for n in range(1000)))
    api.answer = store
    refs = named(DEPLOYMENT, *(f"app-{n:04}" for n in range(900, 912)))

    with cluster_at(api.url, page=10) as cluster:
        found = cluster.fetch(refs)

    assert sorted(found) == refs
    assert len(api.sent) == 1 + 12


def test_a_server_that_does_not_say_what_remains_cannot_make_a_reading_long(api: Api) -> None:
    store = Store(*(thing(f"app-{n:04}") for n in range(1000)))
    store.tells_remaining = False
    api.answer = store
    refs = named(DEPLOYMENT, *(f"app-{n:04}" for n in range(900, 912)))

    with cluster_at(api.url, page=10) as cluster:
        assert sorted(cluster.fetch(refs)) == refs
    assert len(api.sent) == 12 + 12


def test_a_page_that_has_everything_is_the_last_one_asked_for(api: Api) -> None:
    api.answer = Store(*(thing(f"app-{n:04}") for n in range(1000)))
    refs = named(DEPLOYMENT, *(f"app-{n:04}" for n in range(10)))

    with cluster_at(api.url, page=10) as cluster:
        assert sorted(cluster.fetch(refs)) == refs
    assert len(api.sent) == 1


def test_a_thousand_rollouts_are_read_in_eight_requests(api: Api, cluster: KubeCluster) -> None:
    things = [thing(f"app-{n:04}", f"ns-{n % 20:02}") for n in range(2000)]
    api.answer = Store(*things, thing("dns", "kube-system"))
    refs = [Ref(DEPLOYMENT, item["metadata"]["namespace"], item["metadata"]["name"]) for item in things]

    found = cluster.fetch(refs)

    assert len(found) == 2000
    assert len(api.sent) <= 6


def test_a_huge_cluster_is_left_for_its_namespaces(api: Api) -> None:
    things = [thing(f"app-{n:03}", f"ns-{n % 20:02}") for n in range(200)]
    api.answer = Store(*things, *(thing(f"z-{n:04}", "stuff") for n in range(3000)))
    refs = [Ref(DEPLOYMENT, item["metadata"]["namespace"], item["metadata"]["name"]) for item in things]

    with cluster_at(api.url, page=50) as cluster:
        found = cluster.fetch(refs)

    assert len(found) == 200
    assert len(api.sent) <= 1 + 20


def test_the_first_page_is_short_where_few_are_looked_for_and_no_other(api: Api, cluster: KubeCluster) -> None:
    store = Store(*(thing(f"app-{n:03}") for n in range(600)))
    api.answer = store
    refs = named(DEPLOYMENT, *(f"app-{n:03}" for n in range(0, 600, 10)))

    assert sorted(cluster.fetch(refs)) == refs
    assert [sent.query["limit"] for sent in api.sent] == ["240", "500"]


def test_few_among_many_strangers_cost_a_short_page_of_them(api: Api, cluster: KubeCluster) -> None:
    api.answer = Store(*(thing(f"app-{n:04}") for n in range(5000)))
    refs = named(DEPLOYMENT, *(f"app-{n:04}" for n in range(4000, 4010)))

    assert sorted(cluster.fetch(refs)) == refs
    assert len(api.sent) == 1 + 10
    assert api.sent[0].query["limit"] == "40"


# --- unchanged ---


def test_what_is_unchanged_is_told_by_metadata_alone(api: Api, cluster: KubeCluster) -> None:
    names = [f"app-{n:02}" for n in range(20)]
    things = [thing(name) for name in names]
    for number, item in enumerate(things):
        item["metadata"] |= {"uid": f"uid-{number}", "generation": 3}
    api.answer = Store(*things)
    known = {ref: Version(f"uid-{number}", 3) for number, ref in enumerate(named(DEPLOYMENT, *names))}
    moved, renewed, gone = named(DEPLOYMENT, "app-03", "app-05", "gone")
    known |= {moved: Version("uid-3", 2), renewed: Version("another", 3), gone: Version("uid-x", 1)}

    assert set(cluster.unchanged(known)) == known.keys() - {moved, renewed, gone}
    [few] = named(DEPLOYMENT, "app-07")
    assert list(cluster.unchanged({few: known[few]})) == [few]
    assert [sent.headers["Accept"] for sent in api.sent] == [
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
    ]


def test_what_cannot_be_read_is_not_said_to_be_unchanged(api: Api, cluster: KubeCluster) -> None:
    api.answer = lambda _: status(500, "oh")
    assert list(cluster.unchanged({ref: Version("a", 1) for ref in named(DEPLOYMENT, "a", "b")})) == []


def test_a_list_without_a_right_is_replaced_by_what_may_be_allowed(api: Api, cluster: KubeCluster) -> None:
    store = Store(*(thing(f"app-{n}") for n in range(10)))

    def answer(sent: Sent) -> Reply:
        if sent.path.endswith("/deployments"):
            return status(403, 'User "me" cannot list resource "deployments"')
        return store(sent)

    api.answer = answer
    refs = named(DEPLOYMENT, *(f"app-{n}" for n in range(10)))

    assert sorted(cluster.fetch(refs)) == refs
    assert len(api.sent) == 11


def test_credentials_that_a_list_is_refused_with_are_not_tried_object_by_object(api: Api, cluster: KubeCluster) -> None:
    api.answer = lambda _: status(401, "Unauthorized")
    refs = named(DEPLOYMENT, *(f"app-{n}" for n in range(10)))

    found = cluster.fetch(refs)

    assert sorted(found) == refs
    assert all(isinstance(error, ForbiddenError) for error in found.values())
    assert len(api.sent) == 1


def test_a_list_that_breaks_is_the_trouble_of_what_it_did_not_bring(api: Api) -> None:
    store = Store(*(thing(f"app-{n:02}") for n in range(20)))
    api.answer = lambda sent: status(500, "oh") if "continue" in sent.query else store(sent)
    refs = named(DEPLOYMENT, *(f"app-{n:02}" for n in range(20)))

    with cluster_at(api.url, page=10) as cluster:
        found = cluster.fetch(refs)

    assert [isinstance(found[ref], UnreachableError) for ref in refs] == [False] * 10 + [True] * 10


def test_single_objects_find_the_version_that_is_served_once(api: Api, cluster: KubeCluster) -> None:
    api.answer = lambda sent: Reply(body=thing("x")) if "v1alpha3" in sent.path else unserved()

    found = cluster.fetch(named(VIRTUAL_SERVICE, *"abcdefgh"))

    assert len(found) == 8
    assert len(api.sent) == 2 + 8


def test_an_absent_object_tells_that_its_version_is_served(api: Api, cluster: KubeCluster) -> None:
    api.answer = missing

    assert cluster.fetch(named(VIRTUAL_SERVICE, "a", "b")) == {}
    assert [sent.path.split("/")[3] for sent in api.sent] == ["v1", "v1"]


def test_a_kind_that_is_not_there_costs_no_more_than_its_versions(api: Api, cluster: KubeCluster) -> None:
    api.answer = lambda _: unserved()

    assert cluster.fetch(named(VIRTUAL_SERVICE, "a")) == {}
    assert len(api.sent) == 3
    assert cluster.fetch(named(VIRTUAL_SERVICE, *(f"vs-{n}" for n in range(20)))) == {}
    assert len(api.sent) == 6
    pairs = [ref for n in range(20) for ref in named(VIRTUAL_SERVICE, "a", "b", namespace=f"ns-{n:02}")]
    assert cluster.fetch(pairs) == {}
    assert len(api.sent) <= 6 + 3 * WORKERS


# --- Events ---

EVENT = Event(
    rollout=Ref(ROLLOUT, "test", "podinfo"),
    api_version="apps.weave.works/v1beta1",
    uid="u",
    revision="v1-abc",
    type="Normal",
    message="Advance rollout podinfo.test weight 10",
)


def test_a_new_event_is_stored(api: Api, cluster: KubeCluster) -> None:
    cluster.record(EVENT, AT)

    [sent] = api.sent
    assert (sent.method, sent.path, sent.query) == (
        "POST",
        "/api/v1/namespaces/test/events",
        {"fieldManager": "steerer"},
    )
    assert sent.body["metadata"]["name"] == EVENT.name
    assert sent.body["lastTimestamp"] == "2026-01-31T12:00:00Z"


def test_an_event_that_is_there_already_is_counted(api: Api, cluster: KubeCluster) -> None:
    replies = {"POST": status(409, "already exists"), "GET": Reply(body={"count": 3}), "PATCH": Reply()}
    api.answer = lambda sent: replies[sent.method]

    cluster.record(EVENT, AT)

    assert [sent.method for sent in api.sent] == ["POST", "GET", "PATCH"]
    assert api.sent[-1].path == f"/api/v1/namespaces/test/events/{EVENT.name}"
    assert api.sent[-1].body == [
        {"op": "test", "path": "/count", "value": 3},
        {"op": "add", "path": "/count", "value": 4},
        {"op": "add", "path": "/lastTimestamp", "value": "2026-01-31T12:00:00Z"},
    ]


def test_an_event_that_was_never_counted_is_counted_from_one(api: Api, cluster: KubeCluster) -> None:
    replies = {"POST": status(409, "already exists"), "GET": Reply(body={}), "PATCH": Reply()}
    api.answer = lambda sent: replies[sent.method]

    cluster.record(EVENT, AT)

    assert [operation["value"] for operation in api.sent[-1].body] == [2, "2026-01-31T12:00:00Z"]


def test_an_event_that_expires_while_it_is_counted_is_stored_anew(api: Api, cluster: KubeCluster) -> None:
    posts = iter([status(409, "already exists"), Reply(201)])
    api.answer = lambda sent: next(posts) if sent.method == "POST" else missing(sent)

    cluster.record(EVENT, AT)

    assert [sent.method for sent in api.sent] == ["POST", "GET", "POST"]


def test_a_count_that_is_lost_twice_is_given_up(api: Api, cluster: KubeCluster) -> None:
    lost = status(422, "the server rejected our request due to an error in our request")
    replies = {"POST": status(409, "already exists"), "GET": Reply(body={"count": 1}), "PATCH": lost}
    api.answer = lambda sent: replies[sent.method]

    with pytest.raises(LostRaceError):
        cluster.record(EVENT, AT)

    assert [sent.method for sent in api.sent] == ["POST", "GET", "PATCH"] * 2


# --- Credentials ---


def plugin(tmp_path: Path, script: str) -> dict[str, Any]:
    path = tmp_path / "login"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"exec": {"command": str(path), "apiVersion": "client.authentication.k8s.io/v1"}}


def test_a_credential_plugin_is_asked_once_and_again_when_its_token_has_expired(api: Api, tmp_path: Path) -> None:
    count = tmp_path / "count"
    script = f'echo x >> {count}; echo "{{\\"status\\": {{\\"token\\": \\"token-$(wc -l < {count} | tr -d " ")\\"}}}}"'
    access = Access(source="a test", cluster={"server": api.url}, user=plugin(tmp_path, script))
    api.answer = lambda sent: (
        status(401, "Unauthorized") if sent.headers["Authorization"] == "Bearer token-1" else missing(sent)
    )

    with KubeCluster(access, environ={"PATH": "/usr/bin:/bin"}) as cluster:
        assert cluster.fetch(named(DEPLOYMENT, *"abcdefgh")) == {}
        assert cluster.fetch(named(SERVICE, "a")) == {}

    assert count.read_text().count("x") == 2


def test_a_credential_plugin_that_has_nothing_new_is_not_asked_for_ever(api: Api, tmp_path: Path) -> None:
    access = Access(
        source="a test", cluster={"server": api.url}, user=plugin(tmp_path, """echo '{"status": {"token": "old"}}'""")
    )
    api.answer = lambda _: status(401, "Unauthorized")

    with KubeCluster(access, environ={"PATH": "/usr/bin:/bin"}) as cluster, pytest.raises(ForbiddenError):
        cluster.list(DEPLOYMENT, Scope())

    assert len(api.sent) == 1


def test_a_token_file_that_vanishes_is_the_trouble_of_each_object(api: Api, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one\n")
    access = Access(source="a test", cluster={"server": api.url}, user={"tokenFile": str(token)})
    with KubeCluster(access, environ={}) as cluster:
        cluster.list(SERVICE, Scope())
        token.write_text("two\n")
        cluster.list(SERVICE, Scope())
        token.unlink()
        [ref] = named(DEPLOYMENT, "a")

        error = cluster.fetch([ref])[ref]

    assert [sent.headers["Authorization"] for sent in api.sent] == ["Bearer one", "Bearer two"]
    assert isinstance(error, ForbiddenError)
    assert "token file" in str(error)


def test_impersonation_is_passed_on(api: Api) -> None:
    user = {"token": SECRET, "as": "jane", "as-groups": ["ops"]}
    with KubeCluster(Access(source="a test", cluster={"server": api.url}, user=user), environ={}) as cluster:
        cluster.list(SERVICE, Scope())

    assert api.sent[0].headers["Impersonate-User"] == "jane"
    assert api.sent[0].headers["Impersonate-Group"] == "ops"


def test_connecting_sends_nothing_and_knows_the_namespace(api: Api, tmp_path: Path) -> None:
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
        assert api.sent == []
        cluster.list(SERVICE, Scope())

    assert api.sent[0].headers["Authorization"] == "Basic bWU6cHc="


def test_certificates_of_the_kubeconfig_are_files_for_us_alone_and_go_with_the_connection(api: Api) -> None:
    inline = {"client-certificate-data": "Y2VydA==", "client-key-data": "a2V5"}
    with KubeCluster(Access(source="a test", cluster={"server": api.url}, user=inline), environ={}) as cluster:
        key = Path(cluster.connection.client.config.user["client-key"].filename())
        assert key.stat().st_mode & 0o777 == 0o600

    assert not key.exists()


def test_credentials_that_cannot_be_used_leave_no_files_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    access = Access(source="a test", cluster={"server": "http://127.0.0.1:1"}, user={"client-key-data": "no base64"})

    with pytest.raises(UsageError, match="base64"):
        KubeCluster(access, environ={})

    assert list(tmp_path.iterdir()) == []
