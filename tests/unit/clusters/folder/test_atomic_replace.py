"""One file put in the place of another in one step, and taken back if the other one is not what was read."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from reconcile.clusters.folder import atomic_replace
from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.model.errors import LostRaceError
from reconcile.model.kinds import SERVICE, Ref
from reconcile.model.plan import Patch
from tests.hostile.tally import End, ended

if TYPE_CHECKING:
    from pathlib import Path

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who has a file open")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old"
    path.write_bytes(b"old")
    return path


@pytest.fixture
def new(tmp_path: Path) -> Path:
    path = tmp_path / "new"
    path.write_bytes(b"new")
    return path


def test_what_is_as_it_was_read_is_replaced(new: Path, old: Path) -> None:
    assert atomic_replace.put(new, old, b"old")
    assert old.read_bytes() == b"new"


@pytest.mark.parametrize("found", [b"", b"ol", b"older", b"OLD"])
def test_what_is_something_else_by_now_stays(new: Path, old: Path, found: bytes) -> None:
    old.write_bytes(found)
    assert not atomic_replace.put(new, old, b"old")
    assert (old.read_bytes(), new.read_bytes()) == (found, b"new")


@LINUX
@pytest.mark.parametrize("saves", [1, 2, 3])
def test_what_is_saved_while_it_is_put_back_stays(
    new: Path, old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saves: int
) -> None:
    rename = atomic_replace._rename  # noqa: SLF001 - the moment before it
    texts = [f"saved {number}" for number in range(saves)]

    def saved_before(source: Path, target: Path, flags: int) -> bool:
        if texts:  # as an editor does it
            (tmp_path / "editor").write_text(texts.pop(0))
            (tmp_path / "editor").replace(target)
        return rename(source, target, flags)

    monkeypatch.setattr(atomic_replace, "_rename", saved_before)
    assert not atomic_replace.put(new, old, b"old")
    assert (old.read_text(), texts) == (f"saved {saves - 1}", [])


def test_a_new_file_takes_no_place(new: Path, old: Path) -> None:
    assert not atomic_replace.put(new, old, None)
    assert (old.read_bytes(), new.read_bytes()) == (b"old", b"new")
    old.unlink()
    assert not atomic_replace.put(new, old, b"old")
    assert atomic_replace.put(new, old, None)
    assert old.read_bytes() == b"new"


@LINUX
def test_whoever_has_it_open_is_waited_for(new: Path, old: Path) -> None:
    writer = old.open("ab")

    def written() -> None:
        writer.write(b" and more")
        writer.close()

    threading.Timer(0.1, written).start()
    assert not atomic_replace.put(new, old, b"old")
    assert (old.read_bytes(), new.read_bytes()) == (b"old and more", b"new")
    assert atomic_replace.put(new, old, b"old and more")


@LINUX
def test_whoever_does_not_let_go_of_it_keeps_it(new: Path, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic_replace, "WRITER_TIMEOUT", 0.05)
    with old.open("ab"):
        assert not atomic_replace.put(new, old, b"old")
    assert old.read_bytes() == b"old"
    with old.open("rb"):  # a reader does not delay the write
        assert atomic_replace.put(new, old, b"old")


def test_where_it_cannot_be_done_in_one_step_it_is_replaced(
    new: Path, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "elsewhere")
    assert atomic_replace.put(new, old, b"old")
    assert (old.read_bytes(), new.exists()) == (b"new", False)


@LINUX
def test_a_refusal_has_its_reason(new: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r".") as caught:
        atomic_replace.put(new, tmp_path, b"")
    assert caught.value.errno in {errno.EISDIR, errno.EINVAL, errno.ENOTDIR, errno.ENOENT}
    assert new.read_bytes() == b"new"


EDITOR = """
import random, sys, time
from pathlib import Path

how, path = sys.argv[1], Path(sys.argv[2])
text = path.read_text()
for number in range(100):
    line = f"# edit {number}.\\n"
    text += line
    if how == "append":
        with path.open("a") as file:
            file.write(line)
    else:
        path.with_name(".new").write_text(text)
        path.with_name(".new").replace(path)
    time.sleep(random.random() * 0.01)
    # A pass that was faster puts it back: in that moment it is not there.
    end = time.monotonic() + 60
    while line not in path.read_text():
        if time.monotonic() > end:
            sys.exit(f"lost: {line}")
"""


@LINUX
@pytest.mark.hostile("A folder of manifests", "an editor that goes on saving while a pass writes")
@pytest.mark.parametrize("how", ["append", "replace"])
def test_no_edit_of_another_process_is_lost(tmp_path: Path, how: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {weight: 0}\n")
    cluster, written = FolderCluster(tmp_path), 0
    with subprocess.Popen([sys.executable, "-c", EDITOR, how, file], stderr=subprocess.PIPE, text=True) as editor:
        while editor.poll() is None:
            operation = {"op": "add", "path": "/spec/weight", "value": written + 1}
            try:
                cluster.patch(Patch(target=Ref(SERVICE, "default", "x"), api_version="v1", operations=(operation,)))
                written += 1
                ended(End.SAFE)
            except LostRaceError:
                ended(End.UNWRITTEN)
        _, lost = editor.communicate()
    assert lost == ""
    assert written
    assert sorted(os.listdir(tmp_path)) == ["x.yaml"]  # noqa: PTH208 - names
