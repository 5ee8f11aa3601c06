"""Shards: each Rollout belongs to exactly one, they are even, and few Rollouts move when their number changes."""

from __future__ import annotations

from collections import Counter

import pytest

from reconcile.engine.shards import UNSHARDED, Shard, shard_index
from reconcile.model.kinds import ROLLOUT, Ref

MANY = [Ref(ROLLOUT, f"team-{number % 40}", f"app-{number}") for number in range(4000)]


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_each_rollout_belongs_to_exactly_one_shard(count: int) -> None:
    shards = [Shard(index=index, count=count) for index in range(count)]
    assert {sum(one.contains(ref) for one in shards) for ref in MANY} == {1}


def test_one_shard_has_everything() -> None:
    assert Shard(index=0, count=1) == UNSHARDED
    assert all(map(UNSHARDED.contains, MANY))


def test_a_shard_of_namespaces_has_whole_ones() -> None:
    shards = [Shard(index=index, count=4, of_namespaces=True) for index in range(4)]
    owners = {ref.namespace: {one.index for one in shards if one.contains(ref)} for ref in MANY}
    assert all(len(owner) == 1 for owner in owners.values())
    assert len({index for owner in owners.values() for index in owner}) == 4


def test_it_is_the_same_one_in_every_process_and_version() -> None:
    refs = [Ref(ROLLOUT, namespace, name) for namespace in ("test", "shop") for name in ("podinfo", "a", "b")]
    assert [[shard_index(ref.namespace, ref.name, count) for ref in refs] for count in (2, 3, 7)] == [
        [1, 1, 1, 1, 1, 0],
        [2, 1, 1, 1, 1, 2],
        [3, 1, 5, 6, 1, 2],
    ]


def test_a_namespace_and_a_name_do_not_run_into_each_other() -> None:
    assert any(shard_index("a", f"b-{n}", 7) != shard_index("a-b", f"{n}", 7) for n in range(10))


@pytest.mark.parametrize("count", [2, 4, 16])
def test_the_shards_are_about_as_big_as_each_other(count: int) -> None:
    sizes = Counter(shard_index(ref.namespace, ref.name, count) for ref in MANY)
    fair = len(MANY) / count
    assert all(0.75 * fair < sizes[index] < 1.25 * fair for index in range(count)), sizes


@pytest.mark.parametrize("count", [1, 3, 4, 7])
def test_with_one_shard_more_only_what_that_one_gets_moves(count: int) -> None:
    before, after = ([shard_index(ref.namespace, ref.name, shards) for ref in MANY] for shards in (count, count + 1))
    moved = [new for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) == {count}
    assert len(moved) < 1.25 * len(MANY) / (count + 1)
