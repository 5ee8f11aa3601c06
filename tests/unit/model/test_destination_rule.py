"""The subsets that DestinationRules define for a Service."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.model.destination_rule import subsets
from reconcile.model.kinds import SERVICE, Ref

SHOP = Ref(SERVICE, "prod", "shop")


def rule(host: Any, *defined: Any, name: str = "shop") -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"host": host, "subsets": list(defined)}}


def names(*rules: dict[str, Any]) -> list[str]:
    return [subset.name for subset in subsets(rules, SHOP)]


V1, V2 = {"name": "v1", "labels": {"version": "v1"}}, {"name": "v2"}


@pytest.mark.parametrize(
    "host",
    [
        *("shop", "shop.prod", "shop.prod.svc", "shop.prod.svc.any.domain"),
        *("*", "*.prod", "*.prod.svc.any.domain", "*.svc.cluster.local", "*.cluster.local", "*.local"),
    ],
)
def test_a_host_or_a_wildcard_that_the_service_is_in(host: str) -> None:
    assert names(rule(host, V1)) == ["v1"]


@pytest.mark.parametrize(
    "host", ["", None, "shops", "shop.other", "*.other.svc.cluster.local", "*.example.com", "*.", "x*.prod", "x.*.prod"]
)
def test_a_host_that_is_another(host: Any) -> None:
    assert names(rule(host, V1)) == []


def test_rules_for_the_very_host_are_merged_and_go_before_a_wildcard() -> None:
    assert names(rule("*", V1), rule("shop", V2), rule("shop.prod", V1)) == ["v2", "v1"]
    assert names(rule("*", V1), rule("shop")) == []


def test_what_is_no_subset_is_left_out() -> None:
    assert (
        names({"metadata": None, "spec": None}, {"spec": {"host": "shop", "subsets": "v1"}}, rule("shop", "v1")) == []
    )
    [subset] = subsets([rule("shop", {"name": "odd", "labels": []})], SHOP)
    assert (str(subset.rule), subset.labels) == ("DestinationRule shop.prod", {})


def test_a_subset_has_the_pods_with_all_of_its_labels() -> None:
    one, every = subsets([rule("shop", V1, V2)], SHOP)
    assert [one.selects(labels) for labels in ({"version": "v1", "a": "b"}, {"version": "v2"}, {})] == [
        True,
        False,
        False,
    ]
    assert every.selects({})
