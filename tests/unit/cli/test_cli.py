"""The command line as users have it: a process, its output, its exit code. On folders; the API has tests of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import yaml

from reconcile import __version__
from reconcile.engine.shards import shard_index
from reconcile.model.kinds import ROLLOUT, Ref
from tests.support.paths import ARTIFACTS
from tests.support.program import contents, example, steerer, stored

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the seed's example as a folder, rolled out."""
    return example(tmp_path / "manifests")


def test_the_version_and_the_help_are_there() -> None:
    assert steerer("--version").stdout == f"steerer, version {__version__}\n"
    text = steerer("run", "-h").stdout
    for option in ("--dry-run", "--metrics-server", "--control-loop-interval", "--every", "STEERER_METRICS_SERVER"):
        assert option in text


def test_the_demonstration_says_the_twenty_messages_of_the_seed_and_no_others() -> None:
    done = steerer("simulate", "-f", ARTIFACTS, "--scenario", ARTIFACTS / "scenarios" / "demo.yaml", "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    played = json.loads(done.stdout)
    said = [(event["type"], event["message"]) for one in played["passes"] for r in one for event in r["events"]]
    advance, halt = "Advance rollout podinfo.test weight", "Halt rollout podinfo.test"
    assert said == [
        ("Normal", "Starting rollout for podinfo.test"),
        *(("Normal", f"{advance} {weight}") for weight in (10, 20, 30)),
        *(("Warning", f"{halt} request duration {text} > 500ms") for text in ("2.525s", "1.567s", "823ms")),
        *(("Normal", f"{advance} {weight}") for weight in (40, 50, 60)),
        *(("Warning", f"{halt} success rate {text} < 99%") for text in ("82.33%", "87.22%", "94.74%")),
        *(("Normal", f"{advance} {weight}") for weight in (70, 80, 90, 100)),
        ("Normal", "Copying podinfo-canary.test template spec to podinfo.test"),
        ("Warning", "Waiting for podinfo.test rollout to finish: 1 of 2 updated replicas are available"),
        ("Normal", "Promotion complete! Scaling down podinfo-canary.test"),
    ]
    assert len(said) == 20
    objects = {(item["kind"], item["metadata"]["name"]): item for item in played["objects"]}
    assert objects["Rollout", "podinfo"]["status"]["phase"] == "Succeeded"
    route = objects["VirtualService", "podinfo"]["spec"]["http"][0]["route"]
    assert [entry["weight"] for entry in route] == [100, 0]
    primary, canary = objects["Deployment", "podinfo"]["spec"], objects["Deployment", "podinfo-canary"]["spec"]
    assert primary["template"]["spec"] == canary["template"]["spec"]
    assert primary["template"]["metadata"]["labels"] == {"app": "podinfo"}
    assert (primary["replicas"], canary["replicas"]) == (2, 0)
    assert stored(ARTIFACTS, "rollouts/podinfo.yaml").get("status") is None  # a simulation plays on a copy


def test_the_demonstration_is_printed_as_kubectl_describe_does() -> None:
    text = steerer("simulate", "-f", ARTIFACTS, "--scenario", ARTIFACTS / "scenarios" / "demo.yaml").stdout
    lines = text.splitlines()
    assert "  Type     Reason  Age    From     Message" in lines
    assert sum(" steerer  " in line for line in lines) == 20
    assert "Deployment podinfo-canary.test       0 replicas" in text


def test_a_simulation_can_be_kept(folder: Path, tmp_path: Path) -> None:
    script = ARTIFACTS / "scenarios" / "demo.yaml"
    kept = tmp_path / "kept"
    assert steerer("simulate", "-f", folder, "--scenario", script, "--out", kept).returncode == 0
    assert stored(kept, "rollouts/podinfo.yaml")["status"]["phase"] == "Succeeded"
    again = steerer("simulate", "-f", folder, "--scenario", script, "--out", kept)
    assert again.returncode == 2
    assert "is there already" in again.stderr


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("{start: x}", "start: must be a time like"),
        ("{start: 2026-01-01T00:00:00Z, nope: 1, tick: fast}", "nope: is no field of a scenario; tick: must be"),
        ("[]", "must be a mapping"),
        ("{start: 2026-01-01T00:00:00Z, troubles: [{metric: a, weight: 1, values: [maybe]}]}", "troubles[0].values[0]"),
        ("{start: 2026-01-01T00:00:00Z, changes: [{tick: 1, kind: Pod, name: x, patch: []}]}", "changes[0].kind: must"),
        ("a: [", "is no YAML"),
    ],
)
def test_a_scenario_that_cannot_be_played_is_told_by_field(tmp_path: Path, scenario: str, words: str) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(scenario, encoding="utf-8")
    done = steerer("simulate", "-f", ARTIFACTS, "--scenario", path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_scenario_changes_objects_at_its_ticks(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    image = "/spec/template/spec/containers/0/image"
    path.write_text(
        yaml.safe_dump(
            {
                "start": "2026-01-01T00:00:00Z",
                "answers": {"istio_requests_total": 100, "istio_request_duration_seconds_bucket": 1},
                "changes": [
                    {
                        "tick": 4,
                        "kind": "Deployment",
                        "name": "podinfo-canary",
                        "namespace": "test",
                        "patch": [{"op": "replace", "path": image, "value": "podinfo:9"}],
                    }
                ],
            }
        ),
        encoding="utf-8",
    )
    text = steerer("simulate", "-f", ARTIFACTS, "--scenario", path).stdout
    assert "podinfo-canary.test changed, routing all traffic to podinfo.test" in text
    assert "Deployment podinfo.test              2 replicas of podinfo:9" in text


def test_a_plan_prints_and_writes_nothing(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = steerer("plan", "-f", folder, "-o", "json")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    [record] = json.loads(done.stdout)["rollouts"]
    assert (record["move"], record["result"]) == ("start", "planned")
    assert [patch["target"]["kind"] for patch in record["patches"]] == ["Rollout", "VirtualService"]


def test_a_run_writes_and_a_second_one_waits(folder: Path) -> None:
    done = steerer("run", "-f", folder, "--detailed-exitcode")
    assert done.returncode == 2, done.stderr
    assert "0 % → 10 %" in done.stdout
    text = (folder / "workloads" / "virtual-service.yaml").read_text(encoding="utf-8")
    assert "weight: 90" in text
    assert "weight: 10" in text
    assert "#" in text  # the comments are still there
    assert (folder / "events.yaml").exists()
    assert "Advance rollout podinfo.test weight 10" in done.stderr
    again = steerer("run", "-f", folder, "--detailed-exitcode")
    assert again.returncode == 3
    assert steerer("run", "-f", folder).returncode == 0


def test_without_a_metrics_server_the_analysis_halts_and_says_what_to_set(folder: Path) -> None:
    steerer("run", "-f", folder)
    done = steerer("run", "-f", folder, "--control-loop-interval", "0s", "--detailed-exitcode")
    assert done.returncode == 4
    assert "--metrics-server" in done.stdout
    text = steerer("status", "-f", folder).stdout
    assert "Progressing" in text
    assert "--metrics-server" in text
    data = json.loads(steerer("status", "-f", folder, "-o", "json").stdout)
    assert data["rollouts"][0]["weight"] == 10
    assert len(data["rollouts"][0]["events"]) == 3


def test_several_passes_in_one_process(folder: Path) -> None:
    rollout = folder / "rollouts" / "podinfo.yaml"
    text = rollout.read_text(encoding="utf-8")
    rollout.write_text(text[: text.index("metrics:")].rstrip() + "\n", encoding="utf-8")
    done = steerer("run", "-f", folder, "--every", "1s", "--for", "2s", "--log-format", "json")
    assert done.returncode == 0, done.stderr
    assert [line.split("weight ")[1] for line in done.stdout.splitlines() if "Advance rollout" in line] == [
        "10",
        "20",
        "30",
    ]
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {line["rollout"] for line in lines} == {"podinfo"}


def test_every_option_has_an_environment_variable(folder: Path) -> None:
    done = steerer("plan", STEERER_FILENAME=str(folder), STEERER_OUTPUT="json", STEERER_NAMESPACE="other")
    assert json.loads(done.stdout) == {"rollouts": []}
    done = steerer("plan", STEERER_FILENAME=str(folder), STEERER_OUTPUT="yaml", STEERER_SELECTOR="app!=x")
    assert yaml.safe_load(done.stdout)["rollouts"][0]["move"] == "start"


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("run", "--every", "soon"), 2, "no duration"),
        (("run", "--for", "10s"), 2, "--for needs --every"),
        (("run", "-f", "/dev/null/none"), 2, "/dev/null/none"),
        (("run", "nope"), 2, "no cluster"),
        (("run", "--metrics-header", "secret"), 2, "a header is written as"),
        (("run", "--dry-run", "maybe"), 2, "is not one of"),
        (("frobnicate",), 2, "No such command"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(args: tuple[str, ...], code: int, words: str) -> None:
    done = steerer(*args)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("nope",), "no Rollout nope"),
        (("-l", "a=="), None),
        (("-l", "a b"), "is no label selector"),
        (("-n", "a", "-A"), "exclude each other"),
        (("--dry-run", "server"), "need an API server"),
        (("--write-to", "."), "-f, --wait and --dry-run=server are of no use with it"),
        (("--metrics-server", "ftp://x"), "http"),
        (("--templates", "/dev/null/none"), "/dev/null/none"),
    ],
)
def test_options_that_fit_no_folder_are_usage_errors(folder: Path, args: tuple[str, ...], words: str | None) -> None:
    done = steerer("run", "-f", folder, *args)
    assert done.returncode == (0 if words is None else 2), done.stderr
    assert (words or "") in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("args", "environ", "words"),
    [
        (
            ("--shards", "2"),
            {},
            "--shards needs --shard, which of the 2 this is; in an Indexed Job JOB_COMPLETION_INDEX",
        ),
        (("--shard", "0"), {}, "--shard needs --shards"),
        ((), {"STEERER_SHARD": "1"}, "--shard needs --shards"),
        (("--shards", "2", "--shard", "2"), {}, "--shard is 2: with 2 shards it must be a number from 0 to 1"),
        (("--shards", "1", "--shard", "1"), {}, "--shard is 1: with 1 shards it must be a number from 0 to 0"),
        (("--shards", "2"), {"JOB_COMPLETION_INDEX": "3"}, "JOB_COMPLETION_INDEX is 3: with 2 shards"),
        ((), {"STEERER_SHARDS": "2", "JOB_COMPLETION_INDEX": "x"}, "JOB_COMPLETION_INDEX is x: with 2 shards"),
        (("--shards", "0"), {}, "Invalid value for '--shards'"),
        (("--shards", "2", "--shard", "-1"), {}, "Invalid value for '--shard'"),
        (("--shards", "2", "--shard", "0", "--wait"), {}, "--wait and --shards exclude each other"),
    ],
)
def test_a_shard_that_is_none_is_refused(
    folder: Path, args: tuple[str, ...], environ: dict[str, str], words: str
) -> None:
    before = contents(folder)
    done = steerer("run", "-f", folder, *args, **environ)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert contents(folder) == before


def planned(folder: Path, *args: str, **environ: str) -> list[str]:
    done = steerer("plan", "-f", folder, "-o", "json", *args, **environ)
    assert done.returncode == 0, done.stderr
    return [record["rollout"]["name"] for record in json.loads(done.stdout)["rollouts"]]


def test_each_of_the_shards_has_its_rollouts_and_a_number_of_somebody_elses_job_means_nothing(folder: Path) -> None:
    index = shard_index(Ref(ROLLOUT, "test", "podinfo"), 3)
    assert [planned(folder, "--shards", "3", "--shard", str(each)) for each in range(3)] == [
        ["podinfo"] if each == index else [] for each in range(3)
    ]
    assert planned(folder, STEERER_SHARDS="3", JOB_COMPLETION_INDEX=str(index)) == ["podinfo"]
    assert planned(folder, STEERER_SHARDS="3", STEERER_SHARD=str(index), JOB_COMPLETION_INDEX="9") == ["podinfo"]
    assert planned(folder, "podinfo", STEERER_SHARDS="3", STEERER_SHARD=str((index + 1) % 3)) == []
    for shards in ({}, {"STEERER_SHARDS": "1"}):
        assert planned(folder, JOB_COMPLETION_INDEX="7", **shards) == ["podinfo"]


@pytest.mark.parametrize("args", [("--wait",), ("--dry-run=server",)])
def test_a_checkout_takes_one_step_at_a_time_and_no_server_checks_it(args: tuple[str, ...], tmp_path: Path) -> None:
    done = steerer("run", "--write-to", tmp_path, *args)
    assert done.returncode == 2
    assert "to look first, use --dry-run=client" in done.stderr


def test_a_template_of_ones_own_is_a_metric(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "errors.yaml").write_text(
        "name: errors\ntitle: error count\nunit: errors\nthreshold: maximum\nquery: 'errors{w=\"{{ workload }}\"}'\n",
        encoding="utf-8",
    )
    rollout = folder / "rollouts" / "podinfo.yaml"
    text = rollout.read_text(encoding="utf-8")
    rollout.write_text(text[: text.index("metrics:")] + "metrics: [{name: errors, threshold: 1}]\n", encoding="utf-8")
    assert "is no metric template" in steerer("run", "-f", folder).stdout
    steerer("run", "-f", folder, "--templates", tmp_path)
    done = steerer("plan", "-f", folder, "--templates", tmp_path, "--control-loop-interval", "0s", "-o", "json")
    [measurement] = json.loads(done.stdout)["rollouts"][0]["measurements"]
    assert measurement["name"] == "errors"
    assert measurement["verdict"] == "unreachable"


def test_a_reader_that_goes_away_is_no_traceback(folder: Path) -> None:
    command = f"{sys.executable} -m reconcile plan -f {folder} -o json | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "{"
    assert "Traceback" not in done.stderr


def test_a_time_of_the_last_advance_holds_the_next_one_back(folder: Path) -> None:
    steerer("run", "-f", folder)
    data = stored(folder, "rollouts/podinfo.yaml")
    advanced = datetime.fromisoformat(data["status"]["lastAdvanceTime"])
    assert datetime.now(UTC) - advanced < timedelta(minutes=1)
