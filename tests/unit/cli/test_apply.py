"""`steerer plan --out` and `steerer apply` on a folder: the file, what is written, and the exit codes."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.support.program import begun_patiently, contents, invoke, silent_server, stored

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def plan(folder: Path, tmp_path: Path) -> Path:
    """Save the plan of the start."""
    path = tmp_path / "plan.json"
    assert invoke("plan", "-f", folder, "--out", path).returncode == 0
    return path


def weights(folder: Path) -> list[int]:
    route = stored(folder, "workloads/virtual-service.yaml")["spec"]["http"][0]["route"]
    return [entry["weight"] for entry in route]


def weigh(folder: Path, primary: int, canary: int) -> None:
    path = folder / "workloads" / "virtual-service.yaml"
    manifest = stored(folder, "workloads/virtual-service.yaml")
    for entry, weight in zip(manifest["spec"]["http"][0]["route"], (primary, canary), strict=True):
        entry["weight"] = weight
    path.write_text(yaml.safe_dump(manifest), encoding="utf-8")


def test_a_plan_is_made_looked_at_and_applied(folder: Path, tmp_path: Path) -> None:
    before, path = contents(folder), tmp_path / "plan.json"
    for form, shown in (
        ("text", "0 % → 10 %"),
        ("json", '"move": "start"'),
        ("patch", "patches:"),
        ("markdown", "0 % → 10 %"),
    ):
        done = invoke("plan", "-f", folder, "--out", path, "-o", form)
        assert (done.returncode, shown in done.stdout) == (0, True)
    assert contents(folder) == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir() if one != folder] == ["plan.json"]  # written over, nothing is left
    done = invoke("apply", path, "-f", folder, "--detailed-exitcode")
    assert (done.returncode, weights(folder)) == (2, [90, 10])
    assert "podinfo.test  started" in done.stdout
    assert "Advance rollout podinfo.test weight 10" in done.stderr


def test_applied_a_second_time_it_is_refused(folder: Path, plan: Path) -> None:
    assert invoke("apply", plan, "-f", folder).returncode == 0
    before = contents(folder)
    done = invoke("apply", plan, "-f", folder)
    assert (done.returncode, contents(folder)) == (4, before)
    assert "podinfo.test  start: refused" in done.stdout
    assert "VirtualService podinfo.test: /spec/http/0/route/1/weight was 0 and is 10" in done.stdout


def test_where_the_world_has_moved_it_is_refused(folder: Path, plan: Path) -> None:
    weigh(folder, 60, 40)
    done = invoke("apply", plan, "-f", folder, "-o", "json")
    [record] = json.loads(done.stdout)["rollouts"]
    assert (done.returncode, record["result"], record["patches"], weights(folder)) == (4, "refused", [], [60, 40])
    assert "/spec/http/0/route/1/weight was 0 and is 40" in record["error"]


def test_an_old_plan_is_refused(folder: Path, plan: Path) -> None:
    done = invoke("apply", plan, "-f", folder, "--max-age", "0s")
    assert (done.returncode, weights(folder)) == (4, [100, 0])
    assert "and --max-age is 0s: make a new one" in done.stdout


def test_the_metrics_are_asked_again(folder: Path, plan: Path) -> None:
    invoke("apply", plan, "-f", folder)
    now = ("--control-loop-interval", "0s")
    invoke("plan", "-f", folder, "--out", plan, *now)  # a halt, as no server is named
    done = invoke("apply", plan, "-f", folder, *now)
    assert (done.returncode, "podinfo.test  halted" in done.stdout) == (0, True)
    assert invoke("apply", plan, "-f", folder, *now, "--detailed-exitcode").returncode == 4


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text[: len(text) // 2], "or not the whole of one"),
        (lambda text: text.replace('"weight": 10', '"weight": 100'), "was changed since steerer saved it"),
        (lambda _: "", "or not the whole of one"),
        (lambda _: "kind: steerer plan\n", "or not the whole of one"),
        (lambda text: text.replace('"format": 1', '"format": 9'), "has format 9"),
    ],
    ids=["cut", "edited", "empty", "YAML", "of another version"],
)
def test_a_damaged_file_is_refused_in_words(folder: Path, plan: Path, damage: object, words: str) -> None:
    assert callable(damage)
    plan.write_text(damage(plan.read_text(encoding="utf-8")), encoding="utf-8")
    done = invoke("apply", plan, "-f", folder)
    assert (done.returncode, done.stdout, weights(folder)) == (2, "", [100, 0])
    assert done.stderr.startswith(f"steerer: {plan} ")
    assert words in done.stderr


def test_a_file_that_cannot_be_read_or_written_is_told(folder: Path, tmp_path: Path) -> None:
    done = invoke("apply", tmp_path / "none", "-f", folder)
    assert (done.returncode, "none cannot be read: No such file" in done.stderr) == (2, True)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert invoke("apply", tmp_path / "binary", "-f", folder).returncode == 2
    for target in (tmp_path / "none" / "plan.json", folder):
        done = invoke("plan", "-f", folder, "--out", target)
        assert done.returncode == 2
        assert f"{target} cannot be written: " in done.stderr
        assert done.stdout == ""
    assert not list(tmp_path.glob(".*"))


def test_a_plan_for_git_is_not_saved(folder: Path, tmp_path: Path) -> None:
    done = invoke("plan", "--write-to", folder, "--out", tmp_path / "plan.json")
    assert (done.returncode, (tmp_path / "plan.json").exists()) == (2, False)
    assert "--out and --write-to exclude each other" in done.stderr


def test_a_plan_of_no_rollouts_is_applied_by_doing_nothing(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    invoke("plan", "-f", folder, "-l", "app=none", "--out", path)
    done = invoke("apply", path, "-f", folder)
    assert (done.returncode, done.stdout) == (0, "No Rollouts found.\n")


def test_told_to_stop_while_it_measures_it_has_applied_nothing(folder: Path, plan: Path) -> None:
    now = ("-f", folder, "--control-loop-interval", "0s")
    invoke("apply", plan, *now)
    invoke("plan", "--out", plan, *now)
    before = contents(folder)
    with silent_server() as (url, queried), begun_patiently("apply", plan, *now, "--metrics-server", url) as process:
        assert queried()
        process.terminate()
        _, err = process.communicate(timeout=120)
    assert (process.returncode, contents(folder)) == (143, before)
    assert "steerer: told to stop (SIGTERM); this pass has written nothing" in err
    assert "given up" not in err


def test_the_file_is_whole_or_not_there(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("an older one", encoding="utf-8")
    os.link(path, tmp_path / "linked")
    assert invoke("plan", "-f", folder, "--out", path).returncode == 0
    assert json.loads(path.read_text(encoding="utf-8"))["kind"] == "steerer plan"
    assert (tmp_path / "linked").read_text(encoding="utf-8") == "an older one"  # put in its place, not written into
