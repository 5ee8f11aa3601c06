"""The exit codes that the records of a pass ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from reconcile.cli.exit_codes import CHANGED, FAILED, HALTED, NOTHING, WAITING
from reconcile.cli.result_codes import exit_code_of_pass, exit_code_of_saved_plan, exit_code_of_wait
from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.model.plan import Result
from reconcile.model.settings import Settings
from tests.support.fakes import FixedMeter, MemoryCluster
from tests.support.world import DURATION, METRICS, START, SUCCESS, deployment, rollout, standard

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Record

COUNTS = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "observedGeneration": 1}


def passed(cluster: MemoryCluster) -> Record:
    meter = FixedMeter(**{SUCCESS: 100.0, DURATION: 100.0})
    one = Pass(
        cluster=cluster,
        meter=meter,
        settings=Settings(metrics=METRICS, interval=0),
        selection=Selection(),
        now=lambda: START,
    )
    [record] = one.run()
    return record


def world(image: str = "2", replicas: int = 2, **analysis: object) -> MemoryCluster:
    counts = {key: value if key == "observedGeneration" else replicas for key, value in COUNTS.items()}
    canary = deployment("podinfo-canary", image, replicas) | {"status": counts}
    others = [item for item in standard(**analysis) if item["kind"] != "Deployment"]
    return MemoryCluster([deployment("podinfo", "1") | {"status": COUNTS}, canary, *others])


def finished(image: str = "2") -> MemoryCluster:
    """Play a release to its end, with pods that are there at once."""
    cluster = world(image, maxWeight=10)
    moves: list[str] = []
    while len(moves) < 10:
        made = passed(cluster)
        moves.append(made.plan.move)
        for ref, item in list(cluster.objects.items()):
            if ref.kind.name == "Deployment":
                wanted, seen = item["spec"]["replicas"], {"observedGeneration": item["metadata"]["generation"]}
                cluster.edit(ref, "status", dict.fromkeys(COUNTS, wanted) | seen)
        if exit_code_of_wait(made) == NOTHING:
            break
    assert moves == ["start", "promote", "conclude", "retire"]
    return cluster


def test_done_is_what_a_pass_leaves_at_rest() -> None:
    cluster = finished()
    again = passed(cluster)
    assert (again.plan.move, exit_code_of_wait(again)) == ("idle", NOTHING)
    parked = passed(world("1", replicas=0))
    assert (parked.plan.move, exit_code_of_wait(parked)) == ("initialize", NOTHING)


def test_a_new_template_is_not_done() -> None:
    cluster = finished()
    ref = next(ref for ref in cluster.objects if ref.name == "podinfo-canary")
    cluster.edit(ref, "spec", "template", "spec", "containers", [{"name": "podinfo", "image": "podinfo:3"}])
    record = passed(cluster)
    assert (record.plan.before.phase, record.plan.move, exit_code_of_wait(record)) == ("Succeeded", "scale up", WAITING)


def test_what_was_not_stored_is_not_done() -> None:
    record = passed(finished())
    for result in (Result.LOST_RACE, Result.FAILED, Result.UNREACHED, Result.PLANNED):
        assert exit_code_of_wait(replace(record, result=result)) == WAITING


def test_a_halt_is_waited_for_but_one_that_no_pass_can_mend_is_not() -> None:
    cluster = world()
    cluster.objects = {ref: item for ref, item in cluster.objects.items() if ref.kind.name != "Service"}
    assert exit_code_of_wait(passed(cluster)) == WAITING
    assert exit_code_of_wait(passed(world(stepWeight=0))) == HALTED
    broken = passed(world())
    assert exit_code_of_wait(replace(broken, plan=replace(broken.plan, error="internal error"))) == HALTED


@pytest.mark.parametrize(
    ("result", "code", "detailed"),
    [
        (Result.APPLIED, NOTHING, CHANGED),
        (Result.REFUSED, HALTED, HALTED),
        (Result.LOST_RACE, HALTED, HALTED),
        (Result.FAILED, HALTED, HALTED),
        (Result.UNREACHED, WAITING, WAITING),
    ],
)
def test_a_saved_plan_that_was_not_written_is_a_failure(result: Result, code: int, detailed: int) -> None:
    records = [passed(finished()), replace(passed(world()), result=result)]
    assert exit_code_of_saved_plan(records, detailed=False) == code
    assert exit_code_of_saved_plan(records, detailed=True) == detailed
    records.append(replace(records[0], plan=replace(records[0].plan, error="internal error")))
    assert exit_code_of_saved_plan(records, detailed=True) == FAILED


@pytest.mark.parametrize(
    ("result", "code"),
    [(Result.LOST_RACE, WAITING), (Result.UNREACHED, WAITING), (Result.FAILED, HALTED), (Result.APPLIED, CHANGED)],
)
def test_a_pass_tells_more_only_to_those_who_ask(result: Result, code: int) -> None:
    records = [replace(passed(world()), result=result)]
    assert (exit_code_of_pass(records, detailed=False), exit_code_of_pass(records, detailed=True)) == (NOTHING, code)


@pytest.mark.parametrize(
    "change",
    [{"deletionTimestamp": "2026-01-31T12:00:00Z"}, {"name": "younger", "creationTimestamp": "2026-02-01T00:00:00Z"}],
)
def test_a_rollout_that_is_to_go_is_no_longer_waited_for(change: Manifest) -> None:
    cluster = world()
    item = rollout()
    cluster.put(item | {"metadata": item["metadata"] | {"creationTimestamp": "2026-01-01T00:00:00Z"}})
    cluster.put(item | {"metadata": item["metadata"] | change})
    one = Pass(
        cluster=cluster,
        meter=FixedMeter(),
        settings=Settings(metrics=METRICS),
        selection=Selection(names=(str(change.get("name", "podinfo")),)),
        now=lambda: START,
    )
    [record] = one.run()
    assert (record.plan.move, exit_code_of_wait(record)) == ("halt", HALTED)
