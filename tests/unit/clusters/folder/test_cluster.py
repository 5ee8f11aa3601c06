"""A folder of manifests as a cluster: what is read, patched and recorded."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import yaml

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.clusters.folder.file_tree import signature_of
from reconcile.model.errors import MissingError, RefusedError, UsageError
from reconcile.model.kinds import DEPLOYMENT, EVENT, KINDS, SERVICE, VIRTUAL_SERVICE, Ref, Scope
from reconcile.model.plan import Patch
from tests.support.paths import ROOT
from tests.unit.clusters.folder.manifests import (
    ALL,
    NOON,
    PODINFO,
    SERVICE_TEXT,
    event,
    names,
    patch,
    port,
    temporary_files,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

    from reconcile.model.ports import Cluster


def test_the_example_is_a_cluster() -> None:
    example: Cluster = FolderCluster(ROOT / "artifacts")
    assert {kind.name: names(example, kind) for kind in KINDS.values()} == {
        "Rollout": ["podinfo.test"],
        "Deployment": ["podinfo.test", "podinfo-canary.test"],
        "Service": ["podinfo.test", "podinfo-canary.test"],
        "HorizontalPodAutoscaler": ["podinfo-canary.test"],
        "VirtualService": ["podinfo.test"],
        "HTTPRoute": [],
        "GRPCRoute": [],
        "DestinationRule": [],
        "Event": [],
    }


def test_what_is_handed_out_is_the_callers_own(cluster: FolderCluster) -> None:
    cluster.list(SERVICE, ALL)[0]["spec"]["ports"].clear()
    found = cluster.fetch([PODINFO])[PODINFO]
    assert isinstance(found, dict)
    found["metadata"]["name"] = "x"
    assert names(cluster) == ["podinfo.test"]
    assert cluster.list(SERVICE, ALL)[0]["spec"]["ports"] == [{"name": "http", "port": 9898}]


def test_fetch_gives_what_there_is(cluster: FolderCluster) -> None:
    assert list(cluster.fetch([Ref(SERVICE, "test", "absent"), PODINFO, Ref(DEPLOYMENT, "test", "podinfo")])) == [
        PODINFO
    ]


@pytest.mark.parametrize(
    ("name", "words"), [("absent", "does not exist"), ("/dev/null", "is neither a folder nor a file")]
)
def test_a_folder_has_to_be_one(tmp_path: Path, name: str, words: str) -> None:
    write(tmp_path / "file", "")
    with pytest.raises(UsageError, match=f"{name} {words}"):
        FolderCluster(tmp_path / name)


def test_objects_that_name_no_namespace_are_of_the_one_that_is_given(file: Path) -> None:
    write(file, SERVICE_TEXT.replace("  namespace: test\n", ""))
    cluster = FolderCluster(file.parent, "elsewhere")
    assert names(cluster) == ["podinfo.elsewhere"]
    ref = Ref(SERVICE, "elsewhere", "podinfo")
    change = ({"op": "add", "path": "/spec/type", "value": "ClusterIP"},)
    cluster.patch(Patch(target=ref, api_version="v1", operations=change))
    assert "namespace" not in file.read_text()
    assert cluster.fetch([ref])[ref]["spec"]["type"] == "ClusterIP"  # type: ignore[index]


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
    assert temporary_files(file.parent) == []


def test_a_patch_without_a_change_writes_nothing(cluster: FolderCluster, file: Path) -> None:
    before = signature_of(file.stat())
    cluster.patch(port(9898))
    assert signature_of(file.stat()) == before


def test_an_object_that_is_not_there(cluster: FolderCluster, file: Path) -> None:
    with pytest.raises(MissingError, match=r"Service absent\.test is not in"):
        cluster.patch(patch(target=Ref(SERVICE, "test", "absent")))
    file.unlink()
    with pytest.raises(MissingError, match=r"Service podinfo\.test is not in"):
        cluster.patch(port(80))


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


def test_a_single_file_is_read_and_written_and_its_events_stand_beside_it(file: Path) -> None:
    write(file.with_name("other.yaml"), SERVICE_TEXT)
    cluster = FolderCluster(file)
    with cluster.lock():
        cluster.patch(port(80))
        for _ in range(2):
            cluster.record(event(), NOON)
    assert names(cluster) == ["podinfo.test"]
    assert "port: 80" in file.read_text()
    assert [item["count"] for item in FolderCluster(file).list(EVENT, ALL)] == [2]


def test_events_go_into_no_file_of_anybody_else(tmp_path: Path) -> None:
    mine = write(tmp_path / "events.yaml", SERVICE_TEXT)
    cluster = FolderCluster(tmp_path)
    for _ in range(2):
        cluster.record(event(), NOON)
    assert mine.read_text() == SERVICE_TEXT
    assert [item["count"] for item in FolderCluster(tmp_path).list(EVENT, ALL)] == [2]
    write(tmp_path / "steerer-events.yaml", SERVICE_TEXT.replace("podinfo", "other"))
    with pytest.raises(RefusedError, match="Events go into neither"):
        cluster.record(event(), NOON)


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


def test_a_read_of_the_folder_needs_no_patch_library() -> None:
    code = "import sys, reconcile.clusters.folder.cluster; print({'jsonpatch', 'pykube'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"
