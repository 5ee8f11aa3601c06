"""Objects that select the primary's pods by labels that a promotion replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconcile.preflight.examination import examine
from reconcile.preflight.findings import Check
from reconcile.preflight.selectors import PATHS, selectors, summary
from tests.support.world import P, deployment, meta, standard
from tests.unit.preflight.examining import edited, rows_of, subjects_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.model.kinds import Manifest
    from reconcile.preflight.findings import Examined

CHECK = Check("selectors", selectors, summary)
LOST = "selects the pods of podinfo.test by track, which a promotion would replace: it would lose them"
GAINED = "would select the pods of podinfo.test after a promotion, by track, and does not now"
STABLE, CANARY = {"track": "stable"}, {"track": "canary"}


def tracked() -> list[Manifest]:
    items = standard()
    for name, labels in (("podinfo", STABLE), ("podinfo-canary", CANARY)):
        template = ("spec", "template", "metadata", "labels")
        items = edited(items, *template, {"app": name} | labels, kind="Deployment", name=name)
    return items


def beside(*manifests: Manifest, items: list[Manifest] | None = None) -> Examined:
    [subject] = subjects_of(tracked() if items is None else items)
    return examine(subject.in_folder([*standard(), *manifests]), [CHECK])


def an_object(kind: str, api: str, spec: Any, name: str = "other", **metadata: Any) -> Manifest:
    return {"apiVersion": api, "kind": kind, "metadata": meta(name) | metadata, "spec": spec}


def policy(**spec: Any) -> Manifest:
    return an_object("NetworkPolicy", "networking.k8s.io/v1", spec)


def exact(labels: Any) -> Manifest:
    return {"matchLabels": labels}


SELECTING: dict[str, tuple[str, Callable[[Any], Manifest], str]] = {
    "Service": ("v1", lambda labels: {"selector": labels}, "spec.selector"),
    "NetworkPolicy": ("networking.k8s.io/v1", lambda labels: {"podSelector": exact(labels)}, "spec.podSelector"),
    "PodDisruptionBudget": ("policy/v1", lambda labels: {"selector": exact(labels)}, "spec.selector"),
    "PodMonitor": ("monitoring.coreos.com/v1", lambda labels: {"selector": exact(labels)}, "spec.selector"),
    "AuthorizationPolicy": ("security.istio.io/v1", lambda labels: {"selector": exact(labels)}, "spec.selector"),
    "PeerAuthentication": ("security.istio.io/v1beta1", lambda labels: {"selector": exact(labels)}, "spec.selector"),
    "RequestAuthentication": ("security.istio.io/v1", lambda labels: {"selector": exact(labels)}, "spec.selector"),
    "Telemetry": ("telemetry.istio.io/v1", lambda labels: {"selector": exact(labels)}, "spec.selector"),
    "Sidecar": (
        "networking.istio.io/v1",
        lambda labels: {"workloadSelector": {"labels": labels}},
        "spec.workloadSelector",
    ),
    "EnvoyFilter": (
        "networking.istio.io/v1alpha3",
        lambda labels: {"workloadSelector": {"labels": labels}},
        "spec.workloadSelector",
    ),
}


def test_every_kind_that_is_known_is_tried() -> None:
    assert {kind.name for kind in PATHS} == SELECTING.keys()


@pytest.mark.parametrize("kind", SELECTING)
def test_an_object_that_would_lose_the_primarys_pods_is_an_error_with_the_line_to_add(kind: str) -> None:
    api, spec, path = SELECTING[kind]
    lost, gained, both = (an_object(kind, api, spec(labels)) for labels in (STABLE, CANARY, {"app": "podinfo"}))
    examined = beside(lost)
    assert rows_of([examined]) == [("selectors", "error", f"{kind} other.test", path, LOST)]
    [finding] = examined.results[0].findings
    assert finding.advice == "add to spec.canaryAnalysis.promotion: keep: [/metadata/labels/track]"
    assert rows_of([beside(gained)]) == [("selectors", "warning", f"{kind} other.test", path, GAINED)]
    examined = beside(both, an_object(kind, api, spec(STABLE), namespace="elsewhere"))
    assert rows_of([examined]) == []
    assert examined.results[0].summary == "1 others select pods, and a promotion would change nothing for them"


def test_peers_of_a_network_policy_count_and_those_of_other_namespaces_do_not() -> None:
    peer, far = {"podSelector": exact(STABLE)}, {"namespaceSelector": {}, "podSelector": exact(STABLE)}
    manifest = policy(podSelector={}, ingress=[{"from": [far, peer]}, {"ports": []}], egress=[{"to": [peer]}, "odd"])
    assert rows_of([beside(manifest)]) == [
        ("selectors", "error", "NetworkPolicy other.test", f"spec.{path}.podSelector", LOST)
        for path in ("ingress[0].from[1]", "egress[0].to[0]")
    ]


def test_expressions_count_and_a_label_that_the_promotion_brings() -> None:
    absent = {"matchExpressions": [{"key": "example.com/canary", "operator": "DoesNotExist"}]}
    items = edited(
        standard(),
        *("spec", "template", "metadata", "labels", {"app": "podinfo-canary", "example.com/canary": "yes"}),
        kind="Deployment",
        name="podinfo-canary",
    )
    [result] = beside(policy(podSelector=absent), items=items).results
    assert [finding.advice for finding in result.findings] == [
        "add to spec.canaryAnalysis.promotion: keep: [/metadata/labels/example.com~1canary]"
    ]


@pytest.mark.parametrize("spec", [None, "odd", {}, {"podSelector": None}, {"podSelector": {}, "ingress": "odd"}])
def test_what_selects_nothing_or_everything_loses_nothing(spec: Any) -> None:
    odd = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": "odd"}
    assert rows_of([beside(an_object("NetworkPolicy", "networking.k8s.io/v1", spec), odd)]) == []


def test_the_two_services_are_left_to_their_own_check() -> None:
    assert beside().results[0].summary == "none other"


def test_a_label_that_is_kept_loses_nothing() -> None:
    items = edited(tracked(), "spec", "selector", {"app": "podinfo", **STABLE}, kind="Service")
    assert rows_of([beside(policy(podSelector=exact(STABLE)), items=items)]) == []


def test_without_a_primary_it_cannot_be_known() -> None:
    items = [item for item in tracked() if (item["kind"], item["metadata"]["name"]) != ("Deployment", P.name)]
    result = beside(policy(podSelector=exact(STABLE)), items=items).results[0]
    assert (result.findings, result.incomplete) == ((), "Deployment podinfo.test is missing")
    assert deployment("podinfo", "1")["metadata"] == meta("podinfo")


def test_in_a_cluster_only_what_may_select_pods_is_beside_a_rollout() -> None:
    [subject] = subjects_of(tracked())
    found = examine(subject.beside([policy(podSelector=exact(STABLE))]), [CHECK])
    assert rows_of([found]) == [("selectors", "error", "NetworkPolicy other.test", "spec.podSelector", LOST)]
