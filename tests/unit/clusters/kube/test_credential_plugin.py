"""Credential plug-ins: what they get, what they print, and how they fail."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.clusters.kube.certificates import certificate_files
from reconcile.clusters.kube.credential_plugin import current_user
from reconcile.clusters.kube.find_access import find_access
from reconcile.clusters.kube.login import authorization
from reconcile.model.errors import UsageError
from tests.unit.clusters.kube.kubeconfigs import SECRET, write_kubeconfig

if TYPE_CHECKING:
    from pathlib import Path

    from reconcile.clusters.kube.access import Access


ENVIRON = {"PATH": "/usr/bin:/bin"}


def plugin(tmp_path: Path, script: str, **more: Any) -> Access:
    path = tmp_path / "bin" / "login"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    command = {"command": "bin/login", "apiVersion": "client.authentication.k8s.io/v1", **more}
    return find_access(str(write_kubeconfig(tmp_path / "config", user={"exec": command})), None, {})


def test_a_user_without_a_plugin_is_as_it_is(tmp_path: Path) -> None:
    access = find_access(str(write_kubeconfig(tmp_path / "config", user={"token": SECRET})), None, {})

    assert current_user(access, {}) is access.user


def test_a_plugin_is_told_what_is_asked_of_it_and_gives_a_token(tmp_path: Path) -> None:
    script = (
        f'printf %s "$KUBERNETES_EXEC_INFO" > {tmp_path}/info; '
        'echo "{\\"status\\": {\\"token\\": \\"$1-$REGION\\"}}"'
    )
    access = plugin(tmp_path, script, args=["get"], env=[{"name": "REGION", "value": "north"}], provideClusterInfo=True)

    assert authorization(current_user(access, ENVIRON)) == "Bearer get-north"
    assert json.loads((tmp_path / "info").read_text()) == {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "spec": {"interactive": False, "cluster": {"server": "https://one.example/"}},
    }


def test_a_plugin_may_give_a_certificate(tmp_path: Path) -> None:
    access = plugin(tmp_path, """echo '{"status": {"clientCertificateData": "cert", "clientKeyData": "key"}}'""")

    user = current_user(access, ENVIRON)

    assert authorization(user) is None
    with ExitStack() as stack:
        assert sorted(certificate_files(user, {}, stack)) == ["client-certificate", "client-key"]


@pytest.mark.parametrize(
    ("script", "more", "words"),
    [
        (f"echo {SECRET}; exit 3", {}, "failed: exit code 3"),
        (f"echo {SECRET}", {}, "printed no ExecCredential"),
        ("echo '{}'", {}, "printed no ExecCredential"),
        ("echo '{\"status\": null}'", {}, "printed no ExecCredential"),
        ("", {"command": "./none", "installHint": "Get it\nfrom us."}, "cannot be started: .*Get it from us"),
        ("", {"apiVersion": "v1"}, "needs a command and an apiVersion"),
        ("", {"command": ""}, "needs a command"),
    ],
)
def test_a_plugin_that_does_not_do_its_work(tmp_path: Path, script: str, more: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        current_user(plugin(tmp_path, script, **more), ENVIRON)

    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None or SECRET not in str(caught.value.__cause__)


def test_a_plugin_that_takes_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconcile.clusters.kube.credential_plugin.PLUGIN_TIMEOUT", 0.1)

    with pytest.raises(UsageError, match="took too long"):
        current_user(plugin(tmp_path, "exec sleep 30"), ENVIRON)
