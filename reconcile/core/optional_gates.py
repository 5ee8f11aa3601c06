"""The gates of a pass that are only where the spec of a Rollout, or a person, asks for them.

The others are in `gates`. Where one does not apply it is not looked at, and not part of the plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core import messages, pending, series
from reconcile.core.case import DEADLINE_EXCEEDED, attempts
from reconcile.core.routers import REPORTED
from reconcile.core.stops import GateError, HoldError, LimitError, WaitError
from reconcile.model import durations
from reconcile.model.actions import Action
from reconcile.model.rollout import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.core.case import Case
    from reconcile.model.rollout import Rollout


def applies(name: str, case: Case) -> bool:
    """Returns whether a gate is of this Rollout: some are only where its spec or a person asks for them."""
    asks = _ASKED.get(name)
    return asks is None or asks(case.rollout)


def suspend(case: Case) -> str:
    """Nobody suspended the Rollout in its spec, such as in Git."""
    raise HoldError(f"{case.rollout.ref} is suspended by spec.suspend: no pass acts on it", "Suspended")


def limits(case: Case) -> str:
    """The attempt at this revision goes on: no policy ended it, and it is within its deadlines."""
    if case.attempt.failure:
        raise GateError(messages.frozen(case.attempt.message, case.rollout.ref), condition="Paused")
    if reason := attempts.overdue(case):
        raise LimitError(reason, DEADLINE_EXCEEDED)
    return f"attempt {case.attempt.number}, {case.attempt.failed} failed checks"


def accepted(case: Case) -> str:
    """The controllers of the routes have taken up the weights that are stored, and one interval went by since.

    A VirtualService has no such word: its sidecars take what is stored.
    """
    splits = case.weights.splits.items()
    if refused := [f"{ref}: {split.refused}" for ref, split in splits if split.refused]:
        raise GateError("; ".join(refused))
    if awaited := [f"{ref}: {split.awaited}" for ref, split in splits if split.awaited]:
        raise WaitError("; ".join(awaited), remedy=messages.SEE_THE_CONTROLLER)
    if pending.is_noted(case.rollout):
        raise WaitError("the controllers have only just taken up the weights: their data planes follow")
    return "no controller refuses the routes, or has still to take them up"


def warmup(case: Case) -> str:
    """The canary has had its weight for as long as `warmUp` asks for, before a metric is asked."""
    elapsed, left = _at_weight(case, case.spec.warm_up)
    if left:
        raise WaitError(f"{left} in which the canary warms up: nothing is measured")
    return f"{elapsed} at this weight"


def hold(case: Case) -> str:
    """The step was held for as long as it asks for."""
    step = case.spec.steps.at(case.weights.reached)
    if case.state.phase is Phase.NEW and step.hold:
        raise HoldError(f"found at the step of {step.weight} %, which is held from now on", "Held", is_told=False)
    elapsed, left = _at_weight(case, step.hold)
    if left:
        raise HoldError(f"{left} that the step of {step.weight} % is held", "Held", is_told=False)
    return f"{elapsed} at {step.weight} %"


def approval(case: Case) -> str:
    """A person approved that the step is left, where it asks for that."""
    step = case.spec.steps.at(case.weights.reached)
    if not step.approval:
        return "the step asks for none"
    if not case.record.orders.approves(step.weight):
        raise HoldError(messages.approval(case.rollout.ref, step.weight, case.record.revision), "WaitingForApproval")
    return f"approved at {step.weight} %"


def pause(case: Case) -> str:
    """No person holds this revision."""
    if case.record.orders.is_paused:
        raise HoldError(messages.paused(case.rollout.ref), "Held")
    return "not paused"


def drain(case: Case) -> str:
    """The canary has had no traffic for as long as `promotion.drain` asks for."""
    elapsed, left = _at_weight(case, case.spec.promotion.drain)
    if left:
        raise WaitError(f"{left} in which the canary drains")
    return f"{elapsed} without traffic"


def _at_weight(case: Case, asked: float) -> tuple[str, str]:
    """Returns in words how long the canary has had its weight, and what is left of the seconds that are asked for.

    The latter is "" where nothing is; where it is not known since when, the time is over.
    """
    since = case.weights.since
    elapsed = case.seconds_since(since) if since else asked
    left = f"{durations.text(asked - elapsed)} of the {durations.text(asked)} left" if elapsed < asked else ""
    return durations.text(elapsed), left


_ASKED: dict[str, Callable[[Rollout], bool]] = {
    "suspend": lambda rollout: rollout.draft.suspend,
    "limits": lambda rollout: rollout.draft.failure.has_limits or rollout.state.attempt.failure != "",
    "accepted": lambda rollout: any(ref.kind in REPORTED for ref in rollout.draft.routes),
    "warmup": lambda rollout: rollout.draft.warm_up > 0,
    "hold": lambda rollout: any(step.hold for step in rollout.draft.steps.listed),
    "approval": lambda rollout: any(step.approval for step in rollout.draft.steps.listed),
    "pause": lambda rollout: Action.PAUSE in rollout.actions.asked,
    "series": lambda rollout: bool(series.needed(rollout.draft)),
    "drain": lambda rollout: rollout.draft.promotion.drain > 0,
}
BY_NAME: dict[str, Callable[[Case], str]] = {
    "suspend": suspend,
    "limits": limits,
    "accepted": accepted,
    "warmup": warmup,
    "hold": hold,
    "approval": approval,
    "pause": pause,
    "drain": drain,
}
