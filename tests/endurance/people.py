"""People and tools around many Rollouts, and what they do: at random, by a seed.

What only a person can end is not among it: no canary is scaled to zero under analysis, no primary gets another
template. What is broken here is mended by `rest`, which touches no template: releases end by themselves from there.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.components.controlplane import HOLD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.endurance.apps import App

    Deed = Callable[["People", App], None]

_IN_FRONT = "in-front"
_TOOL = "argocd-controller"
_WEIGHTS = (0, 30, 60, 100)
_READY = {"type": "Ready", "status": "True", "reason": "Mended"}
_NOT_READY = {"type": "Ready", "status": "False", "reason": "Broken"}


class People:
    """All who do something. `done` counts what they did."""

    def __init__(self, apps: Sequence[App], seed: int) -> None:
        self.apps = apps
        self.done: Counter[str] = Counter()
        self._random = random.Random(seed)  # noqa: S311 - a seed is what is wanted
        self._names = list(DEEDS)
        self._shares = [share for share, _ in DEEDS.values()]
        self._releases = 0

    def act(self) -> None:
        """Do one thing to one of the Rollouts."""
        [name] = self._random.choices(self._names, self._shares)
        _, deed = DEEDS[name]
        deed(self, self._random.choice(self.apps))
        self.done[name] += 1

    def rest(self, apps: Iterable[App]) -> None:
        """Let all that broke be well, and nobody want anything."""
        for app in apps:
            mend(self, app)
            autoscaler_rests(self, app)

    def pick(self, *choices: Any) -> Any:
        """Choose one of these."""
        return self._random.choice(choices)

    def number(self) -> str:
        """Give the next number of a release."""
        self._releases += 1
        return str(self._releases)


# Releases.


def release(people: People, app: App) -> None:
    _release(app, people.number())


def slow_release(people: People, app: App) -> None:
    """Give the canary pods that do not come up by themselves."""
    _release(app, people.number(), hold="true")


def _release(app: App, number: str, hold: str | None = None) -> None:
    template = {"metadata": {"annotations": {"release": number, HOLD: hold}}}
    app.merge("deployments", app.canary, {"spec": {"template": template}})


def restart(people: People, app: App) -> None:
    template = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": people.number()}}}
    app.merge("deployments", app.canary, {"spec": {"template": template}})


def revert(_: People, app: App) -> None:
    """Put the canary back to what the primary runs."""
    primary, canary = (app.get("deployments", name)["spec"]["template"] for name in (app.name, app.canary))
    labels = canary["metadata"]["labels"]
    template = primary | {"metadata": primary["metadata"] | {"labels": labels}}
    app.edit("deployments", app.canary, [{"op": "add", "path": "/spec/template", "value": template}])


# Pods and sizes.


def break_pod(people: People, app: App) -> None:
    for pod in app.pods(people.pick(app.name, app.canary))[:1]:
        app.judge(pod, _NOT_READY)


def mend(_: People, app: App) -> None:
    """Let pods that are held come up, and those that broke be ready."""
    for pod in (*app.pods(app.name), *app.pods(app.canary)):
        name, metadata, status = pod["metadata"]["name"], pod["metadata"], pod.get("status", {})
        if HOLD in metadata.get("annotations", {}):
            app.merge("pods", name, {"metadata": {"annotations": {HOLD: None}}})
        if any(one.get("reason") == "Broken" for one in status.get("conditions", ())):
            app.judge(pod, _READY)


def scale(people: People, app: App) -> None:
    app.merge("deployments", people.pick(app.name, app.canary), {"spec": {"replicas": people.pick(1, 2)}})


def autoscaler_wants(_: People, app: App) -> None:
    app.merge("horizontalpodautoscalers", f"{app.canary}/status", _sizes(1, 2))


def autoscaler_rests(_: People, app: App) -> None:
    app.merge("horizontalpodautoscalers", f"{app.canary}/status", _sizes(1, 1))


def _sizes(current: int, desired: int) -> dict[str, Any]:
    return {"status": {"currentReplicas": current, "desiredReplicas": desired}}


# The route.


def move_weights(people: People, app: App) -> None:
    _weigh(app, people.pick(*_WEIGHTS), "kubectl-edit")


def put_weights_back(_: People, app: App) -> None:
    _weigh(app, 0, _TOOL)


def _weigh(app: App, canary: int, manager: str) -> None:
    for index, route in enumerate(_routes(app)):
        if len(route["route"]) > 1:
            path = f"/spec/http/{index}"
            weights = [
                {"op": "add", "path": f"{path}/route/{end}/weight", "value": weight}
                for end, weight in enumerate((100 - canary, canary))
            ]
            app.edit("virtualservices", app.name, [_still(path, route), *weights], manager=manager)


def synchronise(people: People, app: App) -> None:
    """Write the route as a tool does, with its weights as they are."""
    for index, route in enumerate(_routes(app)):
        path = f"/spec/http/{index}"
        new = route | {"timeout": people.pick("5s", "10s", "15s")}
        operations = [_still(path, route), {"op": "replace", "path": path, "value": new}]
        app.edit("virtualservices", app.name, operations, manager=_TOOL)


def route_in_front(_: People, app: App) -> None:
    """Put a route of another kind before the others, or take it away again."""
    first = _routes(app)[0]
    if first.get("name") == _IN_FRONT:
        operations = [_still("/spec/http/0", first), {"op": "remove", "path": "/spec/http/0"}]
    else:
        match = [{"headers": {"x-team": {"exact": "blue"}}}]
        ends = [{"destination": {"host": app.name}}]
        operations = [
            {"op": "add", "path": "/spec/http/0", "value": {"name": _IN_FRONT, "match": match, "route": ends}}
        ]
    app.edit("virtualservices", app.name, operations)


def _routes(app: App) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = app.get("virtualservices")["spec"]["http"]
    return found


def _still(path: str, value: object) -> dict[str, Any]:
    return {"op": "test", "path": path, "value": value}


# The Rollout.


def edit_analysis(people: People, app: App) -> None:
    analysis = {"stepWeight": people.pick(30, 50, 70), "maxWeight": people.pick(50, 80, 100)}
    app.merge("rollouts", app.name, {"spec": {"canaryAnalysis": analysis}})


DEEDS: dict[str, tuple[int, Deed]] = {
    "gave the canary a new template": (30, release),
    "gave it one whose pods did not come up": (6, slow_release),
    "restarted the canary": (3, restart),
    "put the canary back to what the primary runs": (5, revert),
    "broke a pod": (8, break_pod),
    "mended what was broken": (25, mend),
    "scaled a Deployment": (5, scale),
    "wanted another size (an autoscaler)": (3, autoscaler_wants),
    "rested (an autoscaler)": (6, autoscaler_rests),
    "moved weights by hand": (5, move_weights),
    "put weights back (a GitOps tool)": (8, put_weights_back),
    "wrote the route (a GitOps tool)": (5, synchronise),
    "put a route in front, or took it away": (4, route_in_front),
    "edited the Rollout": (4, edit_analysis),
}
"""What is done, with its share."""
