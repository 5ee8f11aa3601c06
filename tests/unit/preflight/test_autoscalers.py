"""Who else changes the sizes of the two Deployments."""

from __future__ import annotations

import pytest

from reconcile.model.errors import ForbiddenError
from reconcile.model.kinds import AUTOSCALER, Kind, Manifest, Scope
from reconcile.preflight.checks import FOLDER
from tests.support.fakes import MemoryCluster
from tests.support.world import autoscaler, deployment, meta, standard
from tests.unit.preflight.examining import CANARY, PRIMARY, Broken, examined, infos, rows_of, standard_and

BROKEN: dict[str, Broken] = {
    "an autoscaler that may take all pods away": (
        standard_and(autoscaler("podinfo-canary", 2, 2, least=0)),
        (
            "autoscalers",
            "warning",
            "HorizontalPodAutoscaler scaler.test",
            "spec.minReplicas",
            f"HorizontalPodAutoscaler scaler.test may scale {CANARY} to 0 replicas, which halts a release",
        ),
    ),
    "two autoscalers of one Deployment": (
        standard_and(autoscaler("podinfo", 2, 2), autoscaler("podinfo", 2, 2) | {"metadata": meta("second")}),
        (
            "autoscalers",
            "warning",
            PRIMARY,
            "",
            (
                f"{PRIMARY} is the target of several HorizontalPodAutoscalers (scaler, second): Kubernetes then "
                "follows none"
            ),
        ),
    ),
    "an autoscaler that is none": (
        standard_and(autoscaler("podinfo-canary", 2, 2, least=-1)),
        (
            "autoscalers",
            "error",
            "HorizontalPodAutoscaler scaler.test",
            "",
            (
                "HorizontalPodAutoscaler scaler.test cannot be used: "
                "spec.minReplicas: must be between 0 and 2147483647, not -1"
            ),
        ),
    ),
    "an autoscaler of the primary that is none": (
        standard_and(autoscaler("podinfo", 2, 2, least=-1)),
        (
            "autoscalers",
            "warning",
            "HorizontalPodAutoscaler scaler.test",
            "",
            (
                "HorizontalPodAutoscaler scaler.test cannot be used: "
                "spec.minReplicas: must be between 0 and 2147483647, not -1"
            ),
        ),
    ),
}


@pytest.mark.parametrize(("items", "row"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_found_and_nothing_else(items: list[Manifest], row: tuple[str, ...]) -> None:
    assert rows_of(examined(items, FOLDER)) == [row]


def test_autoscalers_that_cannot_be_read_are_told_by_the_gates_own_words() -> None:
    class Blind(MemoryCluster):
        def list(self, kind: Kind, scope: Scope) -> list[Manifest]:
            if kind == AUTOSCALER:
                raise ForbiddenError("forbidden")
            return super().list(kind, scope)

    found = rows_of(examined(Blind(standard()), FOLDER))
    assert found == [
        ("autoscalers", "error", "HorizontalPodAutoscalers", "", "HorizontalPodAutoscalers cannot be read: forbidden")
    ]


def test_a_size_that_nobody_else_moves_is_well() -> None:
    (result,) = examined(standard_and(deployment("podinfo-canary", "1.2.1", replicas=None)), FOLDER)
    assert result.results[-1].summary == "none that somebody else moves as well"


@pytest.mark.parametrize(
    ("items", "words"),
    [
        (standard(), ["states 2 replicas, which steerer set as well"]),
        (
            standard_and(autoscaler("podinfo-canary", 2, 2)),
            ["states 2 replicas, which HorizontalPodAutoscaler scaler and steerer set as well"],
        ),
        (
            standard_and(autoscaler("podinfo", 2, 2), deployment("podinfo-canary", "1.2.1", replicas=None)),
            ["states 2 replicas, which HorizontalPodAutoscaler scaler set as well"],
        ),
    ],
)
def test_a_size_in_git_beside_somebody_who_moves_it_is_told(items: list[Manifest], words: list[str]) -> None:
    assert infos(items, "replicas") == words
