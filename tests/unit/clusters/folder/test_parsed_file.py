"""The objects of a file, and files that cannot be used."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.model.errors import UsageError
from reconcile.model.kinds import DEPLOYMENT, KINDS
from tests.hostile.tally import End, ended
from tests.unit.clusters.folder.manifests import ALL, SERVICE_TEXT, names, service, write

if TYPE_CHECKING:
    from pathlib import Path


def test_documents_that_are_no_objects_are_not_looked_at(tmp_path: Path) -> None:
    write(tmp_path / "values.yaml", "image: x\nimage: !Ref y\n")
    write(tmp_path / "list.yaml", "- a\n")
    write(tmp_path / "empty.yaml", "")
    write(tmp_path / "kustomization.yaml", "resources: [x.yaml]\n")
    write(tmp_path / "other.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n")
    write(tmp_path / "knative.yaml", "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: x}\n")
    assert all(names(FolderCluster(tmp_path), kind) == [] for kind in KINDS.values())


def test_lists_are_their_items(tmp_path: Path) -> None:
    write(
        tmp_path / "list.yaml",
        dedent("""\
            apiVersion: v1
            kind: List
            items:
            - apiVersion: v1
              kind: Service
              metadata: {name: a}
            - apiVersion: v1
              items:
              - metadata: {name: b}
              - no object
              kind: ServiceList
            - ~
            metadata: {}
        """),
    )
    write(tmp_path / "plural.yaml", "{apiVersion: apps/v1, kind: DeploymentList, items: [{metadata: {name: c}}]}\n")
    cluster = FolderCluster(tmp_path)
    assert names(cluster) == ["a.default", "b.default"]
    assert cluster.list(DEPLOYMENT, ALL)[0]["apiVersion"] == "apps/v1"


def faults(cluster: FolderCluster) -> str:
    """What is said about a file: it is left out with all of the other files left usable, or the folder is refused."""
    try:
        assert "good.test" in names(cluster)
        return "\n".join(": ".join(fault) for fault in cluster.faults())
    except UsageError as error:
        return str(error)


HEAD = b"apiVersion: v1\nkind: Service\nmetadata: {name: x}\n"


@pytest.mark.hostile("A folder of manifests", "files that are broken, binary or in another encoding")
@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"a: b\n---\n# c\nx: [1\ny: 2\n", r":5:2: (did not find )?expected"),
        (HEAD + b"spec:\n\ttype: x\n", r":5:1: found character"),
        (HEAD + b"spec: 1\nspec: 2\n", r':5:1: the key "spec" is there twice'),
        (HEAD + b"---\n" + HEAD + b"spec: {a: !Ref b}\n", r":8:11: the tag !Ref is not understood here"),
        (b"a: \xff", r":1: it is not UTF-8 \(byte 3\)"),
        ("a: ä".encode("utf-16"), r"not UTF-8"),
        (b"ELF\x00", r":1:4: it is no text: it has the character U\+0000"),
        (b"a" * (8 * 1024 * 1024 + 1), r"is larger than 8 MiB"),
        (b"[" * 1_000_000, r":1:101: it is nested deeper"),
        (
            HEAD
            + b"a: &a [x,x,x,x,x,x,x,x,x]\n"
            + b"".join(b"%c: &%c [%b]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 106)),
            "more than 500000 values",
        ),
        (b"apiVersion: v1\nkind: Service\n", "a Service without a metadata.name"),
        (b"apiVersion: v1\nkind: Service\nmetadata: {name: 5}\n", "a Service without a metadata.name"),
        (b"apiVersion: v1\nkind: Service\nmetadata: x\n", "a Service without a metadata.name"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, data: bytes, problem: str) -> None:
    (tmp_path / "bad.yaml").write_bytes(data)
    cluster = FolderCluster(tmp_path)
    write(tmp_path / "good.yaml", service("good"))
    for _ in range(2):  # a second read finds it as well
        told = faults(cluster)
        assert re.search(problem, told)
        assert str(tmp_path / "bad.yaml") in told
    write(tmp_path / "bad.yaml", SERVICE_TEXT)
    assert names(cluster) == ["good.test", "podinfo.test"]
    assert faults(cluster) == ""
    ended(End.REFUSED)
