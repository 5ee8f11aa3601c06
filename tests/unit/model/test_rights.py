"""The rights are told once, and told so that people know what each is for."""

from __future__ import annotations

from collections import Counter

from reconcile.model.kinds import ROLLOUT
from reconcile.model.rights import ACTION, PASS, STATUS, Impact, Right, rules


def test_a_right_is_listed_once() -> None:
    for rights in (PASS, STATUS, ACTION):
        assert set(Counter((right.kind, right.resource, right.verb) for right in rights).values()) == {1}


def test_rules_are_one_for_each_resource_in_the_order_of_the_rights() -> None:
    assert rules(PASS)[:3] == [
        {"apiGroups": ["apps.weave.works"], "resources": ["rollouts"], "verbs": ["list"]},
        {"apiGroups": ["apps.weave.works"], "resources": ["rollouts/status"], "verbs": ["patch"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "patch"]},
    ]
    assert rules(PASS)[-1] == {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "get", "patch"]}


def test_no_right_is_to_watch_to_delete_or_to_replace_and_none_is_on_a_secret() -> None:
    assert {right.verb for right in (*PASS, *STATUS, *ACTION)} == {"get", "list", "patch", "create"}
    created = {right.resource for right in (*PASS, *STATUS, *ACTION) if right.verb == "create"}
    assert created == {"events"}
    assert not {"secrets", "configmaps", "pods"} & {right.kind.plural for right in (*PASS, *STATUS, *ACTION)}


def test_who_only_looks_needs_no_write() -> None:
    assert {right.verb for right in STATUS} == {"list"}


def test_a_pass_may_not_write_what_a_person_asks_for() -> None:
    assert [right.resource for right in ACTION if right.verb == "patch"] == ["rollouts"]
    assert ("rollouts", "patch") not in {(right.resource, right.verb) for right in PASS}


def test_a_right_on_a_subresource_is_named_as_a_rule_names_it() -> None:
    right = Right(kind=ROLLOUT, subresource="status", verb="patch", impact=Impact.HALT, without="…")
    assert right.resource == "rollouts/status"
