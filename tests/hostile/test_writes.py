"""A folder that others write, that is full, read-only or deleted, and passes that are killed or run at the same time.

The program is a process on real file systems. The files show that no edit is lost and no file is half written.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.clusters.folder.file_write import TEMPORARY
from reconcile.model.errors import ClusterError, LostRaceError, MissingError, RefusedError, UnreachableError
from reconcile.model.kinds import ROLLOUT, VIRTUAL_SERVICE, Ref, Scope
from reconcile.model.plan import Event, Patch
from tests.components.processes import wait_for
from tests.hostile.tally import End, ended
from tests.hostile.test_folder import WHOSE, outside
from tests.support.meanwhile import before_each_store
from tests.support.paths import ROOT
from tests.support.program import begun, confined, contents, example, silent_server, steerer, stored
from tests.support.world import START

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUTE = "workloads/virtual-service.yaml"
ROLLOUTS = "rollouts/podinfo.yaml"
VS = Ref(VIRTUAL_SERVICE, "test", "podinfo")
EDIT = "# an edit\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return example(tmp_path / "in")


def weights(folder: Path) -> list[int]:
    return [entry["weight"] for entry in stored(folder, ROUTE)["spec"]["http"][0]["route"]]


def debris(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.name.endswith(TEMPORARY)]


# Other writers.


def step() -> Patch:
    """Returns the patch of a first step."""
    route = "/spec/http/0/route"
    return Patch(
        target=VS,
        api_version="v1",
        operations=(
            {"op": "test", "path": f"{route}/0/weight", "value": 100},
            {"op": "add", "path": f"{route}/0/weight", "value": 90},
            {"op": "add", "path": f"{route}/1/weight", "value": 10},
        ),
    )


def prepend(path: Path) -> None:
    path.write_text(EDIT + path.read_text())


def replaced(path: Path) -> None:
    """Saves as many editors do: with a new file in place of the old one."""
    new = path.with_name(".new")
    new.write_text(EDIT + path.read_text())
    new.replace(path)


def led_out(path: Path) -> None:
    """Replaces a file by a link to a copy outside of the folder."""
    kept = outside(path.parents[1]) / "x.yaml"
    kept.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(kept)


def folder_led_out(path: Path) -> None:
    """Replaces the file's folder by a link to a copy outside."""
    kept = outside(path.parents[1]) / "workloads"
    path.parent.rename(kept)
    path.parent.symlink_to(kept)


def gone(path: Path) -> None:
    for one in path.parent.iterdir():
        one.unlink()
    path.parent.rmdir()


def huge(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(64 * 1024**3)  # a hole: it takes no space


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


# What happens to the route between the read and the write, and the error of the write.
MEANWHILE: dict[str, tuple[Callable[[Path], Any], type[ClusterError] | None, str]] = {
    "edited in place": (prepend, None, ""),
    "edited by a new file": (replaced, None, ""),
    "weights moved by hand": (
        lambda path: path.write_text(path.read_text().replace("100", "60").replace("weight: 0", "weight: 40")),
        LostRaceError,
        "/spec/http/0/route/0/weight is no longer 100",
    ),
    "cut off": (lambda path: os.truncate(path, 100), ClusterError, "."),
    "emptied": (lambda path: os.truncate(path, 0), MissingError, "is not in"),
    "deleted": (Path.unlink, MissingError, "is not in"),
    "moved": (lambda path: path.rename(path.with_name("moved.yaml")), None, ""),
    "its folder deleted": (gone, UnreachableError, "cannot be written: No such file"),
    "binary": (lambda path: path.write_bytes(b"\0\xff"), RefusedError, "UTF-8"),
    "huge": (huge, RefusedError, "is larger than 8 MiB"),
    "a pipe": (pipe, RefusedError, "is no regular file"),
    "a link out, to the same bytes": (led_out, RefusedError, "leads out of"),
    "in a folder that is a link out": (folder_led_out, RefusedError, "leads out of"),
    "there twice": (
        lambda path: path.with_name("twice.yaml").write_bytes(path.read_bytes()),
        None,
        "",
    ),
}


@pytest.mark.hostile(WHOSE, "a file that changes between the read and the write")
@pytest.mark.parametrize("name", MEANWHILE)
def test_no_edit_is_lost_whatever_becomes_of_the_file(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    act, error, words = MEANWHILE[name]
    cluster = FolderCluster(folder)
    cluster.list(ROLLOUT, Scope())
    seen: list[dict[str, bytes]] = []

    def meanwhile() -> None:
        act(folder / ROUTE)
        if name != "huge":
            seen.append(contents(folder.parent))

    before_each_store(monkeypatch, meanwhile)
    if error is not None:
        with pytest.raises(error, match=words):
            cluster.patch(step())
        if name != "huge":
            assert contents(folder.parent) == seen[0]
        ended(End.UNWRITTEN)
    else:
        cluster.patch(step())
        after = contents(folder.parent)
        [changed] = [path for path in after if after[path] != seen[0].get(path)]
        assert after[changed] == seen[0][changed].replace(b"100", b"90").replace(b"weight: 0", b"weight: 10")
        ended(End.SAFE)
    assert debris(folder.parent) == []


EVENTS: dict[str, Callable[[Path], Any]] = {
    "a link to nothing outside": lambda path: path.symlink_to(outside(path.parent) / "none.yaml"),
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link to itself": lambda path: path.symlink_to(path.name),
}


@pytest.mark.hostile(WHOSE, "the Events' file, in which something else is in the way")
@pytest.mark.parametrize("name", EVENTS)
def test_events_go_into_a_file_of_the_folder_or_nowhere(folder: Path, name: str) -> None:
    cluster = FolderCluster(folder)
    cluster.list(ROLLOUT, Scope())
    EVENTS[name](folder / "events.yaml")
    before = contents(folder.parent)
    event = Event(
        rollout=Ref(ROLLOUT, "test", "podinfo"), api_version="v1", uid=None, revision="1", type="Normal", message="m"
    )
    with pytest.raises(RefusedError, match=r"events\.yaml"):
        cluster.record(event, START)
    assert contents(folder.parent) == before
    ended(End.UNWRITTEN)


@pytest.mark.hostile(WHOSE, "the Events' file, in which something else is in the way")
def test_a_pass_goes_on_without_its_events(folder: Path) -> None:
    (folder / "events.yaml").mkdir()
    done = steerer("run", "-f", folder)
    assert (done.returncode, weights(folder)) == (0, [90, 10])
    assert "an Event of Rollout podinfo.test was not stored: " in done.stderr
    assert "events.yaml is in the way: it is no file" in done.stderr
    ended(End.SAFE)


# Disks that are full or read-only.


def root_only() -> None:
    if os.geteuid():
        pytest.skip("only root mounts")


@contextmanager
def mounted(*options: str, target: Path) -> Iterator[Path]:
    """Mounts a file system for the time of a test."""
    root_only()
    done = subprocess.run(["mount", *options, str(target)], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield target
    finally:
        subprocess.run(["umount", str(target)], check=True)


def no_more_than(size: int) -> None:
    import resource  # noqa: PLC0415 - in the child

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def as_everybody() -> None:
    """Drops the capabilities of root, so that the modes of files count."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def halted_by(folder: Path, words: str, limit: Callable[[], Any] = bool) -> None:
    """Checks that a pass that cannot write reports it and changes nothing, and that a plan still works."""
    before = contents(folder)
    events = folder / "events.yaml"
    assert "0 % → 10 %" in confined(limit, "plan", "-f", folder).stdout
    done = confined(limit, "run", "-f", folder, "--detailed-exitcode")
    after = contents(folder)
    told = after.pop(events.name, b"").decode()
    assert (done.returncode, after, debris(folder)) == (4, before, [])
    assert (told.count("type: "), "cannot be written" in told) in {(0, False), (1, True)}  # the Warning, if anything
    assert f"cannot be written: {words}; it is unchanged" in done.stdout
    assert "Traceback" not in done.stderr
    ended(End.UNWRITTEN)


FAILING = "a disk that is full or read-only, and files of others"


@pytest.mark.hostile(WHOSE, FAILING)
def test_a_full_disk(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=256k", "tmpfs", target=place):
        folder = example(place / "in")
        with (place / "ballast").open("wb", buffering=0) as ballast, pytest.raises(OSError, match="No space left"):
            ballast.writelines([b"x" * 4096] * 100)
        halted_by(folder, "No space left on device")
        (place / "ballast").unlink()
        assert steerer("run", "-f", folder).returncode == 0
        assert weights(folder) == [90, 10]


@pytest.mark.hostile(WHOSE, FAILING)
def test_a_disk_that_takes_the_status_and_not_the_step(folder: Path) -> None:
    with (folder / ROUTE).open("a") as file:
        file.write("# long\n" * 2000)
    done = confined(partial(no_more_than, 8000), "run", "-f", folder, "--detailed-exitcode")
    assert (done.returncode, weights(folder), debris(folder)) == (4, [100, 0], [])
    assert "virtual-service.yaml cannot be written: File too large; it is unchanged" in done.stdout
    assert "Advance" not in (folder / "events.yaml").read_text()  # an Event claims only what is stored
    done = steerer("run", "-f", folder, "--control-loop-interval", "0s")
    assert (done.returncode, weights(folder)) == (0, [90, 10])
    ended(End.HEALED)


@pytest.mark.hostile(WHOSE, FAILING)
def test_a_read_only_disk(folder: Path) -> None:
    with mounted("--bind", str(folder), target=folder):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        halted_by(folder, "Read-only file system")


@pytest.mark.hostile(WHOSE, FAILING)
def test_a_folder_that_nobody_may_write_to(folder: Path) -> None:
    places = [folder, *(path for path in folder.iterdir() if path.is_dir())]
    for place in places:
        place.chmod(0o555)
    halted_by(folder, "Permission denied", as_everybody)
    for place in places:
        place.chmod(0o755)


@pytest.mark.hostile(WHOSE, FAILING)
def test_a_file_that_nobody_may_read(folder: Path) -> None:
    before = contents(folder)
    (folder / ROUTE).chmod(0)
    done = confined(as_everybody, "run", "-f", folder)
    (folder / ROUTE).chmod(0o600)
    assert (done.returncode, done.stdout, contents(folder)) == (2, "", before)
    assert "virtual-service.yaml cannot be read: Permission denied" in done.stderr
    ended(End.REFUSED)


@pytest.mark.hostile(WHOSE, FAILING)
def test_a_file_that_may_not_be_changed(folder: Path) -> None:
    root_only()
    path = folder / ROLLOUTS
    if subprocess.run(["chattr", "+i", path], check=False, capture_output=True).returncode:
        pytest.skip("this file system has no immutable files")
    try:
        halted_by(folder, "Operation not permitted")
    finally:
        subprocess.run(["chattr", "-i", path], check=True)


@pytest.mark.hostile(WHOSE, FAILING)
def test_a_folder_that_goes_away_between_two_passes(folder: Path) -> None:
    with begun("run", "-f", folder, "--every", "1s", "--for", "4s") as process:
        wait_for((folder / "events.yaml").exists, "the first pass")
        folder.rename(folder.with_name("elsewhere"))
        _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "cannot be locked: No such file or directory" in err
    assert "Traceback" not in err
    assert not folder.exists()  # it is not made anew
    ended(End.REFUSED)


# SIGKILL, at each write of a pass.

KILLED = """
import os, signal, sys
from reconcile.cli import main
from reconcile.clusters.folder import atomic_replace

point, left, put = sys.argv.pop(1), int(sys.argv.pop(1)), atomic_replace.put

def killed(*arguments):
    global left
    left -= 1
    if left == 0 and point == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    done = put(*arguments)
    if left == 0 and point == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return done

atomic_replace.put = killed
main()
"""
# The start: the status, the route, two Events.
WRITES = 4


def killed(point: str, write: int, folder: Path) -> int:
    """Runs a pass that is killed before or after it replaces its `write`-th file."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, point, str(write), "run", "-f", str(folder)],
        env=os.environ | {"HOME": "/dev/null"},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    return done.returncode


@pytest.mark.hostile(WHOSE, "SIGKILL before and after each file that a pass writes")
@pytest.mark.parametrize("point", ["before", "after"])
@pytest.mark.parametrize("write", range(1, WRITES + 1))
def test_a_killed_pass_is_completed_by_the_next(folder: Path, point: str, write: int) -> None:
    assert killed(point, write, folder) == -signal.SIGKILL
    assert len(debris(folder)) <= 1
    FolderCluster(folder).list(ROLLOUT, Scope())  # what it left is no manifest
    assert weights(folder) in ([100, 0], [90, 10])
    done = steerer("run", "-f", folder, "--control-loop-interval", "0s")
    assert (done.returncode, done.stderr.count("Traceback"), debris(folder)) == (0, 0, [])
    assert weights(folder) == [90, 10]
    assert stored(folder, ROLLOUTS)["status"]["canaryWeight"] == 10
    ended(End.HEALED)


def test_that_is_every_write(folder: Path) -> None:
    assert killed("before", WRITES + 1, folder) == 0


# Two passes at once, and locks.


@pytest.mark.hostile(WHOSE, "several passes at once, and locks of the dead")
def test_passes_that_meet_do_what_one_would_do(folder: Path) -> None:
    processes = [begun("run", "-f", folder) for _ in range(4)]
    ends = [(process.communicate(timeout=60), process.returncode) for process in processes]
    assert {code for _, code in ends} <= {0, 1}
    assert 0 in {code for _, code in ends}
    for (_, err), code in ends:
        assert ("another pass works on" in err) == (code == 1)
        assert "Traceback" not in err
    assert weights(folder) == [90, 10]
    text = (folder / "events.yaml").read_text()
    assert (text.count("Advance rollout"), text.count("count: 1")) == (1, 2)
    assert debris(folder) == []
    ended(End.SAFE)


@pytest.mark.hostile(WHOSE, "several passes at once, and locks of the dead")
def test_the_lock_of_a_pass_that_was_killed_holds_up_nobody(folder: Path) -> None:
    assert steerer("run", "-f", folder).returncode == 0
    now = ("-f", folder, "--control-loop-interval", "0s")
    with silent_server() as (url, queried), begun("run", *now, "--metrics-server", url) as process:
        assert queried()
        done = steerer("run", *now)
        assert (done.returncode, "another pass works on" in done.stderr) == (1, True)
        process.kill()
        process.communicate(timeout=120)
        done = steerer("run", *now)
    assert done.returncode == 0, done.stderr
    assert "halted" in done.stdout  # no server is configured: no weight was raised
    assert weights(folder) == [90, 10]
    ended(End.HEALED)


@pytest.mark.hostile(WHOSE, "several passes at once, and locks of the dead")
def test_a_file_system_that_knows_no_locks_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(ClusterError, match="cannot be locked: No locks available"), FolderCluster(folder).lock():
        pass
    ended(End.REFUSED)
