"""The emergency table of docs/operations.md: each command, as it stands there, during a real release."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.apiserver.steering import Metrics, Steerer, canary_weight, get, rolled_out, started
from tests.components.processes import free_port
from tests.components.tools import tool
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from tests.components.controlplane import ControlPlane

PAGE = ROOT / "docs" / "operations.md"
TABLE = PAGE.read_text(encoding="utf-8").partition("## In an emergency\n")[2].partition("\n## ")[0]
COMMANDS = dict(re.findall(r"^\| (.+?) \| `(.+?)` \|", TABLE, re.MULTILINE))


@pytest.fixture
def release(control_plane: ControlPlane, metrics: Metrics) -> Steerer:
    """Returns the program over a release at 50 %, about to go to 60."""
    return started(control_plane, metrics, 50, step=50, then=10)


def shell(release: Steerer, command: str) -> str:
    """Runs a command of the page in the namespace of the release, with everything that a person has at hand."""
    here = command.replace("-n test ", f"-n {release.namespace} ")
    environment = release.environment()
    done = subprocess.run(
        ["bash", "-euc", here],
        # kubectl keeps what it discovers below HOME.
        env=environment
        | {"PATH": f"{tool('kubectl').parent}:{environment['PATH']}", "HOME": str(Path(release.kubeconfig).parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def do(release: Steerer, wanted: str) -> str:
    """Does what the row of the table says whose first cell begins like this."""
    [command] = [command for want, command in COMMANDS.items() if want.startswith(wanted)]
    return shell(release, command)


def move(release: Steerer) -> str:
    return str(release.passes().record["move"])


def stored(plane: ControlPlane, release: Steerer) -> Any:
    return get(plane, "rollout/podinfo", release.namespace)


def test_the_weight_is_held_until_it_is_resumed(control_plane: ControlPlane, release: Steerer) -> None:
    do(release, "to hold the weight")
    assert (move(release), canary_weight(control_plane, release.namespace)) == ("hold", 50)
    shell(release, "steerer resume -n test podinfo")
    assert (move(release), canary_weight(control_plane, release.namespace)) == ("advance", 60)


def test_every_later_version_is_held_too(control_plane: ControlPlane, release: Steerer) -> None:
    do(release, "to hold this and every later version")
    do(release, "to replace it")
    rolled_out(control_plane, release.namespace, "podinfo-canary")
    assert (move(release), canary_weight(control_plane, release.namespace)) == ("hold", 50)


def test_an_abort_takes_the_traffic_off_without_prometheus_and_a_retry_starts_over(
    control_plane: ControlPlane, release: Steerer
) -> None:
    dead = Steerer(
        kubeconfig=release.kubeconfig, metrics=f"http://127.0.0.1:{free_port()}", namespace=release.namespace
    )
    do(release, "all traffic off the canary")
    assert (move(dead), canary_weight(control_plane, release.namespace)) == ("roll back", 0)
    assert move(dead) == "give up"
    rolled_out(control_plane, release.namespace, "podinfo-canary")
    assert stored(control_plane, release)["status"]["phase"] == "Failed"
    assert get(control_plane, "deployment/podinfo-canary", release.namespace)["spec"]["replicas"] == 0
    assert move(dead) == "idle"

    do(release, "to try the same version again")
    moves = [move(release)]
    rolled_out(control_plane, release.namespace, "podinfo-canary")
    moves.append(move(release))
    assert (moves, canary_weight(control_plane, release.namespace)) == (["scale up", "start"], 10)


def test_a_promotion_skips_steps_and_metrics(control_plane: ControlPlane, release: Steerer, metrics: Metrics) -> None:
    metrics.values.clear()
    do(release, "to skip the steps")
    assert move(release) == "promote now"
    template = [
        get(control_plane, f"deployment/{name}", release.namespace)["spec"] for name in ("podinfo", "podinfo-canary")
    ]
    assert template[0]["template"]["spec"] == template[1]["template"]["spec"]


def test_a_step_that_waits_for_an_approval_is_left(control_plane: ControlPlane, release: Steerer) -> None:
    steps = {"stepWeight": None, "maxWeight": None, "steps": [{"weight": 50, "approval": True}, {"weight": 70}]}
    control_plane.patch("rollout/podinfo", release.namespace, {"spec": {"canaryAnalysis": steps}})
    assert (move(release), canary_weight(control_plane, release.namespace)) == ("hold", 50)
    do(release, "to let it leave a step")
    assert (move(release), canary_weight(control_plane, release.namespace)) == ("advance", 70)


def test_a_fixed_version_replaces_it(control_plane: ControlPlane, release: Steerer) -> None:
    do(release, "to replace it")
    assert (move(release), canary_weight(control_plane, release.namespace)) == ("reset", 0)


def test_a_rollout_is_left_alone_by_a_suspension_and_forgotten_by_deletion(
    control_plane: ControlPlane, release: Steerer
) -> None:
    do(release, "steerer to leave this Rollout alone")
    do(release, "all traffic off the canary")
    assert (move(release), canary_weight(control_plane, release.namespace)) == ("hold", 50)
    do(release, "steerer to forget it")
    assert (release.passes().records, canary_weight(control_plane, release.namespace)) == ([], 50)


def test_without_steerer_at_hand_kubectl_aborts(control_plane: ControlPlane, release: Steerer) -> None:
    [script] = re.findall(r"```sh\n(.*?)```", TABLE, re.DOTALL)
    shell(release, script)
    assert shell(release, "steerer abort -n test podinfo").endswith(": unchanged\n")
    assert (move(release), canary_weight(control_plane, release.namespace)) == ("roll back", 0)


def test_an_abort_that_waits_ends_with_4(control_plane: ControlPlane, release: Steerer) -> None:
    done = release("abort", "podinfo", "--wait", "--control-loop-interval=0s", expect=4)
    assert done.out.startswith(f"podinfo.{release.namespace}  abort of revision v1-")
    assert stored(control_plane, release)["status"]["phase"] == "Failed"


def test_every_row_has_one_command_and_is_tried() -> None:
    rows = [line for line in TABLE.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == len(COMMANDS)
    source = ROOT / "tests" / "apiserver" / "test_emergency.py"
    tried = re.findall(r'do\(\w+, "(.+?)"\)', source.read_text(encoding="utf-8"))
    untried = [want for want in COMMANDS if not any(want.startswith(beginning) for beginning in tried)]
    assert untried == ["steerer to leave everything alone"]  # tests/helm/test_install.py suspends the CronJob
