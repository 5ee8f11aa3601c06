"""Which Rollouts are listed and selected, in which order, and which of them claim one route."""

from __future__ import annotations

import pytest

from reconcile.core.observation import Rival
from reconcile.engine.observe import observe
from reconcile.engine.selection import Selection
from reconcile.engine.shards import Shard, shard_index
from reconcile.model.errors import ForbiddenError, UsageError
from reconcile.model.kinds import ROLLOUT, Manifest, Ref
from tests.support.fakes import MemoryCluster
from tests.support.world import VS, C, P, R, standard
from tests.unit.engine.counting import Counting, named, names


def test_rollouts_that_cannot_be_listed_end_the_pass() -> None:
    cluster = Counting()
    cluster.unlisted[ROLLOUT] = ForbiddenError("no")
    with pytest.raises(ForbiddenError):
        observe(cluster, Selection())


def test_a_namespace_whose_rollouts_cannot_be_listed_leaves_the_others_alone() -> None:
    cluster = Counting(named("a"), named("b") | {"metadata": {"name": "b", "namespace": "other"}})
    cluster.unlisted_namespaces["test"] = ForbiddenError("no")

    snapshot = observe(cluster, Selection(namespaces=("test", "other")))

    assert [item.rollout.ref.name for item in snapshot.observations] == ["b"]
    assert list(map(str, snapshot.list_errors)) == ["no"]
    assert observe(cluster, Selection(namespaces=("test", "other"), names=("a",))).observations == ()
    with pytest.raises(ForbiddenError):
        observe(cluster, Selection(namespaces=("test",)))


def test_several_namespaces_are_listed_once_each() -> None:
    cluster = Counting(named("a"), named("b") | {"metadata": {"name": "b", "namespace": "other"}})
    assert names(cluster, namespaces=("other", "test", "other")) == ["b", "a"]
    assert [where for kind, where in cluster.listed if kind == ROLLOUT.name] == ["other", "test"]
    with pytest.raises(UsageError, match="no Rollout zz in namespace other, test"):
        observe(cluster, Selection(namespaces=("other", "test"), names=("zz",)))


def test_rollouts_are_selected_by_namespace_name_and_labels() -> None:
    there = named("c") | {"metadata": {"name": "c", "namespace": "other"}}
    cluster = Counting(named("a", labels={"team": "x"}), named("b"), there)
    assert names(cluster) == ["c", "a", "b"]
    assert names(cluster, namespaces=("test",)) == ["a", "b"]
    assert names(cluster, names=("b", "c")) == ["c", "b"]
    assert names(cluster, labels="team=x") == ["a"]
    assert names(cluster, labels="!team", namespaces=("test",)) == ["b"]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(names=("a", "zz", "yy")), "no Rollout yy, zz in any namespace"),
        (Selection(names=("zz",), namespaces=("test",)), "no Rollout zz in namespace test"),
        (Selection(names=("a",), labels="team=y"), "no Rollout a in any namespace"),
    ],
)
def test_a_name_that_is_none_is_told(selection: Selection, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        observe(Counting(named("a")), selection)


def test_what_moved_longest_ago_comes_first() -> None:
    items = [
        named("young") | {"status": {"lastAdvanceTime": "2026-01-31T12:00:00.5Z"}},
        named("old") | {"status": {"lastAdvanceTime": "2026-01-31T13:00:00+02:00"}},
        named("never"),
        named("middle") | {"status": {"lastAdvanceTime": "2026-01-31T12:00:00Z"}},
    ]
    assert names(Counting(*items)) == ["never", "old", "middle", "young"]


def test_one_that_was_measured_has_waited_less_long_than_one_that_could_not_be() -> None:
    def measured(name: str, *verdicts: str) -> Manifest:
        times = [{"verdict": verdict, "time": f"2026-01-31T12:0{index}:00Z"} for index, verdict in enumerate(verdicts)]
        return named(name) | {"status": {"lastAdvanceTime": "2026-01-31T11:00:00Z", "measurements": times}}

    items = [
        measured("failed", "passed", "failed"),
        measured("passed", "passed"),
        measured("cut-short", "passed", "unreachable"),
        measured("moved"),
    ]
    assert names(Counting(*items)) == ["cut-short", "moved", "passed", "failed"]


def rivals(*items: Manifest) -> dict[str, str | None]:
    found = observe(Counting(*items), Selection()).observations
    return {item.rollout.ref.name: item.rival.rollout.name if item.rival else None for item in found}


def test_the_older_rollout_has_the_route_and_the_name_decides_between_equals() -> None:
    old, young = "2026-01-30T12:00:00Z", "2026-01-31T12:00:00Z"
    assert rivals(named("a", creationTimestamp=young), named("b", creationTimestamp=old)) == {"a": "b", "b": None}
    assert rivals(named("b", creationTimestamp=old), named("a", creationTimestamp=old)) == {"a": None, "b": "a"}
    assert rivals(named("b"), named("a"), named("c")) == {"a": None, "b": "a", "c": "a"}
    assert rivals(named("a"), named("b", creationTimestamp=old)) == {"a": "b", "b": None}


def test_rollouts_that_are_invalid_or_being_deleted_claim_nothing() -> None:
    gone = named("a", deletionTimestamp="2026-01-31T12:00:00Z")
    broken = named("b") | {"spec": {}}
    assert rivals(gone, broken, named("c")) == {"a": None, "b": None, "c": None}


def test_other_hosts_on_the_same_object_are_another_route() -> None:
    other = named("b")
    other["spec"]["canary"] = {"name": "else", "host": "else"}
    other["spec"]["primary"]["name"] = "another"
    assert rivals(named("a"), other) == {"a": None, "b": None}
    swapped = named("b")
    swapped["spec"]["primary"]["host"], swapped["spec"]["canary"]["host"] = "podinfo-canary", "podinfo"
    assert rivals(named("a"), swapped) == {"a": None, "b": "a"}


def test_a_rival_counts_even_where_it_is_not_selected() -> None:
    cluster = Counting(named("a"), named("b"))
    (found,) = observe(cluster, Selection(names=("b",))).observations
    assert found.rival == Rival(Ref(ROLLOUT, "test", "a"), VS)
    assert found.surroundings is None


@pytest.mark.parametrize(("side", "ref"), [("primary", P), ("canary", C)])
def test_a_deployment_of_an_older_rollout_is_claimed_like_a_route(side: str, ref: Ref) -> None:
    other = named("b")
    other["spec"] |= {"virtualService": {"name": "gateway"}}
    for end in ("primary", "canary"):
        other["spec"][end] = {"name": f"other-{end}", "host": f"other-{end}"}
    other["spec"][side]["name"] = ref.name
    found = observe(Counting(named("a"), other), Selection()).observations
    assert [item.rival for item in found] == [None, Rival(Ref(ROLLOUT, "test", "a"), ref)]


def test_a_pass_has_those_of_its_shard_and_knows_of_rivals_and_names_of_another() -> None:
    letters = "abcdefgh"
    of = {letter: shard_index("test", letter, 2) for letter in letters}
    cluster = Counting(*map(named, letters))
    here, there = ([letter for letter in letters if of[letter] == index] for index in (0, 1))

    assert names(cluster, shard=Shard(index=0, count=2)) == here
    assert names(cluster, shard=Shard(index=1, count=2)) == there
    found = observe(cluster, Selection(shard=Shard(index=of["b"], count=2), names=("a", "b"))).observations
    assert found[-1].rival == Rival(Ref(ROLLOUT, "test", "a"), VS)
    assert names(cluster, shard=Shard(index=1 - of["a"], count=2), names=("a",)) == []
    with pytest.raises(UsageError, match="no Rollout zz"):
        observe(cluster, Selection(shard=Shard(index=0, count=2), names=("a", "zz")))


def test_the_one_rollout_of_the_example_is_found_by_its_name() -> None:
    (found,) = observe(MemoryCluster(standard()), Selection(names=("podinfo",))).observations
    assert found.rollout.ref == R
