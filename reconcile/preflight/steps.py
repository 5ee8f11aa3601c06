"""The steps of a release: its weights, and the least time that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core import state_machine
from reconcile.core.stops import GateError
from reconcile.model import durations
from reconcile.preflight.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.preflight.findings import Subject

# After the first weight: the analysis at each, with the promotion in the last; the routing back; the scaling down.
PASSES_BESIDE_WEIGHTS = 3
# The weights of a release that are written out.
MOST_SHOWN = 12
PATH = "spec.canaryAnalysis"


def steps(subject: Subject) -> Iterator[Finding]:
    """Yields the weights and the least time of a release, and a step that is larger than the maximum."""
    case, ref = subject.case, subject.case.rollout.ref
    if any(problem.startswith(PATH) and "Weight" in problem for problem in case.rollout.problems):
        raise GateError("the weights are to be corrected first")
    step, most = case.spec.step_weight, case.spec.max_weight
    if step > most:
        message = f"{step} is larger than the maxWeight of {most}: there is one step, to {most}"
        yield Finding(level=Level.WARNING, object=str(ref), path=f"{PATH}.stepWeight", message=message)
    message = _duration(state_machine.weights(step, most), case.settings.interval)
    yield Finding(level=Level.INFO, object=str(ref), path=PATH, message=message)


def _duration(weights: list[int], interval: float) -> str:
    passes = len(weights) + PASSES_BESIDE_WEIGHTS
    least = durations.text((passes - 1) * interval)
    shown = ", ".join(map(str, weights if len(weights) <= MOST_SHOWN else [*weights[:3], "…", weights[-1]]))
    each = durations.text(interval)
    return f"{shown} %: {passes} passes at least, {least} at a control-loop interval of {each}"
