"""Reads what the manifest of a Rollout says of the pace of a release and of its failure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconcile.model.policy import FailurePolicy, OnFailure, PromotionPolicy, Step, Steps
from reconcile.model.template_pointer import POINTER
from reconcile.model.text import shown

if TYPE_CHECKING:
    from reconcile.model.fields import Fields

MOST_STEPS = 50
MOST_FAILURES = 1000
MOST_KEPT = 32
MOST_POINTER = 512
DEFAULT_MAX_WEIGHT = 100

# The fields of each mapping, as in the CustomResourceDefinition.
LIMITS = ("failureLimit", "consecutiveFailureLimit", "stepDeadline", "deadline")
ANALYSIS = ("maxWeight", "stepWeight", "steps", "interval", "warmUp", "metrics", "onFailure", *LIMITS, "promotion")
STEP = ("weight", "hold", "approval")
PROMOTION = ("keep", "stepWeight", "drain", "deadline")


def steps(analysis: Fields) -> Steps:
    """Returns the steps: a list of them, or every `stepWeight` up to `maxWeight`."""
    if "steps" not in analysis.value:
        maximum = analysis.integer("maxWeight", 1, 100, DEFAULT_MAX_WEIGHT)
        return Steps(size=analysis.integer("stepWeight", 1, 100), maximum=maximum)
    for key in ("stepWeight", "maxWeight"):
        if key in analysis.value:
            analysis.problem(key, "excludes steps: the last step is the maximum")
    listed = tuple(_step(item.only(*STEP)) for item in analysis.children("steps", MOST_STEPS))
    weights = [step.weight for step in listed]
    if not listed:
        analysis.problem("steps", "must have at least one step")
    elif weights != sorted(set(weights)):
        analysis.problem("steps", f"must have weights that rise, not {', '.join(map(str, weights))}")
    return Steps(maximum=max(weights, default=DEFAULT_MAX_WEIGHT), listed=listed)


def _step(step: Fields) -> Step:
    return Step(
        weight=step.integer("weight", 1, 100), hold=step.duration("hold") or 0.0, approval=step.flag("approval")
    )


def failure_policy(analysis: Fields) -> FailurePolicy:
    """Returns what is forgiven, and what comes then."""
    wanted = analysis.text("onFailure", OnFailure.HALT)
    if wanted not in {*OnFailure}:
        analysis.problem("onFailure", f"must be one of {', '.join(OnFailure)}, not {shown(wanted)}")
        wanted = OnFailure.HALT
    policy = FailurePolicy(
        on_failure=OnFailure(wanted),
        failure_limit=_limit(analysis, "failureLimit"),
        consecutive_failure_limit=_limit(analysis, "consecutiveFailureLimit"),
        step_deadline=analysis.duration("stepDeadline"),
        deadline=analysis.duration("deadline"),
    )
    if policy.on_failure is not OnFailure.HALT and not any(key in analysis.value for key in LIMITS):
        analysis.problem("onFailure", f"{wanted} needs a limit that can be passed: one of {', '.join(LIMITS)}")
    return policy


def _limit(analysis: Fields, key: str) -> int | None:
    return None if analysis.value.get(key) is None else analysis.integer(key, 0, MOST_FAILURES)


def promotion_policy(analysis: Fields) -> PromotionPolicy:
    """Returns what the copy leaves as it is, and how the traffic goes back after it."""
    promotion = analysis.child("promotion", required=False).only(*PROMOTION)
    return PromotionPolicy(
        step_weight=0 if promotion.value.get("stepWeight") is None else promotion.integer("stepWeight", 1, 100),
        drain=promotion.duration("drain") or 0.0,
        deadline=promotion.duration("deadline"),
        keep=_kept(promotion),
    )


def _kept(promotion: Fields) -> tuple[str, ...]:
    pointers = promotion.texts("keep", MOST_KEPT)
    for index, pointer in enumerate(pointers):
        if len(pointer) > MOST_POINTER or not re.fullmatch(POINTER, pointer):
            promotion.problem(
                f"keep[{index}]",
                f"{shown(pointer)} is no JSON pointer to a member of the template, such as /metadata/labels/track",
            )
        elif pointer in pointers[:index]:
            promotion.problem(f"keep[{index}]", f"{shown(pointer)} is there twice")
    return pointers
