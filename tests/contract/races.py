"""Two at once: two passes that decide on the same, and users who change what a pass has read before it writes.

Each race is played to where it begins, run, and says what has to be; the laws are in `test_races`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconcile.model.measurement import Failure
from reconcile.model.plan import Result
from tests.contract.release import template
from tests.contract.sandboxes import merged
from tests.support.world import SUCCESS, VS, C, P, R, deployment, destination, virtual_service

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.plan import Plan
    from tests.contract.release import Play

    Race = Callable[[Play], None]

STEP = 5


# --- Where the next pass makes a certain move ---


def initialize(play: Play) -> None:
    play.begin(deployment("podinfo-canary", "1.2.0", 0))


def scale_up(play: Play) -> None:
    play.begin(deployment("podinfo-canary", "1.2.1", 0))


def start(play: Play) -> None:
    play.begin()


def advance(play: Play) -> None:
    play.begin(stepWeight=STEP)
    play.run()


def adopt(play: Play) -> None:
    play.begin(virtual_service(30))


def halt(play: Play) -> None:
    advance(play)
    play.meter.values[SUCCESS] = Failure.NO_DATA


def restore(play: Play) -> None:
    play.begin(stepWeight=30)
    play.until_weight(60)
    play.put_back(0, "argocd-controller")


def reset(play: Play) -> None:
    advance(play)
    play.revise("1.3.0")


def promote(play: Play) -> None:
    play.begin(stepWeight=100)
    play.run()


def copy(play: Play) -> None:
    promote(play)
    play.die(1)


def conclude(play: Play) -> None:
    promote(play)
    play.run()


def retire(play: Play) -> None:
    conclude(play)
    play.run()


def return_(play: Play) -> None:
    advance(play)
    play.revise("1.2.0")
    play.run()


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
    """Make the move once, and the next pass."""

    def play_it(play: Play) -> None:
        BEFORE[name](play)
        play.story.clear()
        play.apply(expected(play.plan(), name))
        play.look()
        play.run()

    return play_it


def twice(name: str) -> Race:
    """Let two passes decide the same and write it, and make the next pass."""

    def play_it(play: Play) -> None:
        BEFORE[name](play)
        play.story.clear()
        other = play.stage.another()
        one, two = expected(play.plan(), name), expected(play.plan(other), name)
        results = play.stage.both(lambda: play.apply(one), lambda: play.apply(two, other))
        assert sorted(made.result for made in results) == won_by(play, name)
        play.look()
        play.run()

    return play_it


def won_by(play: Play, name: str) -> list[Result]:
    """Give what becomes of two passes that are one too many."""
    if name == "initialize" and play.stage.without_versions:
        # Nothing is there to be tested: no version of the Rollout, no status. Both write the same, and that alone.
        return [Result.APPLIED, Result.APPLIED]
    return [Result.APPLIED, Result.LOST_RACE]


def expected(plan: Plan, name: str) -> Plan:
    assert plan.move == {"adopt": "advance"}.get(name, name)
    return plan


def good_before_bad(play: Play) -> None:
    good, bad = disagreeing(play)
    assert [play.apply(good).result, play.apply(bad).result] == [Result.APPLIED, Result.LOST_RACE]
    assert play.weights == [2 * STEP]
    assert not halts(play)
    play.look()


def bad_before_good(play: Play) -> None:
    good, bad = disagreeing(play)
    assert [play.apply(bad).result, play.apply(good).result] == [Result.APPLIED, Result.LOST_RACE]
    assert play.weights == [STEP]
    assert halts(play) == 1
    play.look()


def disagreeing(play: Play) -> tuple[Plan, Plan]:
    """Give two plans for the same world, made with good and with bad measurements."""
    advance(play)
    good = expected(play.plan(), "advance")
    play.meter.values[SUCCESS] = 0.0
    return good, expected(play.plan(), "halt")


def halts(play: Play) -> int:
    return sum(item["count"] for item in play.events if item["type"] == "Warning")


# --- A user and a pass ---


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What a user does to one object, and how one sees afterwards that it is still there."""

    ref: Ref
    change: Callable[[Play], Manifest]
    stays: Callable[[Play], bool]


def fields(ref: Ref, change: Manifest) -> Edit:
    """Give an edit of fields of their own, none of them in a list."""

    def stays(play: Play) -> bool:
        found = play.stored(ref)
        return bool(merged(found, change) == found)

    return Edit(ref=ref, change=lambda _: change, stays=stays)


def routes(change: Callable[[Manifest], list[Manifest]], stays: Callable[[list[Manifest]], bool]) -> Edit:
    """Give an edit that makes other routes of the only one."""
    return Edit(
        ref=VS,
        change=lambda play: {"spec": {"http": change(*play.stored(VS)["spec"]["http"])}},
        stays=lambda play: stays(play.stored(VS)["spec"]["http"]),
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

# What becomes of the pass. A server counts every change of the Rollout and of each spec; in a folder only the status
# of the Rollout and the values that a decision relied on are tested.
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
    """Let a user change something after a pass has read it and before it writes."""

    def play_it(play: Play) -> None:
        BEFORE[name](play)
        plan, edit = expected(play.plan(), name), EDITS[what]
        play.edit(edit.ref, edit.change(play), settle=False)
        before = without_status(play)

        made = play.apply(plan)

        assert made.result in MEETINGS[name][what]
        assert edit.stays(play)
        if made.result is Result.LOST_RACE and name != "retire":  # which scales down before it says so
            assert without_status(play) == before
        if name == "promote" and made.result is Result.APPLIED:
            assert play.stored(P)["spec"]["template"]["metadata"].get("annotations") is None
            assert play.images[0] == "1.2.1"  # what was analysed, and nothing else
        play.pause()
        following = play.run()
        assert (following.result, following.error) == (Result.APPLIED, "")

    return play_it


def without_status(play: Play) -> Manifest:
    """Give all that users see of their own objects, and what was said."""
    return {"events": play.events} | {name: [item["metadata"], item["spec"]] for name, item in play.objects.items()}


PAIRS: dict[str, Race] = {f"{name} twice": twice(name) for name in BEFORE}
ALONE: dict[str, Race] = {f"{name} twice": alone(name) for name in BEFORE}
DISAGREEMENTS: dict[str, Race] = {"good before bad": good_before_bad, "bad before good": bad_before_good}
