"""A folder of manifests as a cluster."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconcile.clusters.folder import cluster as module
from reconcile.clusters.folder import parsed_file as files
from reconcile.clusters.folder.cluster import ATTEMPTS, FolderCluster
from reconcile.model.errors import (
    ClusterError,
    ForbiddenError,
    LostRaceError,
    MissingError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from reconcile.model.kinds import (
    AUTOSCALER,
    DEPLOYMENT,
    EVENT,
    KINDS,
    ROLLOUT,
    SERVICE,
    VIRTUAL_SERVICE,
    Kind,
    Ref,
    Scope,
)
from reconcile.model.plan import Event, Patch
from tests.hostile.tally import End, ended
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconcile.model.ports import Cluster

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
ALL = Scope()
PODINFO = Ref(SERVICE, "test", "podinfo")
SERVICE_TEXT = """\
apiVersion: v1
kind: Service
metadata:
  name: podinfo
  namespace: test
spec:
  ports:
  - name: http  # as Istio wants it
    port: 9898
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def service(name: str = "podinfo", namespace: str = "test") -> str:
    return SERVICE_TEXT.replace("name: podinfo", f"name: {name}").replace("namespace: test", f"namespace: {namespace}")


def patch(*operations: dict[str, Any], target: Ref = PODINFO, subresource: str = "") -> Patch:
    return Patch(target=target, api_version="v1", operations=operations, subresource=subresource)


def port(number: int) -> Patch:
    return patch({"op": "add", "path": "/spec/ports/0/port", "value": number})


def names(cluster: Cluster, kind: Kind = SERVICE, scope: Scope = ALL) -> list[str]:
    return [f"{item['metadata']['name']}.{item['metadata']['namespace']}" for item in cluster.list(kind, scope)]


def event(message: str = "Starting rollout for podinfo.test", name: str = "podinfo") -> Event:
    return Event(
        rollout=Ref(ROLLOUT, "test", name),
        api_version="apps.weave.works/v1beta1",
        uid=None,
        revision="v1-1",
        type="Normal",
        message=message,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "service.yaml", SERVICE_TEXT)


@pytest.fixture
def cluster(file: Path) -> FolderCluster:
    return FolderCluster(file.parent)


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob(".*") if path.name.endswith(files.TEMPORARY))


# Reading.


def test_the_example_is_a_cluster() -> None:
    example: Cluster = FolderCluster(ROOT / "artifacts")
    assert {kind.name: names(example, kind) for kind in KINDS.values()} == {
        "Rollout": ["podinfo.test"],
        "Deployment": ["podinfo.test", "podinfo-canary.test"],
        "Service": ["podinfo.test", "podinfo-canary.test"],
        "HorizontalPodAutoscaler": ["podinfo-canary.test"],
        "VirtualService": ["podinfo.test"],
        "Event": [],
    }


def test_files_are_read_wherever_they_are(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "x.yml", "# first\n---\n---\n" + service("deep") + "---\n" + service("deeper"))
    write(tmp_path / "z.yaml", service("flat", "other"))
    write(tmp_path / "not.json", "{")
    write(tmp_path / ".hidden.yaml", "{")
    write(tmp_path / ".git" / "x.yaml", "{")
    cluster = FolderCluster(str(tmp_path))
    assert names(cluster) == ["flat.other", "deep.test", "deeper.test"]
    assert names(cluster, scope=Scope(namespace="test")) == ["deep.test", "deeper.test"]
    assert names(cluster, ROLLOUT) == []


def test_documents_that_are_no_objects_are_not_looked_at(tmp_path: Path) -> None:
    write(tmp_path / "values.yaml", "image: x\nimage: !Ref y\n")
    write(tmp_path / "list.yaml", "- a\n")
    write(tmp_path / "empty.yaml", "")
    write(tmp_path / "kustomization.yaml", "resources: [x.yaml]\n")
    write(tmp_path / "other.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n")
    write(tmp_path / "knative.yaml", "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: x}\n")
    assert all(names(FolderCluster(tmp_path), kind) == [] for kind in KINDS.values())


def test_a_manifest_is_plain_and_without_what_nobody_keeps(tmp_path: Path) -> None:
    write(
        tmp_path / "x.yaml",
        dedent("""\
            apiVersion: v1
            kind: Service
            metadata:
              name: podinfo
              uid: 6f1d
              resourceVersion: "12"
              creationTimestamp: 2024-05-01T12:00:00Z
              generation: 3
              managedFields: [{manager: helm, time: "2024-05-01T12:00:00Z"}]
              labels: &l {a: x}
            spec: {selector: *l, ratio: 0.5, on: yes, none: ~}
        """),
    )
    (manifest,) = FolderCluster(tmp_path).list(SERVICE, ALL)
    assert manifest == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "podinfo",
            "namespace": "default",
            "creationTimestamp": "2024-05-01T12:00:00Z",
            "generation": 3,
            "managedFields": [{"manager": "helm", "time": "2024-05-01T12:00:00Z"}],
            "labels": {"a": "x"},
        },
        "spec": {"selector": {"a": "x"}, "ratio": 0.5, "true": True, "none": None},
    }
    assert list(manifest) == ["apiVersion", "kind", "metadata", "spec"]


def test_what_is_handed_out_is_the_callers_own(cluster: FolderCluster) -> None:
    cluster.list(SERVICE, ALL)[0]["spec"]["ports"].clear()
    found = cluster.fetch([PODINFO])[PODINFO]
    assert isinstance(found, dict)
    found["metadata"]["name"] = "x"
    assert names(cluster) == ["podinfo.test"]
    assert cluster.list(SERVICE, ALL)[0]["spec"]["ports"] == [{"name": "http", "port": 9898}]


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


def test_any_version_of_a_kind_is_of_the_kind(tmp_path: Path) -> None:
    write(tmp_path / "x.yaml", "apiVersion: autoscaling/v2beta2\nkind: HorizontalPodAutoscaler\nmetadata: {name: x}\n")
    assert names(FolderCluster(tmp_path), AUTOSCALER) == ["x.default"]


def test_field_selectors(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {type: ClusterIP, count: 1, b: %s, items: [1]}\n"
    write(tmp_path / "x.yaml", text % ("a", "true") + "---\n" + text % ("b", "false"))
    cluster = FolderCluster(tmp_path)
    for fields, expected in (
        ({"metadata.name": "a"}, ["a.default"]),
        ({"spec.type": "ClusterIP", "spec.b": "false"}, ["b.default"]),
        ({"spec.count": "1", "spec.absent": "", "spec.items.0": ""}, ["a.default", "b.default"]),
        ({"spec.type": "NodePort"}, []),
    ):
        assert names(cluster, scope=Scope(fields=fields)) == expected


def test_fetch_gives_what_there_is(cluster: FolderCluster) -> None:
    assert list(cluster.fetch([Ref(SERVICE, "test", "absent"), PODINFO, Ref(DEPLOYMENT, "test", "podinfo")])) == [
        PODINFO
    ]


def test_changes_of_the_folder_are_seen(cluster: FolderCluster, file: Path) -> None:
    assert names(cluster) == ["podinfo.test"]
    write(file, service("renamed"))
    assert names(cluster) == ["renamed.test"]
    other = write(file.with_name("other.yaml"), service("more"))
    assert names(cluster) == ["more.test", "renamed.test"]
    other.unlink()
    assert names(cluster) == ["renamed.test"]


# What is wrong with a folder.


@pytest.mark.parametrize(("name", "words"), [("absent", "does not exist"), ("file", "is no folder")])
def test_a_folder_has_to_be_one(tmp_path: Path, name: str, words: str) -> None:
    write(tmp_path / "file", "")
    with pytest.raises(UsageError, match=f"{name} {words}"):
        FolderCluster(tmp_path / name)


def test_a_folder_that_went_away(tmp_path: Path) -> None:
    cluster = FolderCluster(write(tmp_path / "x" / "x.yaml", "").parent)
    shutil.rmtree(tmp_path / "x")
    with pytest.raises(UsageError, match="x cannot be read: No such file"):
        cluster.list(SERVICE, ALL)


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
    for _ in range(2):  # the second look sees it as well
        with pytest.raises(UsageError, match=problem) as caught:
            cluster.list(SERVICE, ALL)
        assert str(tmp_path / "bad.yaml") in str(caught.value)
    with pytest.raises(UsageError, match=problem):
        cluster.fetch([])
    write(tmp_path / "bad.yaml", SERVICE_TEXT)
    assert names(cluster) == ["podinfo.test"]
    ended(End.REFUSED)


def test_all_broken_files_are_named_at_once(tmp_path: Path) -> None:
    for name in "abc":
        write(tmp_path / f"{name}.yaml", "{" if name != "b" else "b: 1")
    with pytest.raises(UsageError) as caught:
        FolderCluster(tmp_path).list(SERVICE, ALL)
    assert re.findall(r"(\w)\.yaml:\d+:\d+: ", str(caught.value)) == ["a", "c"]


def test_an_object_in_two_places(cluster: FolderCluster, file: Path) -> None:
    write(file.with_name("again.yaml"), SERVICE_TEXT)
    for _ in range(2):
        with pytest.raises(UsageError, match=r"Service podinfo\.test is in .*again\.yaml and in .*service\.yaml"):
            cluster.list(DEPLOYMENT, ALL)
    write(file.with_name("again.yaml"), SERVICE_TEXT.replace("v1", "serving.knative.dev/v1"))
    assert names(cluster) == ["podinfo.test"]


@pytest.mark.parametrize("name", ["x.yaml", "folder"])
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    outside = write(tmp_path / "outside" / "x.yaml", SERVICE_TEXT)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).symlink_to(outside if name == "x.yaml" else outside.parent)
    with pytest.raises(UsageError, match=f"in/{name} leads out of .*outside"):
        FolderCluster(tmp_path / "in").list(SERVICE, ALL)


def test_links_within_the_folder_are_no_second_objects(tmp_path: Path) -> None:
    write(tmp_path / "..data_1" / "x.yaml", SERVICE_TEXT)
    (tmp_path / "..data").symlink_to("..data_1")
    (tmp_path / "x.yaml").symlink_to("..data/x.yaml")
    (tmp_path / "y.yaml").symlink_to("x.yaml")
    (tmp_path / "circle").symlink_to(".")
    (tmp_path / "README").symlink_to("/etc/hostname")
    cluster = FolderCluster(tmp_path)
    assert names(cluster) == ["podinfo.test"]
    cluster.patch(port(80))
    assert (tmp_path / "x.yaml").is_symlink()
    assert "port: 80" in (tmp_path / "..data_1" / "x.yaml").read_text()


def test_a_link_to_nowhere_and_a_pipe_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").symlink_to("absent")
    with pytest.raises(UsageError, match=r"x\.yaml cannot be read: No such file"):
        FolderCluster(tmp_path).list(SERVICE, ALL)
    (tmp_path / "x.yaml").unlink()
    os.mkfifo(tmp_path / "x.yaml")
    with pytest.raises(UsageError, match=r"x\.yaml is no regular file"):
        FolderCluster(tmp_path).list(SERVICE, ALL)


def test_a_file_that_goes_away_while_it_is_read(
    cluster: FolderCluster, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list(files.walk(file.parent))
    file.unlink()
    monkeypatch.setattr(module, "walk", lambda _: found)
    with pytest.raises(UsageError, match=r"service\.yaml cannot be read: No such file"):
        cluster.list(SERVICE, ALL)


# Patches.


def test_a_patch_changes_its_line(cluster: FolderCluster, file: Path) -> None:
    file.chmod(0o640)
    cluster.patch(
        patch(
            {"op": "test", "path": "/metadata", "value": {"namespace": "test", "name": "podinfo"}},
            {"op": "test", "path": "/spec/ports/0/port", "value": 9898.0},
            {"op": "add", "path": "/spec/ports/0/name", "value": "http2"},
        )
    )
    assert file.read_text() == SERVICE_TEXT.replace("name: http ", "name: http2")
    assert file.stat().st_mode & 0o777 == 0o640
    assert cluster.list(SERVICE, ALL)[0]["spec"]["ports"][0]["name"] == "http2"
    assert leftovers(file.parent) == []


def test_a_patch_without_a_change_writes_nothing(cluster: FolderCluster, file: Path) -> None:
    before = file.stat()
    cluster.patch(port(9898))
    assert file.stat() == before


def test_operations_see_those_before_them(cluster: FolderCluster) -> None:
    cluster.patch(
        patch(
            {"op": "add", "path": "/spec/type", "value": "NodePort"},
            {"op": "test", "path": "/spec/type", "value": "NodePort"},
            {"op": "copy", "from": "/spec/type", "path": "/spec/copy"},
            {"op": "move", "from": "/spec/copy", "path": "/spec/moved"},
            {"op": "remove", "path": "/spec/type"},
        )
    )
    assert cluster.list(SERVICE, ALL)[0]["spec"] == {"ports": [{"name": "http", "port": 9898}], "moved": "NodePort"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/spec/ports/0/port", 9899),
        ("/spec/ports/0/port", "9898"),
        ("/spec/ports/0", {"port": 9898}),
        ("/spec/ports/1", {}),
        ("/spec/absent/deep", 1),
        ("/spec/ports/x", 1),
        ("/spec/ports/-", 1),
        ("/metadata/uid", "x"),
    ],
)
def test_a_failed_test_is_a_lost_race(cluster: FolderCluster, file: Path, path: str, value: object) -> None:
    with pytest.raises(LostRaceError, match=rf"Service podinfo\.test: {path} is no"):
        cluster.patch(patch({"op": "add", "path": "/spec/x", "value": 1}, {"op": "test", "path": path, "value": value}))
    assert file.read_text() == SERVICE_TEXT


def test_one_is_not_true(cluster: FolderCluster) -> None:
    cluster.patch(patch({"op": "add", "path": "/spec/x", "value": 1}))
    with pytest.raises(LostRaceError):
        cluster.patch(patch({"op": "test", "path": "/spec/x", "value": True}))
    cluster.patch(patch({"op": "add", "path": "/spec/x", "value": True}))
    assert cluster.list(SERVICE, ALL)[0]["spec"]["x"] is True


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/spec/absent/deep", "value": 1},
        {"op": "add", "path": "/spec/ports/7", "value": 1},
        {"op": "add", "path": "spec", "value": 1},
        {"op": "add", "path": "", "value": {}},
        {"op": "add", "path": "/spec/x"},
        {"op": "add", "value": 1},
        {"op": "sing", "path": "/spec/x", "value": 1},
        {"op": "test", "path": "/spec"},
        {"op": "test", "path": "spec", "value": 1},
        {"op": "remove", "path": "/spec/absent"},
        {"op": "move", "path": "/spec/x"},
        {"op": "move", "from": "/status", "path": "/spec/x"},
        {"op": "add", "path": "/status", "value": {}},
        {"op": "add", "path": "/status/phase", "value": ""},
        {"op": "replace", "path": "/metadata/name", "value": "other"},
        {"op": "replace", "path": "/metadata", "value": None},
        {"op": "replace", "path": "/kind", "value": "Deployment"},
        {"op": "add", "path": "/spec/x", "value": float("nan")},
        {"op": "add", "path": "/spec/x", "value": NOON},
        {"op": "add", "path": "/spec/x", "value": (1, 2)},
    ],
    ids=str,
)
def test_a_patch_that_does_not_fit_is_refused(cluster: FolderCluster, file: Path, operation: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match=r"Service podinfo\.test"):
        cluster.patch(patch(operation))
    assert file.read_text() == SERVICE_TEXT
    assert leftovers(file.parent) == []


def test_the_status_has_its_own_way(cluster: FolderCluster, file: Path) -> None:
    cluster.patch(
        patch(
            {"op": "test", "path": "/metadata/name", "value": "podinfo"},
            {"op": "add", "path": "/status", "value": {"loadBalancer": {}}},
            {"op": "add", "path": "/status/phase", "value": "on"},
            subresource="status",
        )
    )
    assert file.read_text() == SERVICE_TEXT + 'status:\n  loadBalancer: {}\n  phase: "on"\n'
    for path in ("/spec/x", "/statusx", "/metadata/labels"):
        with pytest.raises(RefusedError, match="only the status"):
            cluster.patch(patch({"op": "add", "path": path, "value": "x"}, subresource="status"))


def test_an_object_that_is_not_there(cluster: FolderCluster, file: Path) -> None:
    with pytest.raises(MissingError, match=r"Service absent\.test is not in"):
        cluster.patch(patch(target=Ref(SERVICE, "test", "absent")))
    file.unlink()
    with pytest.raises(MissingError, match=r"Service podinfo\.test is not in"):
        cluster.patch(port(80))


def test_what_cannot_be_edited_in_the_file_is_refused(tmp_path: Path) -> None:
    text = service() + "  selector:\n    <<: {app: x}\n    tier: y\n"
    file = write(tmp_path / "x.yaml", text)
    cluster = FolderCluster(tmp_path)
    with pytest.raises(RefusedError, match=r"Service podinfo\.test in .*x\.yaml cannot be changed there: .*anchors"):
        cluster.patch(patch({"op": "remove", "path": "/spec/selector/app"}))
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\ufeff", ""),
        ("# head\n---\n", "---\nnot: an object  # kept\n...\n"),
        ("%YAML 1.1\n--- # marker\n", "\n...\n# tail"),
        ("---\n", "--- |\n text\n--- # nothing\n"),
        ("a:   [ 1,2 ]\n---\n", "---\n"),
    ],
)
def test_the_rest_of_the_file_is_kept(tmp_path: Path, before: str, after: str) -> None:
    file = write(tmp_path / "x.yaml", before + SERVICE_TEXT + after)
    FolderCluster(tmp_path).patch(port(80))
    assert file.read_bytes().decode() == before + SERVICE_TEXT.replace("9898", "80") + after


@pytest.mark.parametrize("indent", ["", "  "])
@pytest.mark.parametrize("tail", ["metadata:\n  resourceVersion: ''\n", ""])
@pytest.mark.parametrize("alias", ["", "x: [&x 1, *x]\n"])
def test_one_item_of_a_list_is_written(tmp_path: Path, indent: str, tail: str, alias: str) -> None:
    items = [service(name).replace("\n", f"\n{indent}  ").rstrip(" ") for name in ("a", "podinfo", "z")]
    text = f"apiVersion: v1\nitems:\n{''.join(f'{indent}- {item}' for item in items)}kind: List\n{alias}{tail}"
    file = write(tmp_path / "dump.yaml", text)
    cluster = FolderCluster(tmp_path)
    assert names(cluster) == ["a.test", "podinfo.test", "z.test"]
    cluster.patch(port(80))
    cluster.patch(patch({"op": "add", "path": "/status", "value": {"a": "b"}}, subresource="status"))
    head, place, rest = text.partition("name: podinfo")
    wanted = head + place + rest.replace("9898\n", f"80\n{indent}  status:\n{indent}    a: b\n", 1)
    if alias:  # then the items are not edited one by one, and the whole list gets one indentation
        assert file.read_text().split() == wanted.split()
    else:
        assert file.read_text() == wanted
    assert names(FolderCluster(tmp_path)) == names(cluster)


def test_an_item_in_an_odd_list_is_written(tmp_path: Path) -> None:
    text = (
        "kind: ServiceList\napiVersion: v1\nitems:\n-\n  metadata: {name: a}\n- metadata: {name: b}\n  spec: {x: 1}\n"
    )
    file = write(tmp_path / "dump.yaml", text)
    change = patch({"op": "add", "path": "/spec/x", "value": 2}, target=Ref(SERVICE, "default", "b"))
    FolderCluster(tmp_path).patch(change)
    assert file.read_text() == text.replace("x: 1", "x: 2").replace("-\n ", "-")


def test_every_step_of_a_rollout_is_a_small_diff(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "artifacts", tmp_path, dirs_exist_ok=True)
    cluster = FolderCluster(tmp_path)
    canary = Ref(DEPLOYMENT, "test", "podinfo-canary")
    template = dict(cluster.fetch([canary]))[canary]
    assert isinstance(template, dict)
    template = template["spec"]["template"]
    template["metadata"]["labels"]["app"] = "podinfo"
    for target, path, value in (
        (Ref(VIRTUAL_SERVICE, "test", "podinfo"), "/spec/http/0/route/0/weight", 90),
        (Ref(VIRTUAL_SERVICE, "test", "podinfo"), "/spec/http/0/route/1/weight", 10),
        (Ref(DEPLOYMENT, "test", "podinfo"), "/spec/template", template),
        (canary, "/spec/replicas", 0),
    ):
        cluster.patch(patch({"op": "add", "path": path, "value": value}, target=target))
    changed = [
        (before.strip(), after.strip())
        for path in sorted((ROOT / "artifacts" / "workloads").iterdir())
        for before, after in zip(
            path.read_text().splitlines(), (tmp_path / "workloads" / path.name).read_text().splitlines(), strict=True
        )
        if before != after
    ]
    assert changed == [
        ("replicas: 2", "replicas: 0"),
        ("image: quay.io/stefanprodan/podinfo:1.2.0", "image: quay.io/stefanprodan/podinfo:1.2.1"),
        ("weight: 100", "weight: 90"),
        ("weight: 0", "weight: 10"),
    ]


# Others write, too.


def between(monkeypatch: pytest.MonkeyPatch, act: Any, times: int = 1) -> None:
    """Do something between the read and the write of a patch, as many times."""
    original, left = files.store, [times]

    def store(*arguments: Any) -> bool:
        if left[0]:
            left[0] -= 1
            act()
        return original(*arguments)

    monkeypatch.setattr(module, "store", store)


def test_a_file_that_changed_elsewhere_is_read_again(
    cluster: FolderCluster, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    between(monkeypatch, lambda: write(file, "# edited\n" + SERVICE_TEXT))
    cluster.patch(port(80))
    assert file.read_text() == "# edited\n" + SERVICE_TEXT.replace("9898", "80")
    assert leftovers(file.parent) == []


def test_the_tests_decide_about_a_file_that_changed(
    cluster: FolderCluster, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = SERVICE_TEXT.replace("9898", "1234")
    between(monkeypatch, lambda: write(file, edited))
    with pytest.raises(LostRaceError):
        cluster.patch(
            patch(
                {"op": "test", "path": "/spec/ports/0/port", "value": 9898},
                {"op": "add", "path": "/spec/ports/0/port", "value": 80},
            )
        )
    assert file.read_text() == edited


def test_a_change_of_the_same_size_and_time_is_seen(cluster: FolderCluster, file: Path) -> None:
    assert names(cluster) == ["podinfo.test"]
    times = file.stat()
    with file.open("r+") as stream:
        stream.write(SERVICE_TEXT.replace("9898", "1234"))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(LostRaceError):
        cluster.patch(patch({"op": "test", "path": "/spec/ports/0/port", "value": 9898}))


def test_an_object_that_moved_is_found(cluster: FolderCluster, file: Path) -> None:
    assert names(cluster) == ["podinfo.test"]
    moved = file.rename(file.with_name("moved.yaml"))
    cluster.patch(port(80))
    assert "port: 80" in moved.read_text()


def test_a_file_that_was_deleted_or_broken_meanwhile(
    cluster: FolderCluster, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    between(monkeypatch, lambda: write(file, "{"))
    with pytest.raises(RefusedError, match=r"service\.yaml:2:1|service\.yaml:1:2"):
        cluster.patch(port(80))
    write(file, SERVICE_TEXT)
    between(monkeypatch, file.unlink)
    with pytest.raises(MissingError):
        cluster.patch(port(80))
    assert list(file.parent.iterdir()) == []


def test_an_endless_race_is_given_up(cluster: FolderCluster, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def append(path: Path) -> None:
        with path.open("a") as stream:
            stream.write("# more\n")

    between(monkeypatch, lambda: append(file), ATTEMPTS)
    with pytest.raises(LostRaceError, match="all the time"):
        cluster.patch(port(80))
    between(monkeypatch, lambda: append(file.with_name("events.yaml")), ATTEMPTS)
    with pytest.raises(LostRaceError, match="all the time"):
        cluster.record(event(), NOON)
    assert leftovers(file.parent) == []


def test_threads_do_not_lose_each_others_writes(tmp_path: Path) -> None:
    write(tmp_path / "x.yaml", "---\n".join(service(f"s{index}") for index in range(8)))
    cluster = FolderCluster(tmp_path)
    operation = {"op": "add", "path": "/spec/x", "value": 1}
    threads = [
        threading.Thread(target=cluster.patch, args=(patch(operation, target=Ref(SERVICE, "test", f"s{index}")),))
        for index in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [item["spec"]["x"] for item in FolderCluster(tmp_path).list(SERVICE, ALL)] == [1] * 8


# Writes that fail.


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow beyond 64 bytes: what a disk with no more room looks like."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be somebody without the right to write in the folder."""
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
        with cluster.lock():  # a pass that has nothing to write needs no right to
            assert names(cluster) == ["podinfo.test"]
    assert file.read_text() == SERVICE_TEXT


def test_a_folder_that_is_gone_cannot_be_locked(cluster: FolderCluster, file: Path) -> None:
    file.unlink()
    file.parent.rmdir()
    with pytest.raises(ForbiddenError, match="cannot be locked: No such file"), cluster.lock():
        pass


def test_objects_that_name_no_namespace_are_of_the_one_that_is_given(file: Path) -> None:
    write(file, SERVICE_TEXT.replace("  namespace: test\n", ""))
    cluster = FolderCluster(file.parent, "elsewhere")
    assert names(cluster) == ["podinfo.elsewhere"]
    ref = Ref(SERVICE, "elsewhere", "podinfo")
    change = ({"op": "add", "path": "/spec/type", "value": "ClusterIP"},)
    cluster.patch(Patch(target=ref, api_version="v1", operations=change))
    assert "namespace" not in file.read_text()
    assert cluster.fetch([ref])[ref]["spec"]["type"] == "ClusterIP"  # type: ignore[index]


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
    text = SERVICE_TEXT + "---\n" + "# x\n" * 1_500_000
    write(file, text)
    with pytest.raises(RefusedError, match="would be larger than 8 MiB"):
        cluster.patch(patch({"op": "add", "path": "/spec/x", "value": "x" * 2_500_000}))
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
    hidden = write(file.parent / ".cache" / f".x{files.TEMPORARY}", "")
    write(file.parent / "folder" / f".y{files.TEMPORARY}", "")
    done = subprocess.run([sys.executable, "-c", KILLED, str(file.parent)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(leftovers(file.parent)) == 2
    assert file.read_text() == SERVICE_TEXT
    assert names(cluster) == ["podinfo.test"]
    with cluster.lock():
        assert leftovers(file.parent) == [hidden.name]
    cluster.patch(port(80))
    assert file.read_text() == SERVICE_TEXT.replace("9898", "80")


def test_a_broken_file_that_is_taken_away_takes_its_objects_along(cluster: FolderCluster, file: Path) -> None:
    write(file.with_name("other.yaml"), service("other"))
    assert names(cluster) == ["other.test", "podinfo.test"]
    write(file, "{")
    with pytest.raises(UsageError):
        cluster.list(SERVICE, ALL)
    file.unlink()
    assert names(cluster) == ["other.test"]


# The lock.


def test_a_lock_keeps_two_passes_apart(cluster: FolderCluster, file: Path) -> None:
    other = FolderCluster(file.parent)
    with (
        cluster.lock(),
        pytest.raises(ClusterError, match="another pass works on "),
        other.lock(wait=0.1),
    ):
        pass
    with other.lock():
        assert names(other) == ["podinfo.test"]
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_lock_can_be_waited_for(cluster: FolderCluster, file: Path) -> None:
    holding, release = threading.Event(), threading.Event()

    def hold() -> None:
        with FolderCluster(file.parent).lock():
            holding.set()
            release.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait()
    threading.Timer(0.1, release.set).start()
    with cluster.lock(wait=30):
        assert release.is_set()
    thread.join()


# Events.


def test_events_go_to_one_file(cluster: FolderCluster, file: Path) -> None:
    cluster.record(event(), NOON)
    cluster.record(event("Advance rollout podinfo.test weight 10"), NOON + timedelta(minutes=1))
    cluster.record(event(), NOON + timedelta(minutes=2))
    cluster.record(event(name="other"), NOON)
    text = (file.parent / "events.yaml").read_text()
    stored = {item["metadata"]["name"]: item for item in yaml.safe_load_all(text)}
    assert len(stored) == 3
    assert stored[event().name] == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": event().name, "namespace": "test"},
        "involvedObject": {
            "apiVersion": "apps.weave.works/v1beta1",
            "kind": "Rollout",
            "name": "podinfo",
            "namespace": "test",
        },
        "reason": "Synced",
        "message": "Starting rollout for podinfo.test",
        "source": {"component": "steerer"},
        "type": "Normal",
        "count": 2,
        "firstTimestamp": "2024-05-01T12:00:00Z",
        "lastTimestamp": "2024-05-01T12:02:00Z",
    }
    for reader in (cluster, FolderCluster(file.parent)):
        assert len(reader.list(EVENT, ALL)) == 3
        scope = Scope(namespace="test", fields={"involvedObject.name": "podinfo", "involvedObject.kind": "Rollout"})
        assert sorted(item["count"] for item in reader.list(EVENT, scope)) == [1, 2]
        assert reader.list(EVENT, Scope(namespace="elsewhere")) == []


@pytest.mark.parametrize("text", ["# mine", "# mine\n", "---\n# mine\n...\n", "a: b\r\n", "x: |+\n  y\n\n"])
def test_what_is_in_the_events_file_stays(tmp_path: Path, text: str) -> None:
    file = write(tmp_path / "events.yaml", text)
    cluster = FolderCluster(tmp_path)
    cluster.record(event(), NOON)
    cluster.record(event(), NOON)
    assert file.read_bytes().decode().startswith(text)
    assert [item["count"] for item in FolderCluster(tmp_path).list(EVENT, ALL)] == [2]


def test_an_event_of_a_dump_is_shown_and_not_counted_on(tmp_path: Path) -> None:
    text = f"apiVersion: v1\nkind: Event\nmetadata: {{name: {event().name}, namespace: test}}\ncount: {{}}\n"
    dump = write(tmp_path / "z.yaml", text)
    cluster = FolderCluster(tmp_path)
    assert len(cluster.list(EVENT, ALL)) == 1
    cluster.record(event(), NOON)
    assert dump.read_text() == text
    for reader in (cluster, FolderCluster(tmp_path)):
        assert [item["count"] for item in reader.list(EVENT, ALL)] == [1]


def test_a_count_that_is_none_starts_again(tmp_path: Path) -> None:
    text = f"apiVersion: v1\nkind: Event\nmetadata: {{name: {event().name}, namespace: test}}\ncount: many\n"
    write(tmp_path / "events.yaml", text)
    cluster = FolderCluster(tmp_path)
    cluster.record(event(), NOON)
    assert [item["count"] for item in cluster.list(EVENT, ALL)] == [2]


def test_events_of_another_pass_are_seen(tmp_path: Path) -> None:
    one, other = FolderCluster(tmp_path), FolderCluster(tmp_path)
    one.record(event(), NOON)
    other.record(event(), NOON)
    one.record(event(), NOON)
    other.record(event("x"), NOON)
    one.record(event("x"), NOON)
    assert sorted(item["count"] for item in one.list(EVENT, ALL)) == [2, 3]


def test_an_event_cannot_go_into_a_broken_file(cluster: FolderCluster, file: Path) -> None:
    cluster.record(event(), NOON)
    write(file.with_name("events.yaml"), "{")
    with pytest.raises(RefusedError, match=r"events\.yaml:"):
        cluster.record(event(), NOON)


# The cost.


def test_a_read_of_the_folder_needs_no_patch_library() -> None:
    code = (
        "import sys, reconcile.clusters.folder.cluster; print({'jsonpatch', 'ruamel', 'pykube'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


def test_a_file_is_read_once_as_long_as_it_stays(cluster: FolderCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def load(path: Path, real: Path) -> files.Source:
        read.append(path)
        return files.load(path, real)

    monkeypatch.setattr(module, "load", load)
    for _ in range(3):
        cluster.list(SERVICE, ALL)
        cluster.fetch([PODINFO])
        cluster.patch(port(80))
        cluster.record(event(), NOON)
    cluster.list(EVENT, ALL)
    assert [path.name for path in read] == ["service.yaml"]
