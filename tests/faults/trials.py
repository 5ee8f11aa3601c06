"""The trials: a story told with one disturbance at one point, and what has to be of it all the same.

Duty: which disturbances there are, and how each trial is judged.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from reconcile.clusters.kube.cluster import connect
from reconcile.model.actions import PREFIX
from reconcile.model.kinds import ROLLOUT
from reconcile.model.template_hash import revision
from tests.components.faults import FAULTS, Hold, Once, dropped, killed, killed_when_done
from tests.components.gateway import passed
from tests.components.processes import wait_for
from tests.contract import comparison
from tests.contract.races import EDITS, Edit, fields
from tests.contract.release import template
from tests.faults import laws, replay
from tests.faults.stories import STORIES
from tests.faults.telling import PATIENCE, Telling, Told
from tests.support.world import C, P, R

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Record
    from tests.components.audit import AuditEntry
    from tests.components.controlplane import ControlPlane
    from tests.components.gateway import Exchange, Fault, Request
    from tests.contract.release import Release
    from tests.faults.points import Point
    from tests.faults.telling import Made

    Looks = Sequence[object]

MORE = 3
"""How many passes more than undisturbed a story may take."""

KILLS: Mapping[str, Callable[[Callable[[], object]], Fault]] = {
    "killed before": killed,
    "killed when stored": killed_when_done,
}
LATE = "stored after the next pass"
AWAY = "dropped, and all after it in the pass"
READS = ("dropped", "stored, answer cut", "hung", "401", "403", "404", "410", "429", "500", "503", "200 as a web page")
RACES = tuple(f"held {side}, {when}" for side in ("before", "after") for when in ("at once", "a minute later"))


def asked(action: str) -> Edit:
    """Give what a person asks for of the canary's present revision."""
    key = f"{PREFIX}{action}"

    def change(release: Release) -> Manifest:
        return {"metadata": {"annotations": {key: revision(release.stored(C)["spec"]["template"])}}}

    return Edit(ref=R, change=change, stays=lambda release: key in release.stored(R)["metadata"]["annotations"])


HANDS: Mapping[str, Edit] = EDITS | {
    "the canary is paused": fields(C, {"spec": {"paused": True}}),
    "the primary is paused": fields(P, {"spec": {"paused": True}}),
    "the canary's image": Edit(
        ref=C,
        change=lambda _: template(containers=[{"name": "podinfo", "image": "podinfo:9.9.9"}]),
        stays=lambda release: release.images[1] == "9.9.9",
    ),
    "an abort": asked("abort"),
    "a pause": asked("pause"),
}
DELETED = "the Rollout is deleted"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One disturbance at one point. `kind` is write, read, race or hand."""

    kind: str
    what: str
    point: Point

    def __str__(self) -> str:
        return f"{self.what}: {self.point}"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a trial ended: what became of the pass that it was about, how many more it took, and what was broken."""

    trial: Trial
    how: str
    more: int
    broken: tuple[str, ...]


def every(writes: Sequence[Point], reads: Sequence[Point]) -> list[Trial]:
    """Give all trials there are."""
    at_writes = {"write": (*FAULTS, AWAY, LATE, *KILLS), "race": RACES, "hand": (*HANDS, DELETED)}
    return [
        *(
            Trial(kind=kind, what=what, point=point)
            for kind in at_writes
            for point in writes
            for what in at_writes[kind]
        ),
        *(Trial(kind="read", what=what, point=point) for point in reads for what in READS),
    ]


def made(trial: Trial, plane: ControlPlane, namespace: str, looks: Looks) -> tuple[Told, list[str]]:
    """Tell the story of a trial; give what was told, and what is broken as far as it shows at once."""
    with ExitStack() as stack:
        telling = Telling(plane, namespace, stack, patience=30.0 if trial.kind == "race" else PATIENCE)
        seen = _KINDS[trial.kind](trial, telling, stack, looks)
        told = telling.tell(STORIES[trial.point.story], rest=trial.kind != "hand")
        found = [*seen()]
        for name in ("podinfo", "podinfo-canary"):  # so that the controllers of many trials have little to do
            plane.request("DELETE", f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
        return told, found


def judged(trial: Trial, told: Told, seen: Sequence[str], calm: Told, log: Sequence[AuditEntry]) -> Ended:
    """Hold a trial against the laws, and against the story as it goes undisturbed."""
    found = [*seen, *laws.broken(replay.steps(log)), *_silent(told)]
    number = trial.point.number
    about = told.passes[number] if number < len(told.passes) else None
    if trial.kind != "hand":
        found += [told.trouble] if told.trouble else []
        if told.end != calm.end:
            found.append(f"15: it ends otherwise: {_differences(told.end, calm.end)}")
        if len(told.passes) > len(calm.passes) + MORE:
            found.append(f"15: it takes {len(told.passes) - len(calm.passes)} passes more")
    if about is None:
        found.append("the pass that it is about was never made")
    how = _how(about) if about else "never"
    return Ended(trial=trial, how=how, more=len(told.passes) - len(calm.passes), broken=tuple(found))


def _how(about: Made) -> str:
    """Say in few words what became of a pass."""
    return about.ended if about.ended != "applied" or about.move not in {"halt", "wait"} else about.move


def _differences(one: Any, other: Any) -> str:
    return str(dict([*comparison.differences(one, other).items()][:4]))


def _silent(told: Told) -> Iterator[str]:
    """13, 14: a pass that makes no move writes the status and Events at most, and one that waits nothing."""
    for one in told.passes:
        beside = [str(request) for request in one.writes if request.resource not in {"rollouts/status", "events"}]
        if one.move in {"halt", "hold", "idle", "initialize"} and beside:
            yield f"13: a pass that makes no move ({one.move}) writes: {', '.join(beside)}"
        if one.move == "wait" and one.writes:
            yield f"14: a pass that waits writes: {', '.join(map(str, one.writes))}"


# --- How each kind is set up; what it gives is asked at the end for what is broken ---


def _at_a_write(trial: Trial, telling: Telling, _: ExitStack, __: Looks) -> Callable[[], Iterator[str]]:
    point = trial.point
    if kill := KILLS.get(trial.what):
        once = Once(kill(telling.by_process(point.number)), nth=point.nth)
    elif trial.what == AWAY:
        once = _Away(telling, point)
    elif trial.what == LATE:
        once = Once(_delivered_late(telling, point.number + 1), nth=point.nth)
    else:
        once = Once(FAULTS[trial.what], nth=point.nth)
    telling.hook = once

    def seen() -> Iterator[str]:
        if once.struck is None or str(once.struck) != point.what:
            yield f"the fault struck {once.struck}"
            return
        about = telling.passes[point.number]
        if trial.what in KILLS and "exit code -9" not in about.reason:
            yield f"the process was not killed: {about.reason}"
        if trial.what in KILLS and about.requests[-1] is not once.struck:
            yield "the process was killed, and asked on"
        yield from _given_up(about, once.struck)

    return seen


class _Away(Once):
    """The server is away from the n-th write on, until the pass is over."""

    def __init__(self, telling: Telling, point: Point) -> None:
        super().__init__(dropped, nth=point.nth)
        self._telling = telling
        self._number = point.number

    def __call__(self, request: Request) -> Fault:
        """Choose the fault (a hook)."""
        away = self.struck is not None and len(self._telling.passes) == self._number
        return dropped if away else super().__call__(request)


def _delivered_late(telling: Telling, number: int) -> Fault:
    """Close the connection, and let the server have the request when the pass of that number has been made."""

    def fault(exchange: Exchange) -> None:
        def run() -> list[Record]:
            records = telling.release.attempt()
            telling.gateway.send(exchange.request)
            return records

        telling.instead[number] = run

    return fault


def _given_up(about: Made, struck: Request) -> Iterator[str]:
    """12. After a write that failed, nothing more of the plan: the status may take it back, and a Warning say why.

    A write that a busy server did not look at is sent again, when that said; then it has not failed.
    """
    following = about.writes[about.writes.index(struck) + 1 :]
    again = following and (following[0].path, following[0].body) == (struck.path, struck.body)
    if struck.resource == "events" or again:
        return
    for request in following:
        warns = request.resource == "events" and (request.method != "POST" or b'"Warning"' in request.body)
        if not warns and request.resource != "rollouts/status":
            yield f"12: the pass goes on after a write that failed: {request}"


_NAMED = {
    "rollouts": ("rollouts", "Rollout"),
    "deployments": ("deployments", "Deployment"),
    "services": ("services", "Service"),
    "virtualservices": ("virtualservices", "VirtualService"),
    "horizontalpodautoscalers": ("horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    "endpointslices": ("ready endpoint",),
    "events": ("events", "Event"),
}


def _at_a_read(trial: Trial, telling: Telling, _: ExitStack, __: Looks) -> Callable[[], Iterator[str]]:
    point, struck = trial.point, list[str]()

    def hook(request: Request) -> Fault:
        if len(telling.passes) != point.number or not point.is_read_by(request):
            return passed
        struck.append(request.path)
        return FAULTS[trial.what]

    telling.hook = hook

    def seen() -> Iterator[str]:
        about = telling.passes[point.number]
        if not struck:
            yield "the fault struck nothing"
        if any(word in about.reason for word in ("internal error", "Traceback")):
            yield f"it is told as a defect: {about.reason}"
        failed = about.ended != "applied" or (about.move == "halt" and point.move != "halt")
        if failed and not any(name in about.reason for name in _NAMED[point.what.split()[1]]):
            yield f"it is not told what cannot be read: {about.reason}"

    return seen


def _race(trial: Trial, telling: Telling, stack: ExitStack, looks: Looks) -> Callable[[], Iterator[str]]:
    release, hold, late = telling.release, Hold(), "later" in trial.what
    side = "before" if "before" in trial.what else "after"
    once = telling.hook = Once(getattr(hold, side), nth=trial.point.nth)
    other = stack.enter_context(connect(str(telling.plane.kubeconfig), environ={}))
    other.connection.client.headers["User-Agent"] = f"{replay.OURS}other"
    broken: list[str] = []

    def run() -> list[Record]:
        with ThreadPoolExecutor(1) as pool:
            try:
                first = pool.submit(lambda: [*replace(release.new_pass(), now=lambda: release.now).run()])
                wait_for(hold.reached.is_set, "the first pass to be where it is held")
                if late:
                    release.pause()
                results = [record.result.value for record in release.new_pass(other).run()]
            finally:
                hold.let_go()
            records = first.result()
        if (now := look(telling)) not in looks:
            broken.append(f"17: two passes end where no two in a row do: {now}")
        broken.extend(f"16: the other pass failed: {result}" for result in results if result == "failed")
        release.pause()
        return records

    telling.instead[trial.point.number] = run

    def seen() -> Iterator[str]:
        if once.struck is None or str(once.struck) != trial.point.what:
            yield f"it was held at {once.struck}"
        yield from broken

    return seen


def look(telling: Telling) -> object:
    """Give what counts of the world: what passes write, but for words and times."""
    release = telling.release
    status = release.status
    stored = [status.get(key) for key in ("phase", "canaryRevision", "promotedRevision", "canaryWeight")]
    return (release.weights, release.images, release.replicas, stored)


def looks(log: Sequence[AuditEntry], number: int) -> list[object]:
    """Give how the world looks in the course of the pass of that number and of the next one."""
    steps = [step for step in replay.steps(log) if step.ours and step.number in {number, number + 1}]
    return [_look(world) for step in steps for world in (step.before, step.after)]


def _look(world: replay.World) -> object:
    status = world[replay.ROLLOUT].get("status") or {}
    pair = (world[replay.PRIMARY], world[replay.CANARY])
    images = tuple(item["spec"]["template"]["spec"]["containers"][0]["image"].removeprefix("podinfo:") for item in pair)
    stored = [status.get(key) for key in ("phase", "canaryRevision", "promotedRevision", "canaryWeight")]
    return (laws.shares(world), images, tuple(item["spec"].get("replicas", 1) for item in pair), stored)


def _by_hand(trial: Trial, telling: Telling, _: ExitStack, __: Looks) -> Callable[[], Iterator[str]]:
    release = telling.release
    edit = HANDS.get(trial.what)

    def fault(exchange: Exchange) -> None:
        if edit:
            release.edit(edit.ref, edit.change(release), settle=False)
        else:
            path = f"/apis/apps.weave.works/v1beta1/namespaces/{telling.namespace}/rollouts/podinfo"
            telling.plane.request("DELETE", path).raise_for_status()
            telling.gone = True
        passed(exchange)

    once = telling.hook = Once(fault, nth=trial.point.nth)
    telling.most = trial.point.number + 1 + MORE
    lost: list[str] = []

    def run() -> list[Record]:
        records = [*release.new_pass().run()]
        kept = edit.stays(release) if edit else not telling.sandbox.stored(ROLLOUT)
        if not kept:
            lost.append(f"11: it is lost: {trial.what}")
        release.pause()
        return records

    telling.instead[trial.point.number] = run

    def seen() -> Iterator[str]:
        if once.struck is None:
            yield "nobody edited anything"
        for number, one in enumerate(telling.passes[trial.point.number :]):
            if one.ended in {"raised", "failed"} and (number, edit is None) != (0, True):
                yield f"the pass after it {one.ended}: {one.reason}"
            if edit is None and number > 0 and one.writes:
                yield f"11: it is gone, and a pass writes: {', '.join(map(str, one.writes))}"
        yield from lost

    return seen


_KINDS: Mapping[str, Callable[[Trial, Telling, ExitStack, Looks], Callable[[], Iterator[str]]]] = {
    "write": _at_a_write,
    "read": _at_a_read,
    "race": _race,
    "hand": _by_hand,
}
