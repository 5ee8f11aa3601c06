"""Subsets that a managed route names: what is read for them, and what halts."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from reconcile.model.errors import ForbiddenError
from reconcile.model.kinds import DESTINATION_RULE, Ref
from tests.support.world import CS, PS, VS, C, P, R, World, meta, standard, virtual_service
from tests.unit.engine.counting import Counting

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest

LISTED = ("DestinationRule", "test")
RULE = Ref(DESTINATION_RULE, "test", "podinfo")


def rule(host: str, name: str, **labels: str) -> Manifest:
    spec = {"host": host, "subsets": [{"name": name, "labels": labels}]}
    return {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": meta(host), "spec": spec}


def tracked(**analysis: Any) -> World:
    """Builds a world whose pods have a label `track`, by which the subsets of the route select."""
    items = {item["metadata"]["name"] + item["kind"]: item for item in standard(stepWeight=50, **analysis)}
    for name, track in (("podinfo", "stable"), ("podinfo-canary", "canary")):
        items[f"{name}Deployment"]["spec"]["template"]["metadata"]["labels"]["track"] = track
    route = virtual_service()
    for entry, subset in zip(route["spec"]["http"][0]["route"], ("stable", "canary"), strict=True):
        entry["destination"]["subset"] = subset
    rules = rule("podinfo", "stable", track="stable"), rule("podinfo-canary", "canary", track="canary")
    kept = [item for item in items.values() if item["kind"] != "VirtualService"]
    return World(cluster=Counting(*kept, route, *rules))


def listed(play: World) -> int:
    assert isinstance(play.cluster, Counting)
    return play.cluster.listed.count(LISTED)


def test_the_rules_are_read_only_for_a_route_that_names_a_subset() -> None:
    plain = World(cluster=Counting(*standard(stepWeight=50)))
    plain.until("Succeeded")
    assert listed(plain) == 0
    play = tracked()
    play.until("Succeeded")
    read = listed(play)
    assert read > 0
    assert play.tick().plan.move == "idle"
    assert listed(play) == read


def test_the_promoted_primary_stays_in_its_subset_and_is_known_as_promoted() -> None:
    play = tracked()
    play.until("Succeeded")
    labels = play.cluster.objects[P]["spec"]["template"]["metadata"]["labels"]
    assert (labels, play.image(P)) == ({"app": "podinfo", "track": "stable"}, "1.2.1")
    copies = [patch for patch in play.cluster.patches if patch.target == P and not patch.subresource]
    assert len(copies) == 1
    play.release("1.3.0")
    play.until("Promoting")
    play.until("Succeeded")
    assert play.cluster.objects[P]["spec"]["template"]["metadata"]["labels"]["track"] == "stable"


def test_rules_that_cannot_be_read_halt_before_and_after_the_copy_holds_nothing_up() -> None:
    play = tracked()
    assert isinstance(play.cluster, Counting)
    play.cluster.unlisted[DESTINATION_RULE] = ForbiddenError("no right")
    words = "DestinationRules (namespace test) cannot be read: no right"
    assert (play.tick().plan.reason, play.weights) == (words, [(100, 0)])
    play.cluster.unlisted.clear()
    play.until("Promoting")
    play.owned("steerer", ref=P, field="template")
    play.cluster.unlisted[DESTINATION_RULE] = ForbiddenError("no right")
    assert play.until("Succeeded")[-1] == "Promotion complete! Scaling down podinfo-canary.test"


def test_a_subset_that_goes_away_in_mid_release_holds_the_weight() -> None:
    play = tracked()
    play.until_weight(50)
    before = deepcopy(play.cluster.objects[P]["spec"])
    del play.cluster.objects[RULE]
    record = play.tick()
    assert (record.plan.move, play.weights, play.cluster.objects[P]["spec"]) == ("halt", [(50, 50)], before)
    assert record.plan.reason == (
        'subset "stable" of Service podinfo.test (destination.subset of the route) is defined by no DestinationRule of '
        "namespace test"
    )


def test_a_route_that_cannot_be_used_names_no_subset() -> None:
    play = tracked()
    del play.cluster.objects[VS], play.cluster.objects[CS], play.cluster.objects[PS]
    assert (play.tick().plan.move, listed(play)) == ("halt", 0)
    assert {C, R} <= play.cluster.objects.keys()
