"""Findings about other objects of the namespace that act on the same hosts and Deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model.errors import ForbiddenError
from reconcile.model.kinds import SCALED_OBJECT, VIRTUAL_SERVICE
from reconcile.preflight.checks import FOLDER
from tests.support.fakes import MemoryCluster
from tests.support.world import VS, destination, meta, standard
from tests.unit.preflight.examining import Broken, examined, findings_of, rows_of, standard_and, standard_without

if TYPE_CHECKING:
    from reconcile.model.kinds import Kind, Manifest, Scope

OTHER, SCALER = "VirtualService other.test", "ScaledObject scaler.test"


def route(*destinations: Any, **spec: Any) -> Manifest:
    spec = {"hosts": ["other.example.com"], "http": [{"route": list(destinations)}]} | spec
    return {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": meta("other"), "spec": spec}


def scaler(target: str, **spec: Any) -> Manifest:
    spec = {"scaleTargetRef": {"name": target}, "triggers": []} | spec
    return {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": meta("scaler"), "spec": spec}


BROKEN: dict[str, Broken] = {
    "a second VirtualService that splits traffic to the canary": (
        standard_and(route(destination("podinfo", 90), destination("podinfo-canary", 10))),
        (
            "neighbours",
            "error",
            OTHER,
            "spec.http[0]",
            "gives the canary traffic as well: spec.http[0] of it, and the canary is not scaled down while it does",
        ),
    ),
    "a second VirtualService for the same host": (
        standard_and(route(destination("podinfo", 100), hosts=["podinfo.test.svc.cluster.local"])),
        (
            "neighbours",
            "warning",
            OTHER,
            "spec.hosts",
            (
                "is for host podinfo at all sidecars as well: which of the two VirtualServices holds there is not "
                "defined"
            ),
        ),
    ),
    "a ScaledObject that takes all pods of the canary away": (
        standard_and(scaler("podinfo-canary")),
        (
            "neighbours",
            "warning",
            SCALER,
            "spec.minReplicaCount",
            "scales Deployment podinfo-canary.test to 0 while nothing triggers it, which halts a release",
        ),
    ),
    "a ScaledObject that brings the canary back": (
        standard_and(scaler("podinfo-canary", minReplicaCount=1)),
        (
            "neighbours",
            "warning",
            SCALER,
            "spec.scaleTargetRef",
            ("scales Deployment podinfo-canary.test up again after the release, when steerer has scaled it down"),
        ),
    ),
    "a ScaledObject that takes all pods of the primary away": (
        standard_and(scaler("podinfo", minReplicaCount=0)),
        (
            "neighbours",
            "warning",
            SCALER,
            "spec.minReplicaCount",
            "scales Deployment podinfo.test to 0 while nothing triggers it, which halts a release",
        ),
    ),
}
HARMLESS = {
    "an empty ScaledObject": scaler("x") | {"spec": None},
    "a ScaledObject of a StatefulSet": scaler("x", scaleTargetRef={"kind": "StatefulSet", "name": "podinfo-canary"}),
    "a ScaledObject of the primary": scaler("podinfo", minReplicaCount=2),
    "another host": route(destination("other", 100)),
    "the same host at a gateway": route(destination("podinfo", 100), hosts=["podinfo"], gateways=["public"]),
    "weight 0": route(destination("podinfo", 100), destination("podinfo-canary", 0)),
}


@pytest.mark.parametrize(("items", "row"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_found_and_nothing_else(items: list[Manifest], row: tuple[str, ...]) -> None:
    assert rows_of(examined(items, FOLDER)) == [row]


@pytest.mark.parametrize("item", HARMLESS.values(), ids=HARMLESS)
def test_what_is_harmless_is_not_told(item: Manifest) -> None:
    assert rows_of(examined(standard_and(item), FOLDER)) == []


def test_a_route_to_the_canary_alone_is_told_as_information() -> None:
    items = standard_and(route(destination("podinfo-canary")))
    found = [item for name, item in findings_of(examined(items, FOLDER), infos=True) if name == "neighbours"]
    assert [(str(item.level), item.object, item.message) for item in found] == [
        (
            "info",
            OTHER,
            "leads to the canary alone in spec.http[0]: whatever the weights of VirtualService podinfo.test are",
        )
    ]


def test_without_the_rollouts_own_route_the_others_are_looked_at() -> None:
    items = [*standard_without(VS), route(destination("podinfo", 90), destination("podinfo-canary", 10))]
    assert "neighbours" in {check for check, *_ in rows_of(examined(items, FOLDER))}


@pytest.mark.parametrize("kind", [VIRTUAL_SERVICE, SCALED_OBJECT])
def test_what_may_not_be_listed_is_said(kind: Kind) -> None:
    class Blind(MemoryCluster):
        def list(self, of: Kind, scope: Scope) -> list[Manifest]:
            if of == kind:
                raise ForbiddenError(f"may not list {kind.plural}")
            return super().list(of, scope)

    (result,) = examined(Blind([*standard(), scaler("podinfo", minReplicaCount=0)]), FOLDER)
    assert {item.check: item.incomplete for item in result.results}["neighbours"] == f"may not list {kind.plural}"
    assert bool(rows_of([result])) == (kind == VIRTUAL_SERVICE)
