"""Reading the world once: what is listed, what is fetched, and who claims which route."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.core.observation import Rival
from reconcile.engine.label_selector import matches
from reconcile.engine.observe import observe
from reconcile.engine.selection import Selection
from reconcile.engine.shards import Shard, shard_index
from reconcile.model.errors import ClusterError, ForbiddenError, MissingError, UsageError
from reconcile.model.kinds import AUTOSCALER, ROLLOUT, Kind, Manifest, Ref, Scope
from tests.support.fakes import MemoryCluster
from tests.support.world import CS, PS, VS, C, P, R, autoscaler, deployment, rollout, standard, world

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Counting(MemoryCluster):
    """A cluster that counts what it is asked, and may refuse to list a kind."""

    def __init__(self, *manifests: Manifest) -> None:
        super().__init__(manifests)
        self.listed: list[tuple[str, str | None]] = []
        self.fetched: list[list[Ref]] = []
        self.unlisted: dict[Kind, ClusterError] = {}
        self.unlisted_namespaces: dict[str | None, ClusterError] = {}

    def list(self, kind: Kind, scope: Scope) -> list[Manifest]:
        """Count, refuse or list."""
        self.listed.append((kind.name, scope.namespace))
        if error := self.unlisted.get(kind) or self.unlisted_namespaces.get(scope.namespace):
            raise error
        return super().list(kind, scope)

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Count and fetch."""
        self.fetched.append(sorted(refs))
        return super().fetch(refs)


def named(name: str, **metadata: Any) -> Manifest:
    return rollout() | {"metadata": {"name": name, "namespace": "test"} | metadata}


def test_all_that_a_rollout_names_is_read_at_once() -> None:
    cluster = Counting(*standard(), autoscaler("podinfo-canary", 2, 2))
    (found,) = observe(cluster, Selection()).observations
    assert cluster.listed == [("Rollout", None), ("HorizontalPodAutoscaler", "test")]
    assert cluster.fetched == [sorted([C, P, PS, CS, VS])]
    around = found.surroundings
    assert around is not None
    assert (found.primary, found.canary) == (cluster.objects[P], cluster.objects[C])
    assert (around.primary_service, around.canary_service) == (cluster.objects[PS], cluster.objects[CS])
    assert (around.route, len(around.autoscalers)) == (cluster.objects[VS], 1)  # type: ignore[arg-type]


def test_nothing_is_fetched_for_nobody() -> None:
    cluster = Counting()
    assert observe(cluster, Selection(namespaces=("test",))).observations == ()
    assert (cluster.listed, cluster.fetched) == ([("Rollout", "test")], [])


def test_an_invalid_rollout_names_nothing_to_read() -> None:
    cluster = Counting(rollout(maxWeight=0))
    (found,) = observe(cluster, Selection()).observations
    assert found.rollout.problems
    assert (cluster.fetched, found.surroundings) == ([], None)


def test_at_rest_only_the_canary_is_read() -> None:
    cluster = Counting()
    cluster.objects = ended()
    (found,) = observe(cluster, Selection()).observations
    assert found.at_rest
    assert found.unchanged
    assert (cluster.fetched, found.canary, found.primary) == ([], None, None)
    assert cluster.listed == [("Rollout", None)]
    cluster.put(deployment("podinfo-canary", "1.3.0"))
    (found,) = observe(cluster, Selection()).observations
    assert not found.at_rest
    assert found.surroundings is not None
    assert cluster.fetched == [[C], sorted([P, PS, CS, VS])]


def ended() -> dict[Ref, Manifest]:
    """Play a release to its end, and give what is there then."""
    play = world(stepWeight=50)
    play.until("Succeeded")
    return play.cluster.objects


def test_a_canary_that_only_was_scaled_is_read_and_is_at_rest_all_the_same() -> None:
    cluster = Counting()
    cluster.objects = ended()
    cluster.edit(C, "spec", "replicas", 3)
    (found,) = observe(cluster, Selection()).observations
    assert found.at_rest
    assert not found.unchanged
    assert (cluster.fetched, found.primary) == ([[C]], None)


def test_a_canary_that_was_made_anew_is_read() -> None:
    cluster = Counting()
    cluster.objects = ended()
    cluster.objects[C] |= {"metadata": cluster.objects[C]["metadata"] | {"uid": "another"}}
    (found,) = observe(cluster, Selection()).observations
    assert not found.unchanged


def test_of_two_rollouts_with_one_canary_each_holds_it_against_what_it_has_on_record_itself() -> None:
    cluster = Counting()
    cluster.objects = ended()
    other = deepcopy(cluster.objects[R])
    other["metadata"]["name"] = "other"
    other["spec"]["virtualService"]["name"] = "other"
    other["status"]["canaryGeneration"] -= 1
    cluster.objects[replace(R, name="other")] = other
    found = {item.rollout.ref.name: item.unchanged for item in observe(cluster, Selection()).observations}
    assert not found["other"]


def test_at_rest_without_its_canary_nothing_more_is_read() -> None:
    play = world(stepWeight=50)
    play.until("Succeeded")
    del play.cluster.objects[C]
    (found,) = observe(play.cluster, Selection()).observations
    assert (found.at_rest, found.canary, found.surroundings) == (True, None, None)


def test_what_is_missing_or_refused_is_seen_as_such() -> None:
    cluster = Counting(*standard())
    del cluster.objects[CS]
    cluster.refuse[VS] = ForbiddenError("no")
    (found,) = observe(cluster, Selection()).observations
    assert found.surroundings is not None
    assert found.surroundings.canary_service is None
    assert found.surroundings.route is cluster.refuse[VS]


def test_autoscalers_that_cannot_be_listed_are_an_error_and_none_where_there_is_no_autoscaling() -> None:
    cluster = Counting(*standard())
    cluster.unlisted[AUTOSCALER] = ForbiddenError("no")
    (found,) = observe(cluster, Selection()).observations
    assert found.surroundings is not None
    assert found.surroundings.autoscalers is cluster.unlisted[AUTOSCALER]
    cluster.unlisted[AUTOSCALER] = MissingError("no such API")
    (found,) = observe(cluster, Selection()).observations
    assert found.surroundings is not None
    assert found.surroundings.autoscalers == ()


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


def names(cluster: MemoryCluster, **selection: Any) -> list[str]:
    return [item.rollout.ref.name for item in observe(cluster, Selection(**selection)).observations]


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
    of = {letter: shard_index(Ref(ROLLOUT, "test", letter), 2) for letter in letters}
    cluster = Counting(*map(named, letters))
    here, there = ([letter for letter in letters if of[letter] == index] for index in (0, 1))

    assert names(cluster, shard=Shard(index=0, count=2)) == here
    assert names(cluster, shard=Shard(index=1, count=2)) == there
    found = observe(cluster, Selection(shard=Shard(index=of["b"], count=2), names=("a", "b"))).observations
    assert found[-1].rival == Rival(Ref(ROLLOUT, "test", "a"), VS)
    assert names(cluster, shard=Shard(index=1 - of["a"], count=2), names=("a",)) == []
    with pytest.raises(UsageError, match="no Rollout zz"):
        observe(cluster, Selection(shard=Shard(index=0, count=2), names=("a", "zz")))


LABELS = {"team": "a", "tier.example.com/x": "front", "empty": ""}


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("", True),
        ("  ", True),
        ("team=a", True),
        ("team==a", True),
        (" team = a ", True),
        ("team=b", False),
        ("team=", False),
        ("empty=", True),
        ("absent=", False),
        ("team!=b", True),
        ("team!=a", False),
        ("absent!=a", True),
        ("team", True),
        ("absent", False),
        ("!absent", True),
        ("! absent", True),
        ("!team", False),
        ("team in (a,b)", True),
        ("team in ( b , a )", True),
        ("team in (b)", False),
        ("absent in (a)", False),
        ("team notin (b,c)", True),
        ("team notin (a)", False),
        ("absent notin (a)", True),
        ("empty in ()", True),
        ("tier.example.com/x=front", True),
        ("team=a,tier.example.com/x=front", True),
        ("team=a,!empty", False),
        ("team in (a,b),tier.example.com/x notin (back,side)", True),
    ],
)
def test_selectors_as_kubectl_writes_them(selector: str, found: bool) -> None:  # noqa: FBT001 - a column of the table
    assert matches(selector, LABELS) is found


@pytest.mark.parametrize(
    "selector",
    [
        *("=a", "team=a=b", "team=a,", ",", "team in a", "team in", "teamin (a)", "teamnotin (a)", "!team=a"),
        *("!team in (a)", "team = a b", "-team", "team>1", "team in (a", "tea m", "!!team", "team===a"),
    ],
)
def test_what_is_no_selector_is_refused(selector: str) -> None:
    with pytest.raises(UsageError, match="is no label selector"):
        matches(selector, LABELS)


def test_the_one_rollout_of_the_example_is_found_by_its_name() -> None:
    (found,) = observe(MemoryCluster(standard()), Selection(names=("podinfo",))).observations
    assert found.rollout.ref == R
