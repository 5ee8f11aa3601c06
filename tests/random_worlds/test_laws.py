"""The laws of a pass, checked in ten thousand random worlds, or in a part of them: see `tests/support/share.py`.

The laws are in `tests/support/laws`. The last tests break a turn on purpose, and show that its law notices.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from msgspec.structs import replace

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.core import optional_gates
from reconcile.core.case import Case
from reconcile.core.decide import decide
from reconcile.core.state_machine import GATES, Move
from reconcile.engine.apply import apply
from reconcile.engine.observe import observe
from reconcile.engine.selection import Selection
from reconcile.model.kinds import KINDS, Manifest, Ref, Scope
from reconcile.model.plan import Outcome, Patch, Plan, Result
from reconcile.model.settings import Settings
from reconcile.simulation.deployment_controller import DeploymentController
from tests.support.fakes import ref_of
from tests.support.json_values import copied
from tests.support.laws import (
    LAWS,
    ROUTES,
    Turn,
    law_claims,
    law_conditions,
    law_fenced,
    law_halt,
    law_identity,
    law_interval,
    law_numbers,
    law_returns,
    law_rises,
    law_scaled,
    law_scope,
    law_silence,
    law_state_kept,
    law_succeeded,
    law_template,
    law_weights,
    replicas,
    turns,
    weights,
    world_of,
)
from tests.support.share import number
from tests.support.strategies import Scene, calm_scene, calm_scenes, scenes, stamp, troubled_scene
from tests.support.world import METRICS, START, VS, C, P, R

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from hypothesis.strategies import SearchStrategy

    from reconcile.model.plan import Operation
    from tests.support.strategies import Pick

T = TypeVar("T")


def examples(count: int) -> settings:
    """Returns settings for so many worlds: the same in every run, without a deadline."""
    return settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        # A world is large, and takes most of the time to draw.
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )


def least_seen(worlds: SearchStrategy[Scene], count: int, wanted: Iterable[str], least: int) -> dict[str, int]:
    """Holds each turn of so many worlds against all laws; returns what of `wanted` the sample has too few of."""
    seen: Counter[str] = Counter()

    @examples(count)
    @given(worlds)
    def one_pass(scene: Scene) -> None:
        for turn in turns(scene, scene.cluster()):
            for law in LAWS:
                law(turn)
            seen[turn.plan.move] += 1
            seen.update(gate.name for gate in turn.plan.gates if gate.outcome in {Outcome.FAILED, Outcome.WAITING})

    one_pass()
    return {name: seen[name] for name in wanted if seen[name] < least}


def sample(count: int, make: Callable[[Pick], Scene]) -> list[Turn]:
    """Returns the turns of so many worlds, the same in every run.

    They are not from hypothesis: no example has to be shrunk.
    """
    found: list[Turn] = []
    for seed in range(count):
        random = Random(seed)  # noqa: S311 - to have the same worlds in every run

        def pick(options: Sequence[T], random: Random = random) -> T:
            return random.choice(options)

        scene = make(pick)
        found.extend(turns(scene, scene.cluster()))
    return found


# One pass.

# The least that the sample has to have: every move, and every gate that stops one.
# What comes after an edit or from elsewhere is not in a world of one moment: tests/unit/engine has it. What each side
# answers is in test_measured.
ELSEWHERE = {"size", "edits", "reach", "drained", "endpoints", "series"}
# What a person or a failure policy asks for is in test_asked.
ASKED = {Move.HOLD, Move.ROLL_BACK, Move.GIVE_UP, Move.PROMOTE_NOW, "available", *optional_gates.BY_NAME} - {"accepted"}
GATED = {name for names in GATES.values() for name in names} - ELSEWHERE | {"rollout", "deployments"}
WORLDS, LEAST = number(7040, 4), number(10, 6)


def test_every_turn_of_every_world_keeps_the_laws() -> None:
    rare = least_seen(scenes(), WORLDS, {*Move, *GATED} - ASKED, LEAST)
    assert not rare, f"the sample has too few of {rare}"


@examples(number(500, 6))
@given(scenes())
def test_a_decision_is_the_same_twice_and_leaves_what_it_read_alone(scene: Scene) -> None:
    cluster, now = scene.cluster(), START
    told = Settings(interval=scene.interval, metrics=METRICS)
    for observation in observe(cluster, Selection()).observations:
        kept = deepcopy(observation)
        first, second = (decide(Case(observation, told, now), {}) for _ in range(2))
        assert first == second == decide(Case(kept, told, now), {})
        assert str(kept) == str(observation)
    before = world_of(cluster)
    one, other = (list(scene.pass_over(cluster).plans()) for _ in range(2))
    assert [record.plan for record in one] == [record.plan for record in other]
    assert world_of(cluster) == before
    assert not cluster.events


@examples(number(1000, 6))
@given(scenes())
def test_at_the_same_time_there_is_nothing_left_to_do(scene: Scene) -> None:
    scene = replace(scene, interval=scene.interval or 60.0)
    cluster = scene.cluster()
    first = list(turns(scene, cluster))
    for earlier, later in zip(first, turns(scene, cluster), strict=True):
        if earlier.result is Result.APPLIED:
            # After a copy or a scaling nothing is healthy yet, so there may be one halt.
            targets = {patch.target for patch in later.plan.patches}
            assert targets <= ({later.plan.rollout} if earlier.moved else set()), (earlier.plan.move, later.plan)
            assert not later.moved or later.plan.move == Move.IDLE, (earlier.plan.move, later.plan.move)
    for last in turns(scene, cluster):
        if not scene.unwritable:
            assert not last.plan.patches, last.plan


# Many passes.


@dataclass(kw_only=True)
class Play:
    """A world with passes over it, between which its Deployments roll out."""

    scene: Scene
    cluster: Any

    def __post_init__(self) -> None:
        self.workloads = DeploymentController(cluster=self.cluster, rollout_ticks=1)
        self.workloads.step()
        self.at = timedelta(0)
        self.moves: list[str] = []
        self.reason = ""

    def tick(self, *, writes: int | None = None) -> None:
        """Makes one pass. If `writes` is given, the pass is killed after so many writes, before its Events."""
        single = self.scene.pass_over(self.cluster, now=START + self.at)
        if writes is None:
            record = next(iter(single.run()))
        else:
            record = next(iter(single.plans()))
            cut = replace(record.plan, patches=record.plan.patches[:writes], events=())
            apply(cut, self.cluster, START + self.at)
        self.moves.append(record.plan.move)
        self.reason = record.plan.reason
        self.at += timedelta(seconds=60)
        self.workloads.step()

    def rest(self, most: int) -> int:
        """Plays until two passes in a row make no move; returns the number of passes before. Waiting is a move."""
        for made in range(most + 1):
            before = self.end()
            self.tick()
            self.tick()
            if set(self.moves[-2:]) <= {Move.IDLE, Move.INITIALIZE, Move.HALT} and before == self.end():
                return 2 * made
        raise AssertionError(f"no rest after {self.moves}: {self.reason}")

    def end(self) -> dict[str, Any]:
        """Returns what is compared of the world."""
        objects = self.cluster.fetch([P, C, *ROUTES, R])
        status = objects[R].get("status") or {}
        return {
            "weights": weights(objects),
            "template": objects[P]["spec"]["template"],
            "replicas": (replicas(objects[P]), replicas(objects[C])),
            "status": [status.get(key) for key in ("phase", "canaryRevision", "promotedRevision")],
        }


def bound(scene: Scene) -> int:
    """Returns the most passes that a release takes: its steps, and what comes before and after."""
    manifest = scene.of(R)
    assert manifest is not None
    spec = manifest["spec"]["canaryAnalysis"]
    most: int = spec.get("maxWeight") or 100
    steps: int = math.ceil(most / spec["stepWeight"])
    return steps + 10


FOR_PEOPLE = re.compile(
    r"is scaled to 0 replicas$|the template of \S+ was changed by \S+ after the promotion"
    r"|selects the pods of \S+ as well$"
)


@examples(number(600, 6))
@given(calm_scenes())
def test_a_calm_world_comes_to_rest_where_it_should(scene: Scene) -> None:
    play = Play(scene=scene, cluster=scene.cluster())
    play.rest(bound(scene))
    end, last = play.end(), play.moves[-1]
    if last == Move.HALT:
        assert FOR_PEOPLE.search(play.reason), play.reason
        return
    assert end["status"][0] in {"Initialized", "Succeeded"}
    if {Move.RETIRE, Move.RETURN} & set(play.moves):
        assert end["status"][0] == "Succeeded"
        assert {canary or 0 for _, canary in end["weights"]} == {0}
        assert end["replicas"][1] == 0
        image = play.cluster.objects[C]["spec"]["template"]["spec"]["containers"]
        assert end["template"]["spec"]["containers"] == image
    written, said = len(play.cluster.patches), len(play.cluster.events)
    play.scene = replace(scene, values={})
    play.tick()
    assert (play.moves[-1], len(play.cluster.events)) == (Move.IDLE, said)
    assert [patch for patch in play.cluster.patches[written:] if patch.subresource != "status"] == []


@examples(number(350, 6))
@given(calm_scenes())
def test_killed_between_any_two_writes_it_ends_where_it_would_have_ended(scene: Scene) -> None:
    undisturbed, once, often = (Play(scene=scene, cluster=scene.cluster()) for _ in range(3))
    plan = next(iter(scene.pass_over(once.cluster).plans())).plan
    if len(plan.patches) == 1 or _still_to_be_written(scene.of(P)):
        return  # there is nothing between two writes; or a tool writes there
    passes = undisturbed.rest(bound(scene))
    once.tick(writes=1)
    # The killed pass itself, and at most 3 more (SPEC 9).
    assert once.rest(bound(scene)) <= passes + 4
    assert once.end() == undisturbed.end(), once.moves
    for _ in range(5):
        often.tick(writes=1)
        often.tick()
    often.rest(bound(scene))
    assert often.end() == undisturbed.end(), often.moves


def _still_to_be_written(manifest: Manifest | None) -> bool:
    """Returns whether somebody writes an object after the first pass has decided."""
    entries = manifest["metadata"].get("managedFields", ()) if manifest else ()
    return any(entry.get("time", "") > stamp(START) for entry in entries)


@examples(number(450, 6))
@given(calm_scenes())
def test_versions_of_objects_or_none_make_no_difference(scene: Scene) -> None:
    with_versions, without = (Play(scene=scene, cluster=scene.cluster(versioned=one)) for one in (True, False))
    for _ in range(6):
        with_versions.tick()
        without.tick()
        assert with_versions.end() == without.end()
    assert with_versions.moves == without.moves


@examples(number(60, 2))
@given(calm_scenes())
def test_a_folder_and_a_cluster_end_in_the_same_objects(scene: Scene) -> None:
    bare = replace(scene, manifests=[_bare(item) for item in scene.manifests])
    with TemporaryDirectory() as folder:
        (Path(folder) / "world.yaml").write_text(yaml.safe_dump_all(bare.manifests), encoding="utf-8")
        files = Play(scene=bare, cluster=FolderCluster(folder))
        memory = Play(scene=bare, cluster=bare.cluster(versioned=False))
        for _ in range(3):
            files.tick()
            memory.tick()
        assert files.moves == memory.moves
        assert dict(_objects(FolderCluster(folder))) == dict(_objects(memory.cluster))


def _bare(manifest: Manifest) -> Manifest:
    """Returns a manifest without the metadata that only an API server sets."""
    of_server = {"uid", "generation", "resourceVersion", "managedFields"}
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in of_server}
    return manifest | {"metadata": metadata}


def _objects(cluster: Any) -> Iterator[tuple[Ref, Manifest]]:
    for kind in KINDS.values():
        for item in cluster.list(kind, Scope()):
            yield ref_of(item), _bare(item)


# The laws notice what is broken.


@pytest.fixture(scope="module")
def sampled() -> list[Turn]:
    return sample(700, lambda pick: pick((calm_scene, troubled_scene))(pick))


def replayed(turn: Turn, plan: Plan) -> Turn:
    """Returns the turn with another plan, applied to the same world."""
    cluster = turn.scene.cluster()
    before = world_of(cluster)
    result = apply(plan, cluster, START).result
    return replace(turn, plan=plan, result=result, before=before, after=world_of(cluster))


def _operations(plan: Plan, change: Callable[[Patch], Iterable[Operation]]) -> Plan:
    return replace(
        plan, patches=tuple(replace(patch, operations=tuple(change(patch))) for patch in deepcopy(plan.patches))
    )


def _without_tests(turn: Turn) -> Turn:
    return replayed(
        turn, _operations(turn.plan, lambda patch: [one for one in patch.operations if one["op"] != "test"])
    )


def _with_a_test_less(turn: Turn) -> Turn:
    return replayed(turn, _operations(turn.plan, lambda patch: patch.operations[1:]))


def _one_percent_more(turn: Turn) -> Turn:
    def more(patch: Patch) -> Iterator[Operation]:
        for one in patch.operations:
            write = one["op"] == "add" and one["path"].endswith("/weight")
            yield {**one, "value": one["value"] + 1} if write else one

    return replayed(turn, _operations(turn.plan, more))


def _all_at_once(turn: Turn) -> Turn:
    def all_of_it(patch: Patch) -> Iterator[Operation]:
        for one in patch.operations:
            write = one["op"] == "add" and one["path"].endswith("/weight")
            yield {**one, "value": 100 if turn.plan.after.weight == one["value"] else 0} if write else one

    return replayed(turn, _operations(turn.plan, all_of_it))


def _hosts_as_well(turn: Turn) -> Turn:
    extra: Operation = {"op": "add", "path": "/spec/hosts", "value": ["*"]}
    return replayed(
        turn, _operations(turn.plan, lambda patch: [*patch.operations, *([extra] if patch.target == VS else [])])
    )


def _unanswered(turn: Turn) -> Turn:
    return replace(turn, scene=replace(turn.scene, values={}))


def _unhealthy(turn: Turn) -> Turn:
    ref = P if turn.plan.move in {Move.RESET, Move.CONCLUDE, Move.RETIRE} else C
    if ref not in turn.before:
        return turn
    broken = turn.before[ref] | {"status": {}}
    return replace(turn, before=turn.before | {ref: broken})


def _too_soon(turn: Turn) -> Turn:
    rollout = turn.before[turn.plan.rollout]
    status = (rollout.get("status") or {}) | {"lastAdvanceTime": "2026-01-31T11:59:59Z"}
    return replace(turn, before=turn.before | {turn.plan.rollout: rollout | {"status": status}})


def _merged_labels(turn: Turn) -> Turn:
    def canary_labels(patch: Patch) -> Iterator[Operation]:
        for one in patch.operations:
            copy = patch.target == P and one["op"] == "add"
            yield {**one, "value": turn.before[C]["spec"]["template"]} if copy else one

    return replayed(turn, _operations(turn.plan, canary_labels))


def _another_template(turn: Turn) -> Turn:
    def other(patch: Patch) -> Iterator[Operation]:
        yield from patch.operations
        if patch.target == P:
            yield {"op": "add", "path": "/spec/template/spec/containers/0/image", "value": "podinfo:unseen"}

    return replayed(turn, _operations(turn.plan, other))


def _said_too_early(turn: Turn) -> Turn:
    return replace(turn, after=turn.before)


def _said_while_halted(turn: Turn) -> Turn:
    more = tuple(replace(event, type="Normal") for event in turn.plan.events)
    return replace(turn, plan=replace(turn.plan, events=(*turn.plan.events, *more)))


def _said_without_a_name(turn: Turn) -> Turn:
    events = tuple(replace(event, message="Halt rollout podinfo.test for reasons") for event in turn.plan.events)
    return replace(turn, plan=replace(turn.plan, events=events))


def _scaled_while_halted(turn: Turn) -> Turn:
    if C not in turn.after:
        return turn
    other = copied(turn.after[C])
    other["spec"]["replicas"] = 0
    return replace(turn, after=turn.after | {C: other})


def _written_while_waiting(turn: Turn) -> Turn:
    patch = Patch(target=turn.plan.rollout, api_version="", operations=(), subresource="status")
    return replace(turn, plan=replace(turn.plan, patches=(patch,)))


def _conditions_changed(change: Callable[[Manifest], Any]) -> Callable[[Turn], Turn]:
    def changed_status(patch: Patch) -> Iterator[Operation]:
        for one in patch.operations:
            if one["path"] == "/status" and one["op"] == "add":
                change(one["value"])
            yield one

    return lambda turn: replayed(turn, _operations(turn.plan, changed_status))


def _both(status: Manifest) -> None:
    status["conditions"] = [{**status["conditions"][0], "type": kind} for kind in ("Ready", "Reconciling", "Stalled")]


def _always_new(status: Manifest) -> None:
    for condition in status["conditions"]:
        condition["lastTransitionTime"] = "2026-01-31T12:00:01Z"


def _too_long(status: Manifest) -> None:
    status["conditions"][0]["message"] = "é" * 513


def _forgotten(status: Manifest) -> None:
    for key in status.keys() - {"conditions", "observedGeneration"}:
        del status[key]


def _done(status: Manifest) -> None:
    status["phase"] = "Succeeded"


BROKEN: dict[str, tuple[Callable[[Turn], Turn], Callable[[Turn], None]]] = {
    "no test": (_without_tests, law_fenced),
    "one test less": (_with_a_test_less, law_fenced),
    "weights off 100": (_one_percent_more, law_weights),
    "all the traffic at once": (_all_at_once, law_weights),
    "a field beside the weights": (_hosts_as_well, law_scope),
    "no answer": (_unanswered, law_rises),
    "a broken canary": (_unhealthy, law_rises),
    "back to a broken primary": (_unhealthy, law_returns),
    "scaled down beside a broken primary": (_unhealthy, law_scaled),
    "moved too soon": (_too_soon, law_interval),
    "promoted without an answer": (_unanswered, law_template),
    "the canary's labels on the primary": (_merged_labels, law_identity),
    "a template that was never analysed": (_another_template, law_template),
    "a claim before the write": (_said_too_early, law_claims),
    "good news in a halt": (_said_while_halted, law_halt),
    "a halt without a name": (_said_without_a_name, law_halt),
    "a write in a halt": (_scaled_while_halted, law_scope),
    "scaled down under traffic": (_scaled_while_halted, law_scaled),
    "a write while waiting": (_written_while_waiting, law_silence),
    "reconciling and stalled": (_conditions_changed(_both), law_conditions),
    "times that always move": (_conditions_changed(_always_new), law_conditions),
    "a message too long": (_conditions_changed(_too_long), law_conditions),
    "a state that is lost": (_conditions_changed(_forgotten), law_state_kept),
    "done too early": (_conditions_changed(_done), law_succeeded),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_turn_is_noticed_by_its_law(name: str, sampled: list[Turn]) -> None:
    broken, law = BROKEN[name]
    for turn in sampled:
        law(turn)
        try:
            law(broken(turn))
        except (AssertionError, pytest.fail.Exception):
            return
    pytest.fail(f"{law.__name__} lets {name} pass")


@pytest.mark.parametrize(
    "message",
    [
        "Halt rollout podinfo.test request duration 500ms > 500ms",
        "Halt rollout podinfo.test request duration 1s > 1000ms",
        "Halt rollout podinfo.test request duration 1m0.5s > 1h0m0s",
        "Halt rollout podinfo.test success rate 99.00% < 99%",
        "Halt rollout podinfo.test success rate 99.5% < 99%",
    ],
)
def test_a_comparison_that_is_not_true_is_noticed(message: str) -> None:
    with pytest.raises(AssertionError):
        law_numbers(message)
