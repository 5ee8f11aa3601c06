"""What is read of a Rollout's objects: all of a release in progress, and little of one at rest."""

from __future__ import annotations

from copy import deepcopy

from msgspec.structs import replace

from reconcile.engine.observe import observe
from reconcile.engine.selection import Selection
from reconcile.model.errors import ForbiddenError, MissingError
from reconcile.model.kinds import AUTOSCALER
from tests.support.world import CS, PS, VS, C, P, R, autoscaler, deployment, rollout, standard, world
from tests.unit.engine.counting import Counting, objects_at_rest


def test_all_that_a_rollout_names_is_read_at_once() -> None:
    cluster = Counting(*standard(), autoscaler("podinfo-canary", 2, 2))
    (found,) = observe(cluster, Selection()).observations
    assert cluster.listed == [("Rollout", None), ("HorizontalPodAutoscaler", "test")]
    assert cluster.fetched == [sorted([C, P, PS, CS, VS])]
    around = found.surroundings
    assert around is not None
    assert (found.primary, found.canary) == (cluster.objects[P], cluster.objects[C])
    assert (around.primary_service, around.canary_service) == (cluster.objects[PS], cluster.objects[CS])
    assert (around.routes, len(around.autoscalers)) == ({VS: cluster.objects[VS]}, 1)  # type: ignore[arg-type]


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
    cluster.objects = objects_at_rest()
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


def test_a_canary_that_only_was_scaled_is_read_and_is_at_rest_all_the_same() -> None:
    cluster = Counting()
    cluster.objects = objects_at_rest()
    cluster.edit(C, "spec", "replicas", 3)
    (found,) = observe(cluster, Selection()).observations
    assert found.at_rest
    assert not found.unchanged
    assert (cluster.fetched, found.primary) == ([[C]], None)


def test_a_canary_that_was_made_anew_is_read() -> None:
    cluster = Counting()
    cluster.objects = objects_at_rest()
    cluster.objects[C] |= {"metadata": cluster.objects[C]["metadata"] | {"uid": "another"}}
    (found,) = observe(cluster, Selection()).observations
    assert not found.unchanged


def test_of_two_rollouts_with_one_canary_each_holds_it_against_what_it_has_on_record_itself() -> None:
    cluster = Counting()
    cluster.objects = objects_at_rest()
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
    assert found.surroundings.routes[VS] is cluster.refuse[VS]


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
