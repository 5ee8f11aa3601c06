"""The laws that an audit log can show, held against each write of a pass that the server stored.

Each gives the sentences that are broken, led by the number of the law. Whether a Deployment was well, and what a metric
said, is in no audit log: that is held in `tests/explorer` and `tests/contract`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reconcile.model.actions import PREFIX
from reconcile.model.template_hash import revision
from tests.faults.replay import CANARY, PRIMARY, ROLLOUT, ROUTE, Step, World
from tests.support.laws import SERVER_METADATA, changed, managed, replicas, selected, weights
from tests.support.world import VS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.model.kinds import Manifest

GITOPS = "argocd"


def shares(world: World) -> list[int]:
    """Give the canary's weights."""
    return [canary or 0 for _, canary in weights({VS: world[ROUTE]})] if ROUTE in world else []


def broken(steps: Sequence[Step]) -> list[str]:
    """Give the laws that the writes of one namespace break."""
    found = []
    memory = Memory()
    for step in steps:
        if step.ours:
            laws = (*EVERY, *BY_TARGET.get(step.target, ()))
            found += [f"{text} ({step})" for law in laws for text in law(step, memory)]
        memory.keep(step)
    return found


class Memory:
    """What the laws remember from step to step."""

    def __init__(self) -> None:
        self.had: set[int] = set()  # each weight that the canary had
        self.reached = 0  # the highest weight that the canary's present template had on all routes
        self.done: Any = None  # the template that is released, and gets no traffic again
        self.failed: Any = None  # the template that was rolled back, and the retry that was asked for by then
        self.copied: list[str] = []  # the revisions that the primary was given, until somebody gave it another
        self.put_back = False  # whether a GitOps tool wrote the route last

    def keep(self, step: Step) -> None:
        """Learn from a step."""
        if step.target == ROUTE:
            self.had.update(shares(step.after))
            self.reached = max(self.reached, min(shares(step.after), default=0))
            self.put_back = not step.ours and GITOPS in step.entry.uri
        if step.target == CANARY and _template(step.before, CANARY) != _template(step.after, CANARY):
            self.reached = 0
        if (
            step.target == PRIMARY
            and not step.ours
            and _template(step.before, PRIMARY) != _template(step.after, PRIMARY)
        ):
            self.copied.clear()
        if step.ours and step.target == PRIMARY:
            self.copied.append(_status(step.before).get("canaryRevision", ""))
        if step.target == ROLLOUT:
            self._ended(step.after)

    def _ended(self, world: World) -> None:
        """Remember what is released or failed; a canary that has moved on since is neither."""
        status, found = _status(world), _template(world, CANARY)
        if status.get("phase") in {"Succeeded", "Failed"} and revision(found) == status.get("canaryRevision"):
            if status["phase"] == "Succeeded":
                self.done = found
            else:
                self.failed = found, status.get("analysis", {}).get("retryTokens")


def _status(world: World) -> Manifest:
    return dict((world.get(ROLLOUT) or {}).get("status") or {})


def _template(world: World, target: str) -> Any:
    return world[target]["spec"]["template"] if target in world else None


def _asks(world: World, action: str) -> bool:
    """Say whether a person asks for this of the canary's present revision."""
    asked = (world[ROLLOUT]["metadata"].get("annotations") or {}).get(f"{PREFIX}{action}", "")
    return CANARY in world and asked.partition("/")[0] in {revision(_template(world, CANARY)), "*"}


def _containers(world: World, target: str) -> Any:
    return _template(world, target)["spec"]["containers"]


# 10, 11: what is written, and how.

# By resource, and by subresource: where a patch may change something.
WRITABLE = {
    ("virtualservices", ""): r"/spec/http/\d+/route/\d+/weight",
    (PRIMARY, ""): r"/spec/template(/.*)?",
    (CANARY, ""): r"/spec/replicas",
    ("rollouts", "status"): r"/status(/.*)?",
}


def scope(step: Step, _: Memory) -> Iterator[str]:
    """10. Two weights a route, one template, one size, the status and Events; nothing is deleted."""
    entry = step.entry
    if entry.resource == "events":
        if entry.verb not in {"create", "patch"}:
            yield "10: an Event is neither new nor counted"
        return
    where = WRITABLE.get((entry.resource, entry.subresource)) or WRITABLE.get((step.target, entry.subresource))
    if entry.verb != "patch" or where is None:
        yield "10: this is nobody's to write"
        return
    found = {path for operation in entry.body if operation["op"] != "test" for path in [operation["path"]]}
    found |= {path for path in changed(_users(step.old), _users(step.new)) if not path.startswith(SERVER_METADATA)}
    theirs = [path for path in sorted(found) if not re.fullmatch(where, path)]
    if theirs:
        yield f"10: more than its own fields is written: {', '.join(theirs)}"
    if step.target == ROUTE and _unmanaged(step.old) != _unmanaged(step.new):
        yield "10: a weight of a route that is not managed is written"


def _users(manifest: Manifest) -> Manifest:
    """Leave out what controllers write without being on record: the status and annotations of Deployments."""
    if manifest.get("kind") != "Deployment":
        return manifest
    metadata = {key: manifest["metadata"].get(key) for key in ("name", "labels")}
    return {"metadata": metadata, "spec": manifest["spec"]}


def _unmanaged(route: Manifest) -> list[Any]:
    """Give the weights of the routes that are not managed."""
    ours = list(managed(route))
    return [
        [end.get("weight") for end in one["route"]]
        for one in route["spec"]["http"]
        if not any(pair[0] is end for pair in ours for end in one["route"])
    ]


def fences(step: Step, _: Memory) -> Iterator[str]:
    """11. A patch tests what was read first: the version, or else the generation and each value written."""
    if step.entry.resource == "events":
        return
    tests = [operation["path"] for operation in step.operations if operation["op"] == "test"]
    if not tests or step.operations[0]["op"] != "test":
        yield "11: it does not begin with tests"
    elif step.target != ROLLOUT:
        written = {operation["path"] for operation in step.operations} - set(tests)
        if "/metadata/generation" not in tests or written:
            yield f"11: it is not tested: {', '.join(sorted(written)) or 'the generation'}"


# 1, 2, 3, 6, 7, 9: the weights.


def numbers(step: Step, _: Memory) -> Iterator[str]:
    """1. Both weights are integers 0..100 that add up to 100."""
    for pair in weights({VS: step.new}):
        if any(type(weight) is not int or not 0 <= weight <= 100 for weight in pair) or sum(pair) != 100:
            yield f"1: weights are written that are none: {pair}"


def heights(step: Step, memory: Memory) -> Iterator[str]:
    """2. No more than the maximum, and one step above what was read; where a tool put it back, what it was before."""
    spec = step.seen[ROLLOUT]["spec"]["canaryAnalysis"]
    lowest = min(shares(step.before), default=0)
    start = max(lowest, memory.reached if memory.put_back else 0)
    allowed = min(spec.get("maxWeight") or 100, start + spec["stepWeight"])
    if any(weight > allowed for weight in shares(step.after)):
        yield f"2: {shares(step.after)} is written where {allowed} is the most"


def rises(step: Step, memory: Memory) -> Iterator[str]:
    """3, 7, 9. A rise follows its reads; none to a canary without pods, and none when it is done.

    No patch can test another object: what others made of the canary while the pass was under way is not its fault.
    """
    if not any(new > old for old, new in zip(shares(step.before), shares(step.after), strict=True)):
        return
    missing = {"deployments", "services", "virtualservices"} - step.reads
    if missing:
        yield f"3: a weight rises and {', '.join(sorted(missing))} were not read in this pass"
    if replicas(step.before[CANARY]) == 0 and CANARY not in step.others:
        yield "7: traffic goes to a canary that was scaled to zero"
    status = _status(step.before)
    template = _template(step.before, CANARY) if CANARY not in step.others else None
    if memory.done is not None and memory.done == template:
        yield "9: a weight rises after the release was done, without a new template"
    if memory.failed == (template, status.get("analysis", {}).get("retryTokens")):
        yield "9: a weight rises after the release failed, without a new template or a retry"
    if status.get("phase") in {"RollingBack", "Failed"}:
        yield f"18: a weight rises in the phase {status['phase']}"
    if _asks(step.seen, "abort"):
        yield "18: a weight rises though a person aborted the revision"


def returns(step: Step, _: Memory) -> Iterator[str]:
    """6. In a promotion the traffic goes to a primary that has the promoted template.

    Which one that is can only be seen for as long as the canary has it.
    """
    status = _status(step.before)
    ends = max(shares(step.after), default=0) < max(shares(step.before), default=0)
    ends = ends and status.get("phase") == "Finalising"
    here = status.get("canaryRevision") == revision(_template(step.before, CANARY))
    if ends and here and not step.others & {PRIMARY, CANARY} and not _same(step.before):
        yield "6: traffic goes to a primary without the promoted template"


def _same(world: World) -> bool:
    return bool(_containers(world, PRIMARY) == _containers(world, CANARY))


# 4, 5: the template.


def template(step: Step, memory: Memory) -> Iterator[str]:
    """4. P gets the template of C that was seen, is on record and had the maximum, once; 5. and stays what it is."""
    status, most = _status(step.before), step.seen[ROLLOUT]["spec"]["canaryAnalysis"].get("maxWeight") or 100
    if _containers(step.after, PRIMARY) != _containers(step.seen, CANARY):
        yield "4: the primary gets a template that is not the canary's"
    if status.get("canaryRevision") != revision(_template(step.seen, CANARY)) and ROLLOUT not in step.others:
        yield "4: the primary gets a template that is not on record"
    asked = _asks(step.seen, "promote")  # then no more steps are needed
    if not asked and max(min(shares(step.seen), default=0), memory.reached) < most:
        yield "4: the primary gets a template that was never at the maximum"
    if status.get("canaryRevision") in memory.copied:
        yield "4: the primary gets a template again"
    labels = _template(step.after, PRIMARY)["metadata"]["labels"]
    if step.old["spec"]["selector"] != step.new["spec"]["selector"]:
        yield "5: the selector changes"
    ours, theirs = (step.before[one]["spec"]["selector"]["matchLabels"] for one in (PRIMARY, CANARY))
    if not selected(ours, labels) or selected(theirs, labels):
        yield "5: the primary's pods are no longer the primary's"


# 7: the size.


def size(step: Step, _: Memory) -> Iterator[str]:
    """7. C goes to zero only without traffic; and up only from zero."""
    if replicas(step.new) == 0:
        if any(shares(step.before)) and ROUTE not in step.others:
            yield "7: the canary is scaled down under traffic"
    elif replicas(step.old) != 0:
        yield "7: the canary is scaled up though it has a size"


# 8: the end.


def end(step: Step, _: Memory) -> Iterator[str]:
    """8. `Succeeded` and `Failed` are stored when all of it is true."""
    phase = _status(step.after).get("phase")
    if phase not in {"Succeeded", "Failed"} or _status(step.before).get("phase") == phase:
        return
    if any(shares(step.before)) and ROUTE not in step.others:
        yield f"8: {phase} is stored while the canary has traffic"
    if replicas(step.before[CANARY]) > 0 and CANARY not in step.others:
        yield f"8: {phase} is stored while the canary has replicas"
    if phase == "Succeeded" and not _same(step.before) and not step.others & {PRIMARY, CANARY}:
        yield "8: Succeeded is stored and the primary does not have the template"


# 18: what a person asks for.


def held(step: Step, _: Memory) -> Iterator[str]:
    """18. Under a pause nothing is written but the status, unless it is a rollback."""
    rolls_back = _status(step.before).get("phase") == "RollingBack"
    if step.target in {ROUTE, PRIMARY, CANARY} and _asks(step.seen, "pause") and not rolls_back:
        yield "18: a person holds the revision, and a pass makes a move"


# 12: what is said.


def claims(step: Step, memory: Memory) -> Iterator[str]:
    """12. An Event claims only what is stored."""
    if step.entry.verb != "create" or step.entry.resource != "events":
        return
    message, now = step.entry.body["message"], step.before
    words = message.split()
    true = True
    if message.startswith("Advance rollout"):
        true = int(words[-1]) in memory.had
    elif message.startswith("Starting rollout") and ROLLOUT not in step.others:
        true = _status(now).get("phase") == "Progressing"
    elif message.startswith("Copying") and not step.others & {PRIMARY, CANARY}:
        true = _same(now)
    elif message.startswith("Promotion complete!") and not step.others & {CANARY, ROLLOUT}:
        true = replicas(now[CANARY]) == 0 and _status(now).get("phase") == "Succeeded"
    elif message.startswith("Rolling back") and not step.others & {ROUTE, ROLLOUT}:
        true = not any(shares(now)) and _status(now).get("phase") in {"RollingBack", "Failed"}
    elif message.startswith("Rolled back") and not step.others & {CANARY, ROLLOUT}:
        true = replicas(now[CANARY]) == 0 and _status(now).get("phase") == "Failed"
    elif "Scaling up" in message and CANARY not in step.others:
        true = replicas(now[CANARY]) == int(words[-1])
    if not true:
        yield f"12: an Event claims what is not stored: {message}"


EVERY = (scope, fences, held, claims)
BY_TARGET = {ROUTE: (numbers, heights, rises, returns), PRIMARY: (template,), CANARY: (size,), ROLLOUT: (end,)}
