"""Several Rollouts on one route object: each makes its step in the same pass, and none harms another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Lock
from time import sleep
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.model.errors import LostRaceError, RefusedError
from reconcile.model.kinds import VIRTUAL_SERVICE, Manifest, Ref
from reconcile.model.plan import Patch, Record, Result
from reconcile.model.settings import Settings
from tests.support.fakes import FixedMeter, MemoryCluster
from tests.support.world import DURATION, METRICS, START, SUCCESS, destination, release

if TYPE_CHECKING:
    from collections.abc import Callable

GATEWAY = Ref(VIRTUAL_SERVICE, "test", "gateway")
NAMES = [f"svc-{number:02}" for number in range(20)]


def on_one_gateway(weight: int = 10) -> list[Manifest]:
    """Builds 20 releases whose routes are all in one VirtualService."""
    objects, routes = [], []
    for name in NAMES:
        for item in release(name, weight):
            if item["kind"] == "VirtualService":
                routes.append({"route": [destination(name, 100 - weight), destination(f"{name}-canary", weight)]})
                continue
            if item["kind"] == "Rollout":
                item["spec"]["virtualService"] = {"name": GATEWAY.name}
            objects.append(item)
    gateway = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": GATEWAY.name, "namespace": "test"},
        "spec": {"hosts": ["*"], "http": routes},
    }
    return [*objects, gateway]


class Shared(MemoryCluster):
    """A cluster whose route object may be changed by `before` at each write to it."""

    def __init__(self, *, width: int = 1, before: Callable[[Shared, int], None] = lambda *_: None) -> None:
        super().__init__(on_one_gateway())
        self.width = width
        self.writes = 0
        self._before, self._one = before, Lock()

    def patch(self, patch: Patch) -> Callable[[], Manifest] | None:
        """Lets `before` act, then writes."""
        with self._one:
            if patch.target == GATEWAY:
                self.writes += 1
                self._before(self, self.writes)
            return super().patch(patch)

    def fetch(self, refs: Any) -> Any:
        """Reads while nobody writes."""
        with self._one:
            return super().fetch(refs)

    @property
    def weights(self) -> list[int]:
        """The canaries' weights, route by route, of those routes that have two destinations."""
        routes = [item["route"] for item in self.objects[GATEWAY]["spec"]["http"]]
        return [route[1]["weight"] for route in routes if len(route) > 1]


def made(cluster: MemoryCluster, names: tuple[str, ...] = ()) -> list[Record]:
    meter = FixedMeter(**{SUCCESS: 100.0, DURATION: 100.0})
    settings = Settings(metrics=METRICS)
    selection = Selection(names=names)
    return list(Pass(cluster=cluster, meter=meter, settings=settings, selection=selection, now=lambda: START).run())


@pytest.mark.parametrize("width", [1, 16])
def test_all_make_their_step_in_one_pass_and_with_one_write_each_at_most(width: int) -> None:
    cluster = Shared(width=width)
    assert {record.result for record in made(cluster)} == {Result.APPLIED}
    assert cluster.weights == [20] * len(NAMES)
    assert cluster.writes <= len(NAMES)


def test_those_that_come_while_another_is_on_its_way_are_one_write() -> None:
    class Slow(Shared):
        def patch(self, patch: Patch) -> Callable[[], Manifest] | None:
            if patch.target == GATEWAY:
                sleep(0.05)
            return super().patch(patch)

    cluster = Slow(width=16)
    assert {record.result for record in made(cluster)} == {Result.APPLIED}
    assert cluster.weights == [20] * len(NAMES)
    assert cluster.writes < len(NAMES)


def test_of_several_that_are_written_together_only_the_one_that_is_refused_makes_no_step() -> None:
    class Strict(Shared):
        def patch(self, patch: Patch) -> Callable[[], Manifest] | None:
            if patch.target == GATEWAY:
                sleep(0.05)
                if any(operation.get("value") == f"{NAMES[7]}-canary" for operation in patch.operations):
                    raise RefusedError("422: admission")
            return super().patch(patch)

    cluster = Strict(width=16)
    results = {record.plan.rollout.name: record.result for record in made(cluster)}
    assert results == dict.fromkeys(NAMES, Result.APPLIED) | {NAMES[7]: Result.FAILED}
    assert cluster.weights == [10 if name == NAMES[7] else 20 for name in NAMES]


@pytest.mark.parametrize("width", [1, 16])
def test_a_foreign_edit_in_between_is_kept_and_all_make_their_step(width: int) -> None:
    def edit(cluster: Shared, write: int) -> None:
        if write == 2:  # of at least so many: those that come together are one
            cluster.edit(GATEWAY, "spec", "hosts", ["shop.example"])

    cluster = Shared(width=width, before=edit)
    assert {record.result for record in made(cluster)} == {Result.APPLIED}
    assert (cluster.weights, cluster.objects[GATEWAY]["spec"]["hosts"]) == ([20] * len(NAMES), ["shop.example"])


@pytest.mark.parametrize("width", [1, 16])
def test_where_a_person_changes_one_route_only_that_rollout_loses_its_race(width: int) -> None:
    def stop(cluster: Shared, write: int) -> None:
        if write == 1:
            cluster.edit(GATEWAY, "spec", "http", 19, "route", 1, "weight", 0)
            cluster.edit(GATEWAY, "spec", "http", 19, "route", 0, "weight", 100)

    cluster = Shared(width=width, before=stop)
    results = {record.plan.rollout.name: record.result for record in made(cluster)}
    assert results == dict.fromkeys(NAMES, Result.APPLIED) | {NAMES[19]: Result.LOST_RACE}
    assert cluster.weights == [20] * 19 + [0]


def test_a_route_in_front_moves_the_others_and_none_is_taken_for_another() -> None:
    def insert(cluster: Shared, write: int) -> None:
        if write == 5:
            http = cluster.objects[GATEWAY]["spec"]["http"]
            cluster.edit(GATEWAY, "spec", "http", [{"route": [destination("other", 100)]}, *http])

    cluster = Shared(before=insert)
    assert {record.result for record in made(cluster)} == {Result.APPLIED}
    assert cluster.weights == [20] * len(NAMES)


@pytest.mark.parametrize("error", [LostRaceError("409"), RefusedError("422: admission")])
def test_a_write_that_is_refused_for_one_harms_no_other(error: Exception) -> None:
    def refuse(_: Shared, write: int) -> None:
        if write == 3:
            raise error

    cluster = Shared(before=refuse)
    results = [record.result for record in made(cluster)]
    refused = isinstance(error, RefusedError)
    assert results.count(Result.APPLIED) == len(NAMES) - refused
    assert cluster.weights.count(20) == len(NAMES) - refused


def test_two_passes_at_once_move_each_rollout_once() -> None:
    cluster = Shared(width=4)
    halves = [tuple(NAMES[:10]), tuple(NAMES[10:])]
    with ThreadPoolExecutor(2) as pool:
        records = [record for found in pool.map(lambda names: made(cluster, names), halves) for record in found]
    assert {record.result for record in records} == {Result.APPLIED}
    assert cluster.weights == [20] * len(NAMES)


def test_an_object_that_is_written_again_and_again_is_given_up() -> None:
    def always(cluster: Shared, _: int) -> None:
        cluster.edit(GATEWAY, "spec", "hosts", [f"{len(cluster.patches)}-{cluster.writes}.example"])

    cluster = Shared(before=always)
    [record] = made(cluster, (NAMES[0],))
    assert record.result is Result.LOST_RACE
    assert cluster.weights == [10] * len(NAMES)


def test_a_tool_that_put_all_weights_back_is_named_for_each_of_them() -> None:
    cluster = Shared()
    made(cluster)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    cluster.edit(GATEWAY, "spec", "http", on_one_gateway(weight=0)[-1]["spec"]["http"])
    entry = {
        "manager": "argocd-controller",
        "operation": "Update",
        "time": at.isoformat().replace("+00:00", "Z"),
        "fieldsV1": {"f:spec": {"f:http": {}}},
    }
    cluster.edit(GATEWAY, "metadata", "managedFields", [entry])
    assert {record.plan.move for record in made(cluster)} == {"restore"}
    assert len(set(cluster.weights)) == 1
    assert cluster.weights[0] > 0


def test_a_cluster_that_does_not_say_what_it_stored_costs_a_read_for_each() -> None:
    class Silent(Shared):
        def patch(self, patch: Patch) -> None:
            super().patch(patch)

    cluster = Silent()
    assert {record.result for record in made(cluster)} == {Result.APPLIED}
    assert cluster.weights == [20] * len(NAMES)
