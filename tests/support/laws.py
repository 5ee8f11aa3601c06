"""The laws of a pass: what is true of every Rollout in every pass, whatever the world is.

Each law is a function of one `Turn`: a world, the plan that was made for it, and the world after it. It raises
AssertionError where the law is broken. `tests/random_worlds` checks them in random worlds, `tests/explorer` in all.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import jsonpatch
import pytest
from msgspec import Struct

from reconcile.core.state_machine import Move
from reconcile.model.actions import ANY_REVISION, Action
from reconcile.model.kinds import EVENT, KINDS, Manifest, Ref
from reconcile.model.measurement import Asks, Failure
from reconcile.model.plan import Outcome, Plan, Result
from reconcile.model.policy import Step, Steps
from reconcile.model.settings import Settings
from reconcile.model.template_hash import revision
from tests.support import measuring
from tests.support.gateway_routes import HR
from tests.support.json_values import copied, patched
from tests.support.world import CS, PS, START, VS, C, P

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.support.strategies import Scene, Server

Objects = dict[Ref, Manifest]


class Turn(Struct, frozen=True, kw_only=True):
    """One Rollout in one pass. `before` and `after` are all objects of the world but the Events."""

    scene: Scene
    plan: Plan
    result: Result
    before: Objects
    after: Objects

    @property
    def spec(self) -> Manifest:
        """The `spec` of the Rollout; empty where it is no mapping."""
        return dict(self.before[self.plan.rollout].get("spec") or {})

    @property
    def moved(self) -> bool:
        """Whether a move of the table was made."""
        return self.plan.move not in {Move.HALT, Move.WAIT, Move.HOLD}

    @property
    def steps(self) -> Steps:
        """The weights that its canary goes through."""
        analysis = self.spec["canaryAnalysis"]
        listed = tuple(Step(weight=item["weight"]) for item in analysis.get("steps") or ())
        most = listed[-1].weight if listed else analysis.get("maxWeight") or 100
        return Steps(size=analysis.get("stepWeight") or 0, maximum=most, listed=listed)


def turns(scene: Scene, cluster: Server, at: timedelta = timedelta(0)) -> Iterator[Turn]:
    """Makes one pass, and yields what it did for each Rollout."""
    records = scene.pass_over(cluster, now=START + at).run()
    while True:
        before = world_of(cluster)
        record = next(records, None)
        if record is None:
            return
        yield Turn(scene=scene, plan=record.plan, result=record.result, before=before, after=world_of(cluster))


def world_of(cluster: Server) -> Objects:
    """Returns all objects but Events as they are now. Only the cluster's own metadata changes in place."""
    found = {ref: item for ref, item in cluster.objects.items() if ref.kind != EVENT}
    return {ref: item | {"metadata": dict(item["metadata"])} for ref, item in found.items()}


# Routes, health and numbers are judged here independently of the program.


def managed(manifest: Manifest | None) -> list[tuple[Manifest, Manifest]]:
    """Returns the (primary, canary) ends of the managed routes."""
    names: dict[Any, str] = {
        f"{host}{suffix}": host
        for host in ("podinfo", "podinfo-canary")
        for suffix in ("", ".test", ".test.svc", ".test.svc.cluster.local")
    }
    found = []
    spec: Manifest = manifest["spec"] if manifest else {}
    http, rules = spec.get("http"), spec.get("rules")
    for route in http if isinstance(http, list) else []:
        ends = route.get("route") if isinstance(route, dict) else None
        if isinstance(ends, list) and len(ends) == 2 and all(isinstance(end, dict) for end in ends):
            by_host = {names.get((end.get("destination") or {}).get("host")): end for end in ends}
            if set(by_host) == {"podinfo", "podinfo-canary"}:
                found.append((by_host["podinfo"], by_host["podinfo-canary"]))
    for rule in rules if isinstance(rules, list) else []:
        by_name = {end["name"]: end for end in rule["backendRefs"]}
        if {"podinfo", "podinfo-canary"} <= by_name.keys():
            found.append((by_name["podinfo"], by_name["podinfo-canary"]))
    return found


ROUTES = (VS, HR)
"""The objects that split the traffic; most worlds have the first one alone."""


def weights(objects: Mapping[Ref, Manifest]) -> list[tuple[Any, Any]]:
    """Returns the (primary, canary) weights of the managed routes as they are written."""
    return [(one.get("weight"), other.get("weight")) for ref in ROUTES for one, other in managed(objects.get(ref))]


def shares(objects: Objects) -> list[int]:
    """Returns the canary's weights in percent."""
    of_istio = [other.get("weight") or 0 for _, other in managed(objects.get(VS))]
    return [
        *of_istio,
        *(100 * other["weight"] // (one["weight"] + other["weight"]) for one, other in managed(objects.get(HR))),
    ]


def replicas(manifest: Manifest) -> Any:
    """Returns the size that a Deployment asks for."""
    wanted = manifest["spec"].get("replicas")
    return 1 if wanted is None else wanted


def healthy(manifest: Manifest) -> bool:
    """Returns whether every replica that is wanted is there, new and available."""
    wanted, status = replicas(manifest), manifest.get("status") or {}
    counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
    seen = (status.get("observedGeneration") or 0) >= (manifest["metadata"].get("generation") or 0)
    late = any(item.get("reason") == "ProgressDeadlineExceeded" for item in status.get("conditions") or ())
    return wanted > 0 and counts == {wanted} and seen and not late and manifest["spec"].get("paused") is not True


def serves(manifest: Manifest) -> bool:
    """Returns whether a Deployment has a pod that is available."""
    return ((manifest.get("status") or {}).get("availableReplicas") or 0) > 0


def checks(turn: Turn) -> list[Manifest]:
    """Returns what the Rollout asks of its metrics."""
    return list(turn.spec["canaryAnalysis"].get("metrics") or ())


def good_metrics(turn: Turn) -> bool:
    """Returns whether each metric that the Rollout waits for has answers that are good enough."""
    reached = _reached(turn)
    return all(measuring.is_good(turn.scene, check) for check in checks(turn) if measuring.waits_at(check, reached))


def has_series(turn: Turn) -> bool:
    """Returns whether each metric that holds the first step without data has series for one of the workloads."""
    needed = [one for one in checks(turn) if measuring.waits_at(one, turn.steps.first) and "onNoData" not in one]
    answers = ({turn.scene.answer(one["name"], Asks.VALUE, ref.name) for ref in (C, P)} for one in needed)
    return all(found != {Failure.NO_DATA} for found in answers)


def changed(before: Any, after: Any, path: str = "") -> set[str]:
    """Returns the JSON pointers at which two values differ."""
    if before is after:
        return set()
    if isinstance(before, dict) and isinstance(after, dict):
        keys = before.keys() | after.keys()
        missing = object()
        return set().union(*(changed(before.get(k, missing), after.get(k, missing), f"{path}/{k}") for k in keys))
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return set().union(*(changed(b, a, f"{path}/{i}") for i, (b, a) in enumerate(zip(before, after, strict=True))))
    return set() if repr(before) == repr(after) else {path}


# The laws.


def law_applies(turn: Turn) -> None:
    """Every plan applies cleanly to what it was made from: one patch an object, the status first."""
    assert not turn.plan.error
    targets = [patch.target for patch in turn.plan.patches]
    others = [target for target in targets if target != turn.plan.rollout]
    assert len(others) <= 1 or others == [*ROUTES]
    last = others and (turn.plan.move in {Move.RETIRE, Move.RETURN, Move.GIVE_UP} or _repairs(turn))
    assert targets in ([turn.plan.rollout, *others, *([turn.plan.rollout] if last else [])], others)
    world = dict(turn.before)
    for patch in turn.plan.patches:
        world[patch.target] = patched(world[patch.target], patch.operations)
    blocked = turn.scene.unwritable.keys() | turn.scene.refused.keys()
    assert turn.result is (Result.FAILED if blocked & set(targets) else Result.APPLIED)


def law_fenced(turn: Turn) -> None:
    """No patch goes through where somebody wrote what it relied on."""
    for index, patch in enumerate(turn.plan.patches):
        again = any(patch.target == earlier.target for earlier in turn.plan.patches[:index])
        before = turn.before[patch.target]
        for other in _moved_by_another_pass(before) if again else _moved_on(before, patch.target):
            with pytest.raises(jsonpatch.JsonPatchTestFailed):
                patched(other, patch.operations)


def _moved_by_another_pass(manifest: Manifest) -> Iterator[Manifest]:
    """Yields the Rollouts that a plan must not finish: it does not know the version that its own first patch made."""
    for key, value in (("phase", "another"), ("canaryRevision", "another"), ("canaryWeight", -1)):
        if key in manifest["status"]:
            yield manifest | {"status": manifest["status"] | {key: value}}


def _moved_on(manifest: Manifest, ref: Ref) -> Iterator[Manifest]:
    """Yields the object as others may have changed it first, one field each."""
    if ref in ROUTES:
        for index in range(len(managed(manifest))):
            for end in (0, 1):
                other = copied(manifest)
                managed(other)[index][end]["weight"] = 77
                yield other
                other = copied(manifest)
                changing = managed(other)[index][end]
                name, holder = ("host", changing["destination"]) if ref == VS else ("name", changing)
                holder[name] = "another"
                yield other
    elif ref.kind == KINDS["Rollout"]:
        other = copied(manifest)
        if "resourceVersion" in other["metadata"]:
            other["metadata"]["resourceVersion"] = "another"
            yield other
        elif "status" in other:
            other["status"] = {"phase": "another"}
            yield other
    else:
        other = copied(manifest)
        other["spec"]["template"]["metadata"]["labels"]["new"] = "label"
        yield other
        if ref == C and manifest["spec"].get("replicas") is not None:
            other = copied(manifest)
            other["spec"]["replicas"] = 99
            yield other


def _repairs(turn: Turn) -> bool:
    """Returns whether the weights were put back: then the first Event is a Warning that names the manager."""
    moved = turn.plan.move in {Move.RESTORE, Move.ADVANCE}
    return moved and turn.plan.events[0].type == "Warning"


def law_weights(turn: Turn) -> None:
    """Weights add up to 100, stay below the maximum, and rise at most one step above the lowest one read."""
    if weights(turn.before) == weights(turn.after):
        return
    steps, recorded = turn.steps, _recorded(turn)
    most, reached = steps.maximum, _reached(turn) if _repairs(turn) else min(shares(turn.before))
    if turn.plan.move == Move.CONCLUDE:  # in steps, also from above the maximum
        most = min(shares(turn.before))
    written = {ref: turn.after[ref] for ref in ROUTES if ref in turn.after and turn.after[ref] != turn.before[ref]}
    for primary, canary in weights(written):
        assert type(primary) is type(canary) is int
        assert (primary + canary, 0 <= canary <= most) == (100, True)
        if turn.plan.move != Move.CONCLUDE:
            assert canary <= (recorded if turn.plan.move == Move.RESTORE else steps.after(reached))


def _recorded(turn: Turn, which: str = "canaryWeight") -> Any:
    return (turn.before[turn.plan.rollout].get("status") or {}).get(which, 0)


TOOLS = set(Settings().gitops_managers)


def _reached(turn: Turn) -> int:
    """Returns the weight of the canary, or the one it had until a GitOps tool put it back."""
    lowest, most = min(shares(turn.before)), turn.steps.maximum
    had = min(_recorded(turn), most)
    lagging = [ref for ref in ROUTES if min(shares({ref: turn.before.get(ref, {"spec": {}})}), default=had) < had]
    by_tools = all(_writers(turn.before[ref]) and _writers(turn.before[ref]) <= TOOLS for ref in lagging)
    put_back = _recorded(turn, "provenWeight") >= had and by_tools
    return max(lowest, had) if put_back else lowest


def _writers(route: Manifest) -> set[str]:
    entries = route["metadata"].get("managedFields") or ()
    lists = {"f:http", "f:rules"}
    return {entry["manager"] for entry in entries if lists & entry.get("fieldsV1", {}).get("f:spec", {}).keys()}


def law_rises(turn: Turn) -> None:
    """A weight rises only with healthy Deployments and, above 0, a passing answer for each metric; at 0, any series."""
    if not any(new > old for old, new in zip(shares(turn.before), shares(turn.after), strict=True)):
        return
    assert healthy(turn.before[P])
    assert healthy(turn.before[C])
    assert turn.plan.move == Move.RESTORE or (has_series(turn) if turn.plan.move == Move.START else good_metrics(turn))


def law_returns(turn: Turn) -> None:
    """Traffic goes back only to a healthy primary; in a rollback to one that serves."""
    if any(shares(turn.before)) and shares(turn.before) != shares(turn.after) and not any(shares(turn.after)):
        assert serves(turn.before[P]) if turn.plan.move == Move.ROLL_BACK else healthy(turn.before[P])


WITHOUT_INTERVAL = {
    *(Move.RESTORE, Move.RESET, Move.IDLE, Move.INITIALIZE, Move.HALT, Move.WAIT),
    *(Move.HOLD, Move.ROLL_BACK, Move.PROMOTE_NOW),
}


def law_interval(turn: Turn) -> None:
    """Between two moves lies the interval, except for the jitter of a CronJob."""
    last = (turn.before[turn.plan.rollout].get("status") or {}).get("lastAdvanceTime")
    if turn.plan.move not in WITHOUT_INTERVAL and last is not None:
        assert (START - datetime.fromisoformat(last)).total_seconds() >= turn.scene.interval * 3 / 4


# Where a plan may write, by its target; `*` stands for the indices of managed routes.
WRITABLE = {
    VS: "/spec/http/*/route/*/weight",
    HR: "/spec/rules/*/backendRefs/*/weight",
    P: "/spec/template",
    C: "/spec/replicas",
}
SERVER_METADATA = ("/metadata/generation", "/metadata/resourceVersion", "/metadata/managedFields")


def law_scope(turn: Turn) -> None:
    """Nothing is written but two weights a route, one template, one replica count, and the status."""
    assert turn.before.keys() == turn.after.keys()
    for ref, before in turn.before.items():
        paths = {path for path in changed(before, turn.after[ref]) if not path.startswith(SERVER_METADATA)}
        if ref == turn.plan.rollout:
            assert all(path.startswith("/status") for path in paths), paths
            continue
        assert not paths or turn.moved, (turn.plan.move, ref, paths)
        allowed = WRITABLE.get(ref, "nothing")
        assert all(re.sub(r"/\d+", "/*", path).startswith(allowed) for path in paths), (ref, paths)
    for ref in ROUTES:
        theirs = [copied(world.get(ref)) for world in (turn.before, turn.after)]
        for manifest in theirs:  # weights of routes that are not managed stay as well
            for end in (end for ends in managed(manifest) for end in ends):
                end.pop("weight", None)
            for path in SERVER_METADATA:
                (manifest or {"metadata": {}})["metadata"].pop(path.rpartition("/")[2], None)
        assert theirs[0] == theirs[1]


def law_silence(turn: Turn) -> None:
    """Waiting writes nothing and has no Event; idle has no Event and writes at most a status."""
    if turn.plan.move == Move.WAIT:  # what a controller has not taken up is noted, as it may never be
        awaited = any((gate.name, gate.outcome) == ("accepted", Outcome.WAITING) for gate in turn.plan.gates)
        assert awaited or not turn.plan.patches
    if turn.plan.move in {Move.WAIT, Move.IDLE, Move.INITIALIZE}:
        assert not turn.plan.events
        assert all(patch.target == turn.plan.rollout for patch in turn.plan.patches)
    else:
        assert turn.plan.events or turn.plan.move in {Move.CONCLUDE, Move.PROMOTE, Move.PROMOTE_NOW, Move.HOLD}


NAMED = re.compile(
    r"(Deployment|Service|VirtualService|HTTPRoute|Rollout|HorizontalPodAutoscaler)s? \S+|(spec|status)[.:\[]"
    r"|podinfo\S*\.test"
    r"|a HorizontalPodAutoscaler|HorizontalPodAutoscalers|success rate|request duration|podinfo -n test"
)


def law_halt(turn: Turn) -> None:
    """A halt has one Warning, which names an object, a field or a metric, and writes only the status."""
    if turn.plan.move != Move.HALT:
        return
    event, *refused = turn.plan.events
    assert event.type == "Warning"
    assert all(item.message.startswith("Refused ") for item in refused)
    prefix = f"Halt rollout {turn.plan.rollout.name}.test "
    assert NAMED.search(event.message.removeprefix(prefix)), event.message
    assert NAMED.search(turn.plan.reason), turn.plan.reason
    assert all(patch.target == turn.plan.rollout for patch in turn.plan.patches)
    failed = [gate for gate in turn.plan.gates if gate.outcome is Outcome.FAILED]
    if len(failed) == 2:  # a limit was passed, and the way back is shut
        assert failed[0].name in {"limits", "analysis"}
    else:
        assert len(failed) == 1
    law_numbers(event.message)


COMPARED = re.compile(r"(?:rate|duration) (-?[0-9.hmsµ]+)%? (<|>) (-?[0-9.hmsµ]+)%?$")
UNITS: dict[str, Decimal | int] = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1, "µs": Decimal("0.001"), "": 1}


def law_numbers(message: str) -> None:
    """A comparison is true as it reads."""
    match = COMPARED.search(message)
    if match:
        left, right = (_printed(match[group]) for group in (1, 3))
        assert left < right if match[2] == "<" else left > right, message


def _printed(text: str) -> Decimal:
    sign = -1 if text.startswith("-") else 1
    parts = re.findall(r"([0-9.]+)(ms|µs|h|m|s|)", text)
    return sign * sum((Decimal(number) * UNITS[unit] for number, unit in parts), Decimal(0))


def law_conditions(turn: Turn) -> None:
    """Conditions are as kstatus wants them, and their times move only with their status."""
    if turn.plan.move == Move.WAIT or not any(patch.target == turn.plan.rollout for patch in turn.plan.patches):
        return  # what is awaited is noted beside what was stored before
    before, rollout = turn.before[turn.plan.rollout], turn.plan.rollout
    patch = next(patch for patch in turn.plan.patches if patch.target == rollout)
    status = patched(before, patch.operations)["status"]
    stored = (before.get("status") or {}).get("conditions")
    old = {item["type"]: item for item in stored} if isinstance(stored, list) else {}
    new = {item["type"]: item for item in status["conditions"]}
    generation = before["metadata"].get("generation")
    assert "Ready" in new
    assert not {"Reconciling", "Stalled"} <= new.keys()
    assert all(item["status"] == "True" for kind, item in new.items() if kind != "Ready")
    assert status.get("observedGeneration") == generation
    for kind, item in new.items():
        assert item.get("observedGeneration") == generation
        assert 0 < len(item["message"].encode()) <= 1024
        same = kind in old and old[kind]["status"] == item["status"]
        assert item["lastTransitionTime"] == (old[kind]["lastTransitionTime"] if same else "2026-01-31T12:00:00Z")


def law_state_kept(turn: Turn) -> None:
    """A Rollout that cannot be used keeps all that was stored but its conditions."""
    if turn.plan.move != Move.HALT or turn.result is not Result.APPLIED:
        return
    if "InvalidSpec" in str(turn.after[turn.plan.rollout].get("status")):
        before, after = (dict(world[turn.plan.rollout].get("status") or {}) for world in (turn.before, turn.after))
        for status in (before, after):
            status.pop("conditions", None)
            status.pop("observedGeneration", None)
        if "analysis" not in before:
            after.pop("analysis", None)  # an attempt begins with the first pass that sees the revision
        # With a metric that nobody knows, all of the Rollout can be read but its analysis: traffic is adopted.
        # With an abort that comes too late, all but the analysis is looked at.
        assert after == before or "is no metric template" in turn.plan.reason or asks(turn, Action.ABORT)


def law_template(turn: Turn) -> None:
    """The primary only gets the present template of a canary that passed at the maximum, or by a person's word."""
    if P not in turn.before or turn.before[P]["spec"] == turn.after[P]["spec"]:
        return
    status = turn.before[turn.plan.rollout].get("status") or {}
    assert healthy(turn.before[P])
    assert healthy(turn.before[C])
    if turn.plan.move == Move.PROMOTE_NOW:
        assert asks(turn, Action.PROMOTE)
    else:
        assert good_metrics(turn)
        assert _reached(turn) >= turn.steps.maximum
    if turn.plan.move not in {Move.PROMOTE, Move.PROMOTE_NOW}:
        assert (turn.plan.move, status["phase"]) == (Move.COPY, "Promoting")
        book, canary = (status.get("canaryUID"), status.get("canaryGeneration")), turn.before[C]["metadata"]
        same_object = book == (canary.get("uid"), canary.get("generation"))
        assert same_object or status["canaryRevision"] == revision(turn.before[C]["spec"]["template"])
    containers = [
        world[ref]["spec"]["template"]["spec"]["containers"] for world, ref in ((turn.after, P), (turn.before, C))
    ]
    assert containers[0] == containers[1]


def selected(selector: Any, labels: Mapping[str, Any]) -> bool:
    """Returns whether pods with these labels are selected."""
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def law_identity(turn: Turn) -> None:
    """The primary's pods belong to the same Deployment and Services after the copy as before."""
    if P not in turn.before or turn.before[P]["spec"] == turn.after[P]["spec"]:
        return
    old, new = turn.before[P]["spec"], turn.after[P]["spec"]
    assert {**old, "template": None} == {**new, "template": None}
    was, is_now = (spec["template"]["metadata"]["labels"] for spec in (old, new))
    assert selected(old["selector"]["matchLabels"], is_now)
    for ref in (PS, CS):
        selector = turn.before[ref]["spec"].get("selector")
        assert selected(selector, is_now) == selected(selector, was)
    affinity = new["template"]["spec"].get("affinity")
    own = turn.before[C]["spec"]["template"]["metadata"]["labels"]
    if affinity:
        term = affinity["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0]
        for key, value in term["labelSelector"]["matchLabels"].items():
            assert value == is_now[key]
            assert key in own


def law_scaled(turn: Turn) -> None:
    """The canary is scaled to zero only without traffic and beside a healthy primary."""
    if C not in turn.before or turn.before[C] == turn.after[C]:
        return
    if replicas(turn.after[C]) == 0:
        assert not any(shares(turn.before))
        assert serves(turn.before[P]) if turn.plan.move == Move.GIVE_UP else healthy(turn.before[P])
    else:
        assert turn.plan.move == Move.SCALE_UP
        assert replicas(turn.before[C]) == 0
        assert 0 < replicas(turn.after[C]) < 10


def law_succeeded(turn: Turn) -> None:
    """`Succeeded` is stored only when traffic, template and canary are where they end."""
    phases = [(world[turn.plan.rollout].get("status") or {}).get("phase") for world in (turn.before, turn.after)]
    if phases[0] == "Succeeded" or phases[1] != "Succeeded":
        return
    assert not any(shares(turn.after))
    assert replicas(turn.after[C]) == 0
    one, other = (turn.after[ref]["spec"]["template"] for ref in (P, C))
    assert one["spec"]["containers"] == other["spec"]["containers"]
    assert one["metadata"].get("annotations") == other["metadata"].get("annotations")
    status = turn.after[turn.plan.rollout]["status"]
    assert status["promotedRevision"] == status["canaryRevision"] == revision(other)


def law_claims(turn: Turn) -> None:
    """Events claim only what is stored."""
    if turn.result is not Result.APPLIED:
        return
    for event in turn.plan.events:
        words = event.message
        if words.startswith("Advance rollout"):
            weight = int(words.rpartition(" ")[2])
            assert set(weights(turn.after)) == {(100 - weight, weight)}
        elif words.startswith("Copying"):
            assert turn.after[P]["spec"]["template"] != turn.before[P]["spec"]["template"]
        elif words.startswith("Promotion complete!"):
            assert (replicas(turn.after[C]), any(shares(turn.after))) == (0, False)
        elif "Scaling up" in words:
            assert replicas(turn.after[C]) == int(words.rpartition(" ")[2])


# What people and policies ask for.


def asks(turn: Turn, action: Action, *values: str) -> bool:
    """Returns whether an annotation asks for an action on the canary's revision, by that alone or by these values."""
    annotations = turn.before[turn.plan.rollout]["metadata"].get("annotations") or {}
    value = annotations.get(action.annotation)
    if value is None or C not in turn.before:
        return False
    now = revision(turn.before[C]["spec"]["template"])
    return value in {now, *(f"{now}/{one}" for one in values)}


def _analysis(turn: Turn, objects: Objects) -> Manifest:
    return dict((objects[turn.plan.rollout].get("status") or {}).get("analysis") or {})


def law_held(turn: Turn) -> None:
    """Under a suspension nothing is moved, and under a pause nothing but by an abort, which it does not hold up."""
    if turn.spec.get("suspend") is True:
        assert not turn.moved
    annotations = turn.before[turn.plan.rollout]["metadata"].get("annotations") or {}
    every = annotations.get(Action.PAUSE.annotation) == ANY_REVISION
    if turn.moved and (every or (C in turn.before and asks(turn, Action.PAUSE))):
        assert turn.plan.move in {Move.ROLL_BACK, Move.IDLE, Move.INITIALIZE}
        assert turn.plan.move != Move.ROLL_BACK or _ended(turn) or asks(turn, Action.ABORT)


def _ended(turn: Turn) -> bool:
    """Returns whether a rollback was under way before this pass."""
    return bool(_recorded(turn, "phase") == "RollingBack")


def law_aborted(turn: Turn) -> None:
    """After an abort the canary gets no more traffic, and asks no metric, as long as a promotion did not begin."""
    if C not in turn.before or _recorded(turn, "phase") in {"Promoting", "Finalising"} or not asks(turn, Action.ABORT):
        return
    assert all(new <= old for old, new in zip(shares(turn.before), shares(turn.after), strict=True))
    if turn.plan.move == Move.ROLL_BACK:
        assert not turn.plan.measurements


def law_rolled_back(turn: Turn) -> None:
    """A rollback leaves no traffic on the canary, and has a cause: a person, a limit, or that it has begun."""
    if turn.plan.move != Move.ROLL_BACK or turn.result is not Result.APPLIED:
        return
    assert not any(shares(turn.after))
    assert (turn.after[turn.plan.rollout]["status"] or {})["phase"] == "RollingBack"
    assert _ended(turn) or asks(turn, Action.ABORT) or turn.spec["canaryAnalysis"].get("onFailure") == "Rollback"


def law_failed(turn: Turn) -> None:
    """A revision that has failed gets no traffic, until a person says so with another token."""
    status, analysis = turn.before[turn.plan.rollout].get("status") or {}, _analysis(turn, turn.before)
    if status.get("phase") not in {"Failed", "RollingBack"} or C not in turn.before:
        return
    now = revision(turn.before[C]["spec"]["template"])
    tokens = {"a", "b"} - {*analysis.get("retryTokens", ())}
    if status.get("canaryRevision") == now and not asks(turn, Action.RETRY, *tokens):
        assert all(new <= old for old, new in zip(shares(turn.before), shares(turn.after), strict=True))


def law_counts(turn: Turn) -> None:
    """Of one attempt a pass counts one check, and a failed one only where a metric was out of its bounds."""
    before, after = _analysis(turn, turn.before), _analysis(turn, turn.after)
    same = all(before.get(key) == after.get(key) for key in ("revision", "attempt", "retryTokens"))
    if not before or not after or not same:
        return
    more = {key: after.get(key, 0) - before.get(key, 0) for key in ("checks", "failedChecks", "consecutiveFailures")}
    failed = any(item.fails for item in turn.plan.measurements)
    assert more["checks"] in {0, 1}
    assert more["failedChecks"] in ({0, 1} if failed and more["checks"] else {0})
    assert more["consecutiveFailures"] == more["failedChecks"] or after["consecutiveFailures"] == 0
    assert turn.plan.measurements or not more["checks"]


def law_approved(turn: Turn) -> None:
    """A step that asks for an approval is left for more traffic, or for a promotion, only with one."""
    if turn.plan.move not in {Move.ADVANCE, Move.PROMOTE}:
        return
    reached = _reached(turn) if _repairs(turn) else min(shares(turn.before))
    listed = [item for item in turn.spec["canaryAnalysis"].get("steps") or () if item["weight"] <= reached]
    if listed and listed[-1].get("approval"):
        assert asks(turn, Action.APPROVE, str(listed[-1]["weight"]))


def law_says_which(turn: Turn) -> None:
    """A measurement says that it is only observed, and which side has no number."""
    if not turn.plan.measurements:
        return
    for found, check in zip(turn.plan.measurements, checks(turn), strict=True):
        assert found.text.endswith("(observed)") is bool(check.get("observe"))
        value, beside = (measuring.side(turn.scene, check, ref.name) for ref in (C, P))
        if "comparison" not in check or "minRequests" in check or not isinstance(value, float):
            continue
        if "falseAlarmRate" not in check["comparison"]:
            lacks = not isinstance(beside, float) and not measuring.is_ignored(check, value)
            assert ("of the primary" in found.text) is lacks, found.text
        elif found.verdict not in {"passed", "failed"}:
            assert re.search("in the counts|since the step began|weight that is on record", found.text), found.text


LAWS: tuple[Callable[[Turn], None], ...] = (
    law_applies,
    law_fenced,
    law_weights,
    law_rises,
    law_returns,
    law_interval,
    law_scope,
    law_silence,
    law_halt,
    law_conditions,
    law_state_kept,
    law_template,
    law_identity,
    law_scaled,
    law_succeeded,
    law_claims,
    law_held,
    law_aborted,
    law_rolled_back,
    law_failed,
    law_counts,
    law_approved,
    law_says_which,
)
