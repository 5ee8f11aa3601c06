"""`steerer run` and `steerer plan` on a folder: what they write, print and end with."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.support.program import contents, example, invoke, stored

if TYPE_CHECKING:
    from pathlib import Path

AT_ONCE = ("--control-loop-interval", "0s")


def test_a_plan_prints_and_writes_nothing(folder: Path) -> None:
    before = contents(folder)
    done = invoke("plan", "-f", folder, "-o", "json")
    assert contents(folder) == before
    [record] = json.loads(done.stdout)["rollouts"]
    assert (record["move"], record["result"]) == ("start", "planned")
    assert [patch["target"]["kind"] for patch in record["patches"]] == ["Rollout", "VirtualService"]


def test_a_run_writes_and_a_second_one_waits(folder: Path) -> None:
    done = invoke("run", "-f", folder, "--detailed-exitcode")
    assert done.returncode == 2, done.stderr
    assert "0 % → 10 %" in done.stdout
    text = (folder / "workloads" / "virtual-service.yaml").read_text(encoding="utf-8")
    assert "weight: 90" in text
    assert "weight: 10" in text
    assert "#" in text  # the comments are still there
    assert (folder / "events.yaml").exists()
    assert "Advance rollout podinfo.test weight 10" in done.stderr
    again = invoke("run", "-f", folder, "--detailed-exitcode")
    assert again.returncode == 3
    assert invoke("run", "-f", folder).returncode == 0


def test_without_a_metrics_server_the_analysis_halts_and_says_what_to_set(folder: Path) -> None:
    invoke("run", "-f", folder)
    done = invoke("run", "-f", folder, *AT_ONCE, "--detailed-exitcode")
    assert done.returncode == 4
    assert "--metrics-server" in done.stdout
    text = invoke("status", "-f", folder).stdout
    assert "Progressing" in text
    assert "--metrics-server" in text
    data = json.loads(invoke("status", "-f", folder, "-o", "json").stdout)
    assert data["rollouts"][0]["weight"] == 10
    assert len(data["rollouts"][0]["events"]) == 3


@pytest.mark.usefixtures("clock")
def test_several_passes_in_one_process(tmp_path: Path) -> None:
    folder = example(tmp_path / "it", metrics=False)
    done = invoke("run", "-f", folder, "--every", "1s", "--for", "2s", *AT_ONCE, "--log-format", "json")
    assert done.returncode == 0, done.stderr
    assert [line.split("weight ")[1] for line in done.stdout.splitlines() if "Advance rollout" in line] == [
        "10",
        "20",
        "30",
    ]
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {line["rollout"] for line in lines} == {"podinfo"}


def test_every_option_has_an_environment_variable(folder: Path) -> None:
    done = invoke("plan", STEERER_FILENAME=str(folder), STEERER_OUTPUT="json", STEERER_NAMESPACE="other")
    assert (done.returncode, "has no Rollout of namespace other" in done.stderr) == (2, True)
    done = invoke("plan", STEERER_FILENAME=str(folder), STEERER_OUTPUT="yaml", STEERER_SELECTOR="app!=x")
    assert yaml.safe_load(done.stdout)["rollouts"][0]["move"] == "start"


def test_a_template_of_ones_own_is_a_metric(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "errors.yaml").write_text(
        "name: errors\ntitle: error count\nunit: errors\nthreshold: maximum\nquery: 'errors{w=\"{{ workload }}\"}'\n",
        encoding="utf-8",
    )
    rollout = folder / "rollouts" / "podinfo.yaml"
    text = rollout.read_text(encoding="utf-8")
    rollout.write_text(text[: text.index("metrics:")] + "metrics: [{name: errors, threshold: 1}]\n", encoding="utf-8")
    assert "is no metric template" in invoke("run", "-f", folder).stdout
    invoke("run", "-f", folder, "--templates", tmp_path)
    done = invoke("plan", "-f", folder, "--templates", tmp_path, *AT_ONCE, "-o", "json")
    [measurement] = json.loads(done.stdout)["rollouts"][0]["measurements"]
    assert measurement["name"] == "errors"
    assert measurement["verdict"] == "unreachable"


def test_a_time_of_the_last_advance_holds_the_next_one_back(folder: Path) -> None:
    invoke("run", "-f", folder)
    data = stored(folder, "rollouts/podinfo.yaml")
    advanced = datetime.fromisoformat(data["status"]["lastAdvanceTime"])
    assert datetime.now(UTC) - advanced < timedelta(minutes=1)
