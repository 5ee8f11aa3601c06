"""One pass over all Rollouts: a failure stays with its Rollout, and the pass keeps its time budget."""

from __future__ import annotations

import gc
from datetime import datetime, timedelta
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from reconcile.core.observation import Observation
from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.model.errors import ClusterError, ForbiddenError, RefusedError
from reconcile.model.kinds import DEPLOYMENT, ROLLOUT, Ref
from reconcile.model.measurement import Answer, Question
from reconcile.model.plan import Event as Said
from reconcile.model.plan import Patch, Plan, Result
from reconcile.model.settings import Settings
from tests.support.fakes import FixedMeter, MemoryCluster
from tests.support.world import DURATION, METRICS, START, SUCCESS, VS, release

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from reconcile.model.kinds import Kind, Manifest, Scope


def pass_over(cluster: MemoryCluster, meter: Any = None, **more: Any) -> Pass:
    """Returns a pass at `START`."""
    options: dict[str, Any] = {
        "meter": meter or FixedMeter(**{SUCCESS: 100.0, DURATION: 100.0}),
        "settings": Settings(metrics=METRICS),
        "selection": Selection(),
        "now": lambda: START,
    }
    return Pass(cluster=cluster, **options | more)


class CountingMeter(FixedMeter):
    """A meter that counts its calls."""

    rounds = 0

    def measure(self, questions: Collection[Question], at: datetime) -> Mapping[Question, Answer]:
        """Counts and answers."""
        self.rounds += 1
        return super().measure(questions, at)


def test_a_namespace_that_cannot_be_read_is_told_when_the_others_are_done() -> None:
    class Partly(MemoryCluster):
        def list(self, kind: Kind, scope: Scope) -> list[Manifest]:
            if scope.namespace == "closed":
                raise ForbiddenError("no rights in closed")
            return super().list(kind, scope)

    cluster = Partly(release("a", 10))
    for records in (
        pass_over(cluster, selection=Selection(namespaces=("closed", "test"))).plans(),
        pass_over(cluster, selection=Selection(namespaces=("closed", "test"))).run(),
    ):
        assert next(records).plan.move == "advance"
        with pytest.raises(ClusterError, match="no rights in closed"):
            next(records)


def test_all_metrics_of_all_rollouts_are_asked_at_once() -> None:
    cluster = MemoryCluster([*release("a", 10), *release("b", 20), *release("c")])
    meter = CountingMeter(**{SUCCESS: 100.0, DURATION: 100.0})
    records = list(pass_over(cluster, meter).run())
    assert [record.plan.move for record in records] == ["advance", "advance", "start"]
    assert (meter.rounds, len(meter.asked)) == (1, 8)
    before_the_first_step = {("c-canary", 0), ("c", 0)}
    asked = {(question.workload, question.weight) for question in meter.asked}
    assert asked == {("a-canary", 10), ("b-canary", 20), *before_the_first_step}


def test_nobody_is_asked_without_a_question() -> None:
    meter = CountingMeter()
    cluster = MemoryCluster(release("a"))
    cluster.edit(Ref(ROLLOUT, "test", "a"), "spec", "canaryAnalysis", "metrics", [])
    assert [record.plan.move for record in pass_over(cluster, meter).run()] == ["start"]
    assert meter.rounds == 0


def test_plans_write_nothing() -> None:
    cluster = MemoryCluster(release("a", 10))
    (record,) = pass_over(cluster).plans()
    assert (record.result, record.plan.move, record.at) == (Result.PLANNED, "advance", START)
    assert (cluster.patches, cluster.events) == ([], [])


def test_a_pass_over_nothing_is_a_pass() -> None:
    assert list(pass_over(MemoryCluster([])).run()) == []


class RaisingCluster(MemoryCluster):
    """A cluster that raises an unexpected exception for one object."""

    def patch(self, patch: Patch) -> None:
        """Raises for one object."""
        if patch.target.name == "a":
            raise RuntimeError("boom")
        super().patch(patch)


class BrokenMeter(FixedMeter):
    """A meter that returns something that is no answer, for one workload."""

    def measure(self, questions: Collection[Question], at: datetime) -> Mapping[Question, Answer]:
        """Returns no answer for one workload."""
        odd: Any = "no answer"
        return {
            question: odd if question.workload == "a-canary" else answer
            for question, answer in super().measure(questions, at).items()
        }


def test_a_defect_while_deciding_halts_one_rollout_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    cluster = MemoryCluster([*release("a", 10), *release("b", 10)])
    meter = BrokenMeter(**{SUCCESS: 100.0, DURATION: 100.0})
    for make in ("plans", "run"):
        broken, other = getattr(pass_over(cluster, meter), make)()
        assert broken.result is Result.FAILED
        assert broken.error.startswith("internal error: AttributeError")
        assert (broken.plan.patches, broken.plan.events) == ((), ())
        assert other.plan.move == "advance"
        assert (broken.plan.error, other.plan.error) == (broken.error, "")
    assert "could not be decided" in caplog.text


def test_a_defect_while_writing_is_told_and_goes_no_further(caplog: pytest.LogCaptureFixture) -> None:
    cluster = RaisingCluster([*release("a"), *release("b")])
    broken, other = pass_over(cluster).run()
    assert (broken.result, broken.error) == (Result.FAILED, "internal error: RuntimeError: boom")
    assert (other.result, other.plan.move) == (Result.APPLIED, "start")
    assert "could not be written" in caplog.text


def test_a_refusal_touches_no_other_rollout() -> None:
    cluster = MemoryCluster([*release("podinfo"), *release("z")])
    cluster.refuse[VS] = ForbiddenError("no")
    moves = {record.plan.rollout.name: record.plan.move for record in pass_over(cluster).run()}
    assert moves == {"podinfo": "halt", "z": "start"}


def clock(*seconds: float) -> Callable[[], datetime]:
    times = iter([*seconds, *[seconds[-1]] * 100])
    return lambda: START + timedelta(seconds=next(times))


def test_what_the_budget_does_not_reach_is_named_and_comes_first_next_time() -> None:
    cluster = MemoryCluster([*release("a"), *release("b"), *release("c")])
    records = list(pass_over(cluster, now=clock(0, 0, 1, 1, 49, 50, 50, 50, 50.1)).run())
    assert [record.result for record in records] == [Result.APPLIED, Result.APPLIED, Result.UNREACHED]
    assert records[2].error == "the pass ran out of time (50s)"
    again = pass_over(cluster, now=lambda: START + timedelta(seconds=120)).run()
    assert next(again).plan.rollout == records[2].plan.rollout


class SlowCluster(MemoryCluster):
    """A cluster that takes a second for each write, and refuses the status of the Rollouts in `refused`."""

    def __init__(self, manifests: list[Manifest], refused: Collection[str] = ()) -> None:
        super().__init__(manifests)
        self.time = START
        self._refused = refused

    def patch(self, patch: Patch) -> None:
        """Writes or refuses."""
        self.time += timedelta(seconds=1)
        if patch.subresource and patch.target.name in self._refused:
            raise ForbiddenError("no")
        super().patch(patch)

    def record(self, event: Said, at: datetime) -> None:
        """Stores an Event."""
        self.time += timedelta(seconds=1)
        super().record(event, at)


class ChangingMeter(FixedMeter):
    """A meter with another error rate of the failing canaries in each pass, so that their status always changes."""

    def measure(self, questions: Collection[Question], at: datetime) -> Mapping[Question, Answer]:
        """Answers by name and time."""
        sick = Answer(query="errors", value=float(at.minute))
        answers = super().measure(questions, at)
        return {one: sick if one.workload.startswith("sick") else answer for one, answer in answers.items()}


SICK, WELL = [f"sick-{number}" for number in range(6)], ["well-0", "well-1"]


def failing_releases(trouble: str) -> tuple[SlowCluster, FixedMeter]:
    """Returns Rollouts of which some are failing, unless there is no trouble."""
    cluster = SlowCluster(
        [item for name in (*SICK, *WELL) for item in release(name, 10 if name in SICK else 0)],
        refused=SICK if trouble == "their status cannot be written" else (),
    )
    for name in WELL:
        cluster.edit(Ref(ROLLOUT, "test", name), "spec", "canaryAnalysis", "stepWeight", 50)
    for name in SICK if trouble == "their canaries are paused" else ():
        cluster.edit(Ref(DEPLOYMENT, "test", f"{name}-canary"), "spec", "paused", True)  # noqa: FBT003 - a value
    meter = ChangingMeter if trouble == "their metrics fail" else FixedMeter
    return cluster, meter(**{SUCCESS: 100.0, DURATION: 100.0})


@pytest.mark.parametrize(
    "trouble", ["", "their canaries are paused", "their metrics fail", "their status cannot be written"]
)
def test_who_cannot_go_on_starves_nobody_though_they_alone_would_take_all_the_time(trouble: str) -> None:
    cluster, meter = failing_releases(trouble)
    reached: set[str] = set()
    phases: set[str] = set()
    for number in range(100):
        cluster.time = START + timedelta(minutes=number)
        records = list(pass_over(cluster, meter, now=lambda: cluster.time, budget=3).run())
        done = {record.plan.rollout.name for record in records if record.result is not Result.UNREACHED}
        assert number > 0 or len(done) < len(SICK)
        reached |= done
        statuses = [cluster.objects[Ref(ROLLOUT, "test", name)].get("status", {}) for name in WELL]
        phases = {status.get("phase", "") for status in statuses}
        if reached == {*SICK, *WELL} and phases == {"Promoting"}:
            break
    assert (reached, phases) == ({*SICK, *WELL}, {"Promoting"})


def test_a_pass_that_is_told_to_end_does_so_between_two_rollouts() -> None:
    cluster = MemoryCluster([*release("a"), *release("b"), *release("c")])
    words = iter(["", "told to stop", "told to stop"])
    records = list(pass_over(cluster, stop_reason=lambda: next(words)).run())
    assert [record.result for record in records] == [Result.APPLIED, Result.UNREACHED, Result.UNREACHED]
    assert {patch.target.name for patch in cluster.patches} == {"a"}
    assert {record.error for record in records[1:]} == {"told to stop"}


def test_what_was_decided_can_be_looked_at_before_it_is_written() -> None:
    cluster = MemoryCluster([*release("a"), *release("b")])
    one = pass_over(cluster)
    first, second = one.plans()
    assert cluster.patches == []
    refused = replace(first, result=Result.UNREACHED, error="looked at, and not wanted")
    assert [replace(record, told=()) for record in one.write([refused, second])] == [
        refused,
        replace(second, result=Result.APPLIED),
    ]
    assert {patch.target.name for patch in cluster.patches} == {"b"}


def test_a_pass_that_stands_still_between_two_writes_leaves_the_second_to_the_next() -> None:
    cluster = MemoryCluster(release("a"))
    (record,) = pass_over(
        cluster, now=clock(0, 1, 1, 46)
    ).run()  # three quarters of the interval: others may move again
    assert record.result is Result.FAILED
    assert record.error.startswith("VirtualService a.test: not written")
    assert [patch.subresource for patch in cluster.patches] == ["status"]
    assert not cluster.events


def test_others_wait_from_the_whole_second_that_the_status_says_and_so_a_pass_stops_before() -> None:
    (record,) = pass_over(MemoryCluster(release("a")), now=clock(0, 1.9, 1.9, 45.8)).run()
    assert record.result is Result.APPLIED
    (record,) = pass_over(MemoryCluster(release("a")), now=clock(0, 1.9, 1.9, 46)).run()  # 45 s after 1
    assert record.result is Result.FAILED


def test_without_an_interval_the_budget_is_the_time_between_two_writes() -> None:
    settings = Settings(metrics=METRICS, interval=0)
    (record,) = pass_over(MemoryCluster(release("a")), now=clock(0, 1, 1, 50), settings=settings).run()
    assert record.result is Result.APPLIED
    (record,) = pass_over(MemoryCluster(release("a")), now=clock(0, 1, 1, 51), settings=settings).run()
    assert record.result is Result.FAILED


def test_the_time_of_an_advance_is_that_of_its_write_and_not_of_the_reading() -> None:
    cluster = MemoryCluster(release("a", 10))
    (record,) = pass_over(cluster, now=clock(0, 30)).run()
    status = cluster.patches[0].operations[-1]["value"]
    assert (record.plan.move, status["lastAdvanceTime"]) == ("advance", "2026-01-31T12:00:30Z")


def test_the_selection_is_kept() -> None:
    cluster = MemoryCluster([*release("a"), *release("b")])
    (record,) = pass_over(cluster, selection=Selection(names=("b",))).run()
    assert record.plan.rollout.name == "b"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RefusedError("nobody can write that"), "nobody can write that"),
        (ClusterError("the folder is gone"), "the folder is gone"),
        (ValueError("a defect"), "internal error: ValueError: a defect"),
    ],
)
def test_a_plan_that_cannot_be_written_as_it_has_to_be_is_refused_as_a_whole(error: Exception, words: str) -> None:
    def adapt(plan: Plan) -> Plan:
        if plan.rollout.name == "broken":
            raise error
        return plan

    cluster = MemoryCluster([*release("broken"), *release("good")])
    broken, good = sorted(pass_over(cluster, adapt=adapt).run(), key=lambda record: record.plan.rollout.name)
    assert (broken.result, broken.error) == (Result.FAILED, words)
    assert (broken.plan.patches, broken.plan.events, broken.plan.after) == ((), (), broken.plan.before)
    assert good.result is Result.APPLIED
    assert {patch.target.name for patch in cluster.patches} == {"good"}


class BlockedCluster(MemoryCluster):
    """A cluster in which the writes of one Rollout block until `go` is set; `at` is the most concurrent writes."""

    def __init__(self, manifests: list[Manifest], name: str) -> None:
        super().__init__(manifests)
        self._name = name
        self._guard = Lock()
        self.go = Event()
        self.at = 0
        self._now = 0

    def patch(self, patch: Patch) -> None:
        """Writes, one at a time, after a while."""
        with self._guard:
            self._now += 1
            self.at = max(self.at, self._now)
        if patch.target.name == self._name:
            assert self.go.wait(10)
        with self._guard:
            self._now -= 1
            super().patch(patch)
            if len(self.patches) == 6:  # all but the two that hang
                self.go.set()


def test_a_write_that_hangs_holds_up_no_other_rollout() -> None:
    cluster = BlockedCluster([item for name in "abcd" for item in release(name)], "a")
    cluster.width = 2
    records = list(pass_over(cluster).run())
    assert [(record.plan.rollout.name, record.result) for record in records] == [(n, Result.APPLIED) for n in "abcd"]
    assert [patch.target.name for patch in cluster.patches][-2:] == ["a", "a"]
    assert cluster.at == 2


def test_the_writes_of_one_rollout_keep_their_order() -> None:
    cluster = MemoryCluster([item for name in "abcdefgh" for item in release(name)])
    cluster.width = 4
    list(pass_over(cluster).run())
    for name in "abcdefgh":
        kinds = [patch.target.kind.name for patch in cluster.patches if patch.target.name == name]
        assert kinds == ["Rollout", "VirtualService"]


def test_each_rollout_is_decided_when_it_is_its_turn() -> None:
    clock = iter(START + timedelta(seconds=step) for step in range(100))
    cluster = MemoryCluster([item for name in "abc" for item in release(name)])
    cluster.width = 2
    records = list(pass_over(cluster, now=lambda: next(clock)).run())
    times = [record.plan.at for record in records if record.plan.at]
    assert times == sorted(set(times))
    assert len(times) == 3


def test_what_was_read_of_a_rollout_goes_as_it_is_written_so_that_many_fit_in_memory() -> None:
    def held() -> int:
        return sum(isinstance(item, Observation) for item in gc.get_objects())

    cluster = MemoryCluster([item for name in "abcd" for item in release(name)])
    gc.collect()
    before = held()
    gc.disable()  # as in a pass
    try:
        left = [held() - before for _ in pass_over(cluster).run()]
    finally:
        gc.enable()
    assert left == [4, 3, 2, 1]  # with the one that it is about
