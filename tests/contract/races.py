"""Races: two passes over the same release, and a user who changes what a pass has read before the pass writes.

Each race asserts its results; what all races have in common is in `test_races`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconcile.model.measurement import Failure
from reconcile.model.plan import Result
from tests.contract.release import template
from tests.contract.sandboxes import merge_patch
from tests.support.world import SUCCESS, VS, C, P, R, deployment, destination, virtual_service

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.plan import Plan
    from tests.contract.release import Release

    Race = Callable[[Release], None]

STEP = 5


# --- The state before each move ---


def initialize(release: Release) -> None:
    release.begin(deployment("podinfo-canary", "1.2.0", 0))


def scale_up(release: Release) -> None:
    release.begin(deployment("podinfo-canary", "1.2.1", 0))


def start(release: Release) -> None:
    release.begin()


def advance(release: Release) -> None:
    release.begin(stepWeight=STEP)
    release.run()


def adopt(release: Release) -> None:
    release.begin(virtual_service(30))


def halt(release: Release) -> None:
    advance(release)
    release.meter.values[SUCCESS] = Failure.NO_DATA


def restore(release: Release) -> None:
    release.begin(stepWeight=30)
    release.until_weight(60)
    release.move_weights_as(0, "argocd-controller")


def reset(release: Release) -> None:
    advance(release)
    release.revise("1.3.0")


def promote(release: Release) -> None:
    release.begin(stepWeight=100)
    release.run()


def copy(release: Release) -> None:
    promote(release)
    release.run_partly(1)


def conclude(release: Release) -> None:
    promote(release)
    release.run()


def retire(release: Release) -> None:
    conclude(release)
    release.run()


def return_(release: Release) -> None:
    advance(release)
    release.revise("1.2.0")
    release.run()


BEFORE: dict[str, Race] = {
    "initialize": initialize,
    "scale up": scale_up,
    "start": start,
    "advance": advance,
    "adopt": adopt,
    "halt": halt,
    "restore": restore,
    "reset": reset,
    "promote": promote,
    "copy": copy,
    "conclude": conclude,
    "retire": retire,
    "return": return_,
}


# --- Two passes ---


def alone(name: str) -> Race:
    """Returns a race of one pass that makes the move, and the next pass."""

    def scenario(release: Release) -> None:
        BEFORE[name](release)
        release.history.clear()
        release.apply(expected(release.plan(), name))
        release.observe()
        release.run()

    return scenario


def twice(name: str) -> Race:
    """Returns a race of two passes that both decide the move and write it, and the next pass."""

    def scenario(release: Release) -> None:
        BEFORE[name](release)
        release.history.clear()
        other = release.sandbox.second_client()
        one, two = expected(release.plan(), name), expected(release.plan(other), name)
        results = release.sandbox.in_parallel(lambda: release.apply(one), lambda: release.apply(two, other))
        assert sorted(record.result for record in results) == expected_results(release, name)
        release.observe()
        release.run()

    return scenario


def expected_results(release: Release, name: str) -> list[Result]:
    """Returns the results of two passes that write the same move."""
    if name == "initialize" and release.sandbox.without_versions:
        # There is nothing to test: the Rollout has no version and no status. Both write the same status, and only that.
        return [Result.APPLIED, Result.APPLIED]
    return [Result.APPLIED, Result.LOST_RACE]


def expected(plan: Plan, name: str) -> Plan:
    assert plan.move == {"adopt": "advance"}.get(name, name)
    return plan


def good_before_bad(release: Release) -> None:
    good, bad = opposite_plans(release)
    assert [release.apply(good).result, release.apply(bad).result] == [Result.APPLIED, Result.LOST_RACE]
    assert release.weights == [2 * STEP]
    assert not halts(release)
    release.observe()


def bad_before_good(release: Release) -> None:
    good, bad = opposite_plans(release)
    assert [release.apply(bad).result, release.apply(good).result] == [Result.APPLIED, Result.LOST_RACE]
    assert release.weights == [STEP]
    assert halts(release) == 1
    release.observe()


def opposite_plans(release: Release) -> tuple[Plan, Plan]:
    """Returns two plans for the same objects, made with good and with bad measurements."""
    advance(release)
    good = expected(release.plan(), "advance")
    release.meter.values[SUCCESS] = 0.0
    return good, expected(release.plan(), "halt")


def halts(release: Release) -> int:
    return sum(item["count"] for item in release.events if item["type"] == "Warning")


# --- A user and a pass ---


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A user's change of one object, and whether it is still there afterwards."""

    ref: Ref
    change: Callable[[Release], Manifest]
    stays: Callable[[Release], bool]


def fields(ref: Ref, change: Manifest) -> Edit:
    """Returns an edit of fields that are in no list."""

    def stays(release: Release) -> bool:
        found = release.stored(ref)
        return bool(merge_patch(found, change) == found)

    return Edit(ref=ref, change=lambda _: change, stays=stays)


def routes(change: Callable[[Manifest], list[Manifest]], stays: Callable[[list[Manifest]], bool]) -> Edit:
    """Returns an edit that replaces the only route."""
    return Edit(
        ref=VS,
        change=lambda release: {"spec": {"http": change(*release.stored(VS)["spec"]["http"])}},
        stays=lambda release: stays(release.stored(VS)["spec"]["http"]),
    )


BY_HAND = [destination("podinfo", 42), destination("podinfo-canary", 58)]
FRONT = {"match": [{"uri": {"exact": "/"}}], "route": [destination("podinfo", 100)]}
EDITS = {
    "weights": routes(lambda route: [route | {"route": BY_HAND}], lambda http: http[0]["route"] == BY_HAND),
    "a route in front": routes(lambda route: [FRONT, route], lambda http: http[0] == FRONT),
    "a time out": routes(lambda route: [route | {"timeout": "7s"}], lambda http: http[0]["timeout"] == "7s"),
    "the spec": fields(R, {"spec": {"canaryAnalysis": {"stepWeight": STEP + 1}}}),
    "labels": fields(R, {"metadata": {"labels": {"team": "a"}}}),
    "the primary's template": fields(P, template(annotations={"by": "hand"})),
    "the primary's size": fields(P, {"spec": {"replicas": 2}}),
    "the canary's size": fields(C, {"spec": {"replicas": 3}}),
    "the canary's template": fields(C, template(annotations={"by": "hand"})),
}
LOST, WRITTEN, EITHER = {Result.LOST_RACE}, {Result.APPLIED}, {Result.LOST_RACE, Result.APPLIED}

# The results that a pass may have. An API server changes a version with each write to the Rollout or to a spec; in a
# folder a pass can test only the status of the Rollout and the values that its decision relied on.
MEETINGS: dict[str, dict[str, set[Result]]] = {
    "advance": {
        "weights": LOST,
        "a route in front": LOST,
        "a time out": EITHER,
        "the spec": EITHER,
        "labels": EITHER,
        "the primary's template": WRITTEN,
        "the primary's size": WRITTEN,
        "the canary's size": WRITTEN,
        "the canary's template": WRITTEN,
    },
    "start": {"weights": LOST},
    "scale up": {"the canary's size": LOST, "the canary's template": LOST},
    "reset": {"weights": LOST, "the canary's template": WRITTEN},
    "promote": {
        "the primary's template": LOST,
        "the primary's size": EITHER,
        "the canary's template": WRITTEN,
        "weights": WRITTEN,
        "the spec": EITHER,
    },
    "copy": {"the primary's template": LOST},
    "conclude": {"weights": LOST, "the primary's template": WRITTEN},
    "retire": {"the canary's template": LOST, "the canary's size": LOST, "weights": WRITTEN, "the spec": EITHER},
    "return": {"the canary's template": LOST, "the canary's size": LOST},
}


def meeting(name: str, what: str) -> Race:
    """Returns a race of a pass and a user who changes an object between the pass's reads and writes."""

    def scenario(release: Release) -> None:
        BEFORE[name](release)
        plan, edit = expected(release.plan(), name), EDITS[what]
        release.edit(edit.ref, edit.change(release), settle=False)
        before = without_status(release)

        record = release.apply(plan)

        assert record.result in MEETINGS[name][what]
        assert edit.stays(release)
        if record.result is Result.LOST_RACE and name != "retire":  # retire scales down before it writes the status
            assert without_status(release) == before
        if name == "promote" and record.result is Result.APPLIED:
            assert release.stored(P)["spec"]["template"]["metadata"].get("annotations") is None
            assert release.images[0] == "1.2.1"  # only what was analysed is promoted
        release.pause()
        following = release.run()
        assert (following.result, following.error) == (Result.APPLIED, "")

    return scenario


def without_status(release: Release) -> Manifest:
    """Returns all Events and the objects without their status."""
    return {"events": release.events} | {
        name: [item["metadata"], item["spec"]] for name, item in release.objects.items()
    }


PAIRS: dict[str, Race] = {f"{name} twice": twice(name) for name in BEFORE}
ALONE: dict[str, Race] = {f"{name} twice": alone(name) for name in BEFORE}
DISAGREEMENTS: dict[str, Race] = {"good before bad": good_before_bad, "bad before good": bad_before_good}
