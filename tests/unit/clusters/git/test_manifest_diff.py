"""Whether a live object shows what its manifest declares."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.clusters.git.manifest_diff import difference


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
