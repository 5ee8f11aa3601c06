"""Certificates and keys of a kubeconfig as files."""

from __future__ import annotations

import base64
from contextlib import ExitStack
from pathlib import Path

import pytest

from reconcile.clusters.kube.certificates import certificate_files
from reconcile.clusters.kube.find_access import find_access
from reconcile.model.errors import UsageError
from tests.unit.clusters.kube.kubeconfigs import write_kubeconfig


def test_files_are_relative_to_the_kubeconfig_and_have_to_be_there(tmp_path: Path) -> None:
    user = {"client-certificate": "pki/cert.pem", "client-key": "pki/key.pem"}
    access = find_access(str(write_kubeconfig(tmp_path / "etc" / "config", user=user)), None, {})
    with pytest.raises(UsageError, match=r"client-certificate that the kubeconfig names is not there: .*etc/pki"):
        certificate_files(access.user, access.cluster, ExitStack())

    (tmp_path / "etc" / "pki").mkdir()
    (tmp_path / "etc" / "pki" / "cert.pem").touch()
    (tmp_path / "etc" / "pki" / "key.pem").touch()

    assert certificate_files(access.user, access.cluster, ExitStack()) == {
        "client-certificate": str(tmp_path / "etc" / "pki" / "cert.pem"),
        "client-key": str(tmp_path / "etc" / "pki" / "key.pem"),
    }


def test_inline_certificates_become_files_that_only_we_can_read_and_for_no_longer_than_needed() -> None:
    with ExitStack() as stack:
        paths = certificate_files({"client-key-data": base64.b64encode(b"key").decode()}, {}, stack)
        [key] = map(Path, paths.values())
        assert list(paths) == ["client-key"]
        assert key.read_bytes() == b"key"
        assert key.stat().st_mode & 0o777 == 0o600
        assert key.parent.stat().st_mode & 0o777 == 0o700

    assert not key.parent.exists()


def test_inline_certificates_need_somewhere_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))

    with ExitStack() as stack, pytest.raises(UsageError, match=r"client-key-data .* cannot be made a file: No such"):
        certificate_files({"client-key-data": "a2V5"}, {}, stack)
