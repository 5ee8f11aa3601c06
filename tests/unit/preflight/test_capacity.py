"""A primary that its autoscaler makes smaller than the canary, and that gets all traffic back at once."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.model.errors import ForbiddenError
from reconcile.model.kinds import SCALED_OBJECT, Kind, Manifest, Scope
from reconcile.preflight.checks import FOLDER
from tests.support.fakes import MemoryCluster
from tests.support.world import autoscaler, meta, standard
from tests.unit.preflight.examining import PRIMARY, Broken, examined, findings_of, rows_of
from tests.unit.preflight.test_neighbours import SCALER, scaler

SMALL = autoscaler("podinfo", 2, 2, least=1)
ROLLBACK = {"onFailure": "Rollback", "failureLimit": 2}
HPA = "HorizontalPodAutoscaler scaler.test"


def _warning(name: str, field: str, occasions: str, pods: int = 2) -> tuple[str, str, str, str, str]:
    words = (
        f"may scale {PRIMARY} down to 1 while the canary has the traffic, and a {occasions} gives it all of that back "
        f"at once: the canary has {pods} pods"
    )
    return ("capacity", "warning", name, field, words)


BROKEN: dict[str, Broken] = {
    "a primary that is scaled down": ([*standard(), SMALL], _warning(HPA, "spec.minReplicas", "promotion")),
    "a primary that is scaled down, with a policy to roll back": (
        [*standard(**ROLLBACK), SMALL],
        _warning(HPA, "spec.minReplicas", "promotion or a rollback"),
    ),
    "a primary that is scaled down, whose traffic comes back in steps but for a rollback": (
        [*standard(**ROLLBACK, promotion={"stepWeight": 20}), SMALL],
        _warning(HPA, "spec.minReplicas", "rollback"),
    ),
    "a primary that KEDA scales down": (
        [*standard(), scaler("podinfo", minReplicaCount=1)],
        _warning(SCALER, "spec.minReplicaCount", "promotion"),
    ),
    "a primary that is scaled down beside a canary with an autoscaler of its own": (
        [*standard(), SMALL, autoscaler("podinfo-canary", 3, 3, least=3) | {"metadata": meta("other")}],
        _warning(HPA, "spec.minReplicas", "promotion", pods=3),
    ),
}
HARMLESS = {
    "it keeps as many": [*standard(), autoscaler("podinfo", 2, 2, least=2)],
    "traffic comes back in steps": [*standard(promotion={"stepWeight": 20}), SMALL],
    "KEDA scales another one": [*standard(), scaler("other", minReplicaCount=1)],
    "KEDA scales a StatefulSet": [
        *standard(),
        scaler("x", scaleTargetRef={"kind": "StatefulSet", "name": "podinfo"}, minReplicaCount=1),
    ],
}


@pytest.mark.parametrize(("items", "row"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_found_and_nothing_else(items: list[Manifest], row: tuple[str, ...]) -> None:
    assert rows_of(examined(items, FOLDER)) == [row]


@pytest.mark.parametrize("items", HARMLESS.values(), ids=HARMLESS)
def test_what_is_harmless_is_not_told(items: list[Manifest]) -> None:
    assert rows_of(examined(items, FOLDER)) == []


@pytest.mark.parametrize(
    ("analysis", "advice"),
    [
        ({}, "traffic goes back in steps with spec.canaryAnalysis.promotion.stepWeight; let it keep 2 replicas"),
        ({**ROLLBACK, "promotion": {"stepWeight": 20}}, "let it keep 2 replicas"),
    ],
)
def test_what_helps_is_named(analysis: dict[str, Any], advice: str) -> None:
    [(_, finding)] = findings_of(examined([*standard(**analysis), SMALL], FOLDER))
    assert finding.advice == advice


def test_scalers_that_cannot_be_listed_are_left_to_the_check_that_is_about_them() -> None:
    class Blind(MemoryCluster):
        def list(self, kind: Kind, scope: Scope) -> list[Manifest]:
            if kind == SCALED_OBJECT:
                raise ForbiddenError("scaledobjects is forbidden")
            return super().list(kind, scope)

    [result] = examined(Blind(standard()), FOLDER)
    [found] = [item for item in result.results if item.check == "capacity"]
    assert (found.findings, found.incomplete) == ((), "")
