"""`steerer report`, and the file of `--report`: what they write, and what they refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from tests.support.paths import ARTIFACTS
from tests.support.program import example, invoke
from tests.support.receiver import Received, receiving

if TYPE_CHECKING:
    from pathlib import Path

SCENARIO = ARTIFACTS / "scenarios" / "demo.yaml"


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """Returns a folder in which a release has begun."""
    folder = example(tmp_path / "live", metrics=False, step=50)
    assert invoke("run", "-f", folder, "--control-loop-interval", "0s").returncode == 0
    return folder


def matrix(request: Received) -> bytes:
    """Answers a query over a window with two points of its own."""
    form = parse_qs(request.body.decode())
    begin = float(form["start"][0])
    values = [[begin, "100"], [begin + 15, "99"]]
    return json.dumps(
        {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": values}]}}
    ).encode()


@pytest.mark.parametrize(
    ("form", "begin"),
    [("text", "podinfo.test  Progressing\n"), ("json", "{\n"), ("html", "<!doctype"), ("svg", "<svg")],
)
def test_a_report_is_made_of_status_and_events(live: Path, form: str, begin: str) -> None:
    done = invoke("report", "podinfo", "-f", live, "-o", form)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.lstrip().startswith(begin)
    assert "Advance rollout podinfo.test weight 50" in done.stdout or form == "svg"


def test_the_series_of_the_metrics_are_asked_for_canary_and_primary(tmp_path: Path) -> None:
    folder = example(tmp_path / "live")
    with receiving(on_request=matrix) as server:
        done = invoke("report", "podinfo", "-f", folder, "--metrics-server", server.url, "--since", "1h", "-o", "json")
    assert done.returncode == 0
    asked = [parse_qs(request.body.decode())["query"][0] for request in server.requests]
    assert len(asked) == 5
    assert asked[0].startswith('max(steerer_rollout_canary_weight{exported_namespace="test", name="podinfo"} or ')
    assert 'destination_workload=~"podinfo-canary"' in asked[1]
    assert 'destination_workload=~"podinfo"' in asked[2]
    document = json.loads(done.stdout)
    assert [len(metric["canary"]) for metric in document["metrics"]] == [2, 2]
    assert document["weights"] == [
        {"time": document["metrics"][0]["canary"][0]["time"], "weight": 100},
        {"time": document["metrics"][0]["canary"][1]["time"], "weight": 99},
    ]


def test_a_metrics_server_that_is_away_is_told_in_the_report(tmp_path: Path) -> None:
    folder = example(tmp_path / "live")
    done = invoke("report", "podinfo", "-f", folder, "--metrics-server", "http://user:hunter2@127.0.0.1:9")
    assert done.returncode == 0
    assert "The weight over time is by Events alone: http://127.0.0.1:9: Connection refused" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [("nobody",), ("podinfo", "--since", "0s"), ("podinfo", "--since", "745h"), ()])
def test_what_cannot_be_reported_is_refused(live: Path, arguments: tuple[str, ...]) -> None:
    assert invoke("report", *arguments, "-f", live).returncode == 2


@pytest.mark.parametrize(("name", "begin"), [("r.html", "<!doctype html>"), ("r.svg", "<svg ")])
def test_a_simulation_writes_its_report(tmp_path: Path, name: str, begin: str) -> None:
    file = tmp_path / name
    done = invoke("simulate", "-f", ARTIFACTS, "--scenario", SCENARIO, "--report", file)
    assert done.returncode == 0
    text = file.read_text(encoding="utf-8")
    assert text.lstrip().startswith(begin)
    assert "Promoted" in text
    assert invoke("simulate", "-f", ARTIFACTS, "--scenario", SCENARIO).stdout == done.stdout


@pytest.mark.parametrize("name", ["r.txt", "r", "no-such/r.html"])
def test_a_file_that_says_no_form_or_has_no_folder_is_refused_before_anything_is_played(
    tmp_path: Path, name: str
) -> None:
    done = invoke("simulate", "-f", ARTIFACTS, "--scenario", SCENARIO, "--report", tmp_path / name)
    assert (done.returncode, done.stdout) == (2, "")
    assert name.rpartition("/")[2] in done.stderr


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "r.html").mkdir()
    done = invoke("simulate", "-f", ARTIFACTS, "--scenario", SCENARIO, "--report", tmp_path / "r.html")
    assert done.returncode == 2
    assert "cannot be written: Is a directory" in done.stderr


def test_a_wait_writes_its_report_also_where_it_runs_out_of_time(tmp_path: Path) -> None:
    folder = example(tmp_path / "live", metrics=False, step=50)
    file = tmp_path / "r.html"
    done = invoke("run", "-f", folder, "--wait", "--timeout", "0s", "--report", file, "--control-loop-interval", "0s")
    assert done.returncode == 3
    text = file.read_text(encoding="utf-8")
    assert "In progress" in text
    assert "Advance rollout podinfo.test weight 50" in text


def test_a_report_of_one_pass_needs_no_file(live: Path, tmp_path: Path) -> None:
    done = invoke("run", "-f", live, "--report", tmp_path / "r.html")
    assert done.returncode == 2
    assert "--report needs --wait" in done.stderr
