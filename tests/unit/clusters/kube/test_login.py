"""The headers of a user, and credentials that change while a connection is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconcile.clusters.kube.access import Access
from reconcile.clusters.kube.cluster import KubeCluster
from reconcile.clusters.kube.login import authorization, impersonation
from reconcile.model.errors import ForbiddenError, UsageError
from reconcile.model.kinds import DEPLOYMENT, SERVICE, Scope
from tests.unit.clusters.kube.api_server import SECRET, ApiServer, not_found, plugin_user, refs_to, status

if TYPE_CHECKING:
    from pathlib import Path


def test_the_ways_to_say_who_asks(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("renewed\n")

    assert authorization({}) is None
    assert authorization({"token": SECRET}) == f"Bearer {SECRET}"
    assert authorization({"username": "me", "password": "pw"}) == "Basic bWU6cHc="
    assert authorization({"token": SECRET, "tokenFile": str(tmp_path / "token")}) == "Bearer renewed"
    assert authorization({"token": SECRET, "tokenFile": str(tmp_path / "none")}) == f"Bearer {SECRET}"
    with pytest.raises(UsageError, match=r"token file .* cannot be read: No such file"):
        authorization({"tokenFile": str(tmp_path / "none")})


def test_a_token_that_no_header_can_carry_is_refused_unseen() -> None:
    with pytest.raises(UsageError) as caught:
        authorization({"token": f"{SECRET}\nX-Evil: 1"})

    assert SECRET not in str(caught.value)


def test_impersonation() -> None:
    assert impersonation({}) == {}
    assert impersonation({"as": "jane", "as-uid": "1", "as-groups": ["ops"]}) == {
        "Impersonate-User": "jane",
        "Impersonate-Uid": "1",
        "Impersonate-Group": "ops",
    }


def test_impersonation_is_passed_on(api: ApiServer) -> None:
    user = {"token": SECRET, "as": "jane", "as-groups": ["ops"]}
    with KubeCluster(Access(source="a test", cluster={"server": api.url}, user=user), environ={}) as cluster:
        cluster.list(SERVICE, Scope())

    assert api.requests[0].headers["Impersonate-User"] == "jane"
    assert api.requests[0].headers["Impersonate-Group"] == "ops"


def test_a_token_file_that_vanishes_is_the_trouble_of_each_object(api: ApiServer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one\n")
    access = Access(source="a test", cluster={"server": api.url}, user={"tokenFile": str(token)})
    with KubeCluster(access, environ={}) as cluster:
        cluster.list(SERVICE, Scope())
        token.write_text("two\n")
        cluster.list(SERVICE, Scope())
        token.unlink()
        [ref] = refs_to(DEPLOYMENT, "a")

        error = cluster.fetch([ref])[ref]

    assert [request.headers["Authorization"] for request in api.requests] == ["Bearer one", "Bearer two"]
    assert isinstance(error, ForbiddenError)
    assert "token file" in str(error)


def test_a_credential_plugin_is_asked_once_and_again_when_its_token_has_expired(api: ApiServer, tmp_path: Path) -> None:
    count = tmp_path / "count"
    script = f'echo x >> {count}; echo "{{\\"status\\": {{\\"token\\": \\"token-$(wc -l < {count} | tr -d " ")\\"}}}}"'
    access = Access(source="a test", cluster={"server": api.url}, user=plugin_user(tmp_path, script))
    api.answer = lambda request: (
        status(401, "Unauthorized") if request.headers["Authorization"] == "Bearer token-1" else not_found(request)
    )

    with KubeCluster(access, environ={"PATH": "/usr/bin:/bin"}) as cluster:
        assert cluster.fetch(refs_to(DEPLOYMENT, *"abcdefgh")) == {}
        assert cluster.fetch(refs_to(SERVICE, "a")) == {}

    assert count.read_text().count("x") == 2


def test_a_credential_plugin_that_has_nothing_new_is_not_asked_for_ever(api: ApiServer, tmp_path: Path) -> None:
    access = Access(
        source="a test",
        cluster={"server": api.url},
        user=plugin_user(tmp_path, """echo '{"status": {"token": "old"}}'"""),
    )
    api.answer = lambda _: status(401, "Unauthorized")

    with KubeCluster(access, environ={"PATH": "/usr/bin:/bin"}) as cluster, pytest.raises(ForbiddenError):
        cluster.list(DEPLOYMENT, Scope())

    assert len(api.requests) == 1
