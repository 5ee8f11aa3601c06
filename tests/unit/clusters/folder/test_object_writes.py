"""One object written into its file, also while others write it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.clusters.folder.object_writes import ATTEMPTS
from reconcile.model.errors import LostRaceError, MissingError, RefusedError
from reconcile.model.kinds import SERVICE, Ref
from tests.support.meanwhile import before_each_store
from tests.unit.clusters.folder.manifests import (
    ALL,
    NOON,
    SERVICE_TEXT,
    event,
    names,
    patch,
    port,
    service,
    temporary_files,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path


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
    assert file.read_text() == wanted
    assert names(FolderCluster(tmp_path)) == names(cluster)


def test_an_item_in_an_odd_list_is_written(tmp_path: Path) -> None:
    text = (
        "kind: ServiceList\napiVersion: v1\nitems:\n-\n  metadata: {name: a}\n- metadata: {name: b}\n  spec: {x: 1}\n"
    )
    file = write(tmp_path / "dump.yaml", text)
    change = patch({"op": "add", "path": "/spec/x", "value": 2}, target=Ref(SERVICE, "default", "b"))
    FolderCluster(tmp_path).patch(change)
    assert file.read_text() == text.replace("x: 1", "x: 2")


def test_a_file_that_changed_elsewhere_is_read_again(
    cluster: FolderCluster, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_each_store(monkeypatch, lambda: write(file, "# edited\n" + SERVICE_TEXT))
    cluster.patch(port(80))
    assert file.read_text() == "# edited\n" + SERVICE_TEXT.replace("9898", "80")
    assert temporary_files(file.parent) == []


def test_the_tests_decide_about_a_file_that_changed(
    cluster: FolderCluster, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = SERVICE_TEXT.replace("9898", "1234")
    before_each_store(monkeypatch, lambda: write(file, edited))
    with pytest.raises(LostRaceError):
        cluster.patch(
            patch(
                {"op": "test", "path": "/spec/ports/0/port", "value": 9898},
                {"op": "add", "path": "/spec/ports/0/port", "value": 80},
            )
        )
    assert file.read_text() == edited


def test_a_file_that_was_deleted_or_broken_meanwhile(
    cluster: FolderCluster, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_each_store(monkeypatch, lambda: write(file, "{"))
    with pytest.raises(RefusedError, match=r"service\.yaml:2:1|service\.yaml:1:2"):
        cluster.patch(port(80))
    write(file, SERVICE_TEXT)
    before_each_store(monkeypatch, file.unlink)
    with pytest.raises(MissingError):
        cluster.patch(port(80))
    assert list(file.parent.iterdir()) == []


def test_an_endless_race_is_given_up(cluster: FolderCluster, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def append(path: Path) -> None:
        with path.open("a") as stream:
            stream.write("# more\n")

    before_each_store(monkeypatch, lambda: append(file), ATTEMPTS)
    with pytest.raises(LostRaceError, match="all the time"):
        cluster.patch(port(80))
    before_each_store(monkeypatch, lambda: append(file.with_name("events.yaml")), ATTEMPTS)
    with pytest.raises(LostRaceError, match="all the time"):
        cluster.record(event(), NOON)
    assert temporary_files(file.parent) == []


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
