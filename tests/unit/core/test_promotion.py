"""What the primary's template becomes."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from msgspec.structs import replace

from reconcile.core.promotion import Identity, identity_of, is_promoted_revision, promoted_template
from reconcile.model.objects import Deployment, deployment
from reconcile.model.service import service
from reconcile.model.template_hash import revision
from tests.support import world

KEEP = Identity(frozenset({"app"}))


def primary(**spec: Any) -> Deployment:
    return deployment(world.deployment("podinfo", "1.2.0", **spec))


def canary(labels: dict[str, str] | None = None, **spec: Any) -> Deployment:
    manifest = world.deployment("podinfo-canary", "1.2.1", **spec)
    if labels is not None:
        manifest["spec"]["template"]["metadata"]["labels"] = labels
    return deployment(manifest)


def test_the_identity_is_what_the_selectors_use() -> None:
    other = world.service("podinfo-canary")
    other["spec"]["selector"] = {"track": "canary", "app": "podinfo-canary"}
    assert identity_of(primary(), [service(other)]) == Identity(frozenset({"app", "track"}))
    assert identity_of(primary(), []) == Identity(frozenset({"app"}))


def test_the_template_is_replaced_and_the_identity_kept() -> None:
    source = canary({"app": "podinfo-canary", "version": "2"}, dnsPolicy="Default")
    before = deepcopy(source.template)
    target = deployment(world.deployment("podinfo", "1.2.0", hostNetwork=True))
    target.template["metadata"]["labels"]["old"] = "gone"
    assert promoted_template(source, target, KEEP) == {
        "metadata": {"labels": {"version": "2", "app": "podinfo"}},
        "spec": {"containers": [{"name": "podinfo", "image": "podinfo:1.2.1"}], "dnsPolicy": "Default"},
    }
    assert source.template == before


def test_a_kept_label_that_the_primary_lacks_stays_absent() -> None:
    source = canary({"app": "podinfo-canary", "canary": "yes"})
    found = promoted_template(source, primary(), Identity(frozenset({"app", "canary"})))
    assert found["metadata"]["labels"] == {"app": "podinfo"}


def test_a_canary_without_labels_gets_those_that_are_kept() -> None:
    source = canary()
    del source.template["metadata"]
    assert promoted_template(source, primary(), KEEP)["metadata"] == {"labels": {"app": "podinfo"}}
    assert "metadata" not in promoted_template(source, primary(), Identity(frozenset({"other"})))


def test_annotations_come_along() -> None:
    source = canary()
    source.template["metadata"]["annotations"] = {"restartedAt": "now"}
    assert promoted_template(source, primary(), KEEP)["metadata"]["annotations"] == {"restartedAt": "now"}


def term(selector: Any) -> dict[str, Any]:
    return {"topologyKey": "zone", "labelSelector": selector}


OWN, OTHER = {"matchLabels": {"app": "podinfo-canary"}}, {"matchLabels": {"app": "cache"}}


@pytest.mark.parametrize("kind", ["podAffinity", "podAntiAffinity"])
def test_selectors_of_the_own_pods_select_the_primarys(kind: str) -> None:
    rules = {
        "requiredDuringSchedulingIgnoredDuringExecution": [term(deepcopy(OWN)), term(deepcopy(OTHER)), term(None)],
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "podAffinityTerm": term(deepcopy(OWN))},
            {"weight": 2, "podAffinityTerm": None},
            "no term",
        ],
    }
    found = promoted_template(canary(affinity={kind: rules}), primary(), KEEP)["spec"]["affinity"][kind]
    required = found["requiredDuringSchedulingIgnoredDuringExecution"]
    assert [item["labelSelector"] for item in required] == [{"matchLabels": {"app": "podinfo"}}, OTHER, None]
    preferred = found["preferredDuringSchedulingIgnoredDuringExecution"]
    assert preferred[0]["podAffinityTerm"]["labelSelector"] == {"matchLabels": {"app": "podinfo"}}
    assert preferred[1:] == [{"weight": 2, "podAffinityTerm": None}, "no term"]


def retargeted(selector: Any, kept: Identity = KEEP) -> Any:
    source = canary({"app": "podinfo-canary", "canary": "yes"}, topologySpreadConstraints=[term(selector)])
    return promoted_template(source, primary(), kept)["spec"]["topologySpreadConstraints"][0]["labelSelector"]


def expression(operator: str, *values: str, key: str = "app") -> dict[str, Any]:
    return {"key": key, "operator": operator} | ({"values": list(values)} if values else {})


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"matchLabels": {"app": "podinfo-canary", "x": "y"}}, {"matchLabels": {"app": "podinfo", "x": "y"}}),
        ({"matchLabels": {"app": "else"}}, {"matchLabels": {"app": "else"}}),
        (
            {"matchExpressions": [expression("In", "podinfo-canary", "b")]},
            {"matchExpressions": [expression("In", "podinfo", "b")]},
        ),
        (
            {"matchExpressions": [expression("In", "podinfo-canary", "podinfo")]},
            {"matchExpressions": [expression("In", "podinfo")]},
        ),
        (
            {"matchExpressions": [expression("NotIn", "podinfo-canary")]},
            {"matchExpressions": [expression("NotIn", "podinfo")]},
        ),
        ({"matchExpressions": [expression("Exists")]}, {"matchExpressions": [expression("Exists")]}),
        ({"matchExpressions": [expression("In", "b")]}, {"matchExpressions": [expression("In", "b")]}),
        (
            {"matchExpressions": [expression("In", "podinfo-canary", key="tier")]},
            {"matchExpressions": [expression("In", "podinfo-canary", key="tier")]},
        ),
        ({"matchExpressions": ["odd"]}, {"matchExpressions": ["odd"]}),
        ({}, {}),
    ],
)
def test_a_selector_is_turned_where_it_selects_the_canary(given: Any, found: Any) -> None:
    assert retargeted(given) == found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"matchLabels": {"canary": "yes"}}, [expression("DoesNotExist", key="canary")]),
        ({"matchExpressions": [expression("In", "yes", key="canary")]}, [expression("DoesNotExist", key="canary")]),
        ({"matchExpressions": [expression("NotIn", "yes", key="canary")]}, [expression("Exists", key="canary")]),
        ({"matchExpressions": [expression("In", "yes", "no", key="canary")]}, [expression("In", "no", key="canary")]),
    ],
)
def test_where_the_primary_lacks_the_label_its_absence_is_selected(given: Any, found: Any) -> None:
    selector = retargeted(given, Identity(frozenset({"app", "canary"})))
    assert selector["matchExpressions"] == found
    assert not selector.get("matchLabels")


@pytest.mark.parametrize(
    "spec",
    [
        {"affinity": None},
        {"affinity": "odd"},
        {"affinity": {"podAffinity": []}},
        {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}}},
        {"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": "odd"}}},
        {"topologySpreadConstraints": {}},
        {"topologySpreadConstraints": [None, {"labelSelector": "odd"}]},
    ],
)
def test_odd_rules_are_copied_as_they_are(spec: dict[str, Any]) -> None:
    found = promoted_template(canary(**spec), primary(), KEEP)["spec"]
    assert {key: found[key] for key in spec} == spec


def test_a_template_without_a_spec_is_copied() -> None:
    source = canary()
    del source.template["spec"]
    assert promoted_template(source, primary(), KEEP) == {"metadata": {"labels": {"app": "podinfo"}}}


def test_the_primary_carries_what_was_promoted_and_can_be_told_apart_from_another() -> None:
    source, target = canary(), primary()
    assert revision(promoted_template(source, target, KEEP)) != revision(target.template)
    target.template.clear()
    target.template.update(promoted_template(source, primary(), KEEP))
    assert revision(promoted_template(source, target, KEEP)) == revision(target.template)
    wanted = revision(source.template)
    assert is_promoted_revision(wanted, deployment(world.deployment("podinfo-canary", "1.3.0")), target, KEEP)
    assert not is_promoted_revision(wanted, source, primary(), KEEP)


def test_what_a_person_names_is_kept_and_its_labels_are_identity() -> None:
    keep = ("/metadata/labels/track", "/spec/containers/0/resources", "/metadata/annotations/a")
    identity = identity_of(primary(), [], keep=keep)
    assert identity == Identity(frozenset({"app", "track"}), keep)
    source = canary(
        {"app": "podinfo-canary", "track": "canary"},
        topologySpreadConstraints=[term({"matchLabels": {"track": "canary"}})],
    )
    target = primary()
    target.template["metadata"]["labels"]["track"] = "stable"
    target.template["metadata"]["annotations"] = {"a": "1", "b": "2"}
    target.template["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "1"}}
    assert promoted_template(source, target, identity) == {
        "metadata": {"labels": {"app": "podinfo", "track": "stable"}, "annotations": {"a": "1"}},
        "spec": {
            "containers": [{"name": "podinfo", "image": "podinfo:1.2.1", "resources": {"limits": {"cpu": "1"}}}],
            "topologySpreadConstraints": [term({"matchLabels": {"track": "stable"}})],
        },
    }
    done = replace(target, template=promoted_template(source, target, identity))
    assert revision(promoted_template(source, done, identity)) == revision(done.template)
    assert is_promoted_revision(revision(source.template), source, done, identity)
