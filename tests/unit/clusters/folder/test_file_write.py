"""A file replaced as a whole or not at all: full disks, missing rights, a killed process."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.clusters.folder.file_write import TEMPORARY
from reconcile.model.errors import ForbiddenError, RefusedError, UnreachableError, UsageError
from reconcile.model.kinds import SERVICE
from tests.support.paths import ROOT
from tests.unit.clusters.folder.manifests import (
    ALL,
    NOON,
    SERVICE_TEXT,
    event,
    names,
    patch,
    port,
    temporary_files,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def full_disk() -> Iterator[None]:
    """Limits files to 64 bytes, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs as a user without the right to write in the folder."""
    monkeypatch.chdir(folder)
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


def test_a_full_disk_leaves_the_old_file(cluster: FolderCluster, file: Path) -> None:
    with (
        pytest.raises(UnreachableError, match=r"service\.yaml cannot be written: .*; it is unchanged") as caught,
        full_disk(),
    ):
        cluster.patch(port(80))
    assert isinstance(caught.value.__cause__, OSError)
    with pytest.raises(UnreachableError, match=r"events\.yaml cannot be written"), full_disk():
        cluster.record(event(), NOON)
    assert file.read_text() == SERVICE_TEXT
    assert [path.name for path in file.parent.iterdir()] == ["service.yaml"]
    cluster.patch(port(80))
    assert file.read_text() == SERVICE_TEXT.replace("9898", "80")


def test_a_folder_without_the_right_to_write(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with nobody(file.parent, monkeypatch):
        cluster = FolderCluster(".")
        assert names(cluster) == ["podinfo.test"]
        with pytest.raises(
            ForbiddenError, match=r"service\.yaml cannot be written: Permission denied; it is unchanged"
        ):
            cluster.patch(port(80))
        with cluster.lock():  # a pass without writes needs no right to write
            assert names(cluster) == ["podinfo.test"]
    assert file.read_text() == SERVICE_TEXT


def test_a_file_without_the_right_to_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FolderCluster(file.parent)
    assert names(cluster) == ["podinfo.test"]
    file.chmod(0)
    with nobody(file.parent, monkeypatch):
        with pytest.raises(UsageError, match=r"service\.yaml cannot be read: Permission denied"):
            FolderCluster(".").list(SERVICE, ALL)
        with pytest.raises(RefusedError, match="Permission denied"):
            cluster.patch(port(80))


def test_what_could_not_be_read_again_is_not_written(cluster: FolderCluster, file: Path) -> None:
    text = SERVICE_TEXT + "---\n" + f"# {'x' * 97}\n" * 83_000
    write(file, text)
    with pytest.raises(RefusedError, match="would be larger than 8 MiB"):
        cluster.patch(patch({"op": "add", "path": "/spec/x", "value": "x" * 100_000}))
    assert file.read_text() == text


def test_the_owner_of_a_file_stays(cluster: FolderCluster, file: Path) -> None:
    if os.geteuid() == 0:
        os.chown(file, 12345, 12345)
    owner = file.stat().st_uid
    cluster.patch(port(80))
    assert file.stat().st_uid == owner


KILLED = """
import os, signal, sys
from reconcile.clusters.folder import atomic_replace
from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.model.plan import Patch
from reconcile.model.kinds import SERVICE, Ref

atomic_replace.put = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
operations = ({"op": "add", "path": "/spec/ports/0/port", "value": 80},)
cluster = FolderCluster(sys.argv[1])
with cluster.lock():
    cluster.patch(Patch(target=Ref(SERVICE, "test", "podinfo"), api_version="v1", operations=operations))
"""


def test_a_pass_killed_while_it_wrote_leaves_no_trace(cluster: FolderCluster, file: Path) -> None:
    (file.parent / ".cache").mkdir()
    hidden = write(file.parent / ".cache" / f".x{TEMPORARY}", "")
    write(file.parent / "folder" / f".y{TEMPORARY}", "")
    done = subprocess.run([sys.executable, "-c", KILLED, str(file.parent)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(temporary_files(file.parent)) == 2
    assert file.read_text() == SERVICE_TEXT
    assert names(cluster) == ["podinfo.test"]
    with cluster.lock():
        assert temporary_files(file.parent) == [hidden.name]
    cluster.patch(port(80))
    assert file.read_text() == SERVICE_TEXT.replace("9898", "80")
