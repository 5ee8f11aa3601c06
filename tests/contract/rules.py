"""The rules of a person's word and of the failure policy, one release each: what is done to it, and its moves then.

Rows only, and what they are made of; `test_rules` plays them. The rule about several Rollouts that fail at once is in
`tests/unit/engine/test_common_cause.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reconcile.model.measurement import Failure
from reconcile.model.plan import Result
from tests.contract.scenarios import both_deployments
from tests.support.world import SUCCESS, C, P, R

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconcile.model.kinds import Manifest, Ref
    from tests.contract.release import Release

    Act = Callable[[Release], object]
    Step = tuple[Act, str]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rule:
    """One rule: an analysis, acts with the moves of the passes after each, and how it stands in the end.

    `end` is the phase, the reason of Ready and the canary's weight; `says` are words of Events; `counted` are the
    checks, the failed ones and those in a row. `blocked`: no pods are admitted, each cluster says it in its words.
    """

    analysis: Manifest
    play: tuple[Step, ...]
    end: str
    says: tuple[str, ...] = ()
    counted: tuple[int, int, int] | None = None
    blocked: bool = False

    def __call__(self, release: Release) -> None:
        """Plays it (a scenario)."""
        release.begin(*both_deployments(2 if self.blocked else 1), **self.analysis)
        for act, moves in self.play:
            act(release)
            assert [release.run().plan.move for _ in moves.split(", ")] == moves.split(", ")
        [weight] = release.weights
        ready = next(item["reason"] for item in release.status["conditions"] if item["type"] == "Ready")
        assert f"{release.phase} {ready} {weight}" == self.end
        told = "\n".join(item["message"] for item in release.events)
        assert [words for words in self.says if words not in told] == [], told
        if self.counted is not None:
            found = release.status["analysis"]
            assert (found["checks"], found["failedChecks"], found["consecutiveFailures"]) == self.counted


def rule(analysis: Manifest, *play: Step, end: str, **more: Any) -> Rule:
    """Returns a rule about a release whose canary has its first weight."""
    return Rule(analysis={"stepWeight": 20} | analysis, play=((nothing, "start"), *play), end=end, **more)


# --- What is done ---


def nothing(_: Release) -> None:
    """Lets a minute go by, as always."""


def soon(release: Release) -> None:
    """Makes the next pass 20 s after the last one."""
    release.now -= timedelta(seconds=40)


def ask(**actions: str | None) -> Act:
    return lambda release: release.ask(**actions)


def measured(answer: float | Failure) -> Act:
    return lambda release: release.meter.values.update({SUCCESS: answer})


def edit(ref: Ref, **spec: Any) -> Act:
    return lambda release: release.edit(ref, {"spec": spec})


def revised(image: str) -> Act:
    return lambda release: release.revise(image)


def weighed(weight: int) -> Act:
    return lambda release: release.move_weights(weight)


def all_of(*acts: Act) -> Act:
    return lambda release: [act(release) for act in acts]


def dies_after_its_status(release: Release) -> None:
    release.run_partly(1)


def loses_its_status(release: Release) -> None:
    release.sandbox.write_status(release.ref(R), dict.fromkeys(release.status))


def passes_twice(release: Release) -> None:
    """Makes two passes that both decide before one of them writes."""
    other = release.sandbox.second_client()
    plans = release.plan(), release.plan(other)
    results = [release.apply(plans[0]).result, release.apply(plans[1], other).result]
    assert results == [Result.APPLIED, Result.LOST_RACE]
    release.pause()


def blocks_pods(release: Release) -> None:
    release.sandbox.block_pods()


def admits_pods(release: Release) -> None:
    release.sandbox.unblock_pods()
    release.sandbox.settle()


bad, good = measured(50.0), measured(100.0)
silent, dead = measured(Failure.NO_DATA), measured(Failure.UNREACHABLE)
suspended, resumed = edit(R, suspend=True), edit(R, suspend=None)
OLDER = "v1-00000000000000000000"
AT_ONCE: dict[str, Any] = {"stepWeight": 100}
ROLLBACK: dict[str, Any] = {"onFailure": "Rollback", "failureLimit": 0}
FREEZE: dict[str, Any] = {"onFailure": "Pause", "failureLimit": 0}


def by(*steps: Manifest) -> dict[str, Any]:
    return {"stepWeight": None, "maxWeight": None, "steps": [*steps]}


APPROVED = by({"weight": 5}, {"weight": 50, "approval": True})

# --- A person's word ---

ACTIONS: Mapping[str, Rule] = {
    "abort needs no metric and no healthy canary": rule(
        {},
        (all_of(dead, edit(C, paused=True)), "halt"),
        (ask(abort="{}"), "roll back, give up, idle"),
        end="Failed Aborted 0",
        says=("Rolling back", "aborted by a person", "Rolled back"),
    ),
    "abort needs no valid analysis": rule(
        {},
        (edit(R, canaryAnalysis={"metrics": [{"name": "nonsense", "threshold": 1}]}), "halt"),
        (ask(abort="{}"), "roll back, give up, idle"),
        end="Failed Aborted 0",
    ),
    "abort takes traffic to a half updated primary": rule(
        {},
        (all_of(blocks_pods, edit(P, template={"metadata": {"annotations": {"by": "hand"}}})), "halt"),
        (ask(abort="{}"), "roll back"),
        end="RollingBack RollingBack 0",
        blocked=True,
    ),
    "a late abort does not hit the next revision": rule(
        {},
        (ask(abort="{}"), "roll back, give up"),
        (revised("1.3.0"), "scale up, start, advance"),
        end="Progressing Progressing 40",
    ),
    "no action is about another revision": rule(
        APPROVED,
        (ask(abort=OLDER, pause=OLDER, promote=OLDER, approve=OLDER, retry=f"{OLDER}/1"), "advance, hold"),
        end="Progressing WaitingForApproval 50",
    ),
    "abort before the copy": rule(
        AT_ONCE, (dies_after_its_status, "copy"), (ask(abort="{}"), "conclude"), end="Finalising Finalising 0"
    ),
    "abort of a promotion that was not copied": rule(
        AT_ONCE,
        (all_of(dies_after_its_status, ask(abort="{}")), "roll back, give up"),
        end="Failed Aborted 0",
    ),
    "abort is refused after the copy": rule(
        AT_ONCE,
        (nothing, "promote"),
        (ask(abort="{}"), "conclude, retire, idle"),
        end="Succeeded Succeeded 0",
        says=("Refused abort", "the primary has its template already"),
    ),
    "pause holds and shows the checks": rule(
        ROLLBACK,
        (ask(pause="{}"), "hold, hold"),
        (bad, "halt"),
        (good, "hold"),
        (ask(pause=None), "advance"),
        end="Progressing Progressing 40",
        says=("steerer resume", "Halt rollout"),
        counted=(1, 0, 0),
    ),
    "pause of any revision": rule({}, (ask(pause="*"), "hold"), (revised("1.3.0"), "hold"), end="Progressing Held 20"),
    "pause of a promotion": rule(
        AT_ONCE,
        (nothing, "promote"),
        (ask(pause="{}"), "hold"),
        (ask(pause=None), "conclude"),
        (ask(pause="{}"), "hold"),
        (ask(pause=None), "retire"),
        end="Succeeded Succeeded 0",
    ),
    "promote needs health and nothing else": rule(
        {},
        (all_of(bad, edit(C, paused=True), ask(promote="{}")), "halt"),
        (edit(C, paused=None), "promote now, conclude, retire, idle"),
        end="Succeeded Succeeded 0",
    ),
    "approve of another weight and of this one": rule(
        APPROVED,
        (nothing, "advance, hold"),
        (ask(approve="{}/5"), "hold"),
        (ask(approve="{}/50"), "promote"),
        end="Promoting Promoting 50",
        says=("waiting for an approval to leave 50 %",),
    ),
    "approve of any weight": rule(APPROVED, (ask(approve="{}"), "advance, promote"), end="Promoting Promoting 50"),
    "retry of what failed, once a token": rule(
        {},
        (ask(abort="{}"), "roll back, give up, idle"),
        (ask(abort=None, retry="{}/1"), "scale up, start"),
        (ask(abort="{}"), "roll back, give up"),
        (ask(abort=None), "idle, idle"),
        (ask(retry="{}/2"), "scale up, start"),
        end="Progressing Progressing 20",
    ),
    "retry of what is frozen, once a token": rule(
        FREEZE,
        (bad, "halt"),
        (all_of(good, ask(retry="{}/1")), "reset, start"),
        (bad, "halt"),
        (good, "halt"),
        end="Progressing Paused 20",
    ),
    "suspension goes before abort": rule(
        {},
        (all_of(suspended, ask(abort="{}")), "hold, hold"),
        (resumed, "roll back"),
        end="RollingBack RollingBack 0",
        says=("Refused abort", "is suspended"),
    ),
    "abort goes before pause": rule({}, (ask(abort="{}", pause="{}"), "roll back"), end="RollingBack RollingBack 0"),
    "abort goes before promote": rule(
        {}, (ask(abort="{}", promote="{}"), "roll back, give up"), end="Failed Aborted 0"
    ),
    "pause goes before promote": rule(
        {},
        (ask(pause="{}", promote="{}"), "hold"),
        (ask(pause=None), "promote now"),
        end="Promoting Promoting 20",
    ),
    "promote goes before approve": rule(
        APPROVED,
        (nothing, "advance, hold"),
        (ask(promote="{}", approve="{}/5"), "promote now"),
        end="Promoting Promoting 50",
    ),
    "suspend": rule({}, (suspended, "hold, hold"), (revised("1.3.0"), "hold"), end="Progressing Suspended 20"),
    "suspend goes on where it was": rule(
        {}, (suspended, "hold"), (resumed, "advance"), end="Progressing Progressing 40"
    ),
}

# --- Steps, the interval, the promotion ---

STEPS: Mapping[str, Rule] = {
    "steps up to the last one": rule(
        by({"weight": 10}, {"weight": 40}), (nothing, "advance, promote"), end="Promoting Promoting 40"
    ),
    "steps from the least weight above": rule(
        by({"weight": 10}, {"weight": 40}, {"weight": 70}), (weighed(50), "advance"), end="Progressing Progressing 70"
    ),
    "hold": rule(
        by({"weight": 5, "hold": "3m"}, {"weight": 60}),
        (nothing, "hold, hold, advance"),
        end="Progressing Progressing 60",
    ),
    "failures act while a hold or an approval lasts": rule(
        APPROVED | ROLLBACK, (nothing, "advance, hold"), (bad, "roll back"), end="RollingBack RollingBack 0"
    ),
    "interval longer than the program's": rule(
        {"interval": "3m"}, (nothing, "wait, wait, advance"), end="Progressing Progressing 40"
    ),
    "interval shorter than the program's": rule(
        {"interval": "10s"}, (soon, "wait"), (nothing, "advance"), end="Progressing Progressing 40"
    ),
    "promotion in steps, one an interval": rule(
        AT_ONCE | {"promotion": {"stepWeight": 40}},
        (nothing, "promote, conclude"),
        (soon, "wait"),
        (edit(P, paused=True), "halt"),
        (edit(P, paused=None), "conclude, conclude, retire, idle"),
        end="Succeeded Succeeded 0",
    ),
    "drain after a promotion": rule(
        AT_ONCE | {"promotion": {"drain": "3m"}},
        (nothing, "promote, conclude, wait, wait, retire"),
        end="Succeeded Succeeded 0",
    ),
    "drain after an abort": rule(
        {"promotion": {"drain": "3m"}}, (ask(abort="{}"), "roll back, wait, wait, give up"), end="Failed Aborted 0"
    ),
    "deadline of a promotion": rule(
        AT_ONCE | {"promotion": {"deadline": "2m"}},
        (blocks_pods, "promote, halt, halt, halt"),
        end="Promoting PromotionDeadlineExceeded 100",
        says=("the canary keeps the traffic",),
        blocked=True,
    ),
    "a promotion goes on after its deadline": rule(
        AT_ONCE | {"promotion": {"deadline": "1m"}},
        (blocks_pods, "promote, halt, halt"),
        (admits_pods, "conclude, retire"),
        end="Succeeded Succeeded 0",
        blocked=True,
    ),
}

# --- The failure policy ---

POLICY: Mapping[str, Rule] = {
    "onFailure Halt, the default": rule(
        {"failureLimit": 0}, (bad, "halt, halt"), (good, "advance"), end="Progressing Progressing 40"
    ),
    "onFailure Pause": rule(FREEZE, (bad, "halt"), (good, "halt"), end="Progressing Paused 20"),
    "onFailure Pause, then promote": rule(
        FREEZE, (bad, "halt"), (ask(promote="{}"), "promote now"), end="Promoting Promoting 20"
    ),
    "onFailure Pause, then abort": rule(
        FREEZE, (bad, "halt"), (ask(abort="{}"), "roll back, give up"), end="Failed Aborted 0"
    ),
    "onFailure Rollback": rule(
        ROLLBACK,
        (bad, "roll back, give up, idle"),
        end="Failed AnalysisFailed 0",
        says=("success rate 50.00% < 99%; 1 check failed, 0 forgiven (failureLimit)", "Rolled back"),
    ),
    "failureLimit": rule(
        ROLLBACK | {"failureLimit": 2},
        (bad, "halt"),
        (good, "advance"),
        (bad, "halt, roll back"),
        end="RollingBack RollingBack 0",
        counted=(4, 3, 2),
    ),
    "consecutiveFailureLimit": rule(
        {"onFailure": "Rollback", "consecutiveFailureLimit": 1},
        (bad, "halt"),
        (good, "advance"),
        (bad, "halt"),
        (silent, "halt"),
        (bad, "roll back"),
        end="RollingBack RollingBack 0",
        counted=(5, 3, 2),
    ),
    "stepDeadline": rule(
        {"onFailure": "Rollback", "stepDeadline": "2m"},
        (dead, "halt, halt, roll back, give up"),
        end="Failed DeadlineExceeded 0",
        says=("3m at 20 % (stepDeadline 2m)",),
    ),
    "stepDeadline does not count an approval": rule(
        APPROVED | {"onFailure": "Rollback", "stepDeadline": "2m"},
        (nothing, "advance, hold, hold, hold, hold"),
        (ask(approve="{}"), "promote"),
        end="Promoting Promoting 50",
    ),
    "deadline": Rule(
        analysis={"onFailure": "Rollback", "deadline": "2m"},
        play=((edit(C, paused=True), "halt, halt, halt, roll back, give up"),),
        end="Failed DeadlineExceeded 0",
        says=("not done 3m after it was first seen (deadline 2m)",),
    ),
    "no data is not counted": rule(ROLLBACK, (silent, "halt, halt"), end="Progressing Halted 20", counted=(2, 0, 0)),
    "a dead Prometheus is not counted": rule(
        ROLLBACK, (dead, "halt, halt"), end="Progressing Halted 20", counted=(2, 0, 0)
    ),
    "an unhealthy canary is not counted": rule(
        ROLLBACK, (all_of(bad, edit(C, paused=True)), "halt, halt"), end="Progressing Halted 20", counted=(0, 0, 0)
    ),
    "once an interval": rule(
        ROLLBACK | {"failureLimit": 2},
        (bad, "halt"),
        (soon, "halt"),
        (soon, "halt"),
        end="Progressing Halted 20",
        counted=(1, 1, 1),
    ),
    "never twice by two passes at once": rule(
        ROLLBACK | {"failureLimit": 2},
        (all_of(bad, passes_twice, soon), "halt"),
        end="Progressing Halted 20",
        counted=(1, 1, 1),
    ),
    "a pass that died has counted": rule(
        ROLLBACK, (all_of(bad, dies_after_its_status, good), "roll back"), end="RollingBack RollingBack 0"
    ),
    "another revision counts from zero": rule(
        ROLLBACK | {"failureLimit": 1},
        (bad, "halt"),
        (revised("1.3.0"), "reset, start, halt"),
        end="Progressing Halted 20",
        counted=(1, 1, 1),
    ),
    "a lost status counts from zero": rule(
        ROLLBACK | {"failureLimit": 1},
        (bad, "halt"),
        (loses_its_status, "halt"),
        end="Progressing Halted 20",
        counted=(1, 1, 1),
    ),
    "a lost status holds a step anew": rule(
        by({"weight": 5, "hold": "2m"}, {"weight": 60}) | ROLLBACK,
        (loses_its_status, "hold, hold, advance"),
        end="Progressing Progressing 60",
    ),
    "a rollback needs a primary that serves": rule(
        {"onFailure": "Rollback", "stepDeadline": "1m"},
        (edit(P, replicas=0), "halt, halt"),
        (edit(P, replicas=1), "roll back"),
        end="RollingBack RollingBack 0",
        says=("has no available replica to take the traffic back",),
    ),
    "weights that come back while it rolls back": rule(
        ROLLBACK, (bad, "roll back"), (weighed(30), "roll back, give up"), end="Failed AnalysisFailed 0"
    ),
    "failed is at rest": rule(
        ROLLBACK,
        (bad, "roll back, give up"),
        (all_of(good, edit(C, replicas=2)), "idle"),
        (edit(R, canaryAnalysis={"failureLimit": 9}), "idle"),
        end="Failed AnalysisFailed 0",
    ),
    "failed, then a new template": rule(
        ROLLBACK,
        (bad, "roll back, give up"),
        (all_of(good, revised("1.3.0")), "scale up, start"),
        end="Progressing Progressing 20",
        counted=(0, 0, 0),
    ),
    "failed, then what the primary runs": rule(
        ROLLBACK, (bad, "roll back, give up"), (revised("1.2.0"), "return, idle"), end="Succeeded Succeeded 0"
    ),
    "no rollback after the copy": rule(
        AT_ONCE | ROLLBACK, (nothing, "promote"), (bad, "conclude, retire"), end="Succeeded Succeeded 0"
    ),
}

RULES = {
    f"{part} {name}": found
    for part, rules in (("ask", ACTIONS), ("steps", STEPS), ("policy", POLICY))
    for name, found in rules.items()
}
