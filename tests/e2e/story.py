"""The run: what is done to the cluster, and what has to be seen. Nobody but the CronJob makes a pass.

Each act is a sentence of the table in the end. A user's part is played by kubectl and Helm, the machine's by SIGKILL
and `kubectl drain`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from tests.components.processes import wait_for
from tests.e2e import images
from tests.e2e.watcher import Watcher
from tests.e2e.world import CANARY, INTERVAL, MESH, NAME, NAMESPACE, STEP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.e2e.cluster import KindCluster
    from tests.e2e.told import Act, Told
    from tests.e2e.watcher import Moment, Runner
    from tests.e2e.world import World

FULL_NAME = f"{NAME}.{NAMESPACE}"
STEPS = [(100 - weight, weight) for weight in range(STEP, 101, STEP)]
FAILURE = "success rate 0.00%"  # podinfo:3 answers nothing else
HUNG = 12  # seconds; a pass of an interval of 10 s has 8
IDLE = 25  # seconds for which nothing is to happen: two passes
HOLD = 45  # seconds for which a halted release is looked at
PATIENCE = 240  # seconds that are enough for whatever is waited for: up to three Jobs, and a busy machine


def check(condition: bool, what: str) -> None:  # noqa: FBT001 (a sentence and whether it is true)
    """End the run unless this is so."""
    if not condition:
        raise AssertionError(what)


@dataclass(frozen=True, kw_only=True)
class Story:
    """One run in a cluster that is there."""

    world: World
    told: Told

    @property
    def cluster(self) -> KindCluster:
        """Give where it plays."""
        return self.world.cluster

    def play(self) -> None:
        """Play it all. Raises AssertionError or TimeoutError, with what was not seen, at the first thing amiss."""
        with self.told.act("VirtualService CRD, mesh, users, podinfo installed") as act:
            self.world.install()
            act.seen.append(f"pods ready, requests answered: {self.world.requests()}")
        with self.told.act(f"chart installed by Helm, interval {INTERVAL}; Rollout created"):
            self.world.install_chart()
            self.world.create_rollout()
        with Watcher(
            self.cluster, self.told.say, namespace=NAMESPACE, name=NAME, canary=CANARY, passes=MESH
        ) as watcher:
            self._idle(watcher)
            self._check()
            self._promote(watcher)
            self._hold(watcher)
            self._take_back(watcher)
            with self.told.act("asked who made the passes") as act:
                act.seen.extend(self._passes_were_the_cronjobs(watcher))
        with self.told.act("helm uninstall") as act:
            self.world.wait_canary_gone()
            before = self.world.versions()
            self.world.uninstall_chart()
            check(self.world.versions() == before, "the uninstall changed what is not its own")
            act.seen.append("Rollout, route and Deployments are as they were")

    # --- Acts ---

    def _idle(self, watcher: Watcher) -> None:
        with self.told.act("nothing") as act:
            watcher.wait(lambda now: now.phase == "Initialized", "the first pass", seconds=PATIENCE)
            before = self.world.versions()
            time.sleep(IDLE)
            check(self.world.versions() == before, f"something was written though nothing was to do: {watcher.now}")
            check(self.world.said("Warning") == {}, f"warnings though nothing is wrong: {self.world.said('Warning')}")
            act.seen.append(f"the Rollout Initialized, and then no write in {IDLE} s of passes")

    def _check(self) -> None:
        with self.told.act("helm test: steerer check, with the rights of the passes") as act:
            told = self.world.test_chart()
            act.seen.append(f"Succeeded: {told}")

    def _promote(self, watcher: Watcher) -> None:
        start, asked = len(watcher.history), self.world.requests()
        with self.told.act("kubectl set image: podinfo:2 for the canary") as act:
            failed = self.world.failed()
            self.world.set_image(images.NEW)
            watcher.wait(lambda now: now.weights[1] >= STEP, "the first step", seconds=PATIENCE)
            act.seen.append(f"canary scaled up to {watcher.now.canary_replicas}, then {_split(watcher.now)}")
        self._restart_apiserver(watcher)
        self._kill_runner(watcher)
        check(self.world.failed() == failed, f"users saw failures: {self.world.requests()}")
        self._drain(watcher)
        with self.told.act("waited") as act:
            failed = self.world.failed()
            watcher.wait(lambda now: now.phase == "Succeeded", "the promotion", seconds=PATIENCE)
            now = watcher.now
            check(now.primary_image == images.NEW, f"the primary runs {now.primary_image}")
            check((now.weights, now.canary_replicas) == ((100, 0), 0), f"the release ended with {now}")
            weights = _changes(moment.weights for moment in watcher.history[start:])
            check(weights == [(100, 0), *STEPS, (100, 0)], f"the weights were {weights}")
            check(self.world.failed() == failed, f"users saw failures: {self.world.requests()}")
            check(self.world.said("Normal") == dict.fromkeys(_TOLD, 1), f"the Events were {self.world.said('Normal')}")
            act.seen.append(f"weights {' '.join(map(_split_of, weights))}, each stored once")
            act.seen.append("Succeeded; the primary runs podinfo:2, the canary has 0 replicas")
            act.seen.append("each step told by exactly one Event")
            act.seen.append(f"requests since then: {_more(asked, self.world.requests())}")
            act.seen.append("none outside the drain failed")

    def _restart_apiserver(self, watcher: Watcher) -> None:
        with self.told.act(f"kube-apiserver stopped for {HUNG} s (SIGSTOP), then killed (SIGKILL)") as act:
            restarts, outages, begun = self.world.restarts("kube-apiserver"), watcher.outages, time.monotonic()
            self._signal_apiserver("STOP")
            time.sleep(HUNG)
            self._signal_apiserver("KILL")
            wait_for(lambda: watcher.outages > outages, "the API server to be away")
            wait_for(lambda: watcher.answering, "the API server to be back", seconds=120)
            act.seen.append(f"no answer for {time.monotonic() - begun:.0f} s, then restarted by the kubelet")
            self._goes_on(watcher, act)
            check(self.world.restarts("kube-apiserver") > restarts, "the API server was not restarted")

    def _signal_apiserver(self, name: str) -> None:
        found = self.cluster.signal(name, node=self.cluster.control_plane, process="kube-apiserver")
        check(found, f"no kube-apiserver for SIG{name}")

    def _kill_runner(self, watcher: Watcher) -> None:
        with self.told.act("the steerer process killed (SIGKILL)") as act:
            runner = self._kill_steerer(watcher)
            ended = watcher.wait_ended(runner, seconds=60)
            check("137" in ended, f"the pod {ended}")
            act.seen.append(f"its pod {ended}")
            self._goes_on(watcher, act)

    def _drain(self, watcher: Watcher) -> None:
        worker, control_plane = self.cluster.worker, self.cluster.control_plane
        with self.told.act("kubectl drain, of the node of the steerer pod") as act:
            self.cluster.kubectl("cordon", control_plane)  # so that the next pod comes to the node to be drained
            # One that would not have ended by itself a moment later.
            runner = watcher.wait_runner(
                lambda runner: runner.running and runner.node == worker and time.time() - runner.started < 20,
                f"a pod on {worker}",
                seconds=PATIENCE,
            )
            self.cluster.kubectl("uncordon", control_plane)
            failed, begun = self.world.failed(), time.monotonic()
            self.cluster.kubectl("drain", worker, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=120s")
            took = time.monotonic() - begun
            ended = watcher.wait_ended(runner, seconds=60)
            disrupted = watcher.runners[runner.name].disrupted
            check(disrupted != "", f"{runner.name} was not evicted, but {ended}")
            act.seen.append(f"its pod {ended}, {disrupted}, in {took:.0f} s")
            for name in (NAME, CANARY):
                self.cluster.rolled_out(NAMESPACE, name)
            self._goes_on(watcher, act)
            self.cluster.kubectl("uncordon", worker)
            act.seen.append(
                f"{self.world.failed() - failed} requests failed while pods of podinfo were evicted as well"
            )

    def _kill_steerer(self, watcher: Watcher) -> Runner:
        """Kill the process of the pod that makes passes now, or of the next one."""
        killed: list[Runner] = []

        def kill() -> bool:
            runner = watcher.wait_runner(lambda runner: runner.running, "a pod of the CronJob", seconds=PATIENCE)
            if self.cluster.signal("KILL", node=runner.node, process="steerer"):  # it may have ended by itself since
                killed.append(runner)
            return bool(killed)

        wait_for(kill, "a steerer to kill", seconds=PATIENCE)
        return killed[0]

    def _goes_on(self, watcher: Watcher, act: Act) -> None:
        """Wait for the next step from here, which nobody helps."""
        here = watcher.now
        watcher.wait(
            lambda now: (now.weights, now.phase) != (here.weights, here.phase), f"a step from {here}", seconds=PATIENCE
        )
        act.seen.append(f"the release went on from {_split(here)} to {_split(watcher.now)} ({watcher.now.phase})")

    def _hold(self, watcher: Watcher) -> None:
        asked = self.world.requests()
        with self.told.act("kubectl set image: podinfo:3, which answers 500") as act:
            self.world.set_image(images.FAILING)
            watcher.wait(lambda now: now.weights[1] == STEP, "the first step", seconds=PATIENCE)
            watcher.wait(lambda _: self._halts() > 0, "a halt", seconds=PATIENCE)
            held, warned = len(watcher.history), self._halts()
            runner = self._kill_steerer(watcher)
            self.told.say(f"{runner.name} killed as well")
            begun = time.monotonic()
            watcher.wait(
                lambda _: time.monotonic() - begun > HOLD and self._halts() >= warned + 3,
                "more halts",
                seconds=PATIENCE,
            )
            moments = watcher.history[held - 1 :]
            check({moment.weights for moment in moments} == {STEPS[0]}, f"the weights moved: {moments}")
            check({moment.primary_image for moment in moments} == {images.NEW}, f"the primary changed: {moments}")
            check({moment.generation for moment in moments} == {moments[0].generation}, "the route was written")
            passed = time.monotonic() - begun
            act.seen.append(f"halted at {_split(watcher.now)}: {', '.join(self.world.said('Warning', FAILURE))}")
            act.seen.append(
                f"held for {passed:.0f} s and {self._halts() - warned} more passes, a killed pod among them"
            )
            act.seen.append(f"the primary still runs podinfo:2; the Rollout says: {watcher.now.ready}")
            act.seen.append(f"requests since then: {_more(asked, self.world.requests())}")

    def _take_back(self, watcher: Watcher) -> None:
        with self.told.act("kubectl set image: podinfo:2, the way back") as act:
            self.world.set_image(images.NEW)
            watcher.wait(
                lambda now: (now.phase, now.weights, now.canary_replicas) == ("Succeeded", (100, 0), 0),
                "the way back",
                seconds=PATIENCE,
            )
            check(watcher.now.primary_image == images.NEW, f"the primary runs {watcher.now.primary_image}")
            time.sleep(2)  # requests on the way
            failed = self.world.failed()
            time.sleep(5)
            check(self.world.failed() == failed, f"users still see failures: {self.world.requests()}")
            act.seen.append(f"{_split(watcher.now)}, canary at 0 replicas, nothing copied; no request fails any more")

    # --- Looking ---

    def _halts(self) -> int:
        return sum(self.world.said("Warning", FAILURE).values())

    def _passes_were_the_cronjobs(self, watcher: Watcher) -> list[str]:
        jobs = self.cluster.get(f"/apis/batch/v1/namespaces/{MESH}/jobs")["items"]
        owners = {owner["kind"] for job in jobs for owner in job["metadata"].get("ownerReferences", [])}
        check(owners == {"CronJob"}, f"Jobs are owned by {owners}")
        route = self.cluster.get(f"/apis/networking.istio.io/v1/namespaces/{NAMESPACE}/virtualservices/{NAME}")
        managers = [entry["manager"] for entry in route["metadata"]["managedFields"]]
        check("steerer" in managers, f"the route was written by {managers}")
        ended = [runner.ended for runner in watcher.runners.values() if runner.ended]
        counted = ", ".join(f"{ended.count(how)} {how}" for how in sorted(set(ended)))
        return [
            f"{len(watcher.runners)} pods of the CronJob's Jobs: {counted}",
            f"field managers of the route: {managers}",
        ]


_TOLD = (
    f"New revision detected! Scaling up {CANARY}.{NAMESPACE} to 2",
    f"Starting rollout for {FULL_NAME}",
    *(f"Advance rollout {FULL_NAME} weight {weight}" for _, weight in STEPS),
    f"Copying {CANARY}.{NAMESPACE} template spec to {FULL_NAME}",
    f"Promotion complete! Scaling down {CANARY}.{NAMESPACE}",
)


def _changes(values: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Leave out each that is as the one before."""
    return [value for value, _ in groupby(values)]


def _split_of(weights: tuple[int, int]) -> str:
    return f"{weights[0]}/{weights[1]}"


def _split(moment: Moment) -> str:
    return _split_of(moment.weights)


def _more(before: dict[str, int], now: dict[str, int]) -> str:
    """Say how many requests ended how since then."""
    more = {how: count - before.get(how, 0) for how, count in now.items()}
    return ", ".join(f"{count} x {how}" for how, count in more.items() if count)
