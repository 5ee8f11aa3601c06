"""`--notify-url`: what a real receiver gets of a release, and that no receiver is an error of a pass."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.support.program import example, invoke, stored
from tests.support.receiver import Received, receiving

if TYPE_CHECKING:
    from pathlib import Path

INTERVAL = ("--control-loop-interval", "0s", "--log-level", "warning")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return example(tmp_path / "live", metrics=False, step=50)


def test_each_transition_of_a_release_is_told_once_in_its_order_after_it_is_stored(folder: Path) -> None:
    seen: list[tuple[str, dict[str, object]]] = []

    def look(request: Received) -> None:
        event = json.loads(request.body)
        seen.append((event["metadata"]["apps.weave.works/phase"], stored(folder, "rollouts/podinfo.yaml")["status"]))

    with receiving(on_request=look) as server:
        for _ in range(9):
            assert invoke("run", "-f", folder, "--notify-url", server.url, *INTERVAL).returncode == 0
        taken = [json.loads(request.body) for request in server.requests]
    assert [(item["reason"], item["message"].split()[-1]) for item in taken] == [
        ("Started", "podinfo.test"),
        ("Advanced", "50"),
        ("Advanced", "100"),
        ("Promoted", "podinfo-canary.test"),
    ]
    assert all(phase == status["phase"] for phase, status in seen)
    weights = [item["metadata"].get("apps.weave.works/weight") for item in taken]
    assert weights == ["50", "50", "100", "0"]


def test_a_halt_is_told_once_while_it_lasts(folder: Path) -> None:
    (folder / "workloads" / "service.yaml").unlink()
    with receiving() as server:
        for _ in range(3):
            assert invoke("run", "-f", folder, "--notify-url", server.url, *INTERVAL).returncode == 0
    [request] = server.requests
    assert json.loads(request.body)["reason"] == "Halted"


def test_a_plan_and_a_dry_run_tell_nobody(folder: Path) -> None:
    with receiving() as server:
        assert invoke("run", "-f", folder, "--dry-run=client", STEERER_NOTIFY_URL=server.url).returncode == 0
        assert invoke("plan", "-f", folder, STEERER_NOTIFY_URL=server.url).returncode == 0
    assert server.requests == []


def test_a_saved_plan_tells_when_it_is_applied(folder: Path, tmp_path: Path) -> None:
    with receiving() as server:
        assert invoke("plan", "-f", folder, "--out", tmp_path / "plan.json", *INTERVAL).returncode == 0
        assert (
            invoke("apply", tmp_path / "plan.json", "-f", folder, *INTERVAL, "--notify-url", server.url).returncode == 0
        )
    assert [json.loads(request.body)["reason"] for request in server.requests] == ["Started", "Advanced"]


def test_a_wait_tells_too(folder: Path) -> None:
    with receiving() as server:
        invoke("run", "-f", folder, "--wait", "--timeout", "0s", *INTERVAL, "--notify-url", server.url)
    assert [json.loads(request.body)["reason"] for request in server.requests] == ["Started", "Advanced"]


def test_the_address_may_be_in_a_file_and_a_missing_one_is_no_error(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "url"
    done = invoke("run", "-f", folder, "--notify-url-file", file, *INTERVAL)
    assert done.returncode == 0
    assert re.search(r"WARNING 2 notices were not sent: the file of --notify-url-file, .*, cannot be read", done.stderr)
    with receiving() as server:
        file.write_text(f"{server.url}\n", encoding="utf-8")
        assert invoke("run", "-f", folder, "--notify-url-file", file, *INTERVAL).returncode == 0
    assert [json.loads(request.body)["reason"] for request in server.requests] == ["Advanced"]


def test_a_pass_with_a_dead_receiver_is_made_and_logs_one_line_without_the_secret(folder: Path) -> None:
    done = invoke("run", "-f", folder, "--notify-url", "http://user:hunter2@127.0.0.1:9/hunter2", *INTERVAL)
    assert done.returncode == 0
    lines = [line for line in done.stderr.splitlines() if "notices" in line]
    assert [line.partition("WARNING ")[2] for line in lines] == [
        "2 of 2 notices did not reach http://127.0.0.1:9: Connection refused"
    ]
    assert "hunter2" not in done.stdout + done.stderr
    assert stored(folder, "rollouts/podinfo.yaml")["status"]["canaryWeight"] == 50


def test_a_wrong_address_is_refused_at_once_without_a_word_of_it(folder: Path) -> None:
    for arguments in (("--notify-url", "hunter2"), ("--notify-url", "http://x", "--notify-url-file", "hunter2")):
        done = invoke("run", "-f", folder, *arguments)
        assert done.returncode == 2
        assert "hunter2" not in done.stderr


def test_help_and_options_show_no_value_of_the_environment() -> None:
    done = invoke("run", "--help", STEERER_NOTIFY_URL="http://hunter2")
    assert "STEERER_NOTIFY_URL" in done.stdout
    assert "hunter2" not in done.stdout
