"""Several passes in parallel, each a process: exactly one of them writes each Rollout, also when some are killed.

Who wrote what is read from the audit log, who decided from the records. The Job that Kubernetes makes of the chart is
in `tests/helm/test_shards.py`.
"""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from reconcile.engine.shards import shard_index
from tests.apiserver.steering import (
    Done,
    Steerer,
    let_interval_pass,
    of_steerer,
    rolled_out,
    small_release,
    store,
)
from tests.components.faults import LONGEST, Once, killed_when_done
from tests.components.gateway import Gateway, passed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.components.controlplane import ControlPlane
    from tests.components.gateway import Exchange, Fault, Hook, Request

    Name = tuple[str, str]

TEAMS, PER_TEAM, STEP = 3, 5, 10
ONE_STEP = {("patch", "rollouts/status"): 1, ("patch", "virtualservices"): 1}
"""The writes of a step."""


class Fleet:
    """Rollouts in several namespaces, each with something to release and without metrics."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        # The same names in each run, and so the same shards: one that is to be killed in mid-pass needs several.
        self.namespaces = [f"fleet-{team}" for team in range(TEAMS)]
        self.names = [(namespace, f"app-{number}") for namespace in self.namespaces for number in range(PER_TEAM)]
        self.steerer = Steerer(kubeconfig=plane.kubeconfig)
        for namespace in self.namespaces:
            plane.create_namespace(namespace)
        store(plane, (item for namespace, name in self.names for item in small_release(namespace, name)))
        for namespace, name in self.names:
            rolled_out(plane, namespace, name, f"{name}-canary")

    def args(self, count: int, index: int) -> tuple[str, ...]:
        """Returns the arguments of one shard."""
        return (
            "run",
            f"--namespace={','.join(self.namespaces)}",
            "--output=json",
            f"--shards={count}",
            f"--shard={index}",
        )

    def weights(self) -> dict[Name, int]:
        """Returns the weight of each canary."""
        found = {}
        for namespace, name in self.names:
            path = f"/apis/networking.istio.io/v1/namespaces/{namespace}/virtualservices/{name}"
            route = self.plane.request("GET", path).json()["spec"]["http"][0]["route"]
            [weight] = [entry["weight"] for entry in route if entry["destination"]["host"] != name]
            found[namespace, name] = weight
        return found

    def later(self, names: Iterable[Name]) -> None:
        """Ends the interval of these Rollouts."""
        for namespace, name in names:
            let_interval_pass(self.plane, namespace, name)

    def stored(self, mark: int) -> dict[Name, Counter[tuple[str, str]]]:
        """Returns the stored writes since `mark`, counted for each Rollout; without Events."""
        found: dict[Name, Counter[tuple[str, str]]] = {}
        for entry in of_steerer(self.plane.requests_since(mark)):
            if entry.body is not None and entry.code < 300 and entry.resource != "events":
                part = f"/{entry.subresource}" if entry.subresource else ""
                owner = (entry.namespace, entry.name.removesuffix("-canary"))
                found.setdefault(owner, Counter())[entry.verb, f"{entry.resource}{part}"] += 1
        return found


@pytest.fixture(scope="module")
def fleet(control_plane: ControlPlane) -> Fleet:
    """Returns the fleet; all tests of the module move the same one on."""
    return Fleet(control_plane)


@pytest.fixture
def equal_fleet(fleet: Fleet) -> tuple[Fleet, int]:
    """Returns the fleet and the weight of all its canaries; each Rollout may make a step."""
    fleet.later(fleet.names)
    [weight] = set(fleet.weights().values())
    return fleet, weight


def run_in_parallel(*runs: tuple[Steerer, tuple[str, ...]]) -> list[Done]:
    """Starts several programs in parallel and waits for all."""
    with ThreadPoolExecutor(len(runs)) as threads:
        return list(threads.map(lambda run: run[0](*run[1], expect=None), runs))


def decided(done: Sequence[Done]) -> list[Name]:
    """Returns the Rollout of each record of several passes."""
    assert [each.err for each in done if each.code != 0] == []
    return [(record["rollout"]["namespace"], record["rollout"]["name"]) for each in done for record in each.records]


def test_no_rollout_is_done_twice_and_none_left_out_while_the_number_changes(
    equal_fleet: tuple[Fleet, int],
) -> None:
    fleet, weight = equal_fleet
    for number, count in enumerate((4, 3, 7), 1):
        mark = fleet.plane.mark()

        done = run_in_parallel(*((fleet.steerer, fleet.args(count, index)) for index in range(count)))

        assert Counter(decided(done)) == Counter(fleet.names)
        for index, each in enumerate(done):
            mine = {name for name in fleet.names if shard_index(*name, count) == index}
            assert set(decided([each])) == mine
        assert fleet.stored(mark) == dict.fromkeys(fleet.names, ONE_STEP)
        assert fleet.weights() == dict.fromkeys(fleet.names, weight + number * STEP)
        fleet.later(fleet.names)


class Start:
    """Holds the first writes of several programs until all are there: then all have read the same objects."""

    def __init__(self, programs: int) -> None:
        self._missing = programs
        self._lock = threading.Lock()
        self._all_there = threading.Event()

    def hook(self) -> Hook:
        """Returns the hook of one program."""
        news = True

        def choose(request: Request) -> Fault:
            nonlocal news
            if not request.writes:
                return passed
            with self._lock:
                self._missing -= news
                news = False
                if not self._missing:
                    self._all_there.set()
            return self._pass_together

        return choose

    def _pass_together(self, exchange: Exchange) -> None:
        assert self._all_there.wait(LONGEST)
        passed(exchange)


@pytest.fixture
def gateways(control_plane: ControlPlane) -> Iterator[list[Gateway]]:
    """Yields a gateway for each of seven programs."""
    with ExitStack() as stack:
        yield [stack.enter_context(Gateway(control_plane).serving()) for _ in range(7)]


def test_where_old_and_new_numbers_overlap_no_step_is_made_twice(
    equal_fleet: tuple[Fleet, int], gateways: list[Gateway]
) -> None:
    fleet, weight = equal_fleet
    start, mark = Start(len(gateways)), fleet.plane.mark()
    numbers = [(4, index) for index in range(4)] + [(3, index) for index in range(3)]
    for gateway in gateways:
        gateway.hook = start.hook()

    done = run_in_parallel(
        *(
            (Steerer(kubeconfig=gateway.before(fleet.plane.kubeconfig)), fleet.args(*number))
            for gateway, number in zip(gateways, numbers, strict=True)
        )
    )

    assert Counter(decided(done)) == Counter(fleet.names * 2)
    results = Counter(record["result"] for each in done for record in each.records)
    assert results == {"applied": len(fleet.names), "lost race": len(fleet.names)}
    assert fleet.stored(mark) == dict.fromkeys(fleet.names, ONE_STEP)
    assert fleet.weights() == dict.fromkeys(fleet.names, weight + STEP)


def test_where_one_is_killed_the_others_finish_and_the_next_pass_does_what_it_left(
    equal_fleet: tuple[Fleet, int], gateways: list[Gateway]
) -> None:
    fleet, weight = equal_fleet
    gateway, count = gateways[0], 4
    [(victim, _)] = Counter(shard_index(*name, count) for name in fleet.names).most_common(1)
    through = Steerer(kubeconfig=gateway.before(fleet.plane.kubeconfig))
    together = [(fleet.steerer, fleet.args(count, index)) for index in range(count)]
    mark = fleet.plane.mark()

    with through.begin(*fleet.args(count, victim)) as process:
        # It is killed between the status and the weight of one Rollout, with other Rollouts to come.
        once = Once(killed_when_done(process.kill), lambda it: it.writes and it.resource == "rollouts/status", nth=1)
        gateway.hook = once
        done = run_in_parallel(*(run for index, run in enumerate(together) if index != victim))
        process.communicate(timeout=60)

    assert process.returncode == -9
    assert once.struck is not None
    theirs = {name for name in fleet.names if shard_index(*name, count) != victim}
    assert Counter(decided(done)) == Counter(theirs)
    stored = fleet.stored(mark)
    assert {name: stored[name] for name in theirs} == dict.fromkeys(theirs, ONE_STEP)

    decided(run_in_parallel(*together))
    weights = fleet.weights()
    # Those whose status alone was stored, some of it perhaps after the kill: they wait for the end of their interval.
    torn = {name for name in fleet.names if weights[name] == weight}
    assert torn
    assert torn <= fleet.stored(mark).keys() - theirs
    assert weights == {name: weight + STEP * (name not in torn) for name in fleet.names}
    fleet.later(torn)
    decided(run_in_parallel(*together))
    assert fleet.weights() == dict.fromkeys(fleet.names, weight + STEP)
