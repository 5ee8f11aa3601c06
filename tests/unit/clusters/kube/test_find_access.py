"""Where the API server is looked for, in which order."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from reconcile.clusters.kube.certificates import certificate_files
from reconcile.clusters.kube.find_access import find_access
from reconcile.clusters.kube.login import authorization
from reconcile.model.errors import UsageError
from tests.unit.clusters.kube.kubeconfigs import SECRET, service_account, write_kubeconfig


def test_the_file_named_wins_over_the_environment(tmp_path: Path) -> None:
    access = find_access(
        str(write_kubeconfig(tmp_path / "named")),
        None,
        {"KUBECONFIG": str(write_kubeconfig(tmp_path / "env", "two", current="two"))},
    )

    assert (access.server, access.namespace) == ("https://one.example", "ns-one")


def test_the_files_of_the_environment_are_joined_and_those_that_are_not_there_skipped(tmp_path: Path) -> None:
    one, two = (
        write_kubeconfig(tmp_path / "one", current=None),
        write_kubeconfig(tmp_path / "two", "two", current="two"),
    )
    environ = {"KUBECONFIG": f"{tmp_path}/none:{one}:{two}:"}

    assert find_access(None, None, environ).server == "https://two.example"
    assert find_access(None, "one", environ).server == "https://one.example"


def test_a_pod_uses_its_service_account_and_has_no_namespace_of_its_own(tmp_path: Path) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443", "HOME": str(tmp_path)}
    write_kubeconfig(tmp_path / ".kube" / "config")

    access = find_access(None, None, environ, service_account(tmp_path))

    assert access.server == "https://[fd00::1]:6443"
    assert access.namespace is None
    assert authorization(access.user) == f"Bearer {SECRET}"
    assert certificate_files(access.user, access.cluster, ExitStack()) == {
        "certificate-authority": str(tmp_path / "account" / "ca.crt")
    }


def test_a_context_is_of_a_file_even_in_a_pod(tmp_path: Path) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOME": str(tmp_path)}
    write_kubeconfig(tmp_path / ".kube" / "config")

    assert find_access(None, "one", environ, service_account(tmp_path)).server == "https://one.example"


def test_the_file_in_the_home_folder_is_the_last_resort(tmp_path: Path) -> None:
    write_kubeconfig(tmp_path / ".kube" / "config")

    assert find_access(None, None, {"HOME": str(tmp_path)}, tmp_path / "no-account").namespace == "ns-one"


def test_no_cluster_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no cluster: .* --kubeconfig FILE, or -f DIR"):
        find_access(None, None, {"HOME": str(tmp_path)}, tmp_path / "no-account")


def test_a_pod_without_a_home_is_told_the_same() -> None:
    with pytest.raises(UsageError, match="no cluster"):
        find_access(None, None, {}, Path("/nowhere"))


def test_a_file_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        find_access(str(tmp_path / "none"), None, {})
    with pytest.raises(UsageError, match="No such file"):
        find_access(None, None, {"KUBECONFIG": str(tmp_path / "none")})
    with pytest.raises(UsageError, match="no such home folder"):
        find_access("~nobody-of-this-name/config", None, {})
    with pytest.raises(UsageError, match="Is a directory"):
        find_access(str(tmp_path), None, {})
