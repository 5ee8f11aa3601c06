"""Pipelines on a real API server: each step is a process with a service account's token, as a Job's container is.

The command lines are those of `docs/pipelines.md`. No container runs here; the end-to-end test has real ones.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from reconcile.model import rights
from tests.apiserver.steering import (
    ARTIFACTS,
    DURATION,
    SUCCESS,
    Done,
    Metrics,
    Steerer,
    account,
    canary_weight,
    get,
    install,
    of_steerer,
    store,
)
from tests.components.faults import Once, dropped, hung
from tests.components.gateway import Gateway, passed
from tests.components.processes import wait_for
from tests.components.tools import tool
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.components.controlplane import ControlPlane
    from tests.components.gateway import Exchange, Fault, Request

PAGE = ROOT / "docs" / "pipelines.md"
EVERY = {"STEERER_EVERY": "2s"}
NOW = {"STEERER_CONTROL_LOOP_INTERVAL": "0s"}
MESSAGES = [
    "Starting rollout for podinfo.{}",
    "Advance rollout podinfo.{} weight 50",
    "Advance rollout podinfo.{} weight 100",
    "Copying podinfo-canary.{0} template spec to podinfo.{0}",
    "Promotion complete! Scaling down podinfo-canary.{}",
]
# What a pass says while the primary's rolling update is under way: which of them is seen, and how often, is chance.
UPDATING = (
    r"Waiting for podinfo\.{0} rollout to finish: .*"
    r"|Halt rollout podinfo\.{0} Deployment podinfo\.{0} waits for \d+ old replicas? to terminate"
)


@pytest.fixture
def job(control_plane: ControlPlane, namespace: str, metrics: Metrics) -> Steerer:
    """Installs the example, with two steps to the maximum; returns the program with the rights of a pass."""
    install(control_plane, namespace, stepWeight=50)
    kubeconfig = account(control_plane, namespace, rights.rules(rights.PASS))
    return Steerer(kubeconfig=kubeconfig, metrics=metrics.url, namespace=namespace)


@pytest.fixture(scope="module")
def reading(control_plane: ControlPlane) -> Steerer:
    """Returns the program in a namespace with the example, for passes that write nothing."""
    namespace = f"reading-{uuid4().hex[:8]}"
    control_plane.create_namespace(namespace)
    install(control_plane, namespace)
    kubeconfig = control_plane.kubeconfig_for(control_plane.token, namespace=namespace)
    return Steerer(kubeconfig=kubeconfig, metrics="http://127.0.0.1:9", namespace=namespace)


@pytest.fixture
def gateway(control_plane: ControlPlane) -> Iterator[Gateway]:
    """Yields a gateway in front of the API server."""
    with Gateway(control_plane).serving() as serving:
        yield serving


def step(title: str, namespace: str) -> Iterator[str]:
    """Yields the shell blocks below a title of the page, for another namespace."""
    page = PAGE.read_text(encoding="utf-8")
    part = re.split(r"^#+ ", page.partition(f"# {title}\n")[2], flags=re.MULTILINE)[0]
    for block in re.findall(r"^```sh\n(.*?)^```$", part, re.MULTILINE | re.DOTALL):
        yield block.replace(" -n test ", f" -n {namespace} ")


def shell(job: Steerer, script: str, folder: Path, **environment: str) -> Done:
    """Runs a step of a pipeline."""
    ended = subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        env=job.environment(**environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    return Done(code=ended.returncode, out=ended.stdout, err=ended.stderr)


def status(plane: ControlPlane, namespace: str) -> dict[str, Any]:
    found: dict[str, Any] = get(plane, "rollout/podinfo", namespace).get("status", {})
    return found


def said(plane: ControlPlane, namespace: str) -> list[tuple[str, int]]:
    """Returns the messages of the Events in order, with their counts."""
    ours = [event for event in plane.events(namespace) if event["source"].get("component") == "steerer"]
    # Times are whole seconds; within one second the resource version has the order.
    ours.sort(key=lambda event: (str(event["lastTimestamp"]), int(event["metadata"]["resourceVersion"])))
    return [(event["message"], event["count"]) for event in ours]


def is_released(plane: ControlPlane, namespace: str) -> None:
    """Asserts that the release is complete, and that its Events are in order, each once."""
    assert status(plane, namespace)["phase"] == "Succeeded"
    assert canary_weight(plane, namespace) == 0
    deployments = [get(plane, f"deployment/{name}", namespace)["spec"] for name in ("podinfo", "podinfo-canary")]
    primary, canary = deployments
    assert primary["template"]["spec"] == canary["template"]["spec"]
    assert (primary["replicas"], canary["replicas"]) == (2, 0)
    messages = said(plane, namespace)
    told = [(text, count) for text, count in messages if not re.fullmatch(UPDATING.format(namespace), text)]
    assert told == [(text.format(namespace), 1) for text in MESSAGES]


# Plan, review, apply.


def test_a_release_by_plan_review_and_apply(control_plane: ControlPlane, job: Steerer, tmp_path: Path) -> None:
    plan, apply = step("Plan, review, apply", job.namespace)
    moves, writes = [], 0
    for _ in range(60):
        mark = control_plane.mark()
        made = shell(job, plan, tmp_path, **NOW)
        assert made.code == 0, made.err
        assert {entry.verb for entry in of_steerer(control_plane.requests_since(mark))} <= {"get", "list"}
        [entry] = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))["rollouts"]  # the review
        if entry["move"] == "idle":
            break
        mark = control_plane.mark()
        applied = shell(job, apply, tmp_path, **NOW)
        if applied.code == 4:  # a controller has changed an object since the plan
            assert "refused" in applied.out
            assert {entry.verb for entry in of_steerer(control_plane.requests_since(mark))} <= {"get", "list"}
            continue
        assert applied.code == 0, applied.out + applied.err
        writes += sum(entry.verb == "patch" for entry in of_steerer(control_plane.requests_since(mark)))
        moves.append(entry["move"])
        if entry["move"] == "halt":
            time.sleep(1)  # until the pods of the primary are ready
    assert [move for move in moves if move != "halt"] == ["start", "advance", "promote", "conclude", "retire"]
    assert writes >= 10
    is_released(control_plane, job.namespace)


# Approve, then apply; and an action by a commit.


@pytest.fixture
def pipeline(control_plane: ControlPlane, job: Steerer, tmp_path: Path) -> tuple[Steerer, dict[str, str]]:
    """Returns the program as a pipeline's account, and its variables; `deploy` has the next version of the example."""
    deploy = tmp_path / "deploy"
    deploy.mkdir()
    for file in (ARTIFACTS / "workloads" / "deployment-canary.yaml", ARTIFACTS / "rollouts" / "podinfo.yaml"):
        text = file.read_text(encoding="utf-8").replace("namespace: test", f"namespace: {job.namespace}")
        text = re.sub(r"image: .*", "image: quay.io/stefanprodan/podinfo:9.9.9", text)
        steps = "steps: [{weight: 50, approval: true}, {weight: 100}]"
        text = text.replace("maxWeight: 100\n", "").replace("stepWeight: 10\n", f"{steps}\n")
        (deploy / file.name).write_text(text, encoding="utf-8")
    kubeconfig = control_plane.kubeconfig_for(control_plane.token, namespace=job.namespace)
    account = Steerer(kubeconfig=kubeconfig, metrics=job.metrics, namespace=job.namespace)
    return account, NOW | {"PATH": f"{tool('kubectl').parent}:{account.environment()['PATH']}"}


def test_a_version_is_approved_before_it_is_applied_and_then_released(
    control_plane: ControlPlane, pipeline: tuple[Steerer, dict[str, str]], tmp_path: Path
) -> None:
    account, environment = pipeline
    [script] = step("Approve before it is applied", account.namespace)
    unapproved = re.sub(r"^steerer approve .*$", "", script, flags=re.MULTILINE).replace(
        "--wait", "--wait --timeout 5s"
    )
    waiting = shell(account, unapproved, tmp_path, **environment)
    assert (waiting.code, canary_weight(control_plane, account.namespace)) == (3, 50), waiting.out + waiting.err
    assert "waiting for an approval" in waiting.out

    done = shell(account, script, tmp_path, **environment)
    assert done.code == 0, done.out + done.err
    released = status(control_plane, account.namespace)
    assert released["phase"] == "Succeeded"
    stored = get(control_plane, "rollout/podinfo", account.namespace)["metadata"]["annotations"]
    assert stored["apps.weave.works/approve"] == released["promotedRevision"]
    [container] = get(control_plane, "deployment/podinfo", account.namespace)["spec"]["template"]["spec"]["containers"]
    assert container["image"].endswith(":9.9.9")


def test_an_action_is_committed_for_the_revision_that_is_under_way(
    control_plane: ControlPlane, job: Steerer, pipeline: tuple[Steerer, dict[str, str]], tmp_path: Path
) -> None:
    account, environment = pipeline
    job.passes()
    [script] = step("An action by a commit", account.namespace)
    done = shell(account, re.sub(r"^git .*$", "", script, flags=re.MULTILINE), tmp_path, **environment)
    assert done.code == 0, done.err
    [line] = [text for text in (tmp_path / "deploy" / "podinfo.yaml").read_text().splitlines() if "/abort: " in text]
    assert line.split(": ")[1] == status(control_plane, account.namespace)["canaryRevision"]


def test_a_plan_is_refused_by_object_and_field(control_plane: ControlPlane, job: Steerer, tmp_path: Path) -> None:
    plan, apply = step("Plan, review, apply", job.namespace)
    assert shell(job, plan, tmp_path, **NOW).code == 0
    assert shell(job, apply, tmp_path, **NOW).code == 0
    mark = control_plane.mark()
    replayed = shell(job, apply, tmp_path, **NOW)
    assert (replayed.code, canary_weight(control_plane, job.namespace)) == (4, 50)
    name = f"podinfo.{job.namespace}"
    assert f"VirtualService {name}: /spec/http/0/route/1/weight was 0 and is 50" in replayed.out

    assert shell(job, plan, tmp_path, **NOW).code == 0
    control_plane.patch("rollout/podinfo", job.namespace, {"spec": {"canaryAnalysis": {"maxWeight": 60}}})
    edited = shell(job, apply, tmp_path, **NOW)
    assert (edited.code, canary_weight(control_plane, job.namespace)) == (4, 50)
    assert f"Rollout {name}: /metadata/generation was 1 and is 2" in edited.out

    assert shell(job, plan, tmp_path, **NOW).code == 0
    rollout = get(control_plane, "rollout/podinfo", job.namespace)
    control_plane.delete("rollout/podinfo", job.namespace)
    gone = shell(job, apply, tmp_path, **NOW)
    assert (gone.code, f"Rollout {name} is not there" in gone.out) == (4, True)
    again = {key: rollout[key] for key in ("apiVersion", "kind", "spec")}
    again |= {"metadata": {"name": "podinfo", "namespace": job.namespace}}
    store(control_plane, [again])
    other = shell(job, apply, tmp_path, **NOW)
    assert other.code == 4
    assert f"Rollout {name} is another one than that of {control_plane.url}: its uid is " in other.out
    assert {entry.verb for entry in of_steerer(control_plane.requests_since(mark))} <= {"get", "list"}


def test_a_canary_that_became_sick_since_the_review_gets_no_more(
    control_plane: ControlPlane, job: Steerer, metrics: Metrics, tmp_path: Path
) -> None:
    plan, apply = step("Plan, review, apply", job.namespace)
    job.passes()
    assert '"move": "advance"' in shell(job, plan.strip() + " -o json", tmp_path, **NOW).out
    metrics.values[SUCCESS] = "82.33"
    sick = shell(job, apply, tmp_path, **NOW)
    assert (sick.code, canary_weight(control_plane, job.namespace)) == (4, 50)
    assert "gate analysis: was passed, is failed: success rate 82.33% < 99%" in sick.out
    del metrics.values[SUCCESS]
    assert "is failed: success rate: no data" in shell(job, apply, tmp_path, **NOW).out
    metrics.good()
    assert shell(job, apply, tmp_path, **NOW).code == 0
    assert canary_weight(control_plane, job.namespace) == 100


# One shot, until it is done.


def test_one_shot_until_it_is_done_beside_a_cron_job(control_plane: ControlPlane, job: Steerer, tmp_path: Path) -> None:
    [wait] = step("From a command line", job.namespace)
    with job.begin("run", "--every", "2s") as beside:  # at the shortest interval
        done = shell(job, wait, tmp_path, **EVERY)
        beside.terminate()
        _, err = beside.communicate(timeout=120)
    assert done.code == 0, done.out + done.err
    assert (beside.returncode, "Traceback" in err) == (143, False)
    is_released(control_plane, job.namespace)
    assert shell(job, wait, tmp_path, **EVERY).out.count("\n") == 1  # the next one ends at once


def test_one_shot_that_halts_until_the_time_is_over(
    control_plane: ControlPlane, job: Steerer, metrics: Metrics
) -> None:
    metrics.values[DURATION] = "2525.4"
    done = job("run", "podinfo", "--wait", "--timeout", "6s", **EVERY, expect=3)
    assert canary_weight(control_plane, job.namespace) == 50
    where = f"podinfo.{job.namespace} is Progressing at 50 %: request duration 2.525s > 500ms"
    assert done.err.endswith(f"steerer: not done within 6 s\n  {where}\n")
    changes = [line.split("  ")[-2] for line in done.out.splitlines() if line.startswith("20")]
    assert changes == ["started", "halted"]


def test_one_shot_goes_on_when_the_api_server_was_away(
    control_plane: ControlPlane, job: Steerer, gateway: Gateway
) -> None:
    job.kubeconfig = gateway.before(job.kubeconfig)
    events: list[str] = []

    def leave(request: Request) -> Fault:
        """Closes the connections once the two Events of the first pass are written."""
        if len(events) == 2:
            return dropped
        events.extend([request.path] * (request.method == "POST"))
        return passed

    gateway.hook = leave
    with job.begin("run", "podinfo", "--wait", "--timeout", "60s", **EVERY) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        gateway.hook = lambda _: passed
        out, err = process.communicate(timeout=60)
    assert ["started" in lines[0], "no answer from http://127.0.0.1" in lines[1]] == [True, True], lines
    assert process.returncode == 0, out + err
    is_released(control_plane, job.namespace)


# SIGTERM.


def ended(process: subprocess.Popen[str], within: float) -> str:
    """Waits for the end; returns stderr."""
    begin = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - begin < within
    assert process.returncode == 143, err
    assert "steerer: told to stop (SIGTERM)" in err
    assert "Traceback" not in err
    return err


# The main thread lists the Rollouts; worker threads read the Services in parallel with other kinds.
@pytest.mark.parametrize(
    ("where", "mode"),
    [("/rollouts", ()), ("/services/", ()), ("/services/", ("--every", "60s")), ("/services/", ("--wait",))],
)
def test_told_to_stop_while_it_reads_it_ends_at_once_and_writes_nothing(
    control_plane: ControlPlane, reading: Steerer, gateway: Gateway, mode: tuple[str, ...], where: str
) -> None:
    mark, hang = control_plane.mark(), Once(hung, lambda request: where in request.path)
    gateway.hook = hang
    told = replace(reading, kubeconfig=gateway.before(reading.kubeconfig))
    with told.begin("run", *mode) as process:
        wait_for(lambda: hang.struck is not None, "the request that hangs")
        process.send_signal(signal.SIGTERM)
        assert "; this pass has written nothing" in ended(process, 8)
    assert {entry.verb for entry in of_steerer(control_plane.requests_since(mark))} <= {"get", "list"}


@pytest.mark.parametrize("mode", [(), ("--every", "60s"), ("--wait",)])
def test_told_to_stop_between_status_and_weight_it_writes_both(
    control_plane: ControlPlane, job: Steerer, gateway: Gateway, mode: tuple[str, ...]
) -> None:
    job.kubeconfig = gateway.before(job.kubeconfig)
    running: list[subprocess.Popen[str]] = []

    def tell(exchange: Exchange) -> None:
        assert canary_weight(control_plane, job.namespace) == 0
        assert status(control_plane, job.namespace)["canaryWeight"] == 50
        running[0].send_signal(signal.SIGTERM)
        time.sleep(1)
        passed(exchange)

    gateway.hook = Once(tell, lambda request: request.writes and request.resource == "virtualservices")
    with job.begin("run", *mode) as process:
        running.append(process)
        ended(process, 30)
    assert canary_weight(control_plane, job.namespace) == 50
    assert status(control_plane, job.namespace)["canaryWeight"] == 50
    assert said(control_plane, job.namespace) == [(text.format(job.namespace), 1) for text in MESSAGES[:2]]
    gateway.hook = lambda _: passed
    assert job.passes().record["move"] == "advance"  # and the next pass goes on


def test_a_write_that_gets_no_answer_is_given_up_in_time_and_made_by_the_next_pass(
    control_plane: ControlPlane, job: Steerer, gateway: Gateway
) -> None:
    job.kubeconfig = gateway.before(job.kubeconfig)
    asked: list[str] = []

    def hang(request: Request) -> Fault:
        if not request.writes or not (asked or request.resource == "virtualservices"):
            return passed
        asked.append(request.path)
        return hung

    gateway.hook = hang
    with job.begin("run") as process:
        wait_for(lambda: bool(asked), "the weight to be written")
        process.send_signal(signal.SIGTERM)
        ended(process, 25)  # Kubernetes kills after 30 s
    assert canary_weight(control_plane, job.namespace) == 0
    gateway.hook = lambda _: passed
    assert job.passes().record["move"] == "start"
    assert canary_weight(control_plane, job.namespace) == 50
