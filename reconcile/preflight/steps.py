"""The steps of a release: its weights, the least time that it takes, and the limits and deadlines beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core.stops import GateError
from reconcile.model import durations
from reconcile.model.policy import OnFailure
from reconcile.preflight.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.policy import FailurePolicy
    from reconcile.model.rollout import Spec
    from reconcile.preflight.findings import Subject

# After the first weight: the analysis at each, with the promotion in the last; the routing back; the scaling down.
PASSES_BESIDE_WEIGHTS = 3
# The weights of a release that are written out.
MOST_SHOWN = 12
PATH = "spec.canaryAnalysis"


def steps(subject: Subject) -> Iterator[Finding]:
    """Yields the weights and the least time of a release, and a step that is larger than the maximum."""
    case, ref = subject.case, subject.case.rollout.ref
    if any(problem.startswith(PATH) and _of_steps(problem) for problem in case.rollout.problems):
        raise GateError("the weights are to be corrected first")
    interval = max(case.settings.interval, case.spec.interval)
    problems = (*_too_large(case.spec), *_limits(case.spec, interval), *_deadlines(case.spec, interval))
    for path, message in problems:
        yield Finding(level=Level.WARNING, object=str(ref), path=f"{PATH}.{path}", message=message)
    yield Finding(level=Level.INFO, object=str(ref), path=PATH, message=_duration(case.spec, interval))


def _of_steps(problem: str) -> bool:
    return "Weight" in problem or problem.startswith(f"{PATH}.steps")


def _too_large(spec: Spec) -> Iterator[tuple[str, str]]:
    size, most = spec.steps.size, spec.steps.maximum
    if size > most:
        yield "stepWeight", f"{size} is larger than the maxWeight of {most}: there is one step, to {most}"


def _limits(spec: Spec, interval: float) -> Iterator[tuple[str, str]]:
    """Yields the limits that can never be reached, or that nothing follows from."""
    policy = spec.failure
    limits = {
        "failureLimit": policy.failure_limit,
        "consecutiveFailureLimit": policy.consecutive_failure_limit,
    }
    given = {name: limit for name, limit in limits.items() if limit is not None}
    if policy.has_limits and policy.on_failure is OnFailure.HALT:
        yield "onFailure", "is Halt: a limit or a deadline that is passed changes nothing; say Pause or Rollback"
    if given and not any(check.gates_at(spec.steps.maximum) for check in spec.checks):
        yield next(iter(given)), "can never be reached: no metric is asked for, so that no check fails"
    most, in_a_row = policy.failure_limit, policy.consecutive_failure_limit
    if most is not None and in_a_row is not None and in_a_row >= most:
        yield "consecutiveFailureLimit", f"{in_a_row} can never be reached: the failureLimit of {most} is passed before"
    for name, limit in given.items():
        needed = (limit + 1) * interval
        for end, longest in _ends(policy, name).items():
            if longest is not None and longest < needed:
                checks, allowed = f"{limit + 1} checks take {durations.text(needed)}", durations.text(longest)
                yield name, f"{limit} can never be reached: {checks}, and the {end} of {allowed} is passed before"


def _ends(policy: FailurePolicy, limit: str) -> dict[str, float | None]:
    """Returns the deadlines within which a limit has to be passed. Failures in a row are all at one weight."""
    at_one_weight = {"stepDeadline": policy.step_deadline} if limit == "consecutiveFailureLimit" else {}
    return {"deadline": policy.deadline, **at_one_weight}


def _deadlines(spec: Spec, interval: float) -> Iterator[tuple[str, str]]:
    """Yields the deadlines that pass in a release without a fault."""
    policy, longest = spec.failure, max(time_at(spec, weight, interval) for weight in spec.steps.weights)
    if policy.deadline is not None and policy.deadline < _least(spec, interval):
        least = durations.text(_least(spec, interval))
        yield "deadline", f"{durations.text(policy.deadline)} is shorter than the {least} that the steps need at least"
    if policy.step_deadline is not None and policy.step_deadline <= longest:
        asked, needed = durations.text(policy.step_deadline), durations.text(longest)
        yield "stepDeadline", f"{asked} is not longer than the {needed} that a step takes at least"


def time_at(spec: Spec, weight: int, interval: float) -> float:
    """Returns the least time at a weight, in seconds; `interval` is the least time between two moves."""
    return max(interval, spec.steps.at(weight).hold, spec.warm_up)


def _least(spec: Spec, interval: float) -> float:
    """Returns the least time of a release in seconds, from its first pass to its last."""
    passes = PASSES_BESIDE_WEIGHTS - 1 + _more_passes_back(spec)
    drained = max(spec.promotion.drain - interval, 0)
    return sum(time_at(spec, weight, interval) for weight in spec.steps.weights) + passes * interval + drained


def _more_passes_back(spec: Spec) -> int:
    """Returns how many passes the traffic takes to go back to the primary, beyond the first."""
    size = spec.promotion.step_weight
    return -(-spec.steps.maximum // size) - 1 if size else 0


def _duration(spec: Spec, interval: float) -> str:
    weights = spec.steps.weights
    passes = len(weights) + PASSES_BESIDE_WEIGHTS + _more_passes_back(spec)
    least = durations.text(_least(spec, interval))
    shown = ", ".join(map(str, weights if len(weights) <= MOST_SHOWN else [*weights[:3], "…", weights[-1]]))
    each = durations.text(interval)
    return f"{shown} %: {passes} passes at least, {least} at a control-loop interval of {each}"
