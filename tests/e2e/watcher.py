"""Looks at the cluster once a second and keeps every change, as a bystander: nothing is written.

What is kept is what a user could see; whether it is right is the story's to say.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

import requests

from tests.components import proxy
from tests.components.processes import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.cluster import KindCluster

_APPS, _ROLLOUTS, _ISTIO = "apis/apps/v1", "apis/apps.weave.works/v1beta1", "apis/networking.istio.io/v1"


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What is stored of the release. Weights are (primary, canary); `generation` is the VirtualService's."""

    phase: str | None = None
    ready: str = ""
    weights: tuple[int, int]
    generation: int
    primary_image: str
    canary_image: str
    canary_replicas: int

    def __str__(self) -> str:
        images = f"{_tag(self.primary_image)} and {self.canary_replicas} of {_tag(self.canary_image)}"
        return f"{self.phase or 'no phase'}, {self.weights[0]}/{self.weights[1]}, {images}"


@dataclass(frozen=True, kw_only=True)
class Runner:
    """A pod of the CronJob. `started` is Unix time; `disrupted` and `ended` are "" until there is something to say."""

    name: str
    node: str
    running: bool
    started: float
    disrupted: str
    ended: str


class Watcher:
    """Watches a release and the pods that make its passes, between `with` and its end."""

    def __init__(
        self, cluster: KindCluster, say: Callable[[str], None], *, namespace: str, name: str, canary: str, passes: str
    ) -> None:
        self._cluster = cluster
        self._say = say
        self._namespace = namespace
        self._name = name
        self._canary = canary
        self._passes = passes
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.history: list[Moment] = []
        self.runners: dict[str, Runner] = {}
        self.outages = 0
        self.answering = True

    @property
    def now(self) -> Moment:
        """Give what was seen last."""
        return self.history[-1]

    def wait(self, condition: Callable[[Moment], bool], what: str, *, seconds: float) -> Moment:
        """Wait until what is seen meets a condition. Raises TimeoutError, and what the watch failed by."""
        wait_for(lambda: self._met(condition), what, seconds=seconds)
        return self.now

    def wait_runner(self, condition: Callable[[Runner], bool], what: str, *, seconds: float) -> Runner:
        """Wait until a pod of the CronJob meets a condition, and give it."""
        self.wait(lambda _: any(map(condition, list(self.runners.values()))), what, seconds=seconds)
        return next(runner for runner in self.runners.values() if condition(runner))

    def wait_ended(self, runner: Runner, *, seconds: float) -> str:
        """Wait until this pod has ended or is gone, and give how."""
        return self.wait_runner(
            lambda other: other.name == runner.name and other.ended != "", f"{runner.name} to end", seconds=seconds
        ).ended

    def _met(self, condition: Callable[[Moment], bool]) -> bool:
        if self._failure is not None:
            raise self._failure
        return bool(self.history) and condition(self.now)

    # --- The thread ---

    def _watch(self) -> None:
        try:
            while not self._stop.wait(1):
                self._look()
        except Exception as error:  # noqa: BLE001 (raised again where somebody waits)
            self._failure = error

    def _look(self) -> None:
        try:
            moment, runners = self._moment(), self._runners()
        except requests.RequestException as error:
            if self.answering:
                self.outages += 1
                self._say(f"the API server does not answer ({type(error).__name__})")
            self.answering = False
            return
        if not self.answering:
            self._say("the API server answers")
        self.answering = True
        self._keep(moment)
        for runner in runners:
            self._keep_runner(runner)

    def _keep(self, moment: Moment) -> None:
        if not self.history or replace(self.now, ready="") != replace(moment, ready=""):
            self._say(str(moment))
        if not self.history or self.now != moment:
            self.history.append(moment)

    def _keep_runner(self, runner: Runner) -> None:
        before = self.runners.get(runner.name)
        self.runners[runner.name] = runner
        if runner.running and not (before and before.running):
            self._say(f"{runner.name} runs on {runner.node}")
        if runner.disrupted and not (before and before.disrupted):
            self._say(f"{runner.name} is taken away: {runner.disrupted}")
        if runner.ended and not (before and before.ended):
            self._say(f"{runner.name} {runner.ended}")
            if "with" in runner.ended:
                self._save_log(runner)

    def _save_log(self, runner: Runner) -> None:
        try:
            text = self._cluster.text(f"/api/v1/namespaces/{self._passes}/pods/{runner.name}/log")
        except requests.RequestException as error:
            text = f"{error}\n"
        (self._cluster.folder / f"{runner.name}.log").write_text(text)

    def _moment(self) -> Moment:
        primary, canary = (self._get(_APPS, "deployments", name) for name in (self._name, self._canary))
        route = self._get(_ISTIO, "virtualservices", self._name)
        status = self._get(_ROLLOUTS, "rollouts", self._name).get("status", {})
        weights = proxy.weights_of(route)
        ready = [entry for entry in status.get("conditions", []) if entry["type"] == "Ready"]
        return Moment(
            phase=status.get("phase"),
            ready=ready[0]["message"] if ready else "",
            weights=(weights[self._name], weights[self._canary]),
            generation=route["metadata"]["generation"],
            primary_image=_image(primary),
            canary_image=_image(canary),
            canary_replicas=canary["spec"]["replicas"],
        )

    def _get(self, group: str, resource: str, name: str) -> dict[str, Any]:
        return self._cluster.get(f"/{group}/namespaces/{self._namespace}/{resource}/{name}")

    def _runners(self) -> list[Runner]:
        pods = self._cluster.get(f"/api/v1/namespaces/{self._passes}/pods?labelSelector=batch.kubernetes.io/job-name")
        found = [_runner(pod) for pod in pods["items"]]
        gone = self.runners.keys() - {runner.name for runner in found}
        ended = [replace(self.runners[name], running=False, ended="is gone") for name in gone]
        return [*found, *(runner for runner in ended if not self.runners[runner.name].ended)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def _image(deployment: dict[str, Any]) -> str:
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return str(container["image"])


def _tag(image: str) -> str:
    return image.rpartition("/")[2]


def _runner(pod: dict[str, Any]) -> Runner:
    [state] = [status["state"] for status in pod["status"].get("containerStatuses", [])] or [{}]
    inside = state.get("running") or state.get("terminated") or {}
    over = state.get("terminated")
    disrupted = [entry for entry in pod["status"].get("conditions", []) if entry["type"] == "DisruptionTarget"]
    return Runner(
        name=pod["metadata"]["name"],
        node=pod["spec"].get("nodeName", ""),
        running="running" in state and not disrupted,
        started=datetime.fromisoformat(inside["startedAt"]).timestamp() if inside else 0,
        disrupted=disrupted[0]["reason"] if disrupted else "",
        ended=f"ended with {over['exitCode']} ({over.get('reason', 'no reason')})" if over else "",
    )
