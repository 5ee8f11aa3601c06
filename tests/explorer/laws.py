"""The laws of a pass, checked at each write, whatever happened between the read and the write.

A law here is about one write of one pass in a world that may have changed. It returns a sentence for each violation,
with the number of the law first. The laws of a whole undisturbed pass are in `tests/support/laws`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tests.explorer import word_laws
from tests.explorer.manifests import template_named, without_annotations
from tests.explorer.specs import SPECS
from tests.explorer.state import ROUTES, UNMANAGED
from tests.support.world import VS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Patch, Plan
    from tests.explorer.program import Request
    from tests.explorer.state import Flight, Memory, World

RESTING = {"Initialized", "Succeeded", "Failed"}


class Write(NamedTuple):
    """One write that was stored: the pass, and the world and the object before and after."""

    plan: Plan
    flight: Flight
    request: Request
    letter: str
    before: World
    after: World
    old: Manifest
    new: Manifest

    @property
    def raises(self) -> bool:
        """Whether any managed route gives the canary more than before."""
        return self.letter in ROUTES and any(
            new > old for old, new in zip(self.before.weights, self.after.weights, strict=True)
        )

    @property
    def written_weights(self) -> tuple[int, ...]:
        """The canary's weights in the managed routes of the object that was written."""
        found = self.after.routes if self.letter == "V" else (self.after.http.weight,)
        return tuple(weight for weight in found if weight != UNMANAGED)

    @property
    def is_second(self) -> bool:
        """Whether the pass has written another object that splits the traffic before: both are one step."""
        targets = [patch.target for patch in self.plan.patches[: len(self.flight.answers)]]
        return self.letter == "H" and VS in targets


def remembered(write: Write) -> Memory:
    """Returns the memory of the laws after a write."""
    memory, status = write.before.memory, write.after.status
    if write.raises and write.plan.move != "restore":
        memory = memory._replace(rose=True)
    memory = word_laws.remembered(write, memory)
    if write.letter in ROUTES:
        memory = _routed(write, memory)
    if write.letter == "P":
        memory = memory._replace(approved=-1)
    if write.letter == "R" and status is not None:
        memory = _taken_up(write, memory)
        if write.flight.evidence.phase == "" and write.before.traffic:  # it is adopted
            memory = memory._replace(begun=write.flight.evidence.canary)
        if write.plan.move in {"promote", "promote now"} and passed_at_maximum(write):
            memory = memory._replace(approved=write.flight.evidence.canary)
        if status.phase == "Succeeded" and template_named(status.revision) == write.after.canary.template:
            memory = memory._replace(done=True)
    return memory


def _taken_up(write: Write, memory: Memory) -> Memory:
    """Returns the memory with the primary's template as it was when the canary's present one was first taken up."""
    seen = write.flight.evidence
    takes_up = write.plan.move in {"scale up", "start", "advance"} and write.after.canary.template == seen.canary
    return memory._replace(started=seen.primary) if takes_up and memory.started < 0 else memory


def _routed(write: Write, memory: Memory) -> Memory:
    if not write.after.traffic:
        memory = memory._replace(begun=-1)
    elif write.plan.move in {"start", "restore"} or repairs(write.plan):
        memory = memory._replace(begun=write.flight.evidence.canary)
    return memory._replace(reached=max(memory.reached, write.after.lowest))


def repairs(plan: Plan) -> bool:
    """Returns whether a pass found its weights put back: then it writes the status again, after the route."""
    return plan.move in {"restore", "advance"} and [*map(_is_status, plan.patches)].count(True) > 1


def _is_status(patch: Patch) -> bool:
    return patch.subresource == "status"


def passed_at_maximum(write: Write) -> bool:
    """Returns whether the pass has read what a promotion needs: the maximum weight, maybe put back since.

    Or a person who asks for it: then healthy Deployments are enough.
    """
    seen = write.flight.evidence
    most = SPECS[seen.spec].most
    if write.plan.move == "promote now":
        return "promote" in seen.orders and seen.primary_well and seen.canary_well
    was_there = min(seen.proven, seen.weight, write.before.memory.reached) >= most
    return seen.measured and seen.primary_well and seen.canary_well and (min(seen.weights) >= most or was_there)


def broken(write: Write) -> tuple[str, ...]:
    """Returns the violations of a write."""
    by_letter = {"V": _route, "H": _route, "P": _primary, "C": _canary, "R": _status}
    return (*_scope(write), *_fences(write), *by_letter[write.letter](write), *word_laws.broken(write))


# 10, 13: what is written.

OWNED = {"P": ("spec", "template"), "C": ("spec", "replicas"), "R": ("status",)}


def _scope(write: Write) -> Iterator[str]:
    """10. A pass writes two weights a route, one template, one size, the status; 13. a halt writes only the status."""
    if write.plan.move in {"halt", "wait", "hold", "idle", "initialize"} and write.letter != "R":
        yield f"13: a pass that makes no move ({write.plan.move}) writes {write.letter}"
    old, new = (_stripped(write.letter, manifest) for manifest in (write.old, write.new))
    if old != new:
        yield f"10: more than its own fields is written to {write.letter}"


def _stripped(letter: str, manifest: Manifest) -> Any:
    """Returns a manifest without the fields that steerer writes."""
    if letter == "V":
        spec = manifest["spec"]
        routes = [
            route | {"route": _without_weights(route["route"])} if len(route["route"]) > 1 else route
            for route in spec["http"]
        ]
        return manifest | {"spec": spec | {"http": routes}}
    if letter == "H":
        rules = [{"backendRefs": _without_weights(rule["backendRefs"])} for rule in manifest["spec"]["rules"]]
        return manifest | {"spec": manifest["spec"] | {"rules": rules}}
    *path, last = OWNED[letter]
    if not path:
        return {key: value for key, value in manifest.items() if key != last}
    (key,) = path
    return manifest | {key: {name: value for name, value in manifest[key].items() if name != last}}


def _without_weights(ends: list[Manifest]) -> list[Manifest]:
    return [{key: end[key] for key in end if key != "weight"} for end in ends]


# 11: no change of others is lost.


def _fences(write: Write) -> Iterator[str]:
    """11. A pass overwrites only what it has read; the status is written by the pass that read it last."""
    seen, now = write.flight.evidence, write.before
    pairs = {
        "V": (seen.routes, now.routes),
        "H": (seen.http, now.http.weight),
        "P": (seen.primary, now.primary.template),
        "C": ((seen.size, seen.canary), (now.canary.size, now.canary.template)),
    }
    read, present = pairs.get(write.letter, (0, 0))
    if read != present and write.new != write.old:
        yield f"11: {write.letter} is written over what somebody else wrote: read {read}, found {present}"
    if write.letter == "R":
        whole = any(one["path"] == "/status" for one in _operations(write.request.patch))
        theirs = "M" if whole and write.flight.answers else "R" if whole else "S"
        if theirs in write.flight.moved:
            yield "11: the status is written although the Rollout was written since it was read"


def _operations(patch: Patch | None) -> tuple[dict[str, Any], ...]:
    return patch.operations if patch is not None else ()


# 1, 2, 3, 6, 7, 9: the weights.


def _route(write: Write) -> Iterator[str]:
    seen, plan = write.flight.evidence, write.plan
    wanted = SPECS[seen.spec]
    lowest = min(seen.weights, default=0)
    spec = write.new["spec"]
    for ends in [route["route"] for route in spec.get("http", ())] + [
        rule["backendRefs"] for rule in spec.get("rules", ())
    ]:
        weights = [end["weight"] for end in ends]
        if any(type(weight) is not int or not 0 <= weight <= 100 for weight in weights) or sum(weights) != 100:
            yield f"1: weights are written that are none: {weights}"
    reached = min(seen.weight, _had(write)) if repairs(plan) else lowest
    allowed = min(wanted.most, seen.weight) if plan.move == "restore" else wanted.after(reached)
    if any(weight > allowed for weight in write.written_weights):
        yield f"2: {write.written_weights} is written where {allowed} is the most"
    if plan.move == "restore" and write.after.lowest > max(_had(write), wanted.after(0)):
        yield "2: a weight is restored that the canary never had"
    if plan.move in {"start", "advance"} and write.after.lowest < write.before.lowest:
        yield "2: a step forward takes traffic away"
    if write.raises:
        yield from _raised(write, lowest)
    if write.after.lowest < write.before.lowest or (write.before.traffic and not write.after.traffic):
        if not (seen.serves if plan.move == "roll back" else seen.primary_well):
            yield "6: traffic goes back to a primary that is not well"
        if plan.move == "conclude" and seen.phase == "Promoting" and not _promoted(write):
            yield "6: traffic goes to a primary without the promoted template"


def _had(write: Write) -> int:
    """Returns the highest weight that the canary of this pass had: the memory is of the present template only."""
    return 100 if "C" in write.flight.disturbed else write.before.memory.reached


def _promoted(write: Write) -> bool:
    """Returns whether the primary was read with the template, unless the canary has another one now."""
    status, seen = write.before.status, write.flight.evidence
    return status is None or template_named(status.revision) != seen.canary or seen.primary == seen.canary


def _raised(write: Write, lowest: int) -> Iterator[str]:
    seen, restored = write.flight.evidence, write.plan.move == "restore"
    if not (seen.primary_well and seen.canary_well):
        yield "3: a weight rises beside a Deployment that is not well"
    if (lowest > 0 or write.plan.move == "advance") and not restored and not seen.measured:
        yield "3: a weight rises and no metric was asked, or one did not pass"
    first = repairs(write.plan) and (not write.before.traffic or write.is_second)
    if write.plan.move == "advance" and not first and seen.phase != "" and write.before.memory.begun != seen.canary:
        yield "4: a revision goes on that never had a first step"
    if write.before.memory.rose and not restored and not write.is_second:
        yield "interval: two steps within one interval"
    if write.before.canary.size == 0 and "C" not in write.flight.disturbed:
        yield "7: traffic goes to a canary that was scaled to zero"
    if write.before.memory.done:
        yield "9: a weight rises after the release was done, without a new template"


# 4: the template.


def _primary(write: Write) -> Iterator[str]:
    template = write.after.primary.template
    if write.before.memory.approved != template:
        yield "4: the primary gets a template that did not pass at the maximum, or that it was given before"
    lost = without_annotations(write.before.primary.template)
    if write.before.memory.started >= 0 and lost not in {
        without_annotations(write.before.memory.started),
        without_annotations(template),
    }:
        yield "16: a value that somebody gave the primary since the release started is gone"
    if not passed_at_maximum(write):
        yield "4: the primary gets a template, and the pass that copies it has not seen it pass at the maximum"


# 7: the size.


def _canary(write: Write) -> Iterator[str]:
    seen = write.flight.evidence
    if write.after.canary.size > 0:
        if write.plan.move != "scale up" or seen.size != 0:
            yield "7: the canary is scaled up though it has a size"
        if seen.same and seen.weight > 0:
            yield "7: the canary is scaled up again, though its revision had traffic and somebody scaled it down"
        return
    if any(seen.weights) or not (seen.serves if write.plan.move == "give up" else seen.primary_well):
        yield "7: the canary is scaled down under traffic, or beside a primary that is not well"
    if seen.elsewhere > 0:
        yield "7: the canary is scaled down, although a route of somebody else splits traffic to it"
    if write.before.traffic and not write.flight.disturbed & {*ROUTES}:
        yield "7: the canary is scaled down under traffic that another pass gave it"


# 8: the end.


def _status(write: Write) -> Iterator[str]:
    status, world = write.after.status, write.after
    was = write.before.status.phase if write.before.status else ""
    if status is None or status.phase not in {"Succeeded", "Failed"} or was == status.phase:
        return
    seen, undisturbed = write.flight.evidence, write.flight.disturbed
    if world.traffic and not undisturbed & {*ROUTES}:
        yield f"8: {status.phase} is stored while the canary has traffic"
    if world.canary.size > 0 and "C" not in undisturbed:
        yield f"8: {status.phase} is stored while the canary has replicas"
    same = template_named(status.revision) == seen.canary and status.promoted == status.revision
    if status.phase == "Succeeded" and not (same and seen.primary == seen.canary):
        yield "8: Succeeded is stored and the primary does not have the template"


# 12, 14: Events, and passes that write nothing.


def planned(plan: Plan) -> tuple[str, ...]:
    """14. A pass with nothing to do writes nothing."""
    silent = plan.move == "wait" and (plan.patches or plan.events)
    return ("14: a pass that waits writes or speaks",) if silent or plan.error else ()


def said(plan: Plan, answers: str, request: Request) -> tuple[str, ...]:
    """12. A failed write ends the pass, and an Event claims only what this pass has stored."""
    found = []
    stored = len(answers) == len(plan.patches) and set(answers) <= {"o"}
    if any(event.type == "Normal" for event in request.said) and not stored:
        found.append("12: an Event claims what is not stored")
    if request.patch is not None and "r" in answers:
        found.append("12: a pass goes on after a lost race")
    if request.patch is not None and "e" in answers:
        paths = {one["path"] for one in request.patch.operations if one["op"] != "test"}
        if request.patch.subresource != "status" or paths != {"/status/conditions"} or answers.count("e") > 1:
            found.append("12: a pass goes on after a write that failed")
    return tuple(found)
