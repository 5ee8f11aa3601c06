"""What counts as applied: a manifest of Git held against the object that an API server makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.clusters.git.manifest_diff import difference, member, partner, parts, quantity


@pytest.mark.parametrize(
    ("stated", "live"),
    [
        (None, "anything"),
        ({}, {"more": 1}),
        ({"securityContext": {}}, {}),
        ({"args": []}, {}),
        ({"value": ""}, {}),
        ({"hostNetwork": False, "minReadySeconds": 0}, {}),
        ({"a": None}, {}),
        ({"a": {"b": [1, {"c": "d"}]}}, {"a": {"b": [1, {"c": "d", "default": True}]}, "more": 2}),
        ({"replicas": 2}, {"replicas": 5}),
        ({"replicas": 1}, {}),
        ({"replicas": 0}, {"replicas": 0}),
        ({"resources": {"limits": {"cpu": "1000m"}}}, {"resources": {"limits": {"cpu": "1"}}}),
        ({"resources": {"requests": {"memory": "1024Mi"}}}, {"resources": {"requests": {"memory": "1Gi"}}}),
        ({"emptyDir": {"sizeLimit": 1000}}, {"emptyDir": {"sizeLimit": "1k"}}),
        ({"weight": 10}, {"weight": 10.0}),
    ],
)
def test_an_object_shows_what_is_stated_in_the_words_of_its_server(stated: Any, live: Any) -> None:
    assert difference(stated, live) is None


@pytest.mark.parametrize(
    ("stated", "live", "words"),
    [
        ({"a": [{"weight": 10}]}, {"a": [{"weight": 0}]}, "the cluster has spec.a[0].weight 0, the checkout 10"),
        ({"a": "x"}, {}, 'the cluster has spec.a not set, the checkout "x"'),
        ({"a": {"b": 1}}, {"a": "text"}, 'the cluster has spec.a "text", the checkout a mapping'),
        ({"a": [1]}, {"a": [1, 2]}, "the cluster has spec.a with 2 items, the checkout with 1 item"),
        ({"a": []}, {"a": [1]}, "the cluster has spec.a with 1 item, the checkout with 0 items"),
        ({"a": [1]}, {"a": "x"}, 'the cluster has spec.a "x", the checkout with 1 item'),
        ({"replicas": 2}, {"replicas": 0}, "the cluster has spec.replicas 0, the checkout 2"),
        ({"replicas": 0}, {}, "the cluster has spec.replicas not set, the checkout 0"),
        ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "2"}}, 'the cluster has spec.limits.cpu "2", the checkout "1"'),
        ({"limits": {"cpu": "x"}}, {"limits": {"cpu": "2"}}, 'the cluster has spec.limits.cpu "2", the checkout "x"'),
        ({"args": ["1000m"]}, {"args": ["1"]}, 'the cluster has spec.args[0] "1", the checkout "1000m"'),
        ({"a": True}, {"a": 1}, "the cluster has spec.a 1, the checkout true"),
    ],
)
def test_the_first_member_that_is_not_so_is_named_with_both_values(stated: Any, live: Any, words: str) -> None:
    assert str(difference(stated, live)) == words


@pytest.mark.parametrize(
    ("text", "thousandths"),
    [
        ("1", 1000), ("100m", 100), (".5", 500), ("1.5k", 1_500_000), ("1e3", 1_000_000), ("1E-3", 1),
        ("2Ki", 2_048_000), ("1E", 10**21), (2, 2000), (0.1, 100), ("-1", -1000),
    ],
)  # fmt: skip
def test_quantities_are_numbers(text: Any, thousandths: int) -> None:
    assert quantity(text) == quantity(f"{thousandths}m")
    assert quantity(text) is not None


@pytest.mark.parametrize("text", ["", "1 Gi", "x", "1ki", None, True, [1], "1e9999"])
def test_what_is_no_quantity_is_none(text: Any) -> None:
    assert quantity(text) is None


def test_items_of_two_lists_are_paired_as_an_apply_does() -> None:
    assert partner({"name": "b", "x": 1}, [{"name": "a"}, {"name": "b"}], 0) == {"name": "b"}
    assert partner({"name": "c"}, [{"name": "a"}], 0) is None
    assert partner({"containerPort": 1, "name": "new"}, [{"containerPort": 1}], 0) == {"containerPort": 1}
    assert partner("x", ["y", "x"], 1) == "x"
    assert partner("x", ["y"], 1) is None
    assert partner("x", None, 0) is None


def test_members_are_found_by_their_pointers() -> None:
    manifest = {"spec": {"http": [{"a/b": 1, "0": 2}]}}
    assert member(manifest, parts("/spec/http/0/a~1b")) == 1
    assert member(manifest, parts("/spec/http/0/0")) == 2
    assert member(manifest, parts("/spec/http/1")) is None
    assert member(manifest, parts("/spec/http/a")) is None
    assert member(manifest, parts("/spec/x/y")) is None
