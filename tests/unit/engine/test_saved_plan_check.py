"""A saved plan and a later pass: what is written, and the reasons for what is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.engine import saved_plan
from reconcile.engine.saved_plan_check import accept_or_refuse
from reconcile.model.errors import ForbiddenError, UsageError
from reconcile.model.plan import Result
from tests.support.world import DURATION, START, SUCCESS, release
from tests.unit.engine.test_one_pass import BrokenMeter

if TYPE_CHECKING:
    from collections.abc import Callable

from tests.unit.engine.saved_plans import LATER, SERVICE_C, VS, WEIGHT, C, P, R, World, places, with_checksum


def test_what_has_not_changed_is_written_with_the_time_of_now() -> None:
    world = World()
    [record] = world.apply(world.save())
    assert (record.result, record.plan.move, record.plan.after.weight) == (Result.APPLIED, "advance", 20)
    assert (
        world.cluster.objects[R]["status"]["lastAdvanceTime"] == "2026-01-31T12:05:00Z"
    )  # the next one counts from it
    assert world.cluster.objects[VS]["spec"]["http"][0]["route"][1]["weight"] == 20


def test_what_no_plan_relies_on_may_change() -> None:
    world = World()
    content = world.save()
    world.cluster.edit(R, "metadata", "labels", {"team": "a"})  # another resource version
    world.cluster.edit(C, "metadata", "labels", {"team": "a"})
    world.values[DURATION] = 150.0  # still well
    [record] = world.apply(content)
    assert record.result is Result.APPLIED


MOVED: dict[str, tuple[Callable[[World], Any], str]] = {
    "the weight": (
        lambda w: w.cluster.edit(VS, *WEIGHT, 15),
        "VirtualService a.test: /spec/http/0/route/1/weight was 10",
    ),
    "the weight, by another pass": (
        lambda w: list(w.one_pass(LATER).run()),
        "/spec/http/0/route/1/weight was 10 and is 20",
    ),
    "another route": (
        lambda w: w.cluster.edit(VS, "spec", "hosts", ["x"]),
        "a.test: /metadata/generation was 1 and is 2",
    ),
    "the canary": (
        lambda w: w.cluster.edit(C, "spec", "template", "spec", "containers", 0, "image", "podinfo:3"),
        "gate deployments: was a-canary.test has v1-",
    ),
    "the canary's pods": (
        lambda w: w.cluster.edit(C, "status", "availableReplicas", 1),
        "gate canary: was passed, is failed: Deployment a-canary.test has 1 of 2 updated replicas available",
    ),
    "the primary": (lambda w: w.cluster.edit(P, "spec", "paused", True), "gate primary: was passed, is failed: "),  # noqa: FBT003 - a field
    "a Service": (lambda w: w.cluster.objects.pop(SERVICE_C), "Service a-canary.test is missing"),
    "a metric": (
        lambda w: w.values.update({SUCCESS: 82.3}),
        "gate analysis: was passed, is failed: success rate 82.30% <",
    ),
    "a metric that is gone": (
        lambda w: w.values.pop(SUCCESS),
        "gate analysis: was passed, is failed: success rate: no data",
    ),
    "the spec": (
        lambda w: w.cluster.edit(R, "spec", "canaryAnalysis", "maxWeight", 90),
        "Rollout a.test: /metadata/generation was 1 and is 2",
    ),
    "the metrics that are known": (
        lambda w: setattr(w, "metrics", {}),
        'gate rollout: was passed, is failed: spec.canaryAnalysis.metrics[0].name: "istio_requests_total" is no metric',
    ),
    "the rights": (
        lambda w: w.cluster.refuse.update({VS: ForbiddenError("not for you")}),
        "VirtualService a.test: not for",
    ),
    "everything": (lambda w: w.cluster.objects.clear(), "Rollout a.test is not there"),
}


@pytest.mark.parametrize("what", MOVED)
def test_where_the_world_has_moved_it_is_refused_by_object_and_field(what: str) -> None:
    world = World()
    content = world.save()
    change, words = MOVED[what]
    change(world)
    before, written = dict(world.cluster.objects), len(world.cluster.patches)
    [record] = world.apply(content)
    assert record.result is Result.REFUSED
    assert words in record.error
    assert (record.plan.rollout, record.plan.move, record.plan.patches) == (R, "advance", ())
    assert (world.cluster.objects, len(world.cluster.patches)) == (before, written)


def test_one_that_is_refused_keeps_no_other_from_being_applied() -> None:
    world = World(*release("a", 10), *release("b", 10))
    content = world.save()
    world.cluster.edit(VS, *WEIGHT, 15)
    assert [record.result for record in world.apply(content)] == [Result.REFUSED, Result.APPLIED]


def test_what_was_not_in_the_plan_is_not_touched() -> None:
    world = World()
    content = world.save()
    for manifest in release("b", 10):
        world.cluster.put(manifest)
    assert [record.plan.rollout for record in world.apply(content)] == [R]


def test_a_decision_that_is_not_in_the_plan_is_left_out() -> None:
    world = World()
    plan = saved_plan.parse(json.dumps(world.save()), "plan.json")
    for manifest in release("b", 10):
        world.cluster.put(manifest)
    records = [*world.one_pass(LATER).plans()]
    assert [record.plan.rollout.name for record in records] == ["a", "b"]
    objects = world.cluster.fetch(plan.targets)
    assert [record.plan.rollout for record in accept_or_refuse(plan, records, objects, LATER)] == [R]


def test_a_path_that_leads_nowhere_has_no_value() -> None:
    world = World()
    content = world.save()
    operation = {"op": "test", "path": f"/spec/http/{'9' * 5000}", "value": 1}
    content["rollouts"][0]["patches"][1]["operations"][0] = operation
    [record] = world.apply(with_checksum(content))
    assert record.result is Result.REFUSED
    assert "9 was 1 and is absent" in record.error


def test_a_rollout_of_another_cluster_is_another_one() -> None:
    content = World().save()
    world = World(*release("z"), *release("a", 10))  # the same names, other uids
    [record] = world.apply(content)
    assert record.result is Result.REFUSED
    assert "Rollout a.test is another one than that of https://here: its uid is uid-12, and was uid-6" in record.error


def test_a_plan_to_wait_or_to_idle_has_nothing_to_apply_whatever_happens() -> None:
    world = World()
    list(world.one_pass(START - timedelta(seconds=10)).run())
    content = world.save()
    assert content["rollouts"][0]["move"] == "wait"
    written = len(world.cluster.patches)
    [record] = world.apply(content)  # a pass would advance by now
    assert (record.result, record.plan.move, len(world.cluster.patches)) == (Result.APPLIED, "wait", written)
    world.cluster.objects.clear()
    assert [record.result for record in world.apply(content)] == [Result.APPLIED]


def test_a_halt_is_applied_as_it_is_now() -> None:
    world = World()
    world.values[SUCCESS] = 82.33
    content = world.save()
    world.values[SUCCESS] = 87.22
    [record] = world.apply(content)
    assert (record.result, record.plan.move) == (Result.APPLIED, "halt")
    assert world.cluster.messages == ("Halt rollout a.test success rate 87.22% < 99%",)
    world.values[SUCCESS] = 100.0  # and what is well again was not looked at
    [record] = world.apply(content)
    assert (record.result, "gate analysis: was failed, is passed" in record.error) == (Result.REFUSED, True)


def test_a_plan_that_could_not_be_made_is_not_applied() -> None:
    world = World()
    content = world.save()
    content["rollouts"][0]["error"] = "internal error: boom"
    [record] = world.apply(with_checksum(content))
    assert record.error == "no plan could be made: internal error: boom"


def test_a_defect_while_deciding_is_told_as_what_it_is() -> None:
    world = World()
    content = world.save()
    world.meter = BrokenMeter
    [record] = world.apply(content)
    assert (record.result, record.error.startswith("internal error: AttributeError")) == (Result.FAILED, True)


def test_a_value_of_the_environment_is_not_told() -> None:
    world = World(*release("a", 100))
    environment = ("spec", "template", "spec", "containers", 0, "env")
    world.cluster.edit(P, *environment, [{"name": "PASSWORD", "value": "old secret"}])
    world.cluster.edit(P, "status", "observedGeneration", 2)
    content = world.save()
    assert content["rollouts"][0]["move"] == "promote"
    world.cluster.edit(P, *environment, [{"name": "PASSWORD", "value": "new secret"}])
    [record] = world.apply(content)
    assert "Deployment a.test: /spec/template/spec/containers/0/env/0/value is another one" in record.error
    assert "secret" not in record.error


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("after", "weight"), 100),
        (("patches", 1, "operations", -1, "value"), 100),
        (("patches", 1, "target", "name"), "another"),
        (("patches", 0, "operations", -1, "value", "canaryWeight"), 100),
        (("patches", 0, "operations", -1, "path"), "/spec"),
        (("events", 0, "message"), "All is well"),
        (("measurements", 0, "query"), "vector(100)"),
        (("measurements", 0, "threshold"), 1),
        (("gates", 8, "outcome"), "failed"),
        (("move"), "promote"),
        (("generation"), 7),
    ],
)
def test_whoever_edits_the_file_makes_steerer_do_nothing_else(path: tuple[Any, ...] | str, value: Any) -> None:
    world = World()
    content = world.save()
    where: Any = content["rollouts"][0]
    *parents, last = (path,) if isinstance(path, str) else path
    for key in parents:
        where = where[key]
    assert where[last] != value
    where[last] = value
    before = dict(world.cluster.objects)
    [record] = world.apply(with_checksum(content))
    assert record.result is Result.REFUSED
    assert record.error
    assert world.cluster.objects == before


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 200)
    | st.sampled_from(["", "a", "test", "halt", "/spec", "~", "Secret"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["op", "path", "value", "x"]), inner),
    max_leaves=4,
)


@given(data=st.data(), new=JSON)
def test_no_edit_of_the_file_makes_it_write_what_the_pass_would_not(data: st.DataObject, new: Any) -> None:
    world = World(*release("a", 10), *release("b", 100))
    content = world.save()
    inside, key = data.draw(st.sampled_from(places(content["rollouts"])))
    inside[key] = new
    try:
        plan = saved_plan.parse(json.dumps(with_checksum(content)), "plan.json")
    except UsageError as error:
        assert "plan.json is no plan that steerer saved" in str(error)  # noqa: PT017 - or it is one
        return
    one = world.one_pass(LATER, frozenset(plan.entries))
    fresh = {record.plan.rollout: record for record in one.plans()}
    objects = world.cluster.fetch(plan.targets)
    for record in accept_or_refuse(plan, [*fresh.values()], objects, LATER):
        assert record == fresh.get(record.plan.rollout) or (record.plan.patches, record.plan.events) == ((), ())


def test_another_version_that_would_do_something_else_says_so() -> None:
    world = World()
    content = world.save()
    content["rollouts"][0]["events"][0]["message"] = "Advancing rollout a.test to 20"
    [record] = world.apply(with_checksum(content))
    assert "this is not what steerer 0." in record.error
    assert "not 0.0.0 that saved it, would do: /events/0/1 was " in record.error
