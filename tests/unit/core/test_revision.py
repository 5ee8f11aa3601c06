"""The revision of a pod template, and what a hash that differs means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconcile.core.revision import recorded, refreshed
from reconcile.model.objects import Deployment, deployment
from reconcile.model.rollout import State
from reconcile.model.template_hash import canonical, revision, same_template
from tests.support import world

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "podinfo", "empty": ""}, "annotations": {"note": "é 漢"}},
    "spec": {"containers": [{"name": "podinfo", "image": "podinfo:1.2.0", "ports": [{"containerPort": 9898}]}]},
}


def test_the_hash_is_what_it_always_was() -> None:
    # Stored in every cluster: another hash for the same template would start every release anew.
    assert revision(TEMPLATE) == "v1-ee84f4455c9c4adb0323"


def test_the_order_of_keys_means_nothing() -> None:
    turned: dict[str, Any] = {key: TEMPLATE[key] for key in reversed(TEMPLATE)}
    turned["metadata"] = dict(reversed(TEMPLATE["metadata"].items()))
    assert list(turned) != list(TEMPLATE)
    assert same_template(turned, TEMPLATE)


@pytest.mark.parametrize(
    "more",
    [
        {"metadata": {**TEMPLATE["metadata"], "creationTimestamp": None}},
        {"metadata": {**TEMPLATE["metadata"], "finalizers": []}},
        {"spec": {**TEMPLATE["spec"], "securityContext": {}}},
        {"spec": {**TEMPLATE["spec"], "affinity": {"nodeAffinity": {"required": None}}}},
        {"extra": []},
    ],
)
def test_null_and_empty_members_mean_nothing(more: Any) -> None:
    assert revision(TEMPLATE | more) == revision(TEMPLATE)


@pytest.mark.parametrize(
    "other",
    [
        {"metadata": {**TEMPLATE["metadata"], "labels": {"app": "podinfo"}}},
        {"metadata": {**TEMPLATE["metadata"], "annotations": {"note": "e"}}},
        {"spec": {**TEMPLATE["spec"], "hostNetwork": False}},
        {"spec": {**TEMPLATE["spec"], "priority": 0}},
        {"spec": {"containers": [*TEMPLATE["spec"]["containers"], {}]}},
        {"spec": {"containers": [*TEMPLATE["spec"]["containers"], None]}},
    ],
)
def test_everything_else_does(other: Any) -> None:
    assert revision(TEMPLATE | other) != revision(TEMPLATE)


def test_the_order_of_a_list_means_something() -> None:
    assert revision({"args": ["a", "b"]}) != revision({"args": ["b", "a"]})
    assert revision({"priority": 1}) != revision({"priority": "1"})


def test_canonical_leaves_its_input_alone_and_cleans_every_depth() -> None:
    given: dict[Any, Any] = {
        "a": None,
        "b": {"c": {"d": None}},
        "e": [{"f": None}, None, []],
        1: "key",
        "g": "",
        "h": 0,
        "i": False,
    }
    kept: dict[Any, Any] = {
        "a": None,
        "b": {"c": {"d": None}},
        "e": [{"f": None}, None, []],
        1: "key",
        "g": "",
        "h": 0,
        "i": False,
    }
    assert canonical(given) == {"e": [{}, None, []], "1": "key", "g": "", "h": 0, "i": False}
    assert given == kept


@pytest.mark.parametrize("template", [None, {}, [], "text", "\ud800"])
def test_anything_has_a_revision(template: Any) -> None:
    assert revision(template).startswith("v1-")
    assert len(revision(template)) == len("v1-") + 20


def canary(image: str = "1.2.1", uid: str = "u-1", generation: int | None = 3) -> Deployment:
    manifest = world.deployment("podinfo-canary", image)
    manifest["metadata"] |= {"uid": uid} | ({} if generation is None else {"generation": generation})
    return deployment(manifest)


KNOWN = State(canary_revision="v1-before", promoted_revision="v1-before", canary_uid="u-1", canary_generation=3)


def test_a_hash_that_differs_for_the_same_object_is_taken_over_in_silence() -> None:
    now = revision(canary().template)
    assert refreshed(KNOWN, canary()) == replace(KNOWN, canary_revision=now, promoted_revision=now)
    other = replace(KNOWN, promoted_revision="v1-earlier")
    assert refreshed(other, canary()) == replace(other, canary_revision=now)


@pytest.mark.parametrize(
    ("state", "found"),
    [
        (KNOWN, canary(generation=4)),
        (KNOWN, canary(uid="u-2")),
        (KNOWN, canary(generation=None)),
        (replace(KNOWN, canary_generation=None), canary()),
        (replace(KNOWN, canary_generation=None), canary(generation=None)),
        (replace(KNOWN, canary_uid=""), canary()),
        (State(), canary()),
        (replace(KNOWN, canary_revision=revision(canary().template)), canary()),
    ],
)
def test_otherwise_the_state_stays_as_it_is(state: State, found: Deployment) -> None:
    assert refreshed(state, found) is state


def test_what_is_recorded_is_the_hash_and_what_it_was_computed_from() -> None:
    found = recorded(replace(State(), canary_weight=30), canary())
    assert found == State(
        canary_revision=revision(canary().template), canary_generation=3, canary_uid="u-1", canary_weight=30
    )
    bare = deployment(world.deployment("podinfo-canary", "1"))
    assert (recorded(State(), bare).canary_uid, recorded(State(), bare).canary_generation) == ("", None)
