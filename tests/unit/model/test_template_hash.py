"""The hash of a pod template: what is part of it, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.model.template_hash import canonical, revision

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
    assert revision(turned) == revision(TEMPLATE)


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
