"""The alerts, judged by the real promtool: what it makes of the rules, and when each of them fires."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.components.controlplane import KubectlError
from tests.components.fixtures import available
from tests.components.processes import SHORT_LIVED
from tests.components.tools import tool
from tests.monitoring.shipped import ALERTS, DASHBOARD, MONITORING, PROMETHEUS_RULE, RBAC, STATE_CONFIG, alerts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.components.controlplane import ControlPlane


TIMES = ALERTS.parent.parent.parent / "tests" / "monitoring" / "alerts_test.yaml"


@pytest.fixture(scope="session")
def promtool(pytestconfig: pytest.Config) -> Path:
    """Give the program."""
    with available("Prometheus", pytestconfig):
        return tool("promtool")


def judged(program: Path, *arguments: str, folder: Path) -> tuple[int, str]:
    """Give the exit code of promtool, and what it said."""
    command: list[str | Path] = [program, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=SHORT_LIVED, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_nothing_is_shipped_that_no_test_reads() -> None:
    read = {STATE_CONFIG, RBAC, ALERTS, PROMETHEUS_RULE, DASHBOARD}
    assert {path for path in MONITORING.rglob("*") if path.is_file()} == read


def test_promtool_finds_nothing_to_say_of_the_rules(promtool: Path) -> None:
    code, said = judged(promtool, "check", "rules", "--lint=all", "--lint-fatal", ALERTS.name, folder=MONITORING)
    assert (code, f"SUCCESS: {len(alerts())} rules found" in said) == (0, True), said


def timed(program: Path, folder: Path, rules: str, *, alert: str = "") -> tuple[int, str]:
    """Let promtool play the tests over these rules: all, or those that name an alert."""
    shutil.copy(TIMES, folder)
    (folder / ALERTS.name).write_text(rules, encoding="utf-8")
    tests = yaml.safe_load(TIMES.read_text(encoding="utf-8"))["tests"]
    chosen = [f"--run=^{re.escape(one['name'])}$" for one in tests if alert and alert in json.dumps(one)]
    assert bool(chosen) is bool(alert)
    return judged(program, "test", "rules", *chosen, TIMES.name, folder=folder)


def test_each_alert_fires_when_it_is_to_and_not_before(promtool: Path, tmp_path: Path) -> None:
    code, said = timed(promtool, tmp_path, ALERTS.read_text(encoding="utf-8"))
    assert code == 0, said


@pytest.mark.parametrize("change", [{"expr": "vector(0) > 0"}, {"for": "0s"}, {"for": "3h"}], ids=json.dumps)
@pytest.mark.parametrize("name", [rule["alert"] for rule in alerts()])
def test_an_alert_that_fires_never_or_too_soon_or_too_late_is_noticed(
    promtool: Path, tmp_path: Path, name: str, change: dict[str, Any]
) -> None:
    rules = [rule | change if rule["alert"] == name else rule for rule in alerts()]
    groups = {"groups": [{"name": "steerer", "rules": rules}]}
    code, said = timed(promtool, tmp_path, yaml.safe_dump(groups), alert=name)
    assert code == 1, said
    assert "FAILED" in said


def test_the_object_for_the_operator_has_the_same_rules() -> None:
    found = yaml.safe_load(PROMETHEUS_RULE.read_text(encoding="utf-8"))
    assert (found["apiVersion"], found["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert found["spec"] == yaml.safe_load(ALERTS.read_text(encoding="utf-8"))


def test_the_object_for_the_operator_is_accepted_by_the_server(
    control_plane: ControlPlane, namespace: str, pytestconfig: pytest.Config
) -> None:
    with available("CRD of the Prometheus Operator", pytestconfig):
        control_plane.install_crds([tool("prometheus-rule-crd")])
    apply = ("apply", "--dry-run=server", "--filename=-")
    text = PROMETHEUS_RULE.read_text(encoding="utf-8")
    assert "server dry run" in control_plane.kubectl(*apply, stdin=text, namespace=namespace)
    with pytest.raises(KubectlError, match=r"unknown field .*mispelt"):
        control_plane.kubectl(*apply, stdin=text.replace("annotations:", "mispelt:"), namespace=namespace)
