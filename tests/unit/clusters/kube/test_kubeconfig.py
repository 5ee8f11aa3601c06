"""Where the cluster is: files as kubectl reads them, service accounts, credential plug-ins, and their faults."""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconcile.clusters.kube.kubeconfig import Access, authorization, files, find, impersonation, plugged
from reconcile.model.errors import UsageError

SECRET = "s3cr3t"  # noqa: S105  made up, to look for it in messages
CONTEXT_AND_USER = "contexts: [{name: a, context: {cluster: c, user: u}}]"
ENVIRON = {"PATH": "/usr/bin:/bin"}


def config(path: Path, name: str = "one", *, current: str | None = "one", user: object = None) -> Path:
    """Write a kubeconfig with one context, one cluster and one user of the same name."""
    document = {
        "current-context": current,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": f"ns-{name}"}}],
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}.example/"}}],
        "users": [{"name": name, "user": user or {}}],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document))
    return path


def account(tmp_path: Path) -> Path:
    """Make what the kubelet puts into a pod."""
    folder = tmp_path / "account"
    folder.mkdir()
    (folder / "token").write_text(SECRET)
    (folder / "ca.crt").write_text("a certificate")
    return folder


# --- Which cluster ---


def test_the_file_named_wins_over_the_environment(tmp_path: Path) -> None:
    access = find(
        str(config(tmp_path / "named")), None, {"KUBECONFIG": str(config(tmp_path / "env", "two", current="two"))}
    )

    assert (access.server, access.namespace) == ("https://one.example", "ns-one")


def test_the_files_of_the_environment_are_joined_and_those_that_are_not_there_skipped(tmp_path: Path) -> None:
    one, two = config(tmp_path / "one", current=None), config(tmp_path / "two", "two", current="two")
    environ = {"KUBECONFIG": f"{tmp_path}/none:{one}:{two}:"}

    assert find(None, None, environ).server == "https://two.example"
    assert find(None, "one", environ).server == "https://one.example"


def test_of_two_files_with_the_same_names_the_first_counts(tmp_path: Path) -> None:
    first, second = config(tmp_path / "a"), config(tmp_path / "b", user={"token": SECRET})
    second.write_text(second.read_text().replace("one.example", "other.example"))

    access = find(None, None, {"KUBECONFIG": f"{first}:{second}"})

    assert access.server == "https://one.example"
    assert access.user == {}


def test_a_pod_uses_its_service_account_and_has_no_namespace_of_its_own(tmp_path: Path) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443", "HOME": str(tmp_path)}
    config(tmp_path / ".kube" / "config")

    access = find(None, None, environ, account(tmp_path))

    assert access.server == "https://[fd00::1]:6443"
    assert access.namespace is None
    assert authorization(access.user) == f"Bearer {SECRET}"
    assert files(access.user, access.cluster, ExitStack()) == {
        "certificate-authority": str(tmp_path / "account" / "ca.crt")
    }


def test_a_context_is_of_a_file_even_in_a_pod(tmp_path: Path) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOME": str(tmp_path)}
    config(tmp_path / ".kube" / "config")

    assert find(None, "one", environ, account(tmp_path)).server == "https://one.example"


def test_the_file_in_the_home_folder_is_the_last_resort(tmp_path: Path) -> None:
    config(tmp_path / ".kube" / "config")

    assert find(None, None, {"HOME": str(tmp_path)}, tmp_path / "no-account").namespace == "ns-one"


def test_a_context_without_a_namespace_is_of_the_default_one(tmp_path: Path) -> None:
    path = config(tmp_path / "config")
    path.write_text(path.read_text().replace("    namespace: ns-one\n", ""))

    assert find(str(path), None, {}).namespace == "default"


def test_no_cluster_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no cluster: .* --kubeconfig FILE, or -f DIR"):
        find(None, None, {"HOME": str(tmp_path)}, tmp_path / "no-account")


def test_a_pod_without_a_home_is_told_the_same() -> None:
    with pytest.raises(UsageError, match="no cluster"):
        find(None, None, {}, Path("/nowhere"))


# --- What is wrong with it ---


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"users: [{{name: a, user: {{token: {SECRET}}}", "not YAML"),
        ("[" * 3000, "not YAML"),
        ("- a", "no mapping"),
        ("", "no mapping"),
        ("{contexts: 1}", "contexts is not a list"),
        ("{contexts: [{context: {}}]}", "contexts is not a list"),
        ("{contexts: [a]}", "contexts is not a list"),
        ("{contexts: []}", "no current-context; give --context .the file has none"),
        ("{contexts: [{name: a, context: {}}, {name: b}]}", "no current-context; give --context .the file has: a, b"),
        ("{current-context: x, contexts: [{name: a}]}", "no context 'x' .the file has: a"),
        ("{current-context: a, contexts: [{name: a, context: {cluster: c}}]}", "cluster 'c' that is not there"),
        (
            f"{{current-context: a, {CONTEXT_AND_USER}, clusters: [{{name: c, cluster: {{server: 'https://c'}}}}]}}",
            "user 'u' that is not there",
        ),
        (
            "{current-context: a, contexts: [{name: a, context: {cluster: c}}], clusters: [{name: c, cluster: {}}]}",
            "no http or https URL",
        ),
    ],
)
def test_a_broken_kubeconfig_is_said_in_words_that_quote_nothing_of_it(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)

    with pytest.raises(UsageError, match=words) as caught:
        find(str(path), None, {})

    assert str(path) in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_file_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        find(str(tmp_path / "none"), None, {})
    with pytest.raises(UsageError, match="No such file"):
        find(None, None, {"KUBECONFIG": str(tmp_path / "none")})
    with pytest.raises(UsageError, match="no such home folder"):
        find("~nobody-of-this-name/config", None, {})
    with pytest.raises(UsageError, match="Is a directory"):
        find(str(tmp_path), None, {})


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({"client-key": "key.pem"}, "needs both"),
        ({"auth-provider": {"name": "gcp"}}, "use a credential plug-in"),
        ({"auth-provider": "gcp"}, "use a credential plug-in"),
        ({"as": "me", "as-groups": ["a", "b"]}, "several groups"),
        ({"as": "me", "as-user-extra": {"a": ["b"]}}, "several groups or extras"),
    ],
)
def test_a_user_that_would_silently_be_nobody_or_somebody_else_is_refused(
    tmp_path: Path, user: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        find(str(config(tmp_path / "config", user=user)), None, {})


# --- Credentials ---


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


def test_an_old_auth_provider_still_has_its_token(tmp_path: Path) -> None:
    provider = {"name": "oidc", "config": {"id-token": SECRET}}

    access = find(str(config(tmp_path / "config", user={"auth-provider": provider})), None, {})

    assert authorization(access.user) == f"Bearer {SECRET}"
    assert SECRET not in repr(access)


def test_impersonation() -> None:
    assert impersonation({}) == {}
    assert impersonation({"as": "jane", "as-uid": "1", "as-groups": ["ops"]}) == {
        "Impersonate-User": "jane",
        "Impersonate-Uid": "1",
        "Impersonate-Group": "ops",
    }


def test_files_are_relative_to_the_kubeconfig_and_have_to_be_there(tmp_path: Path) -> None:
    user = {"client-certificate": "pki/cert.pem", "client-key": "pki/key.pem"}
    access = find(str(config(tmp_path / "etc" / "config", user=user)), None, {})
    with pytest.raises(UsageError, match=r"client-certificate that the kubeconfig names is not there: .*etc/pki"):
        files(access.user, access.cluster, ExitStack())

    (tmp_path / "etc" / "pki").mkdir()
    (tmp_path / "etc" / "pki" / "cert.pem").touch()
    (tmp_path / "etc" / "pki" / "key.pem").touch()

    assert files(access.user, access.cluster, ExitStack()) == {
        "client-certificate": str(tmp_path / "etc" / "pki" / "cert.pem"),
        "client-key": str(tmp_path / "etc" / "pki" / "key.pem"),
    }


def test_inline_certificates_become_files_that_only_we_can_read_and_for_no_longer_than_needed() -> None:
    with ExitStack() as stack:
        paths = files({"client-key-data": base64.b64encode(b"key").decode()}, {}, stack)
        [key] = map(Path, paths.values())
        assert list(paths) == ["client-key"]
        assert key.read_bytes() == b"key"
        assert key.stat().st_mode & 0o777 == 0o600
        assert key.parent.stat().st_mode & 0o777 == 0o700

    assert not key.parent.exists()


def test_inline_certificates_need_somewhere_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))

    with ExitStack() as stack, pytest.raises(UsageError, match=r"client-key-data .* cannot be made a file: No such"):
        files({"client-key-data": "a2V5"}, {}, stack)


# --- Plug-ins ---


def plugin(tmp_path: Path, script: str, **more: Any) -> Access:
    path = tmp_path / "bin" / "login"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    command = {"command": "bin/login", "apiVersion": "client.authentication.k8s.io/v1", **more}
    return find(str(config(tmp_path / "config", user={"exec": command})), None, {})


def test_a_user_without_a_plugin_is_as_it_is(tmp_path: Path) -> None:
    access = find(str(config(tmp_path / "config", user={"token": SECRET})), None, {})

    assert plugged(access, {}) is access.user


def test_a_plugin_is_told_what_is_asked_of_it_and_gives_a_token(tmp_path: Path) -> None:
    script = (
        f'printf %s "$KUBERNETES_EXEC_INFO" > {tmp_path}/info; '
        'echo "{\\"status\\": {\\"token\\": \\"$1-$REGION\\"}}"'
    )
    access = plugin(tmp_path, script, args=["get"], env=[{"name": "REGION", "value": "north"}], provideClusterInfo=True)

    assert authorization(plugged(access, ENVIRON)) == "Bearer get-north"
    assert json.loads((tmp_path / "info").read_text()) == {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "spec": {"interactive": False, "cluster": {"server": "https://one.example/"}},
    }


def test_a_plugin_may_give_a_certificate(tmp_path: Path) -> None:
    access = plugin(tmp_path, """echo '{"status": {"clientCertificateData": "cert", "clientKeyData": "key"}}'""")

    user = plugged(access, ENVIRON)

    assert authorization(user) is None
    with ExitStack() as stack:
        assert sorted(files(user, {}, stack)) == ["client-certificate", "client-key"]


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
        plugged(plugin(tmp_path, script, **more), ENVIRON)

    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None or SECRET not in str(caught.value.__cause__)


def test_a_plugin_that_takes_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconcile.clusters.kube.kubeconfig.PLUGIN_TIMEOUT", 0.1)

    with pytest.raises(UsageError, match="took too long"):
        plugged(plugin(tmp_path, "exec sleep 30"), ENVIRON)
