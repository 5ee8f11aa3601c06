"""An error of `lint` and `check` is what halts a pass, and what halts a pass is an error: the two lists are one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconcile.core import gates
from reconcile.model.plan import Outcome
from reconcile.preflight.checks import CLUSTER, FOLDER
from tests.support.fakes import MemoryCluster
from tests.support.gateway_routes import over
from tests.support.pages import code, column, section
from tests.support.paths import ROOT
from tests.support.world import CS, VS, P, World, autoscaler, destination
from tests.unit.preflight import (
    test_autoscalers,
    test_capacity,
    test_metrics,
    test_neighbours,
    test_rollouts,
    test_routes,
    test_services,
    test_workloads,
)
from tests.unit.preflight.examining import examined, findings_of, standard_and, standard_with, standard_without

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Plan

TABLES = (
    test_autoscalers,
    test_capacity,
    test_metrics,
    test_neighbours,
    test_rollouts,
    test_routes,
    test_services,
    test_workloads,
)
ROWS = {name: broken for table in TABLES for name, broken in table.BROKEN.items()}
ERRORS = {name: items for name, (items, row) in ROWS.items() if row[1] == "error"}
WARNINGS = {name: items for name, (items, row) in ROWS.items() if row[1] == "warning"}
LONGEST = 20
"""Passes, more than a release takes."""


def played(items: list[Manifest], passes: int = LONGEST) -> list[Plan]:
    """Plays a release, with pods that come up and metrics that are good."""
    world = World(cluster=MemoryCluster(items))
    return [world.tick().plan for _ in range(passes)]


@pytest.mark.parametrize("items", ERRORS.values(), ids=ERRORS)
def test_an_error_halts_a_pass(items: list[Manifest]) -> None:
    plans = played(items)
    assert (plans[-1].move, plans[-1].after.phase == "Succeeded") == ("halt", False), plans[-1]


@pytest.mark.parametrize("items", WARNINGS.values(), ids=WARNINGS)
def test_a_warning_is_no_error_that_halts_at_once(items: list[Manifest]) -> None:
    assert played(items, passes=1)[0].move != "halt"


# A gate -> a world in which it is shut.
SHUT = {
    "rollout": standard_with("Rollout", "spec", "canaryAnalysis", "stepWeight", 0),
    "deployments": standard_without(P),
    "services": standard_without(CS),
    "routes": standard_without(VS),
    "reach": standard_with("Service", "spec", "ports", [{"name": "http", "port": 9898, "targetPort": "none"}]),
    "primary": standard_with("Deployment", "spec", "paused", True),  # noqa: FBT003
    "canary": standard_with("Deployment", "spec", "paused", True, name="podinfo-canary"),  # noqa: FBT003
    "scaling": standard_and(autoscaler("podinfo-canary", 2, 2, least=-1)),
    "size": [
        *standard_with("Deployment", "spec", "replicas", 0, name="podinfo-canary"),
        autoscaler("podinfo-canary", 2, 2, least=-1),
    ],
    "accepted": over("HTTPRoute/podinfo", routes=(test_routes.judged("RefNotPermitted"),)),
    "drained": standard_and(
        test_neighbours.route(destination("podinfo", 90), destination("podinfo-canary", 10)),
    ),
}


@pytest.mark.parametrize("name", SHUT)
def test_a_gate_that_is_shut_is_an_error_of_lint_and_check(name: str) -> None:
    halted = played(SHUT[name])[-1]
    assert [gate.name for gate in halted.gates if gate.outcome is Outcome.FAILED] == [name]
    for checks in (FOLDER, CLUSTER):
        levels = {str(item.level) for _, item in findings_of(examined(SHUT[name], checks))}
        assert "error" in levels


def test_every_other_gate_is_told_to_be_one_that_only_time_shuts() -> None:
    told = column(section(ROOT / "docs" / "preflight.md", "What only time shows"))
    assert sorted(name for cell in told for name in code(cell)) == sorted({*gates.BY_NAME, "analysis"} - SHUT.keys())
