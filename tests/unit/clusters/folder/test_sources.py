"""Which files are read of several folders and files, and of the standard input."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.clusters.folder.sources import Sources, copied
from reconcile.model.errors import ClusterError, RefusedError, UsageError
from reconcile.model.kinds import EVENT
from tests.unit.clusters.folder.manifests import ALL, NOON, event, names, port, service, write

if TYPE_CHECKING:
    from pathlib import Path


def test_folders_and_files_are_one_cluster_and_each_file_is_read_once(tmp_path: Path) -> None:
    write(tmp_path / "a" / "x.yaml", service())
    write(tmp_path / "b" / "y.yaml", service("other"))
    write(tmp_path / "b" / "z.yaml", service("third"))
    cluster = FolderCluster(Sources((tmp_path / "b" / "y.yaml", tmp_path / "a", tmp_path / "a" / "x.yaml")))
    assert names(cluster) == ["other.test", "podinfo.test"]
    with cluster.lock():
        cluster.patch(port(80))
        cluster.record(event(), NOON)
        cluster.record(event(), NOON)
    assert "port: 80" in (tmp_path / "a" / "x.yaml").read_text()
    assert [item["count"] for item in FolderCluster(tmp_path / "b").list(EVENT, ALL)] == [2]
    assert cluster.faults() == []
    assert sorted(cluster.files().values()) == [
        str(tmp_path / name) for name in ("a/x.yaml", "b/events.yaml", "b/y.yaml")
    ]


def test_each_folder_is_locked(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / name / "x.yaml", service(name))
    cluster = FolderCluster(Sources((tmp_path / "b", tmp_path / "a")))
    descriptor = os.open(tmp_path / "b", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(ClusterError, match=f"another pass works on {tmp_path}/b"), cluster.lock():
        pass
    os.close(descriptor)
    with cluster.lock():
        pass


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ((), ["a.test", "b.test", "c.test", "d.test"]),
        (("*.gen.yaml",), ["a.test", "b.test", "d.test"]),
        (("overlays",), ["a.test", "b.test"]),
        (("overlays/",), ["a.test", "b.test"]),
        (("overlays/dev",), ["a.test", "b.test", "d.test"]),
        (("./overlays/*/*.yaml",), ["a.test", "b.test"]),
        (("**/c.gen.yaml", "**/base"), ["a.test", "d.test"]),
        (("nothing", "dev/c.gen.yaml"), ["a.test", "b.test", "c.test", "d.test"]),
    ],
)
def test_what_is_excluded_is_left_out(tmp_path: Path, patterns: tuple[str, ...], expected: list[str]) -> None:
    for path in ("a.yaml", "base/b.yaml", "overlays/dev/c.gen.yaml", "overlays/prod/d.yaml"):
        file = tmp_path / path
        write(file, service(file.name[0]))
    assert names(FolderCluster(Sources((tmp_path,), patterns))) == expected


def test_what_is_excluded_may_be_anything(tmp_path: Path) -> None:
    write(tmp_path / "in" / "x.yaml", service())
    (tmp_path / "in" / "out").symlink_to("/etc")
    (tmp_path / "in" / "nowhere.yaml").symlink_to("absent")
    assert names(FolderCluster(Sources((tmp_path / "in",), ("out", "nowhere.*")))) == ["podinfo.test"]


def test_a_file_that_is_named_is_read_whatever_is_excluded(tmp_path: Path) -> None:
    file = write(tmp_path / "x.yaml", service())
    assert names(FolderCluster(Sources((file,), ("x.yaml",)))) == ["podinfo.test"]


def test_standard_input_is_read_and_nothing_is_written_for_it(tmp_path: Path) -> None:
    write(tmp_path / "x.yaml", service("other"))
    cluster = FolderCluster(Sources((), stdin=service().encode()))
    assert (names(cluster), [*cluster.files().values()]) == (["podinfo.test"], ["stdin"])
    with pytest.raises(RefusedError, match="stdin can only be read"):
        cluster.record(event(), NOON)
    with pytest.raises(RefusedError, match="stdin can only be read"):
        cluster.patch(port(80))
    both = FolderCluster(Sources((tmp_path / "x.yaml",), stdin=service().encode()))
    assert names(both) == ["other.test", "podinfo.test"]
    twice = FolderCluster(Sources((tmp_path / "x.yaml",), stdin=service("other").encode()))
    [(_, words)] = twice.faults()
    assert words == f"it is in {tmp_path}/x.yaml and in stdin: which one is meant?"
    with pytest.raises(UsageError, match="stdin:1: it is not UTF-8"):
        FolderCluster(Sources((), stdin=b"\xff")).faults()
    [(place, _)] = FolderCluster(Sources((), stdin=b"{")).faults()
    assert place == "stdin:1:2"


def test_a_copy_has_each_source_by_its_name(tmp_path: Path) -> None:
    for path in ("a/x/y.yaml", "b/x/z.yaml", "b/x/left/out.yaml", "c/.hidden/w.yaml", "plain"):
        write(tmp_path / path, service(path.replace("/", "-").replace(".", "")))
    paths = ("a/x", "b/x", "c/.hidden", "plain", "b/x/z.yaml")
    sources = Sources(tuple(tmp_path / path for path in paths), ("left",), service().encode())
    copy = copied(sources, tmp_path / "out")
    assert copy == Sources((tmp_path / "out",))
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.yaml")) == [
        "2-x/z.yaml",
        "hidden/w.yaml",
        "plain.yaml",
        "stdin.yaml",
        "x/y.yaml",
    ]
    assert names(FolderCluster(copy)) == names(FolderCluster(sources))
