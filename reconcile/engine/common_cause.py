"""Whether the canaries that fail in a pass are likely to fail for one cause, which is none of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core.state_machine import Move
from reconcile.model.plan import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.model.plan import Plan

# As many Rollouts, and as large a part of all that were measured.
LEAST = 3
PART = 0.5


def fails(plan: Plan) -> bool:
    """Returns whether a plan rolls back for the failed checks of its canary."""
    failed = any(gate.name == "analysis" and gate.outcome is Outcome.FAILED for gate in plan.gates)
    return plan.move == Move.ROLL_BACK and failed


def common_cause(plans: Sequence[Plan]) -> str:
    """Returns how many Rollouts fail at once, in words; "" where it is not most of them."""
    measured = sum(bool(plan.measurements) for plan in plans)
    failing = sum(map(fails, plans))
    if failing < LEAST or failing < PART * measured:
        return ""
    return f"{failing} of {measured} Rollouts that this pass measured passed their limits at once"
