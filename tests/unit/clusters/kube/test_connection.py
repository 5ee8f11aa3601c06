"""One request and its response: addresses, headers, proxies, timeouts, broken connections."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconcile import __version__
from reconcile.clusters.kube import exchange
from reconcile.clusters.kube.access import Access
from reconcile.clusters.kube.cluster import KubeCluster
from reconcile.model.errors import UnreachableError, UsageError
from reconcile.model.kinds import DEPLOYMENT, SERVICE, Scope
from tests.unit.clusters.kube.api_server import SECRET, ApiServer, Reply, Request, cluster_at, refs_to


def test_a_request_says_who_asks_and_carries_the_token(api: ApiServer, cluster: KubeCluster) -> None:
    cluster.list(SERVICE, Scope(namespace="test"))

    [request] = api.requests
    assert request.path == "/api/v1/namespaces/test/services"
    assert request.query == {"limit": "500"}
    assert request.headers["User-Agent"] == f"steerer/{__version__}"
    assert request.headers["Authorization"] == f"Bearer {SECRET}"


def test_a_server_below_a_path_and_a_name_that_needs_escaping(api: ApiServer) -> None:
    with cluster_at(f"{api.url}/k8s/clusters/c-1/") as cluster:
        cluster.fetch(refs_to(DEPLOYMENT, "what?is=this"))

    assert api.lines == ["GET /k8s/clusters/c-1/apis/apps/v1/namespaces/test/deployments/what%3Fis%3Dthis"]


def test_a_netrc_does_not_replace_the_token(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: KubeCluster
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))

    cluster.list(SERVICE, Scope())

    assert api.requests[0].headers["Authorization"] == f"Bearer {SECRET}"


def test_no_redirect_takes_the_token_elsewhere(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda _: Reply(302, b"", "text/html", {"Location": f"{api.url}/elsewhere"})

    with pytest.raises(UnreachableError, match="302"):
        cluster.list(SERVICE, Scope())

    assert len(api.requests) == 1


def test_the_environment_names_the_proxy_once(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", api.url)
    with cluster_at("http://kubernetes.invalid") as cluster:
        monkeypatch.delenv("HTTP_PROXY")
        cluster.list(SERVICE, Scope())

    assert api.requests[0].headers["Host"] == "kubernetes.invalid"


def test_a_proxy_that_is_not_there(api: ApiServer) -> None:
    proxy = ApiServer()
    proxy.close()
    access = Access(source="a test", cluster={"server": api.url, "proxy-url": proxy.url.replace("//", "//me:pw@")})

    with KubeCluster(access, environ={}) as cluster, pytest.raises(UnreachableError, match="proxy") as caught:
        cluster.list(DEPLOYMENT, Scope())

    assert "pw@" not in str(caught.value)


def test_nobody_listens() -> None:
    api = ApiServer()
    api.close()

    with cluster_at(api.url) as cluster, pytest.raises(UnreachableError, match="Connection refused") as caught:
        cluster.list(DEPLOYMENT, Scope())

    assert caught.value.__cause__ is not None


def test_a_server_that_does_not_answer_in_time(api: ApiServer) -> None:
    def late(_: Request) -> Reply:
        api.wait(10)
        return Reply()

    api.answer = late
    with cluster_at(api.url, timeout=0.1) as cluster, pytest.raises(UnreachableError, match=r"within 0\.1 s"):
        cluster.list(DEPLOYMENT, Scope())

    assert len(api.requests) == 1


def test_a_server_that_cannot_be_reached_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("urllib3.util.connection.create_connection", hang)

    with (
        cluster_at("http://kubernetes.example", timeout=0.1) as cluster,
        pytest.raises(UnreachableError, match=r"no answer from http://kubernetes.example: no connection within 0\.1 s"),
    ):
        cluster.list(DEPLOYMENT, Scope())


def test_a_server_that_drips_is_given_up(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "TIMEOUTS_PER_RESPONSE", 0.01)
    api.answer = lambda _: Reply(200, {"items": []}, drip=0.02)

    with cluster_at(api.url, timeout=10) as cluster, pytest.raises(UnreachableError, match="no complete answer"):
        cluster.list(DEPLOYMENT, Scope())


def test_a_server_that_stops_in_the_middle_is_given_up(api: ApiServer) -> None:
    api.answer = lambda _: Reply(200, {"items": []}, drip=10)

    with cluster_at(api.url, timeout=0.1) as cluster, pytest.raises(UnreachableError, match="no complete answer"):
        cluster.list(DEPLOYMENT, Scope())


def test_certificates_of_the_kubeconfig_are_files_for_us_alone_and_go_with_the_connection(api: ApiServer) -> None:
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
