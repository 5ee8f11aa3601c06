"""`steerer simulate`: the demonstration, what can be kept of it, and scenarios of one's own."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support import fast_yaml
from tests.support.paths import ARTIFACTS, ROOT
from tests.support.program import invoke, stored
from tests.support.world import DURATION, SUCCESS

if TYPE_CHECKING:
    from pathlib import Path

_SAID = "{{start: 2026-01-01T00:00:00Z, actions: [{{tick: 1, name: podinfo, {}}}]}}"
DEMO = ("simulate", "-f", ARTIFACTS, "--scenario", ARTIFACTS / "scenarios" / "demo.yaml")


def test_the_demonstration_says_the_twenty_messages_of_the_seed_and_no_others() -> None:
    done = invoke(*DEMO, "-o", "json")
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


TRAFFIC = (ARTIFACTS / "scenarios" / "traffic.yaml").read_text(encoding="utf-8")


def played(folder: Path, scenario: str) -> tuple[str, str, list[str]]:
    """Returns the whole output of a scenario, the phase in the end, and the texts of all Warnings."""
    (folder / "scenario.yaml").write_text(scenario, encoding="utf-8")
    done = invoke("simulate", "-f", ARTIFACTS, "--scenario", folder / "scenario.yaml", "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    [rollout] = [item for item in found["objects"] if item["kind"] == "Rollout"]
    events = [event for one in found["passes"] for r in one for event in r["events"]]
    return done.stdout, rollout["status"]["phase"], [one["message"] for one in events if one["type"] == "Warning"]


def test_the_same_release_goes_over_an_http_route() -> None:
    sources = ("-f", ARTIFACTS / "workloads", "-f", ROOT / "manifests" / "gateway-api")
    scenario = ("--scenario", ARTIFACTS / "scenarios" / "demo.yaml")
    lint = invoke("lint", *sources)
    assert (lint.returncode, "0 errors, 0 warnings" in lint.stdout) == (0, True), lint.stdout
    done = invoke("simulate", *sources, *scenario)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("Advance rollout podinfo.test weight") == 10
    assert "HTTPRoute podinfo.test rules[0]" in done.stdout
    assert "podinfo 100, podinfo-canary 0" in done.stdout


def test_drawn_traffic_has_a_worse_canary_rolled_back_and_a_good_one_promoted(tmp_path: Path) -> None:
    text, phase, warnings = played(tmp_path, TRAFFIC)
    assert phase == "Failed"
    assert re.search(r"canary \d+ of 240 bad, primary \d+ of 2,160 bad: evidence .* limit 20 to 1", warnings[0])
    assert played(tmp_path, TRAFFIC)[0] == text
    assert played(tmp_path, TRAFFIC.replace("seed: 1", "seed: 2"))[0] != text
    assert played(tmp_path, TRAFFIC.replace("canary: 2.5", "canary: 0.5"))[1] == "Succeeded"


def test_few_requests_hold_a_release_until_there_are_enough(tmp_path: Path) -> None:
    least = "interval: 1m\n              threshold: 90\n              minRequests: 100\n"
    few = TRAFFIC.replace("interval: 1m\n", least).replace("ticks: 200", "ticks: 20")
    _, phase, warnings = played(tmp_path, few)
    assert phase == "Progressing"
    assert {text.split(": ", 1)[1] for text in warnings} == {"no data (60 of 100 requests)"}


def test_with_a_failure_policy_a_canary_that_stays_bad_is_rolled_back() -> None:
    done = invoke("simulate", "-f", ARTIFACTS, "--scenario", ARTIFACTS / "scenarios" / "rollback.yaml", "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    played = json.loads(done.stdout)
    warnings = [
        event["message"] for one in played["passes"] for r in one for event in r["events"] if event["type"] == "Warning"
    ]
    reason = "success rate 80.41% < 99%; 3 checks failed in a row, 2 forgiven (consecutiveFailureLimit)"
    assert warnings[-2:] == [
        f"Rolling back podinfo.test {reason}",
        "Rolled back podinfo.test! Scaling down podinfo-canary.test",
    ]
    objects = {(item["kind"], item["metadata"]["name"]): item for item in played["objects"]}
    assert objects["Rollout", "podinfo"]["status"]["phase"] == "Failed"
    route = objects["VirtualService", "podinfo"]["spec"]["http"][0]["route"]
    assert [entry["weight"] for entry in route] == [100, 0]
    sizes = [objects["Deployment", name]["spec"]["replicas"] for name in ("podinfo", "podinfo-canary")]
    assert sizes == [2, 0]


def test_a_person_steers_the_release_at_the_ticks_of_a_scenario() -> None:
    done = invoke("simulate", "-f", ARTIFACTS, "--scenario", ARTIFACTS / "scenarios" / "actions.yaml", "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    moves = [(record["move"], record["after"]["weight"]) for [record] in json.loads(done.stdout)["passes"]]
    assert moves == [
        *[("start", 10), ("advance", 20)],
        *[("hold", 20)] * 3,  # paused
        *[("advance", 30), ("advance", 40)],
        *[("roll back", 0), ("give up", 0), ("idle", None)],  # aborted
        *[("scale up", 0), ("start", 10), ("advance", 20)],  # tried again
        *[("promote now", 20), ("halt", 20), ("conclude", 0), ("retire", 0), ("idle", None)],
    ]


@pytest.mark.parametrize(
    ("steps", "said", "moves"),
    [
        ([{"weight": 50, "approval": True}], {"action": "approve", "weight": 50}, ["start", "hold", "promote"]),
        ([{"weight": 50, "approval": True}], {"action": "approve", "weight": 20}, ["start", "hold", "hold"]),
        ([{"weight": 50}], {"action": "abort", "revision": "v1-older"}, ["start", "promote", "halt"]),
        (
            [{"weight": 50}, {"weight": 60}, {"weight": 70}],
            {"action": "pause", "revision": "*"},
            ["start", "advance", "hold"],
        ),
    ],
    ids=["the step", "another step", "a late abort", "any revision"],
)
def test_an_action_is_about_the_revision_and_the_step_that_it_names(
    tmp_path: Path, steps: list[dict[str, Any]], said: dict[str, Any], moves: list[str]
) -> None:
    folder = shutil.copytree(ARTIFACTS, tmp_path / "in")
    manifest = fast_yaml.load((folder / "rollouts" / "podinfo.yaml").read_text())
    analysis = manifest["spec"]["canaryAnalysis"]
    manifest["spec"]["canaryAnalysis"] = {"metrics": analysis["metrics"], "steps": steps}
    (folder / "rollouts" / "podinfo.yaml").write_text(yaml.safe_dump(manifest))
    demo = fast_yaml.load((ARTIFACTS / "scenarios" / "demo.yaml").read_text()) | {"troubles": [], "ticks": 3}
    demo["actions"] = [{"tick": 3, "namespace": "test", "name": "podinfo", **said}]
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(demo))
    done = invoke("simulate", "-f", folder, "--scenario", path, "-o", "json")
    assert [record["move"] for [record] in json.loads(done.stdout)["passes"]] == moves


def test_the_demonstration_is_printed_as_kubectl_describe_does() -> None:
    text = invoke(*DEMO).stdout
    lines = text.splitlines()
    assert "  Type     Reason  Age    From     Message" in lines
    assert sum(" steerer  " in line for line in lines) == 20
    assert "Deployment podinfo-canary.test       0 replicas" in text


def test_a_simulation_can_be_kept(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert invoke(*DEMO, "--out", kept).returncode == 0
    assert stored(kept, "rollouts/podinfo.yaml")["status"]["phase"] == "Succeeded"
    again = invoke(*DEMO, "--out", kept)
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
        (
            _SAID.format("action: stop"),
            "actions[0].action: must be one of: abort, pause, resume, promote, approve, ret",
        ),
        (_SAID.format("action: abort, revision: '*'"), "actions[0].revision: * is for pause alone"),
        (_SAID.format("action: promote, weight: 5"), "actions[0].weight: is for approve alone, not for promote"),
        (_SAID.format("action: approve, weight: 0"), "actions[0].weight: must be between 1 and 100"),
        (_SAID.format("action: abort, rollout: x"), "actions[0].rollout: is an unknown field"),
        (
            "{start: 2026-01-01T00:00:00Z, traffic: [{metric: m, requests: 1001, canary: 101}]}",
            (
                "traffic[0].name: is required; traffic[0].requests: must be from 0 to 1000, not 1001; "
                "traffic[0].canary: must be from 0 to 100, not 101; traffic[0].primary: is required"
            ),
        ),
        (_SAID.format("action: abort"), "no Rollout podinfo in namespace default"),
        ("a: [", "is no YAML"),
    ],
)
def test_a_scenario_that_cannot_be_played_is_told_by_field(tmp_path: Path, scenario: str, words: str) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(scenario, encoding="utf-8")
    done = invoke("simulate", "-f", ARTIFACTS, "--scenario", path)
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
    text = invoke("simulate", "-f", ARTIFACTS, "--scenario", path).stdout
    assert "podinfo-canary.test changed, routing all traffic to podinfo.test" in text
    assert "Deployment podinfo.test              2 replicas of podinfo:9" in text


def test_a_release_that_never_moves_is_told_and_ends_with_4(tmp_path: Path) -> None:
    rollouts = tmp_path / "in" / "rollouts" / "podinfo.yaml"
    shutil.copytree(ARTIFACTS, tmp_path / "in")
    demo = ("simulate", "-f", tmp_path / "in", "--scenario", ARTIFACTS / "scenarios" / "demo.yaml")
    rollouts.write_text(rollouts.read_text().replace("stepWeight: 10", "stepWeight: 0"))
    done = invoke(*demo)
    words = "podinfo.test never moved: spec.canaryAnalysis.stepWeight: must be between 1 and 100, not 0\n"
    assert (done.returncode, done.stderr) == (4, words)


@pytest.mark.parametrize(("success", "code"), [(50, 0), (None, 4)])
def test_a_release_that_halts_later_has_moved(tmp_path: Path, success: int | None, code: int) -> None:
    answers = {SUCCESS: success, DURATION: 150}
    given = {key: value for key, value in answers.items() if value is not None}
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump({"start": "2026-01-01T00:00:00Z", "ticks": 9, "answers": given}))
    done = invoke("simulate", "-f", ARTIFACTS, "--scenario", path)
    assert done.returncode == code
    words = "podinfo.test never moved: success rate: no series for podinfo-canary, nor for its primary podinfo"
    assert done.stderr.startswith(words) if code else done.stderr == ""


def test_a_move_that_cannot_be_written_is_none(tmp_path: Path) -> None:
    folder = shutil.copytree(ARTIFACTS, tmp_path / "in")
    route = next(path for path in folder.rglob("*.yaml") if "kind: VirtualService" in path.read_text())
    manifest = fast_yaml.load(route.read_text())
    route.with_suffix(".json").write_text(json.dumps(manifest, indent=5))
    route.unlink()
    demo = fast_yaml.load((ARTIFACTS / "scenarios" / "demo.yaml").read_text()) | {"ticks": 5}
    (tmp_path / "scenario.yaml").write_text(yaml.safe_dump(demo))
    done = invoke("simulate", "-f", folder, "--scenario", tmp_path / "scenario.yaml")
    assert done.returncode == 4
    assert "podinfo.test never moved: VirtualService podinfo.test: " in done.stderr
    file = route.relative_to(folder).with_suffix(".json")
    assert f"VirtualService podinfo.test in {file} cannot be changed there: its layout would not" in done.stderr


def test_nothing_to_release_is_no_failure(tmp_path: Path) -> None:
    folder = shutil.copytree(ARTIFACTS, tmp_path / "in")
    for path in folder.rglob("*.yaml"):
        path.write_text(path.read_text().replace("podinfo:1.2.1", "podinfo:1.2.0"))
    done = invoke("simulate", "-f", folder, "--scenario", ARTIFACTS / "scenarios" / "demo.yaml")
    assert (done.returncode, done.stderr) == (0, "")
