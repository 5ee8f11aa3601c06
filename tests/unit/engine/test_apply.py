"""Writing one plan: the order, where it stops, and what is reported."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from reconcile.engine.apply import apply
from reconcile.model.errors import ClusterError, ForbiddenError, LostRaceError, UnreachableError
from reconcile.model.plan import Event, Patch, Plan, Result
from tests.support.fakes import MemoryCluster
from tests.support.world import START, VS, C, R, World, world

if TYPE_CHECKING:
    from datetime import datetime


class RefusingCluster(MemoryCluster):
    """A cluster that refuses writes to some objects, and Events if `refuses_events`."""

    unwritable: dict[object, ClusterError]
    refuses_events = False

    def patch(self, patch: Patch) -> None:
        """Refuses or writes."""
        if patch.target in self.unwritable:
            raise self.unwritable[patch.target]
        super().patch(patch)

    def record(self, event: Event, at: datetime) -> None:
        """Refuses or stores."""
        if self.refuses_events:
            raise ForbiddenError("no Events for you")
        super().record(event, at)


def planned() -> tuple[Plan, RefusingCluster]:
    """Returns the plan of a start, and the cluster that it is for."""
    play: World = world()
    cluster = RefusingCluster(play.cluster.objects.values())
    cluster.unwritable = {}
    return next(iter(World(cluster=cluster).pass_().plans())).plan, cluster


def test_the_ticket_is_written_first_then_the_route_then_the_events() -> None:
    plan, cluster = planned()
    cluster.patches.clear()
    record = apply(plan, cluster, START)
    assert (record.result, record.error, record.at, record.plan) == (Result.APPLIED, "", START, plan)
    assert [(patch.target, patch.subresource) for patch in cluster.patches] == [(R, "status"), (VS, "")]
    assert cluster.messages == ("Starting rollout for podinfo.test", "Advance rollout podinfo.test weight 10")


@pytest.mark.parametrize(("refused", "written"), [(R, 0), (VS, 1)])
def test_a_lost_race_drops_the_rest_and_claims_nothing(refused: object, written: int) -> None:
    plan, cluster = planned()
    cluster.patches.clear()
    cluster.unwritable[refused] = LostRaceError("somebody was faster")
    record = apply(plan, cluster, START)
    assert (record.result, record.error) == (Result.LOST_RACE, f"{refused}: somebody was faster")
    assert (len(cluster.patches), cluster.messages) == (written, ())


@pytest.mark.parametrize("error", [ForbiddenError("not allowed"), UnreachableError("timed out")])
def test_a_refused_write_is_told_where_people_look(error: ClusterError) -> None:
    plan, cluster = planned()
    cluster.unwritable[VS] = error
    record = apply(plan, cluster, START)
    assert (record.result, record.error) == (Result.FAILED, f"{VS}: {error}")
    (event,) = cluster.events
    assert (event.type, event.revision, event.uid) == ("Warning", plan.events[0].revision, plan.events[0].uid)
    assert event.message == f"Halt rollout podinfo.test VirtualService podinfo.test could not be written: {error}"


def test_what_the_status_promised_is_taken_back_where_the_write_after_it_failed() -> None:
    plan, cluster = planned()
    cluster.unwritable[VS] = ForbiddenError("not allowed")
    apply(plan, cluster, START)
    ready = next(item for item in cluster.objects[R]["status"]["conditions"] if item["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "WriteFailed")
    assert ready["message"] == f"{VS} could not be written: not allowed"


class RefusingStatus(RefusingCluster):
    """A cluster that accepts the first status of a pass and refuses the one that takes a promise back."""

    second: ClusterError

    def patch(self, patch: Patch) -> None:
        """Refuses a status with the failure of a write."""
        if any(operation["path"] == "/status/conditions" for operation in patch.operations):
            raise self.second
        super().patch(patch)


@pytest.mark.parametrize(
    ("error", "logged"), [(LostRaceError("faster"), False), (UnreachableError("timed out"), True)], ids=["lost", "gone"]
)
def test_a_promise_that_cannot_be_taken_back_is_logged(
    error: ClusterError,
    logged: bool,  # noqa: FBT001 - a column of the table
    caplog: pytest.LogCaptureFixture,
) -> None:
    plan, refusing = planned()
    cluster = RefusingStatus(refusing.objects.values())
    cluster.unwritable, cluster.second = {VS: ForbiddenError("not allowed")}, error
    plan = next(iter(World(cluster=cluster).pass_().plans())).plan
    caplog.clear()
    assert apply(plan, cluster, START).error == f"{VS}: not allowed"
    assert ("does not say that a write failed: timed out" in caplog.text) is logged


def test_a_refused_write_of_a_plan_without_events_is_in_the_record_alone() -> None:
    plan, cluster = planned()
    cluster.unwritable[R] = ForbiddenError("not allowed")
    assert apply(replace(plan, events=()), cluster, START).result is Result.FAILED
    assert not cluster.events


def test_events_that_are_refused_change_nothing_and_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    plan, cluster = planned()
    cluster.refuses_events = True
    with caplog.at_level(logging.INFO, "steerer.apply"):
        assert apply(plan, cluster, START).result is Result.APPLIED
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"] * 2
    assert caplog.messages[0] == "Starting rollout for podinfo.test"
    assert caplog.messages[1].endswith("was not stored: no Events for you")


def test_a_warning_is_logged_as_one(caplog: pytest.LogCaptureFixture) -> None:
    plan, cluster = planned()
    warning = replace(plan.events[0], type="Warning", message="Halt")
    apply(replace(plan, patches=(), events=(warning,)), cluster, START)
    assert [(record.levelname, record.message) for record in caplog.records] == [("WARNING", "Halt")]


def test_a_plan_without_anything_writes_nothing() -> None:
    plan, cluster = planned()
    cluster.patches.clear()
    assert apply(replace(plan, patches=(), events=()), cluster, START).result is Result.APPLIED
    assert (cluster.patches, cluster.events) == ([], [])


def test_a_plan_that_is_applied_twice_loses_the_second_time() -> None:
    plan, cluster = planned()
    assert apply(plan, cluster, START).result is Result.APPLIED
    assert apply(plan, cluster, START).result is Result.LOST_RACE
    assert len(cluster.messages) == 2
    assert cluster.objects[C]["spec"]["replicas"] == 2
